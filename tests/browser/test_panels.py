"""The task panels in JupyterLab, from a user's side, on a played service."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from hfwidgets.tasks import TASKS, examples
from tests.browser.conftest import Open, saving_state, set_theme
from tests.browser.jupyter import Notebook
from tests.browser.stage import SHOWN, Stage
from tests.plugins.frontend import AXE
from tests.plugins.loopback import Loopback
from tests.plugins.sample_media import encode_image

Desk = Callable[..., Notebook]
pytestmark = pytest.mark.usefixtures("npm")  # axe-core is one of the front end's packages


@pytest.fixture
def stage(loopback: Loopback) -> Stage:
    return Stage(loopback)


@pytest.fixture
def desk(notebook: Open, stage: Stage) -> Desk:
    """`desk(task, more cells)` opens a notebook with the task's panel."""

    def make(task: str, *cells: str, settings: str = "") -> Notebook:
        opened = write_panel(stage, task, settings)
        first = f"import hfwidgets as hf\npanel = {opened}\npanel"
        made = notebook([first, *cells], run=False)
        made.run(0)
        error = made.page.locator("[data-mime-type$=stderr]")
        made.panel.or_(error).first.wait_for()
        assert made.panel.count() == 1, error.inner_text()
        return made

    return make


def write_panel(stage: Stage, task: str, settings: str = "") -> str:
    """Return the code of a task's panel on the played service."""
    make = "playground(task=" if task == "chat-completion" else "panel("
    return f"hf.{make}{task!r}, base_url={stage.url(task)!r}, {settings})"


def run(book: Notebook) -> Locator:
    """The button that runs, which turns to Stop in its place."""
    return book.panel.locator(".hfw-run:not(.hfw-stop)")


def more(book: Notebook, name: str) -> None:
    """Choose an item of the menu in the panel's last line."""
    book.panel.get_by_role("button", name="More", exact=True).click()
    book.panel.get_by_role("menuitem", name=name).click()


def status(book: Notebook) -> Locator:
    return book.panel.locator(".hfw-status")


def done(book: Notebook) -> None:
    expect(book.panel.locator(".hfw-is-done")).to_be_visible()


def try_example(book: Notebook) -> None:
    book.panel.locator(".hfw-example").first.click()
    done(book)


def faults(page: Page) -> list[str]:
    """What axe-core finds serious or critical within the panel."""
    page.evaluate(f"() => {{ {AXE.read_text()} }}")
    found = page.evaluate("async () => (await axe.run('.hfw')).violations")
    return [
        f"{one['id']}: {node['html'][:150]}"
        for one in found
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]


GROUP_SIZE = 8
"""Tasks that share a notebook: a page and a kernel for each would take most of the time."""


@pytest.mark.parametrize("start", range(0, len(TASKS), GROUP_SIZE))
def test_each_task_runs_stops_and_fails_in_view(notebook: Open, stage: Stage, start: int) -> None:
    tasks = list(TASKS)[start : start + GROUP_SIZE]
    makers = "".join(f"    lambda: {write_panel(stage, task)},\n" for task in tasks)
    first = f"import hfwidgets as hf\nmakers = iter([\n{makers}])"
    book = notebook([first, "panel = next(makers)()\npanel"], run=False)
    book.run(0)
    for task in tasks:
        book.run(1)  # in the place of the panel before
        expect(book.panel, task).to_have_count(1)
        expect(book.panel.locator(".hfw-is-done"), task).to_have_count(0)
        check_task(book, stage, task)


def check_task(book: Notebook, stage: Stage, task: str) -> None:
    """Run a task's example, stop a run, let one fail, and run again."""
    try_example(book)
    view = book.panel.locator(".hfw-view")
    if task in SHOWN:
        expect(view).to_contain_text(SHOWN[task])
    else:
        expect(view.locator("video")).to_be_visible()
    for image in view.locator("img").all():
        expect(image).not_to_have_js_property("naturalWidth", 0)
    assert faults(book.page) == []
    stage.hold()
    run(book).click()
    book.panel.get_by_role("button", name="Stop").click()
    expect(status(book)).to_contain_text("Stopped")
    stage.let_go()
    stage.failing = True
    run(book).click()
    expect(book.panel.get_by_role("alert")).to_contain_text("refused this input")
    expect(book.panel.get_by_role("button", name="Try again")).to_have_count(0)
    stage.failing = False
    run(book).click()
    done(book)
    expect(book.panel.get_by_role("alert")).to_be_hidden()


