"""The chat panel in JupyterLab, from a user's side."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OVER, Gate, ask, copied
from tests.browser.jupyter import Notebook
from tests.browser.talker import Talker

Chat = Callable[..., Notebook]


def status(book: Notebook) -> Locator:
    return book.panel.locator(".hfw-status")


def details(book: Notebook) -> Locator:
    return book.panel.locator(".hfw-details")


def answers(book: Notebook) -> list[str]:
    return book.panel.locator(".hfw-turn-answer .hfw-md").all_inner_texts()


def test_streams_while_another_cell_runs(chat: Chat, talker: Talker, gate: Gate) -> None:
    book = chat(gate.blocking)
    ask(book, "count 60 by 10")
    answer = book.panel.locator(".hfw-turn-answer .hfw-md")
    expect(answer).to_contain_text("w9")
    book.start(1)
    talker.step()
    expect(answer).to_contain_text("w19")
    talker.let_go()
    expect(answer).to_contain_text("w59")
    expect(details(book)).to_contain_text("7 + 60 tokens")
    assert not book.output(1).count()
    gate.open()
    expect(book.output(1)).to_contain_text("cell over")


def test_other_cells_run_while_it_streams(chat: Chat) -> None:
    book = chat("print(6 * 7, panel.status)")
    ask(book, "count 60 by 10")
    expect(book.panel.locator(".hfw-md")).to_contain_text("w9")
    book.run(1)
    expect(book.output(1)).to_contain_text("42 streaming")


@pytest.mark.parametrize("cell", ["idle", "blocking", "awaiting"])
def test_stop_keeps_the_partial_text(chat: Chat, talker: Talker, gate: Gate, cell: str) -> None:
    book = chat(getattr(gate, cell, "pass"), "print(panel.status, panel.messages[-1]['content'])")
    ask(book, "count 400 by 10")
    expect(book.panel.locator(".hfw-md")).to_contain_text("w9")
    if cell != "idle":
        book.start(1)
    talker.step()
    expect(book.panel.locator(".hfw-md")).to_contain_text("w19")
    book.panel.get_by_role("button", name="Stop").click()
    expect(status(book)).to_contain_text("Stopped")
    expect(book.panel.get_by_role("textbox", name="Message")).to_be_focused()
    assert talker.loopback.gone.wait(20)
    if cell != "idle":
        assert not book.output(1).count()
        gate.open()
        expect(book.output(1)).to_contain_text("cell over")
    kept = " ".join(f"w{at}" for at in range(20))
    assert answers(book)[0].strip() == kept
    book.run(2)
    expect(book.output(2)).to_contain_text(f"stopped {kept}")


def test_stop_in_the_panels_own_blocking_cell(chat: Chat, page: Page) -> None:
    interrupts: list[str] = []
    page.route("**/interrupt*", lambda route: (interrupts.append("asked"), route.abort()))
    book = chat("out = panel.run('count 400 by 10')\nprint('went on', out.text)")
    book.start(1)
    expect(book.panel.locator(".hfw-md")).to_contain_text("w9")
    book.panel.get_by_role("button", name="Stop").click()
    expect(book.output(1)).to_contain_text("went on w0 w1")
    expect(status(book)).to_contain_text("Stopped")
    page.unroute("**/interrupt*")


def test_stop_interrupts_where_its_message_is_not_heard(
    own_page: None, chat: Chat, page: Page
) -> None:
    """Kernels that give a comm no shell of its own hear nothing while their cell blocks."""
    book = chat("panel.run('count 400 by 10')", "print(panel.status, panel.value)")
    page.evaluate("""() => {
      const send = WebSocket.prototype.send;
      WebSocket.prototype.send = function (data) {
        const text = typeof data === 'string' ? data : new TextDecoder().decode(data);
        if (text.includes('"do":"stop"')) { window.unheard = true; return; }
        return send.call(this, data); };
    }""")
    book.start(1)
    expect(book.panel.locator(".hfw-md")).to_contain_text("w9")
    book.panel.get_by_role("button", name="Stop").click()
    expect(book.output(1).first).to_contain_text("KeyboardInterrupt")
    assert page.evaluate("window.unheard")
    expect(status(book)).to_contain_text("Stopped")
    book.run(2)
    expect(book.output(2)).to_contain_text("stopped w0 w1")


def test_interrupt_keeps_the_partial_text(chat: Chat, page: Page) -> None:
    book = chat("panel.run('count 400 by 10')", "print(panel.status, panel.value)")
    book.start(1)
    expect(book.panel.locator(".hfw-md")).to_contain_text("w9")
    page.evaluate("window.jupyterapp.commands.execute('notebook:interrupt-kernel')")
    expect(book.output(1).first).to_contain_text("KeyboardInterrupt")
    book.run(2)
    expect(book.output(2)).to_contain_text("stopped w0 w1")


def test_markdown_code_and_formulas(chat: Chat, page: Page) -> None:
    book = chat()
    ask(book, "rich")
    panel = book.panel
    expect(panel.locator("h1")).to_have_text("Tides")
    expect(panel.locator("pre .hljs-keyword").first).to_have_text("def")
    expect(panel.locator("math")).to_have_count(3)
    expect(panel.locator("math msubsup, math munderover").first).to_be_visible()
    expect(panel.locator("td").first).to_have_text("full")
    expect(panel.locator(".hfw-md")).to_contain_text("it costs $5 and $10")
    expect(panel.locator("a")).to_have_attribute("rel", "noopener noreferrer")
    panel.get_by_role("button", name="Copy code").click()
    copied(page, "def tide(hours: float)")
    panel.get_by_role("button", name="Copy message").last.click()
    copied(page, "# Tides")


def test_hostile_text_does_nothing(chat: Chat, page: Page) -> None:
    book = chat()
    ask(book, "hostile")
    expect(book.panel.locator(".hfw-md")).to_contain_text("onload")
    expect(details(book)).to_contain_text("tokens")
    kinds = "script, img, iframe, svg:not(.hfw-icon), [onerror], [onload], [id], [style*=fixed]"
    acting = book.panel.locator(f".hfw-md :is({kinds})")
    assert acting.count() == 0
    for link in book.panel.locator(".hfw-md a").all():
        assert (link.get_attribute("href") or "").startswith("https://")
    assert page.evaluate("window.pwned") is None
    expect(page.locator(".hfw-static")).to_contain_text("onload", use_inner_text=False)
    book.save()
    book.open()
    expect(page.locator(".hfw-static")).to_contain_text("onload")
    assert page.evaluate("window.pwned") is None


def test_an_error_shows_in_place_and_gives_the_message_back(chat: Chat, page: Page) -> None:
    book = chat("print(panel.status, panel.messages)")
    ask(book, "refuse")
    card = book.panel.get_by_role("alert")
    expect(card).to_contain_text("The token was not accepted")
    box = book.panel.get_by_role("textbox", name="Message")
    expect(box).to_have_value("refuse")
    expect(book.panel.locator(".hfw-turn")).to_have_count(0)
    book.run(1)
    expect(book.output(1)).to_contain_text("failed []")
    card.get_by_role("button", name="Dismiss").click()
    expect(card).to_be_hidden()


def test_a_key_is_used_and_never_saved(chat: Chat, talker: Talker) -> None:
    book = chat()
    ask(book, "refuse")
    card = book.panel.get_by_role("alert")
    expect(card).to_be_visible()
    talker.answers["refuse"] = lambda seen: talker.plain(seen.headers.get("authorization", ""))
    card.get_by_label("Token or API key").fill("sk-secret-1234567")
    card.get_by_role("button", name="Use and try again").click()
    expect(book.panel.locator(".hfw-md")).to_contain_text("Bearer sk-secret-1234567")
    expect(book.panel.get_by_role("textbox", name="Message")).to_have_value("")
    expect(book.panel.get_by_role("alert")).to_be_hidden()


def test_a_broken_stream_keeps_what_came(chat: Chat) -> None:
    book = chat()
    ask(book, "break")
    expect(book.panel.get_by_role("alert")).to_contain_text("The connection broke")
    expect(book.panel.locator(".hfw-md")).to_contain_text("partial words")
    expect(book.panel.locator(".hfw-turn-answer")).to_contain_text("broke off")


def test_conversation_can_be_changed(chat: Chat, talker: Talker) -> None:
    book = chat("print([m['content'] for m in panel.messages])")
    panel = book.panel
    ask(book, "first")
    expect(panel.locator(".hfw-md")).to_have_text("You said: first\n")
    ask(book, "second")
    expect(panel.locator(".hfw-md").last).to_have_text("You said: second\n")
    expect(panel.locator(OVER)).to_be_attached()
    panel.locator(".hfw-turn-user").first.hover()
    panel.get_by_role("button", name="Edit and send again").first.click()
    panel.get_by_role("textbox", name="Edit message").fill("changed")
    panel.get_by_role("textbox", name="Edit message").press("Enter")
    expect(panel.locator(".hfw-turn")).to_have_count(2)
    expect(panel.locator(".hfw-md")).to_have_text("You said: changed\n")
    expect(panel.locator(OVER)).to_be_attached()
    panel.get_by_role("button", name="Undo").click()
    expect(panel.locator(".hfw-turn")).to_have_count(4)
    panel.get_by_role("button", name="Redo").click()
    expect(panel.locator(".hfw-turn")).to_have_count(2)
    panel.get_by_role("button", name="Clear the conversation").click()
    expect(panel.locator(".hfw-starter")).to_have_count(3)
    panel.get_by_role("button", name="Undo").click()
    expect(panel.locator(".hfw-turn")).to_have_count(2)
    expect(panel.locator(".hfw-md")).to_have_text("You said: changed\n")
    talker.answers["changed"] = lambda _: talker.plain("Anew.")
    panel.get_by_role("button", name="Regenerate").click()
    expect(panel.locator(".hfw-md")).to_have_text("Anew.\n")
    expect(panel.locator(OVER)).to_be_attached()
    book.run(1)
    expect(book.output(1)).to_contain_text("['changed', 'Anew.']")


def test_reasoning_and_tool_calls_show_as_what_they_are(chat: Chat) -> None:
    book = chat()
    ask(book, "think")
    answer = book.panel.locator(".hfw-turn-answer > .hfw-answer > .hfw-md-place > .hfw-md")
    expect(answer).to_have_text("Forty-two.\n")
    thoughts = book.panel.locator(".hfw-think")
    expect(thoughts.locator(".hfw-md")).to_be_hidden()
    thoughts.locator("summary").click()
    expect(thoughts.locator("strong")).to_have_text("see")
    ask(book, "tool")
    expect(book.panel.locator(".hfw-call")).to_contain_text("weather")
    expect(book.panel.locator(".hfw-call pre")).to_have_text('{\n  "city": "Oslo"\n}')


def test_a_pasted_image_is_sent(chat: Chat, page: Page, talker: Talker) -> None:
    book = chat()
    page.evaluate("""async () => {
      const canvas = Object.assign(document.createElement('canvas'), { width: 40, height: 30 });
      const blob = await new Promise(done => canvas.toBlob(done, 'image/png'));
      await navigator.clipboard.write([new ClipboardItem({ 'image/png': blob })]); }""")
    box = book.panel.get_by_role("textbox", name="Message")
    box.fill("what is it")
    box.press("Control+v")
    expect(book.panel.locator(".hfw-thumb img")).to_have_count(1)
    box.press("Enter")
    expect(book.panel.locator(".hfw-md")).to_have_text("I see 1 picture.\n")
    expect(book.panel.locator(".hfw-bubble img")).to_have_js_property("naturalWidth", 40)
    sent = talker.loopback.requests[-1].json()["messages"][-1]["content"]
    assert sent[0]["image_url"]["url"].startswith("data:image/png;base64,")


def test_keyboard_alone_is_enough(chat: Chat, page: Page) -> None:
    book = chat("print('spared')")
    page.locator(".hfw-model").focus()
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('aria-label')") == "Message":
            break
    page.keyboard.type("one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("two")
    page.keyboard.press("Enter")
    expect(book.panel.locator(".hfw-said")).to_have_text("one\ntwo")
    expect(book.panel.locator(".hfw-md")).to_contain_text("You said")
    expect(book.panel.locator(OVER)).to_be_attached()
    page.keyboard.press("ArrowUp")
    expect(book.panel.get_by_role("textbox", name="Message")).to_have_value("one\ntwo")
    book.panel.get_by_role("textbox", name="Message").fill("count 400 by 10")
    page.keyboard.press("Enter")
    expect(book.panel.locator(".hfw-md").last).to_contain_text("w9")
    page.keyboard.press("Escape")
    expect(status(book)).to_contain_text("Stopped")
    book.panel.get_by_role("log").focus()
    page.keyboard.type("abxmdd")
    expect(page.locator(".jp-CodeCell")).to_have_count(2)
    expect(book.panel).to_be_visible()


def test_screen_readers_hear_the_start_the_end_and_errors(chat: Chat, talker: Talker) -> None:
    book = chat()
    log, spoken = book.panel.get_by_role("log"), book.panel.get_by_role("status")
    expect(log).to_have_attribute("aria-live", "off")
    ask(book, "count 30 by 1")
    expect(log).to_have_attribute("aria-busy", "true")
    expect(spoken).to_have_text("Answering")
    expect(book.panel.locator(".hfw-md")).to_contain_text("w0")
    talker.let_go()
    expect(spoken).to_have_text("Answer complete, 30 words")
    expect(log).to_have_attribute("aria-busy", "false")
    ask(book, "busy")
    expect(spoken).to_have_text("Failed: The service failed")


def test_parameters_are_sent_only_when_set(chat: Chat, talker: Talker) -> None:
    book = chat("panel.parameters, panel.system, panel.model")
    ask(book, "first")
    expect(book.panel.locator(".hfw-md")).to_have_text("You said: first\n")
    assert set(talker.loopback.requests[-1].json()) <= {
        "messages",
        "model",
        "stream",
        "stream_options",
    }
    panel = book.panel
    panel.get_by_role("button", name="Parameters").click()
    panel.get_by_label("System prompt").fill("Be brief.")
    panel.get_by_label("Temperature", exact=True).fill("0.5")
    panel.get_by_label("Model").fill("tiny")
    ask(book, "second")
    expect(panel.locator(".hfw-md").last).to_have_text("You said: second\n")
    sent = talker.loopback.requests[-1].json()
    assert (sent["temperature"], sent["model"]) == (0.5, "tiny")
    assert sent["messages"][0] == {"role": "system", "content": "Be brief."}
    book.run(1)
    expect(book.output(1)).to_contain_text("({'temperature': 0.5}, 'Be brief.', 'tiny')")


def test_late_and_second_views_show_all(chat: Chat, talker: Talker) -> None:
    book = chat("panel")
    ask(book, "count 120 by 20")
    expect(book.panel.locator(".hfw-md")).to_contain_text("w19")
    book.run(1)
    expect(book.panel.nth(1).locator(".hfw-md")).to_contain_text("w0 w1 w2 ")
    book.save()
    book.open()
    expect(book.panel).to_have_count(2)
    for at in (0, 1):
        expect(book.panel.nth(at).locator(".hfw-md")).to_contain_text("w0 w1 ")
    talker.let_go()
    for at in (0, 1):
        expect(book.panel.nth(at).locator(".hfw-md")).to_contain_text("w118 w119")
    expect(book.panel.first.locator(".hfw-details")).to_contain_text("7 + 120 tokens")


def test_what_was_lost_is_asked_for_again(chat: Chat, page: Page, talker: Talker) -> None:
    book = chat()
    page.evaluate("""() => {
      const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
      window.came = window.dropped = 0;
      const old = kernel._handleMessage.bind(kernel);
      kernel._handleMessage = m => {
        const ops = m.header.msg_type === 'comm_msg' && m.content.data?.content?.ops;
        if (ops?.length && ++window.came % 3 === 0) { window.dropped++; return; }
        return old(m); };
    }""")
    ask(book, "count 90 by 5")
    for _ in range(12):  # each step is a message of its own
        came = page.evaluate("window.came")
        talker.step()
        page.wait_for_function("came => window.came > came", arg=came)
    talker.let_go()
    expect(details(book)).to_contain_text("7 + 90 tokens")
    assert page.evaluate("window.dropped") > 3
    assert answers(book)[0].split() == [f"w{i}" for i in range(90)]
