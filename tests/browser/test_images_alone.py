"""Test in JupyterLab what a reader does with a result: see it larger, save it, print it."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, set_theme
from tests.browser.stage import Stage
from tests.browser.test_media_panels import boat
from tests.browser.test_panels import faults, stage

__all__ = ["boat", "stage"]

pytestmark = pytest.mark.usefixtures("npm")  # axe-core is one of the front end's packages

CODE = """import hfwidgets as hf
for task in ("text-to-image", "object-detection", "token-classification"):
    display(hf.panel(task, base_url="{url}/" + task))"""
BACKGROUND = "node => getComputedStyle(node).backgroundColor"
TOP = "node => node.offsetTop"


def test_an_image_is_seen_larger_and_saved(
    notebook: Open, page: Page, stage: Stage, boat: Path, light_again: None
) -> None:
    book = notebook([CODE.format(url=stage.loopback.url)])
    image, boxes, entities = book.panel.all()
    # An example stays in its place while it is previewed, at a new width too.
    boxes.locator("input[type=file]").set_input_files(boat)
    expect(boxes.locator(".hfw-medium img")).not_to_have_js_property("naturalWidth", 0)
    boxes.evaluate("node => (node.style.width = '400px')")
    example = boxes.locator(".hfw-example").first
    place = example.evaluate(TOP)
    example.focus()
    expect(boxes.locator(".hfw-previewing")).to_be_attached()
    assert example.evaluate(TOP) == place
    for panel in (boxes, image, entities):
        panel.locator(".hfw-example").first.click()
    for panel in (image, boxes, entities):
        expect(panel.locator(".hfw-is-done")).to_be_visible()

    larger = image.get_by_role("button", name="View the image larger")
    larger.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="The image, larger")
    expect(dialog.get_by_role("button", name="Close")).to_be_focused()
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        set_theme(page, theme)
        assert faults(page) == []
    stage.hold()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(larger).to_be_focused()
    with page.expect_download() as saved:
        image.get_by_role("button", name="Download the image").click()
    assert saved.value.suggested_filename == "image.png"

    # Boxes are pointed at in the larger image as well; Escape closes it and stops no run.
    boxes.locator(".hfw-photo").hover()
    boxes.get_by_role("button", name="View the image larger").click()
    box = dialog.get_by_role("button", name="boat, 93 percent")
    box.focus()
    expect(box).to_have_class("hfw-box-mark hfw-active")
    boxes.locator(".hfw-run").evaluate("node => node.click()")
    expect(boxes.locator(".hfw-is-running")).to_be_attached()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(boxes.locator(".hfw-is-running")).to_be_visible()
    stage.let_go()
    expect(boxes.locator(".hfw-is-done")).to_be_visible()


def test_marks_and_bars_are_seen_where_backgrounds_are_not_drawn(
    notebook: Open, page: Page, stage: Stage
) -> None:
    book = notebook([CODE.format(url=stage.loopback.url)])
    entities = book.panel.last
    entities.locator(".hfw-example").first.click()
    expect(entities.locator(".hfw-is-done")).to_be_visible()
    marked = (entities.locator(what).first for what in (".hfw-span", ".hfw-score-bar", ".hfw-dot"))
    page.emulate_media(forced_colors="active")
    canvas = entities.evaluate(BACKGROUND)
    assert canvas not in [node.evaluate(BACKGROUND) for node in marked]
    page.emulate_media(forced_colors="none", media="print")
    exact = "node => getComputedStyle(node).printColorAdjust"
    assert entities.locator(".hfw-score-bar").first.evaluate(exact) == "exact"
    expect(entities.locator(".hfw-run")).to_be_hidden()
    page.emulate_media(media="screen")
