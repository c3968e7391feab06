"""Panels in holoviz Panel, with a plain anywidget as control."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import anywidget
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ask
from tests.browser.jupyter import free_port, run_server
from tests.browser.stage import Stage
from tests.browser.talker import Talker
from tests.plugins.loopback import Loopback

pytest.importorskip("ipywidgets_bokeh")

FRONT_END = Path(anywidget.__file__).parents[4] / "share/jupyter/nbextensions/anywidget/index.js"
"""What the page would fetch from a CDN."""

APP = """import anywidget
import panel as pn

import hfwidgets as hf

pn.extension("ipywidgets")


class Plain(anywidget.AnyWidget):
    _esm = '''export default {{ render({{ model, el }}) {{
      const button = Object.assign(document.createElement("button"), {{ textContent: "ask" }});
      button.onclick = () => model.send({{}});
      model.on("msg:custom", ({{ text }}) => (button.textContent = text));
      el.append(button);
    }} }}'''

    def __init__(self):
        super().__init__()
        self.on_msg(lambda *_: self.send({{"text": "answered"}}))


widgets = [Plain(), hf.chat(base_url={chat!r}), hf.panel("text-classification", base_url={task!r})]
pn.Column(*map(pn.pane.IPyWidget, widgets)).servable()
"""


@pytest.fixture
def app(loopback: Loopback, tmp_path: Path) -> Iterator[str]:
    """Serve the app and return its address."""
    chat, task = Talker(loopback).url, Stage(loopback).url("text-classification")
    (tmp_path / "app.py").write_text(APP.format(chat=chat, task=task))
    port = free_port()
    command = [sys.executable, "-m", "panel", "serve", "app.py", "--port", str(port)]
    url = f"http://127.0.0.1:{port}/app"
    env = {**os.environ, "BOKEH_RESOURCES": "server"}
    with run_server(command, url, tmp_path, tmp_path / "server.log", env):
        yield url


def test_a_task_and_a_chat(app: str, page: Page) -> None:
    headers = {"access-control-allow-origin": "*", "content-type": "text/javascript"}
    page.route("https://unpkg.com/**", lambda route: route.fulfill(path=FRONT_END, headers=headers))
    page.goto(app)
    page.get_by_role("button", name="ask", exact=True).click()
    expect(page.get_by_role("button", name="answered")).to_be_visible()
    chat = page.locator(".hfw").filter(has=page.get_by_role("log"))
    ask(chat, "hello")
    expect(chat.get_by_text("You said: hello")).to_be_visible()
    task = page.locator(".hfw").filter(has=page.get_by_role("group", name="Examples"))
    task.locator(".hfw-example").first.click()
    expect(task.get_by_text("rough", exact=True)).to_be_visible()
