"""Accessibility of panels in the states between an empty form and a result."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, set_theme
from tests.browser.stage import Stage
from tests.browser.test_panels import faults, stage

__all__ = ["stage"]

pytestmark = pytest.mark.usefixtures("npm")  # axe-core is one of the front end's packages

CODE = """import hfwidgets as hf
for task in ("text-classification", "image-classification", "text-to-image"):
    display(hf.panel(task, base_url="{url}/" + task, max_retries=0))
display(hf.chat(base_url="{url}/chat-completion", max_retries=0))"""


def test_stale_failed_and_running_panels_are_accessible(
    notebook: Open, page: Page, stage: Stage, light_again: None
) -> None:
    book = notebook([CODE.format(url=stage.loopback.url)])
    stale, failed, running, chat = book.panel.all()
    stale.locator(".hfw-example").first.click()
    expect(stale.locator(".hfw-is-done")).to_be_visible()
    stale.get_by_label("Text", exact=True).fill("Another text")
    expect(stale.locator(".hfw-stale-note")).to_be_visible()
    stage.failing = True
    failed.locator(".hfw-example").first.click()
    expect(failed.get_by_role("alert")).to_contain_text("refused this input")
    chat.locator(".hfw-starter").first.click()
    expect(chat.get_by_role("alert")).to_contain_text("refused this input")
    stage.hold()
    running.locator(".hfw-example").first.click()
    expect(running.locator(".hfw-is-running")).to_be_visible()
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        set_theme(page, theme)
        assert faults(page) == []
    stage.let_go()
