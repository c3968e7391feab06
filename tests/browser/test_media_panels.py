"""Test image and audio panels in JupyterLab as a user sees them, on a played service."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from hfwidgets.tasks import examples
from tests.browser.conftest import Open, set_theme
from tests.browser.stage import Stage
from tests.browser.test_panels import Desk, desk, done, faults, run, stage, try_example
from tests.plugins.loopback import Answer
from tests.plugins.sample_media import encode_image

__all__ = ["desk", "stage"]

pytestmark = pytest.mark.usefixtures("npm")  # axe-core is one of the front end's packages

MORE_THAN_FITS = """() => [...document.querySelectorAll('.hfw, .hfw *')].filter(node => {
  const scrolls = /auto|scroll|hidden/.test(getComputedStyle(node).overflowX);
  return node.clientWidth && !scrolls && node.scrollWidth > node.clientWidth + 1;
}).map(node => node.className + ' ' + node.scrollWidth + ' > ' + node.clientWidth)"""


@pytest.fixture
def boat(tmp_path: Path) -> Path:
    path = tmp_path / "boat.png"
    path.write_bytes(encode_image(examples.harbor()))
    return path


def test_an_image_runs_automatically(desk: Desk, stage: Stage, boat: Path) -> None:
    book = desk("object-detection", "print(panel.auto_run, panel.result[0].crop.size)")
    panel = book.panel
    panel.get_by_label("Run automatically").check()
    panel.locator("input[type=file]").set_input_files(boat)
    done(book)
    expect(panel.locator(".hfw-box-mark")).to_have_count(2)
    book.run(1)
    expect(book.output(1)).to_contain_text("True (225, 230)")
    panel.locator("input[type=file]").set_input_files(
        {"name": "none.png", "mimeType": "image/png", "buffer": b""}
    )
    expect(panel.locator(".hfw-zone")).to_contain_text("none.png is empty.")
    assert len(stage.loopback.requests) == 1


def test_several_images_have_a_result_each_that_is_chosen_by_keyboard(
    desk: Desk, page: Page, stage: Stage, boat: Path
) -> None:
    answers = [
        Answer(json=[{"label": f"boat {n}", "score": 0.9}, {"label": "sea", "score": 0.1}])
        for n in range(3)
    ]
    stage.loopback.route("POST", "/image-classification", lambda _: answers.pop(0))
    book = desk("image-classification", "print(len(panel.results))")
    files = [
        {"name": f"{n}.png", "mimeType": "image/png", "buffer": boat.read_bytes()} for n in range(3)
    ]
    book.panel.locator("input[type=file]").set_input_files(files)
    images = book.panel.get_by_role("group", name="Images").get_by_role("button")
    expect(images).to_have_count(3)
    run(book).click()
    expect(book.panel.get_by_text("boat 2, 90 percent")).to_be_visible()
    done(book)
    assert faults(page) == []
    images.nth(1).focus()
    page.keyboard.press("Enter")
    expect(book.panel.locator(".hfw-view")).to_contain_text("boat 1")
    expect(images.nth(1)).to_have_attribute("aria-pressed", "true")
    expect(book.panel.locator(".hfw-medium")).to_contain_text("1.png")
    expect(book.panel.locator(".hfw-stale-note")).to_have_count(0)
    book.run(1)
    expect(book.output(1)).to_contain_text("3")
    book.panel.get_by_role("button", name="Remove the image").click()
    expect(images).to_have_count(0)


def test_boxes_are_pinned_until_they_are_filtered_out(desk: Desk, page: Page) -> None:
    book = desk("object-detection")
    try_example(book)
    boat, sun = book.panel.locator(".hfw-box-mark").all()
    sun.focus()
    page.keyboard.press("Enter")
    run(book).focus()
    page.mouse.move(5, 5)
    expect(sun).to_have_attribute("aria-pressed", "true")
    expect(boat).to_have_class("hfw-box-mark hfw-dim")
    least = book.panel.get_by_label("Minimum score")
    least.fill("0.8")
    expect(boat).to_have_class("hfw-box-mark")
    least.fill("1")
    expect(book.panel.locator(".hfw-side")).to_contain_text("No objects above the threshold.")
    least.fill("0.61")
    expect(sun).to_be_visible()
    expect(book.panel.get_by_text("No objects above the threshold.")).to_be_hidden()


def test_the_smallest_mask_is_pointed_at(desk: Desk, page: Page, stage: Stage) -> None:
    from tests.browser.stage import mask

    masks = [("boat", mask(320, 120, 545, 350)), ("sea", mask(0, 100, 639, 419))]
    found = [{"label": name, "score": 0.9, "mask": one} for name, one in masks]
    book = desk("image-segmentation")
    stage.loopback.route("POST", "/image-segmentation", Answer(json=found))
    try_example(book)
    shapes = book.panel.locator(".hfw-mask")
    expect(shapes.nth(1)).to_have_js_property("width", 320)
    ground = book.panel.locator(".hfw-stage")
    ground.scroll_into_view_if_needed()
    place = ground.bounding_box()
    assert place
    by, down = place["width"] / 640, place["height"] / 420
    page.mouse.move(place["x"] + 440 * by, place["y"] + 300 * down)
    expect(shapes.nth(0)).to_have_class("hfw-mask hfw-active")
    page.mouse.move(place["x"] + 30 * by, place["y"] + 300 * down)
    expect(shapes.nth(1)).to_have_class("hfw-mask hfw-active")


def test_part_of_a_chosen_audio_file_and_tracks_in_turn(desk: Desk, page: Page) -> None:
    book = desk("audio-to-audio", "print(panel.inputs['audio'].seconds)")
    try_example(book)
    panel = book.panel
    heard, clean, _ = panel.locator(".hfw-view audio").all()
    tracks = panel.get_by_role("group", name="Switch between the tracks")
    expect(tracks.get_by_role("button")).to_have_text(["input", "clean", "noise"])
    heard.evaluate("sound => { sound.loop = true; sound.currentTime = 0.5; return sound.play(); }")
    tracks.get_by_role("button", name="clean").click()
    expect(heard).to_have_js_property("paused", True)
    expect(clean).to_have_js_property("paused", False)
    assert clean.evaluate("sound => sound.currentTime") >= 0.5
    expect(tracks.get_by_role("button", name="clean")).to_have_attribute("aria-pressed", "true")
    panel.get_by_role("button", name="Trim").click()
    panel.get_by_label("End of the part, in seconds").fill("0.75")
    expect(panel.locator(".hfw-trim")).to_contain_text("0.8 s of 3.0 s")
    panel.get_by_role("button", name="Keep this part").click()
    expect(panel.locator(".hfw-medium")).to_contain_text("0.00 to 0.75 s")
    book.run(1)
    expect(book.output(1)).to_contain_text("0.75")


def test_another_seed(desk: Desk) -> None:
    book = desk("text-to-image", settings="seed=7")
    try_example(book)
    view = book.panel.locator(".hfw-view")
    expect(view).to_contain_text("seed 7")
    book.panel.get_by_role("button", name="Vary seed").click()
    expect(view).to_contain_text("seed 8")
    expect(book.panel.get_by_role("button", name="Show image 1, seed 7")).to_be_visible()
    book.panel.get_by_label("Use seed 7 for the next run").click()
    expect(book.panel.get_by_label("Seed", exact=True)).to_have_value("7")


def test_devices_are_let_go(own_page: None, desk: Desk, page: Page) -> None:
    book = desk("automatic-speech-recognition")
    page.evaluate("""() => {
      const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
      window.streams = [];
      navigator.mediaDevices.getUserMedia = async wanted => {
        const stream = await ask(wanted);
        window.streams.push(stream);
        return stream;
      }; }""")
    live = "() => streams.map(one => one.getTracks()[0].readyState)"
    record = book.panel.get_by_role("button", name="Record")
    record.click()
    book.panel.get_by_role("button", name="Cancel").click()
    expect(record).to_be_focused()
    page.wait_for_function(f"({live})().join() === 'ended'")
    record.click()
    expect(book.panel.get_by_role("button", name="Stop recording")).to_be_enabled()
    assert page.evaluate(live) == ["ended", "live"]
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs')")
    page.wait_for_function(f"({live})().join() === 'ended,ended'")


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_narrow_and_readable(desk: Desk, page: Page, theme: str, light_again: None) -> None:
    page.set_viewport_size({"width": 450, "height": 1200})
    book = desk("image-segmentation")
    set_theme(page, theme)
    width: Any = book.panel.evaluate("node => node.clientWidth")
    assert width < 400
    assert faults(page) == []
    try_example(book)
    assert faults(page) == []
    assert page.evaluate(MORE_THAN_FITS) == []
    book.panel.get_by_label("Subtask").focus()
    page.keyboard.press("Tab")
    expect(run(book)).to_be_focused()
    assert run(book).evaluate("node => getComputedStyle(node).outlineStyle") == "solid"


def test_times_are_offered(notebook: Open, stage: Stage) -> None:
    stage.loopback.route("POST", "/automatic-speech-recognition", Answer(json={"text": ""}))
    url = stage.url("automatic-speech-recognition")
    code = f"panel = hf.panel('automatic-speech-recognition', base_url={url!r})\npanel"
    book = notebook([f"import hfwidgets as hf\n{code}"])
    try_example(book)
    expect(book.panel.locator(".hfw-view")).to_contain_text("No speech was found.")
    stage.loopback.route("POST", "/automatic-speech-recognition", Answer(json={"text": "Hello."}))
    run(book).click()
    expect(book.panel.locator(".hfw-view")).to_contain_text("Set Return timestamps")