def test_pointing_at_the_example_previews_it(desk: Desk, page: Page, stage: Stage) -> None:
    book = desk("text-classification")
    box = book.panel.get_by_label("Text", exact=True)
    box.fill("My own words.")
    example = book.panel.locator(".hfw-example").first
    place = "node => node.offsetTop"
    top = example.evaluate(place)
    example.hover()
    expect(box).to_have_value(TASKS["text-classification"].example["text"])
    assert example.evaluate(place) == top, "it stays under the pointer"
    page.mouse.move(2, 2)
    expect(box).to_have_value("My own words.")
    example.focus()
    expect(box).to_have_value(TASKS["text-classification"].example["text"])
    page.keyboard.press("Shift+Tab")
    expect(box).to_have_value("My own words.")
    assert stage.loopback.requests == []


def test_keyboard_alone_is_enough(desk: Desk, page: Page) -> None:
    book = desk("token-classification", "print(len(panel.result))")
    book.panel.locator(".hfw-example").first.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.type("Marie Curie moved from Warsaw to Paris.")
    page.keyboard.press("Control+Enter")
    done(book)
    spans = book.panel.locator(".hfw-span")
    expect(spans).to_have_count(2)
    spans.first.focus()
    expect(spans.nth(1)).to_have_class("hfw-span hfw-dim")
    page.keyboard.press("Enter")
    expect(spans.first).to_have_attribute("aria-pressed", "true")
    page.keyboard.type("abxmdd")
    expect(page.locator(".jp-CodeCell")).to_have_count(2)
    book.run(1)
    expect(book.output(1)).to_contain_text("2")


def test_escape_stops(desk: Desk, page: Page, stage: Stage) -> None:
    book = desk("summarization", settings="text='A long story.'")
    stage.hold()
    run(book).click()
    expect(book.panel.get_by_role("button", name="Stop")).to_be_visible()
    page.keyboard.press("Escape")
    expect(status(book)).to_contain_text("Stopped")
    expect(run(book)).to_be_focused()
    stage.let_go()


def image_file(tmp_path: Path) -> Path:
    path = tmp_path / "boat.png"
    path.write_bytes(encode_image(examples.harbor()))
    return path


def test_a_chosen_a_dropped_and_a_pasted_image(
    desk: Desk, page: Page, stage: Stage, tmp_path: Path
) -> None:
    book = desk("image-classification", "print(panel.inputs['image'][:4])")
    panel = book.panel
    panel.locator("input[type=file]").set_input_files(image_file(tmp_path))
    expect(panel.locator(".hfw-medium img")).to_have_js_property("naturalWidth", 640)
    expect(panel.locator(".hfw-medium")).to_contain_text("boat.png")
    panel.get_by_role("button", name="Remove the image").click()
    expect(panel.locator(".hfw-medium img")).to_have_count(0)
    page.evaluate("""async () => {
      const canvas = Object.assign(document.createElement('canvas'), { width: 40, height: 30 });
      const blob = await new Promise(done => canvas.toBlob(done, 'image/png'));
      const data = new DataTransfer();
      data.items.add(new File([blob], 'dropped.png', { type: 'image/png' }));
      const zone = document.querySelector('.hfw-zone');
      zone.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true }));
      await navigator.clipboard.write([new ClipboardItem({ 'image/png': blob })]); }""")
    expect(panel.locator(".hfw-medium img")).to_have_js_property("naturalWidth", 40)
    expect(panel.locator(".hfw-medium")).to_contain_text("dropped.png")
    panel.get_by_role("button", name="Remove the image").click()
    panel.get_by_role("button", name="URL").click()
    expect(panel.get_by_label("URL or path of the image")).to_be_focused()
    page.keyboard.press("Control+v")
    expect(panel.locator(".hfw-medium img")).to_have_js_property("naturalWidth", 40)
    run(book).click()
    done(book)
    assert stage.loopback.requests[-1].body.startswith(b"\x89PNG")
    book.run(1)
    expect(book.output(1)).to_contain_text("PNG")


