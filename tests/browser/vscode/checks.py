"""Panels in VS Code's renderer of widgets, on a real kernel: they run, stop and are readable."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import ask
from tests.browser.jupyter import Jupyter
from tests.browser.talker import Talker
from tests.browser.test_panels import faults
from tests.plugins.loopback import Answer, Loopback

pytestmark = pytest.mark.usefixtures("npm")  # axe-core is one of the front end's packages

BUILT = Path(os.environ["HFWIDGETS_VSCODE_PAGE"])
PAGE = """<!doctype html>
<html lang="en"><head><base href="/vscode/"><title>Cells</title><meta charset="utf-8"><style>
  body { margin: 12px; background: var(--vscode-editor-background);
    color: var(--vscode-foreground); font: 13px sans-serif; }
  body.vscode-light { --vscode-editor-background: #ffffff; --vscode-foreground: #3b3b3b;
    --vscode-textLink-foreground: #005fb8; --vscode-descriptionForeground: #3b3b3b;
    --vscode-errorForeground: #c72e0f; --vscode-widget-border: #e5e5e5; }
  body.vscode-dark { --vscode-editor-background: #1f1f1f; --vscode-foreground: #cccccc;
    --vscode-textLink-foreground: #4daafc; --vscode-descriptionForeground: #9d9d9d;
    --vscode-errorForeground: #f85149; --vscode-widget-border: #313131; }
  /* The background of widgets that the renderer's own style sets in every theme. */
  .cell-output-ipywidget-background { background: white; padding: 2px; }
</style></head><body class="vscode-THEME" data-token="TOKEN">
<script src="require.js"></script><script type="module" src="page.js"></script></body></html>"""

Open = Callable[..., Page]


@pytest.fixture
def vscode(jupyter: Jupyter, page: Page) -> Iterator[Open]:
    """`vscode(theme)` opens a page with a kernel, whose cells `run(page, code)` runs."""

    def serve(route: Route) -> None:
        name = route.request.url.partition("?")[0].rpartition("/")[2]
        own = Path(__file__).parent / name
        path = own if own.is_file() else BUILT / name
        route.fulfill(path=path, content_type="text/javascript")

    def make(theme: str = "light") -> Page:
        page.route(f"{jupyter.url}/vscode/**", serve)
        # Chromium refuses a socket to this machine in a page that no server sent.
        page.goto(f"{jupyter.url}/login")
        page.set_content(PAGE.replace("THEME", theme).replace("TOKEN", jupyter.token))
        page.wait_for_function("window.isReady")
        return page

    yield make
    page.evaluate("window.stopKernel?.()")


def run(page: Page, code: str) -> None:
    status: Any = page.evaluate("code => run(code)", code)
    assert status == "ok", page.locator("section").last.inner_text()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_text_panel_runs_and_is_readable(vscode: Open, loopback: Loopback, theme: str) -> None:
    loopback.route("POST", "/", Answer(json=[{"label": "good", "score": 0.9}]))
    page = vscode(theme)
    code = f"import hfwidgets as hf\nhf.panel('text-classification', base_url={loopback.url!r})"
    run(page, code)
    panel = page.locator(".hfw")
    panel.get_by_role("textbox", name="Text").fill("What a day!")
    panel.locator(".hfw-run").click()
    expect(panel).to_contain_text("good")
    assert faults(page) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_chat_answers_and_is_readable(vscode: Open, talker: Talker, theme: str) -> None:
    page = vscode(theme)
    run(page, f"import hfwidgets as hf\nhf.chat(base_url={talker.url!r})")
    panel = page.locator(".hfw")
    ask(panel, "rich")
    expect(panel.locator(".hfw-is-done")).to_be_attached()
    expect(panel.get_by_role("heading", name="Tides")).to_be_visible()
    assert faults(page) == []


def test_stop_ends_an_answer(vscode: Open, talker: Talker) -> None:
    page = vscode()
    run(page, f"import hfwidgets as hf\nhf.chat(base_url={talker.url!r})")
    panel = page.locator(".hfw")
    ask(panel, "count 100 by 5")
    expect(panel).to_contain_text("w4")
    panel.get_by_role("button", name="Stop").click()
    expect(panel.locator(".hfw-is-stopped")).to_be_attached()
    assert talker.loopback.gone.wait(20)


def test_a_cell_that_runs_a_panel_is_stopped_or_says_how(vscode: Open, talker: Talker) -> None:
    """No subshell hears Stop while a cell blocks the kernel, so the page interrupts it."""
    page = vscode()
    code = f"import hfwidgets as hf\npanel = hf.chat(base_url={talker.url!r})\ndisplay(panel)"
    run(page, code)
    page.evaluate("code => void run(code)", "panel.run('count 100 by 5')")
    panel = page.locator(".hfw")
    expect(panel).to_contain_text("w4")
    panel.get_by_role("button", name="Stop").click()
    stopped = panel.locator(".hfw-is-stopped")
    expect(stopped.or_(panel.get_by_text("Interrupt")).first).to_be_attached()
    talker.let_go()
