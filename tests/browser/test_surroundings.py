"""Panels where notebooks put them: in Output widgets, tabs and functions, and after a restart."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, ask
from tests.browser.jupyter import Notebook
from tests.browser.talker import Talker, pieces
from tests.plugins.loopback import Answer

Chat = Callable[..., Notebook]

RESTARTED = "The kernel was restarted. Run this cell again."
SHOW = "display(W.Button(description='Next'), hf.chat(base_url={url!r}))"
INSIDE = {
    "an Output widget": f"out = W.Output()\nwith out:\n    {SHOW}\nout",
    "a capture": f"out = W.Output()\n@out.capture()\ndef show():\n    {SHOW}\nshow()\nout",
    "interact": f"@W.interact(n=(0, 3))\ndef show(n=0):\n    {SHOW}",
    "a tab": f"out = W.Output()\nwith out:\n    {SHOW}\nW.Tab([out], titles=['One'])",
}


@pytest.mark.parametrize("place", INSIDE)
def test_a_panel_hides_only_its_own_static_form(notebook: Open, talker: Talker, place: str) -> None:
    cell = INSIDE[place].format(url=talker.url)
    book = notebook([f"import ipywidgets as W, hfwidgets as hf\n{cell}"])
    expect(book.panel.get_by_label("Message", exact=True)).to_be_visible()
    expect(book.page.get_by_role("button", name="Next")).to_be_visible()
    expect(book.page.get_by_text("run this cell for a live panel")).to_be_hidden()
    ask(book, "hello")
    expect(book.panel.get_by_text("You said: hello")).to_be_visible()
    expect(book.page.locator(".hfw-static")).to_be_hidden()


def test_after_a_restart_the_panel_keeps_what_was_typed(
    chat: Chat, talker: Talker, page: Page
) -> None:
    book = chat()
    ask(book, "count 1000 by 1")
    expect(book.panel.get_by_text("w0")).to_be_visible()
    box = book.panel.get_by_label("Message", exact=True)
    box.fill("my next question")
    page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
    )
    expect(book.panel.get_by_text(RESTARTED)).to_be_visible()
    expect(book.panel.locator(".hfw-foot")).to_contain_text("Kernel restarted")
    book.panel.get_by_role("button", name="Send", exact=True).click()
    expect(box).to_have_value("my next question")
    expect(book.panel.get_by_role("button", name="Stop")).to_be_hidden()
    talker.let_go()


def test_a_large_image_arrives_and_a_refused_message_keeps_it(
    chat: Chat, talker: Talker, page: Page
) -> None:
    talker.answers["look"] = lambda _: Answer(status=500, json={"error": "The model crashed"})
    book = chat(settings="max_retries=0")
    page.evaluate("""() => {
      const bytes = new Uint8Array(11 * 2 ** 20);
      bytes.set([0x89, 0x50, 0x4e, 0x47]);
      const file = new File([bytes], 'large.png', { type: 'image/png' });
      const data = new DataTransfer();
      data.items.add(file);
      const input = document.querySelector('.hfw input[type=file][accept="image/*"]');
      input.files = data.files;
      input.dispatchEvent(new Event('change'));
    }""")
    expect(book.panel.locator(".hfw-compose .hfw-thumb")).to_have_count(1)
    box = book.panel.get_by_label("Message", exact=True)
    box.fill("look")
    box.press("Enter")
    expect(book.panel.locator(".hfw-failure")).to_be_visible()
    assert len(talker.loopback.requests[-1].body) > 14 << 20
    expect(box).to_have_value("look")
    expect(book.panel.locator(".hfw-compose .hfw-thumb")).to_have_count(1)
    talker.answers["look"] = lambda _: pieces("I see it.")
    box.press("Enter")
    expect(book.panel.get_by_text("I see it.")).to_be_visible()
    expect(box).to_have_value("")
    expect(book.panel.locator(".hfw-compose .hfw-thumb")).to_have_count(0)