def test_a_path_and_a_variable(desk: Desk, tmp_path: Path) -> None:
    path = image_file(tmp_path)
    cell = "from hfwidgets.tasks import examples\nboat = examples.harbor().crop((0, 0, 64, 48))"
    book = desk("image-classification", cell)
    panel = book.panel
    panel.get_by_role("button", name="URL").click()
    address = panel.get_by_label("URL or path of the image")
    address.fill(str(path))
    address.press("Enter")
    expect(panel.locator(".hfw-medium img")).to_have_js_property("naturalWidth", 640)
    address.fill("/nowhere.png")
    address.press("Enter")
    expect(panel.get_by_role("alert")).to_contain_text("There is no file '/nowhere.png'")
    book.run(1)
    panel.get_by_role("button", name="Clear").focus()
    panel.locator(".hfw-zone").hover()
    panel.get_by_label("Use a notebook variable").select_option("boat")
    expect(panel.locator(".hfw-medium img")).to_have_js_property("naturalWidth", 64)


def test_the_microphone_records_samples(desk: Desk, stage: Stage) -> None:
    cell = "sound = panel.inputs['audio']\nprint(sound.sampling_rate, sound.seconds > 0.3)"
    book = desk("automatic-speech-recognition", cell)
    panel = book.panel
    panel.get_by_role("button", name="Record").click()
    expect(panel.locator(".hfw-device")).to_contain_text(re.compile("Recording, [1-9]"))
    panel.get_by_role("button", name="Stop recording").click()
    expect(panel.get_by_label("Position in Your recording")).to_be_visible()
    panel.get_by_label("End of the part, in seconds").press("Home")
    expect(panel.locator(".hfw-device")).to_contain_text("0.1 s of")
    panel.get_by_label("End of the part, in seconds").press("End")
    panel.get_by_role("button", name="Use recording").click()
    expect(panel.locator(".hfw-medium").get_by_role("slider")).to_be_visible()
    run(book).click()
    done(book)
    assert stage.loopback.requests[-1].body[:4] == b"RIFF"
    book.run(1)
    expect(book.output(1)).to_contain_text("16000 True")


def test_the_webcam_takes_an_image(desk: Desk) -> None:
    book = desk("image-classification")
    book.panel.get_by_role("button", name="Camera").click()
    book.panel.get_by_role("button", name="Take photo").click()
    expect(book.panel.locator(".hfw-medium img")).not_to_have_js_property("naturalWidth", 0)
    expect(book.panel.locator(".hfw-medium")).to_contain_text("camera.png")


def test_a_front_end_without_microphone_says_so(own_page: None, desk: Desk, page: Page) -> None:
    book = desk("audio-classification")
    refuse = "() => Object.defineProperty(navigator, 'mediaDevices', { value: undefined })"
    page.evaluate(refuse)
    book.panel.get_by_role("button", name="Record").click()
    note = book.panel.locator(".hfw-zone")
    expect(note).to_contain_text("does not allow the microphone (VS Code blocks it)")


def test_labels_are_chips(desk: Desk, page: Page) -> None:
    book = desk("zero-shot-classification", "print(panel.inputs['candidate_labels'])")
    box = book.panel.get_by_label("Candidate labels")
    box.press_sequentially("calm,rough")
    box.press("Enter")
    box.press_sequentially("late")
    box.press("Enter")
    expect(book.panel.locator(".hfw-chip")).to_have_text(["calm", "rough", "late"])
    book.panel.get_by_role("button", name="Remove rough").click()
    box.press("Backspace")
    expect(book.panel.locator(".hfw-chip")).to_have_text(["calm"])
    book.run_until(1, "['calm']")


