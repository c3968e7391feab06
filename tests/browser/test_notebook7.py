"""The same panel in Notebook 7."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Gate, ask
from tests.browser.jupyter import Notebook, serve
from tests.browser.talker import Talker


def test_streams_and_stops(
    page: Page, talker: Talker, gate: Gate, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with serve(tmp_path_factory.mktemp("notebook"), kind="notebook") as jupyter:
        book = Notebook(jupyter, page, "seven.ipynb")
        cell = f"import hfwidgets as hf\npanel = hf.chat(base_url={talker.url!r})\npanel"
        book.write([cell, gate.blocking])
        book.open()
        book.run(0)
        ask(book, "count 400 by 10")
        expect(book.panel.locator(".hfw-md")).to_contain_text("w9")
        book.start(1)
        talker.step()
        expect(book.panel.locator(".hfw-md")).to_contain_text("w19")
        book.panel.get_by_role("button", name="Stop").click()
        expect(book.panel.locator(".hfw-status")).to_contain_text("Stopped")
        assert not book.output(1).count()
        gate.open()
        expect(book.output(1)).to_contain_text("cell over")
        ask(book, "rich")
        expect(book.panel.locator("math")).to_have_count(3)
        expect(page.locator(".hfw-static")).to_be_hidden()
        book.shutdown()
