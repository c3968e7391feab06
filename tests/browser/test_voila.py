"""Panels in a notebook that Voila serves: no cells to run, the widgets are all there is."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import ask
from tests.browser.jupyter import Jupyter, Notebook, serve
from tests.browser.stage import Stage
from tests.browser.talker import Talker
from tests.plugins.loopback import Loopback


@pytest.fixture(scope="module")
def voila(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jupyter]:
    with serve(tmp_path_factory.mktemp("voila"), kind="voila") as running:
        yield running


def test_a_task_and_a_chat(voila: Jupyter, page: Page, loopback: Loopback) -> None:
    stage = Stage(loopback)
    talker = Talker(loopback)
    url = stage.url("object-detection")
    book = Notebook(voila, page, "panels.ipynb")
    book.write(
        [
            f"import hfwidgets as hf\nhf.panel('object-detection', base_url={url!r})",
            f"hf.chat(base_url={talker.url!r})",
        ]
    )
    page.route(re.compile("^https:"), lambda route: route.abort())  # Voila asks for icons
    page.goto(voila.address("panels.ipynb"))
    task, chat = book.panel.nth(0), book.panel.nth(1)

    task.locator(".hfw-example").first.click()
    expect(task.locator(".hfw-box-mark")).to_have_count(2)
    expect(task.locator(".hfw-view img")).not_to_have_js_property("naturalWidth", 0)
    stage.hold()
    task.locator(".hfw-run:not(.hfw-stop)").click()
    task.get_by_role("button", name="Stop").click()
    expect(task.locator(".hfw-status")).to_contain_text("Stopped")
    stage.let_go()
    stage.failing = True
    task.locator(".hfw-run:not(.hfw-stop)").click()
    expect(task.get_by_role("alert")).to_contain_text("refused this input")

    ask(chat, "count 60 by 10")
    expect(chat.locator(".hfw-md")).to_contain_text("w9")
    chat.get_by_role("button", name="Stop").click()
    expect(chat.locator(".hfw-status")).to_contain_text("Stopped")
    assert talker.loopback.gone.wait(20)
    expect(page.locator(".hfw-static").first).to_be_hidden()
    expect(page.locator(".hfw-static").last).to_be_hidden()
