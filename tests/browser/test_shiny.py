"""Panels in Shiny, which sends a widget's messages when its session is flushed."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Gate, ask
from tests.browser.jupyter import free_port, run_server
from tests.browser.talker import Talker
from tests.browser.test_holoviz import FRONT_END
from tests.plugins.loopback import Loopback

APP = """import threading

import hfwidgets as hf
from shiny import App, ui
from shinywidgets import output_widget, render_widget


def server(input, output, session):
    @render_widget
    def chat():
        panel = hf.chat(base_url={chat!r})

        def compose():
            exec({wait!r})
            panel.compose("From a thread")

        threading.Thread(target=compose, daemon=True).start()
        return panel


app = App(ui.page_fluid(output_widget("chat")), server)
"""


@pytest.fixture
def app(loopback: Loopback, tmp_path: Path, gate: Gate) -> Iterator[str]:
    """Serve the app and return its address."""
    (tmp_path / "app.py").write_text(APP.format(chat=Talker(loopback).url, wait=gate.blocking))
    port = free_port()
    command = [sys.executable, "-m", "shiny", "run", "app.py", "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    with run_server(command, url, tmp_path, tmp_path / "server.log", os.environ):
        yield url


def test_what_the_kernel_sends_waits_for_no_message_of_the_page(
    app: str, page: Page, gate: Gate
) -> None:
    headers = {"access-control-allow-origin": "*", "content-type": "text/javascript"}
    for cdn in ("https://unpkg.com/**", "https://cdn.jsdelivr.net/**"):
        page.route(cdn, lambda route: route.fulfill(path=FRONT_END, headers=headers))
    page.goto(app)
    chat = page.locator(".hfw")
    ask(chat, "hello")
    expect(chat.get_by_text("You said: hello")).to_be_visible()
    expect(chat.locator(".hfw-is-done")).to_be_visible()
    gate.open()
    expect(chat.get_by_label("Message", exact=True)).to_have_value("From a thread")
