"""Panels in marimo: the same anywidget, shown as it is or wrapped for reactive cells."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import ask
from tests.browser.jupyter import free_port, run_server
from tests.browser.stage import Stage
from tests.browser.talker import Talker
from tests.plugins.loopback import Loopback

APP = """import marimo

app = marimo.App()


@app.cell
def _():
    import hfwidgets as hf
    import marimo as mo

    return hf, mo


@app.cell
def _(hf):
    panel = hf.panel("object-detection", base_url="{task}")
    panel
    return (panel,)


@app.cell
def _(mo):
    take = mo.ui.run_button(label="Take the result")
    take
    return (take,)


@app.cell
def _(mo, panel, take):
    take.value
    mo.md(f"Found: {{[one.label for one in panel.result or []]}}")
    return


@app.cell
def _(hf, mo):
    ui = mo.ui.anywidget(hf.chat(base_url="{chat}"))
    ui
    return (ui,)


@app.cell
def _(mo, ui):
    mo.md(f"State: {{ui.value}}. Answer: {{ui.result.text if ui.result else None}}.")
    return
"""


@contextmanager
def marimo(folder: Path, mode: str) -> Iterator[str]:
    """The address of the app in `folder`, which is run, or edited with its cells in view."""
    port = free_port()
    command = [sys.executable, "-m", "marimo", "--quiet", mode, "app.py", "--headless"]
    command += ["--no-token", "--host", "127.0.0.1", "--port", str(port)]
    env = {**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config")}
    url = f"http://127.0.0.1:{port}"
    with run_server(command, f"{url}/health", folder, folder / "server.log", env):
        yield url


def test_a_task_and_a_chat(page: Page, loopback: Loopback, tmp_path: Path) -> None:
    stage, talker = Stage(loopback), Talker(loopback)
    source = APP.format(task=stage.url("object-detection"), chat=talker.url)
    (tmp_path / "app.py").write_text(source)
    with marimo(tmp_path, "run") as url:
        page.goto(url)
        task, chat = page.locator(".hfw").nth(0), page.locator(".hfw").nth(1)
        task.locator(".hfw-example").first.click()
        expect(task.locator(".hfw-box-mark")).to_have_count(2)
        expect(task.locator(".hfw-view img")).not_to_have_js_property("naturalWidth", 0)
        page.get_by_role("button", name="Take the result").click()
        expect(page.get_by_text("Found: ['boat', 'sun']")).to_be_visible()
        stage.failing = True
        task.locator(".hfw-run:not(.hfw-stop)").click()
        expect(task.get_by_role("alert")).to_contain_text("refused this input")
        ask(chat, "count 60 by 10")
        expect(chat.locator(".hfw-md")).to_contain_text("w9")
        chat.get_by_role("button", name="Stop").click()
        expect(chat.locator(".hfw-status")).to_contain_text("Stopped")
        assert talker.loopback.gone.wait(20)
        ask(chat, "rich")
        expect(chat.locator("math")).to_have_count(3)
        expect(page.get_by_text("State: {'completed_runs': 2}. Answer: # Tides")).to_be_visible()
        expect(page.locator(".hfw-static")).to_have_count(0)
