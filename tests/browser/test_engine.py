"""The whole way: a panel in JupyterLab, a kernel, the embedded engine, a real model."""

import os
import re
from collections.abc import Callable

from playwright.sync_api import expect

from hfwidgets.engine_process import EngineState
from tests.browser.conftest import ask
from tests.browser.jupyter import Notebook


def test_a_real_model_answers_and_stops(
    notebook: Callable[..., Notebook], engine: EngineState
) -> None:
    cell = f"""import os
os.environ['HFWIDGETS_CACHE'] = {os.environ["HFWIDGETS_CACHE"]!r}
import hfwidgets as hf
panel = hf.chat(provider='local', max_tokens=40, seed=1)
panel"""
    book = notebook([cell])
    book.panel.get_by_role("button", name="Write a haiku about the sea.").click()
    answer = book.panel.locator(".hfw-turn-answer .hfw-md")
    status = book.panel.locator(".hfw-status")
    expect(status).to_contain_text("first token", timeout=60_000)
    expect(status).to_contain_text("tokens/s")
    expect(status).to_contain_text("local")
    assert len(answer.first.inner_text()) > 10
    ask(book, "Count from one to a hundred.")
    expect(answer).to_have_count(2)
    # Several tokens: one alone has no rate.
    expect(answer.nth(1)).to_contain_text(re.compile(r"\w+\W+\w+\W+\w"), timeout=60_000)
    book.page.keyboard.press("Escape")
    expect(status).to_contain_text("tokens/s", timeout=60_000)
