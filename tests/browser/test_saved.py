"""What is left of a panel where no kernel answers."""

import json
from collections.abc import Callable
from pathlib import Path

from nbconvert import HTMLExporter
from playwright.sync_api import Page, expect

from tests.browser.conftest import ask, saving_state
from tests.browser.jupyter import Notebook

Chat = Callable[..., Notebook]


def talked(chat: Chat, *cells: str) -> Notebook:
    """A notebook whose panel has had a conversation, saved."""
    book = chat(*cells)
    ask(book, "rich")
    expect(book.panel.locator(".hfw-details")).to_contain_text("tokens")
    expect(book.page.locator(".hfw-static")).to_contain_text("Quoted", use_inner_text=False)
    book.save()
    return book


def test_live_panels_hide_their_static_form(chat: Chat) -> None:
    book = talked(chat)
    expect(book.page.locator(".hfw-static")).to_be_hidden()
    assert book.page.locator(".jp-OutputArea-child:visible").count() == 1


def test_an_untrusted_copy_without_kernel_shows_the_conversation(chat: Chat, page: Page) -> None:
    book = talked(chat)
    copy = Notebook(book.jupyter, page, "copy.ipynb")
    content = json.loads(book.path.read_text())
    content["cells"][0]["outputs"][0]["metadata"]["changed"] = True  # which breaks the signature
    copy.path.write_text(json.dumps(content))
    book.shutdown()
    copy.open()
    static = page.locator(".hfw-static")
    expect(static).to_be_visible()
    expect(static.locator("h1")).to_have_text("Tides")
    expect(static.locator("b").first).to_have_text("You")
    expect(static.locator("pre")).to_contain_text("def tide(hours: float)")
    expect(static.locator("td").first).to_have_text("full")
    copy.shutdown()


def test_a_reopened_notebook_shows_no_error_above_the_conversation(chat: Chat, page: Page) -> None:
    book = talked(chat)
    book.shutdown()
    book.open()
    expect(page.locator(".hfw-static h1")).to_be_visible()
    expect(page.get_by_text("model not found")).to_be_hidden()
    expect(page.locator(".jp-OutputArea-child:visible")).to_have_count(1)


def test_an_exported_page_shows_the_conversation(chat: Chat, page: Page, tmp_path: Path) -> None:
    book = talked(chat)
    html, _ = HTMLExporter().from_notebook_node(book.content())
    exported = tmp_path / "exported.html"
    exported.write_text(html)
    page.context.set_offline(True)
    reader = page.context.new_page()
    reader.goto(exported.as_uri())
    expect(reader.locator(".hfw-static h1")).to_be_visible()
    expect(reader.locator(".hfw-static")).to_contain_text("1.5 * math.cos")
    assert "ChatPanel(" not in reader.locator("body").inner_text()
    reader.close()
    page.context.set_offline(False)


def test_saved_state_is_small_and_holds_no_secret(chat: Chat, page: Page) -> None:
    secret = "sk-secret-1234567"
    book = chat("import os", settings=f"token='sk-'+'secret-'+str({secret[10:]})")
    ask(book, "rich")
    expect(book.panel.locator(".hfw-details")).to_contain_text("tokens")
    expect(page.locator(".hfw-static")).to_contain_text("Quoted", use_inner_text=False)
    with saving_state(page):
        book.save()
    text = book.path.read_text()
    assert secret not in text
    state = json.loads(text)["metadata"]["widgets"]
    assert "AnyModel" in json.dumps(state)
    assert len(json.dumps(state)) < 40_000
    book.shutdown()
    book.open()
    expect(page.locator(".hfw-static h1")).to_be_visible()
    expect(book.panel.locator(".hfw-note")).to_contain_text("Run the panel's cell")


def test_freeze_puts_the_conversation_in_the_panels_place(chat: Chat, page: Page) -> None:
    book = talked(chat, "panel.freeze()")
    book.run(1)
    expect(book.panel).to_have_count(0)
    expect(page.locator(".hfw-static h1")).to_be_visible()
    book.save()
    outputs = book.content().cells[0].outputs
    assert set(outputs[0].data) == {"text/html", "text/plain"}
    assert "def tide" in outputs[0].data["text/html"].replace("<b>", "").replace("</b>", "")
