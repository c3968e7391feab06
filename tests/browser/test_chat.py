"""The chat panel in JupyterLab, from a user's side."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import ask
from tests.browser.jupyter import Notebook

Chat = Callable[..., Notebook]


def test_streams_while_another_cell_runs(chat: Chat) -> None:
    book = chat("import time\nfor i in range(4):\n    time.sleep(0.5)\nprint('cell over')")
    ask(book, "count 60 at 15")
    answer = book.panel.locator(".hfw-turn-answer .hfw-md")
    expect(answer).to_contain_text("w1 ")
    book.start(1)
    expect(answer).to_contain_text("w20 ")
    assert "cell over" not in book.output(1).all_inner_texts()
    expect(book.output(1)).to_contain_text("cell over")
    expect(answer).to_contain_text("w59")
    expect(book.panel.locator(".hfw-status")).to_contain_text("tokens/s")