def test_a_table_is_pasted_and_edited(desk: Desk, page: Page, stage: Stage) -> None:
    book = desk("tabular-classification", "print(panel.inputs['table'])")
    panel = book.panel
    page.evaluate("navigator.clipboard.writeText('length\\tcolour\\n5.1\\tred\\n6.7\\tblue')")
    panel.get_by_label("column 1, row 1").focus()
    page.keyboard.press("Control+v")
    expect(panel.get_by_label("colour, row 2")).to_have_value("blue")
    panel.get_by_label("length, row 1").fill("7")
    panel.get_by_label("length, row 1").press("Enter")
    expect(panel.get_by_label("length, row 2")).to_be_focused()
    page.keyboard.press("Control+Enter")
    done(book)
    expect(panel.locator(".hfw-class")).to_have_text(["setosa", "virginica"])
    book.run(1)
    expect(book.output(1)).to_contain_text("{'length': [7, 6.7], 'colour': ['red', 'blue']}")


def test_boxes_and_their_legend_are_linked(desk: Desk, stage: Stage) -> None:
    book = desk("object-detection")
    try_example(book)
    asked = len(stage.loopback.requests)
    boat, sun = book.panel.locator(".hfw-box-mark").all()
    book.panel.locator(".hfw-legend-row").first.hover()
    expect(sun).to_have_class("hfw-box-mark hfw-dim")
    expect(boat).to_have_class("hfw-box-mark hfw-active")
    sun.focus()
    expect(boat).to_have_class("hfw-box-mark hfw-dim")
    book.panel.get_by_label("Minimum score").fill("0.8")
    expect(sun).to_be_hidden()
    expect(boat).to_be_visible()
    assert len(stage.loopback.requests) == asked


def test_masks_are_told_by_the_pixel(desk: Desk, page: Page) -> None:
    book = desk("image-segmentation")
    try_example(book)
    masks = book.panel.locator(".hfw-mask")
    expect(masks.first).to_have_js_property("width", 320)
    book.panel.locator(".hfw-stage").scroll_into_view_if_needed()
    place = book.panel.locator(".hfw-stage").bounding_box()
    assert place
    scale, down = place["width"] / 640, place["height"] / 420
    page.mouse.move(place["x"] + 540 * scale, place["y"] + 70 * down)  # the sun
    expect(masks.nth(1)).to_have_class("hfw-mask hfw-active")
    page.mouse.move(place["x"] + 440 * scale, place["y"] + 300 * down)  # the boat
    expect(masks.nth(0)).to_have_class("hfw-mask hfw-active")
    page.mouse.move(place["x"] + 20 * scale, place["y"] + 20 * down)  # neither
    expect(masks.nth(0)).to_have_class("hfw-mask")
    book.panel.get_by_label("Show boat").uncheck()
    expect(masks.first).to_be_hidden()


def test_transcript_parts_lead_to_their_moment(desk: Desk, page: Page) -> None:
    book = desk("automatic-speech-recognition")
    try_example(book)
    sound = book.panel.locator(".hfw-view audio")
    expect(sound).to_have_js_property("paused", True)
    book.panel.get_by_role("button", name="0:00.9").click()
    page.wait_for_function("document.querySelector('.hfw-view audio').currentTime >= 0.9")
    more(book, "Save the result")
    with page.expect_download() as download:
        book.panel.get_by_role("button", name="Save as VTT").click()
    text = Path(download.value.path()).read_text()
    assert text.startswith("WEBVTT\n\n00:00:00.000 --> 00:00:00.900\nThe ferry")


def test_before_and_after_and_the_result_as_input(desk: Desk, page: Page) -> None:
    book = desk("image-to-image")
    try_example(book)
    wipe = book.panel.locator(".hfw-wipe")
    wipe.focus()
    page.keyboard.press("Home")
    stage = book.panel.locator(".hfw-compare-images")
    expect(stage).to_have_attribute("style", re.compile("--hfw-wipe: 0%"))
    more(book, "Use the result as input")
    expect(book.panel.locator(".hfw-medium")).to_contain_text("image, 640 × 420")


def test_raw_and_code(desk: Desk, page: Page) -> None:
    book = desk("text-classification", settings="token='sk-secret-1234567'")
    try_example(book)
    more(book, "Raw JSON")
    expect(book.panel.locator(".hfw-raw")).to_contain_text('"label": "calm"')
    book.panel.get_by_role("button", name="Code", exact=True).click()
    code = book.panel.locator(".hfw-raw")
    expect(code).to_contain_text("client.text_classification(")
    book.panel.get_by_role("button", name="Insert below").click()
    expect(page.locator(".jp-CodeCell")).to_have_count(2)
    expect(page.locator(".jp-CodeCell").nth(1)).to_contain_text("text_classification(")
    book.panel.get_by_role("button", name="curl").click()
    expect(code).to_contain_text("curl -X POST")
    assert "sk-secret" not in book.panel.inner_html()


def test_the_banner_offers_alternatives(notebook: Open) -> None:
    book = notebook(["import hfwidgets as hf\npanel = hf.panel('fill-mask')\npanel"])
    banner = book.panel.get_by_role("note")
    expect(banner).to_contain_text("not signed in")
    banner.get_by_role("button", name="Run locally").click()
    expect(banner).to_be_hidden()
    expect(book.panel.get_by_label("Provider")).to_have_value("local")


def test_a_domain_in_one_panel(notebook: Open, stage: Stage, page: Page) -> None:
    url = stage.url("summarization")
    book = notebook([f"import hfwidgets as hf\npanel = hf.text(base_url={url!r})\npanel"])
    picker = book.panel.get_by_label("Task", exact=True)
    picker.focus()
    picker.select_option("summarization")
    expect(run(book)).to_contain_text("Summarize")
    expect(picker).to_be_focused()
    try_example(book)
    expect(book.panel.locator(".hfw-view")).to_contain_text("A lighthouse was built.")
    assert faults(page) == []


def test_models_side_by_side(notebook: Open, stage: Stage, page: Page) -> None:
    url = stage.url("chat-completion")
    models = [f"{url}?first", f"{url}?second"]
    book = notebook([f"import hfwidgets as hf\npanel = hf.compare({models!r})\npanel"])
    box = book.panel.get_by_label("Prompt for all models")
    box.fill("Describe waves.")
    box.press("Control+Enter")
    expect(book.panel.locator(".hfw-column .hfw-md")).to_have_text(["Waves come and go.\n"] * 2)
    done(book)
    expect(book.panel.locator(".hfw-column").first).to_contain_text("First token")
    assert faults(page) == []


def test_the_result_stays_without_a_kernel(desk: Desk, page: Page) -> None:
    book = desk("object-detection")
    try_example(book)
    static = page.locator(".hfw-static")
    expect(static).to_be_hidden()
    expect(static.locator("img")).to_have_count(1)
    with saving_state(page):
        book.save()
    state = json.dumps(json.loads(book.path.read_text())["metadata"]["widgets"])
    assert len(state) < 40_000
    book.shutdown()
    book.open()
    expect(static.locator("img")).to_be_visible()
    expect(static).to_contain_text("boat")


@pytest.mark.parametrize("task", ["object-detection", "token-classification", "text-to-speech"])
def test_dark(notebook: Open, page: Page, stage: Stage, light_again: None, task: str) -> None:
    url = stage.url(task)
    code = f"import hfwidgets as hf\npanel = hf.panel({task!r}, base_url={url!r})\npanel"
    book = notebook([code], run=False)
    set_theme(page, "JupyterLab Dark")
    book.run(0)
    try_example(book)
    ground: Any = page.evaluate("getComputedStyle(document.querySelector('.hfw')).backgroundColor")
    assert sum(map(int, ground.removeprefix("rgb(").removesuffix(")").split(","))) < 200
    assert faults(page) == []
