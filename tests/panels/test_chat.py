"""The chat panel's Python half, against a simulated service."""

import asyncio
import base64
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import hfwidgets as hf
from hfwidgets import errors
from hfwidgets.panels.chat_panel import ChatPanel
from tests.browser.talker import RICH, Talker, pieces
from tests.panels.conftest import Chat, attach, page, say
from tests.plugins.loopback import Answer
from tests.plugins.sample_media import encode_image
from tests.plugins.waiting import LIMIT, Slow, auntil, free


def until(panel: ChatPanel, name: str, wanted: Callable[[Any], bool], seconds: float = 30) -> None:
    """Wait until a trait has a wanted value."""
    reached = threading.Event()

    def look(_: Any = None) -> None:
        if wanted(getattr(panel, name)):
            reached.set()

    panel.observe(look, name)
    look()
    assert reached.wait(seconds), f"{name} stayed {getattr(panel, name)!r}"
    panel.unobserve(look, name)


def ended(panel: ChatPanel) -> None:
    until(panel, "status", lambda status: status in ("done", "stopped", "failed"))


def streaming(panel: ChatPanel) -> None:
    until(panel, "status", lambda status: status == "streaming")


def test_run_waits_and_returns_the_typed_result(chat: Chat) -> None:
    panel = chat()
    seen: list[str] = []
    results: list[Any] = []
    panel.observe(lambda change: seen.append(change["new"]), "status")
    panel.on_result(results.append)
    out = panel.run("hello")
    assert out.choices[0].message.content == "You said: hello"
    assert (panel.value, panel.status) == ("You said: hello", "done")
    assert panel.result is out
    assert results == [out]
    assert [m["role"] for m in panel.messages] == ["user", "assistant"]
    assert seen == ["validating", "running", "streaming", "done"]


def test_a_prompt_holds_texts_images_and_parts(chat: Chat) -> None:
    panel = chat()
    picture = Image.new("RGB", (2, 2))
    part = {"type": "text", "text": "these"}
    panel.run(["Compare", picture, encode_image(), part])
    question = panel.messages[0]
    assert [part["type"] for part in question["content"]] == [
        *("text", "image_url", "image_url", "text")
    ]
    assert question["content"][1]["image_url"]["url"].startswith("data:image/png;base64,")
    panel.run(picture)
    panel.run({"role": "user", "content": "a message"})
    assert panel.messages[-2] == {"role": "user", "content": "a message"}


@pytest.mark.parametrize(
    "prompt", ["", None, [], 5, object(), ["text", 5], {"text": "x"}, {"role": "system"}, [{1, 2}]]
)
def test_a_prompt_of_something_else_changes_nothing(chat: Chat, prompt: Any) -> None:
    panel = chat()
    panel.run("hello")
    before = panel.messages
    with pytest.raises(errors.InputError):
        panel.run(prompt)
    assert (panel.messages, panel.status) == (before, "done")
    panel.run("again")
    panel.undo()
    assert panel.messages == before


def test_the_page_has_the_same_document(chat: Chat) -> None:
    panel = chat()
    panel.run("rich")
    turns = page(panel).doc["turns"]
    assert [turn["text"] for turn in turns] == ["rich", RICH]
    assert all(turn["done"] for turn in turns)
    stats = page(panel).doc["state"]["stats"]
    assert (stats["prompt"], stats["model"], stats["provider"]) == (7, "played", "endpoint")
    assert page(panel).doc == panel._hfw_mirror.get()


def test_each_text_is_sent_once(chat: Chat) -> None:
    panel = chat()
    panel.run("tokens 500")
    ops = [op for message in page(panel).messages for op in message["ops"]]
    grown = [op[3] for op in ops if op[:2] == ["+", ["turns", 1, "text"]]]
    assert "".join(grown) == panel.value
    rest = json.dumps([op for op in ops if op[0] != "+"])
    assert not [word for word in ("carries", "gardens", "evening") if word in rest]


def test_stop_keeps_the_partial_answer(chat: Chat, talker: Talker) -> None:
    panel = chat()
    panel.send("count 1000 by 1")
    streaming(panel)
    panel.stop()
    ended(panel)
    assert panel.status == "stopped"
    assert panel.messages[-1]["content"].startswith("w0 ")
    assert panel.result.choices[0].message.content == panel.value
    assert page(panel).doc["turns"][1]["note"] == "Stopped here."
    assert talker.loopback.gone.wait(LIMIT)


def test_stop_from_the_page_ends_a_blocking_run(chat: Chat) -> None:
    panel = chat()
    panel.observe(
        lambda change: change["new"] == "streaming" and say(panel, k="do", do="stop", run=1),
        "status",
    )
    out = panel.run("count 1000 by 1")
    assert panel.status == "stopped"
    assert out.choices[0].message.content == panel.value


def test_a_late_stop_spares_the_next_run(chat: Chat, talker: Talker) -> None:
    panel = chat()
    panel.run("one")
    panel.send("count 20 by 1")
    streaming(panel)
    say(panel, k="do", do="stop", run=1)
    talker.let_go()
    ended(panel)
    assert panel.status == "done"


def test_stop_before_the_first_token_returns_the_prompt(chat: Chat, talker: Talker) -> None:
    hold = threading.Event()
    talker.answers["slow"] = lambda _: (hold.wait(30), pieces("late"))[1]
    panel = chat()
    panel.send("slow")
    until(panel, "status", lambda status: status == "running")
    panel.stop()
    ended(panel)
    hold.set()
    assert panel.messages == []
    assert page(panel).doc["draft"]["text"] == "slow"


def test_an_error_is_raised_and_shown_and_returns_the_message(chat: Chat) -> None:
    panel = chat()
    with pytest.raises(errors.AuthenticationError):
        panel.run("refuse")
    doc = page(panel).doc
    assert panel.status == "failed"
    assert doc["turns"] == []
    assert doc["draft"]["text"] == "refuse"
    assert doc["state"]["failure"]["action"]["name"] == "sign_in"
    assert panel.results == []


def test_a_key_from_the_page_is_used_and_never_shown(chat: Chat, talker: Talker) -> None:
    panel = chat()
    with pytest.raises(errors.AuthenticationError):
        panel.run("refuse")
    talker.answers["refuse"] = lambda seen: pieces("fine")
    say(panel, k="do", do="key", value="sk-very-secret-99")
    ended(panel)
    assert talker.loopback.requests[-1].headers["authorization"] == "Bearer sk-very-secret-99"
    assert page(panel).doc["draft"]["text"] == ""
    for place in (panel.get_state(), page(panel).messages, repr(panel), panel._hfw_render_static()):
        assert "secret" not in str(place)


def test_a_broken_stream_keeps_the_partial_answer(chat: Chat) -> None:
    panel = chat()
    with pytest.raises(errors.StreamBrokenError):
        panel.run("break")
    assert panel.messages[-1] == {"role": "assistant", "content": "partial words "}
    assert page(panel).doc["turns"][1]["note"] == "The answer broke off here."
    assert page(panel).doc["state"]["failure"]["title"] == "The connection broke"


def test_only_parameters_that_are_set_are_sent(chat: Chat, talker: Talker) -> None:
    panel = chat(temperature=0.5, system="Be brief.")
    panel.run("one")
    sent = talker.loopback.requests[-1].json()
    assert sent["temperature"] == 0.5
    assert sent["messages"][0] == {"role": "system", "content": "Be brief."}
    assert "max_tokens" not in sent
    say(panel, k="do", do="set", values={"temperature": None, "system": None}, model="tiny")
    assert (panel.parameters, panel.system, panel.model) == ({}, "", "tiny")
    panel.run("two")
    sent = talker.loopback.requests[-1].json()
    assert "temperature" not in sent
    assert [m["role"] for m in sent["messages"]] == ["user", "assistant", "user"]


def test_a_server_that_refuses_stream_options_is_called_without(chat: Chat, talker: Talker) -> None:
    def strict(seen: Any) -> Answer:
        if "stream_options" in seen.json():
            return Answer(status=400, json={"error": "unknown field stream_options"})
        return pieces("fine")

    talker.answers["strict"] = strict
    panel = chat()
    assert panel.run("strict").text == "fine"
    assert panel.run("strict").text == "fine"
    assert len(talker.loopback.requests) == 3


def test_tool_calls_and_reasoning(chat: Chat) -> None:
    panel = chat()
    panel.run("think")
    assert page(panel).doc["turns"][1]["think"] == "Let me **see**."
    panel.run("tool")
    assert page(panel).doc["turns"][3]["calls"] == [
        {"name": "weather", "arguments": '{"city": "Oslo"}'}
    ]
    assert panel.messages[-1]["tool_calls"][0]["function"]["name"] == "weather"


def test_images_are_sent_and_fetched_when_needed(chat: Chat, talker: Talker) -> None:
    panel = chat()
    attach(panel, "a1", b"\x89PNG data")
    images = [{"name": "a1", "type": "image/png"}]
    say(panel, k="do", do="send", text="what?", images=images, n=1)
    assert page(panel).doc["taken"] == 1
    ended(panel)
    part, text = talker.loopback.requests[-1].json()["messages"][-1]["content"]
    assert part["image_url"]["url"] == "data:image/png;base64,iVBORyBkYXRh"
    assert text == {"type": "text", "text": "what?"}
    (name,) = page(panel).doc["turns"][0]["images"]
    say(panel, k="media", id=name)
    assert page(panel).messages[-1] == {"k": "media", "id": name, "type": "image/png"}
    assert page(panel).buffers[-1] == [b"\x89PNG data"]
    assert "iVBOR" not in str(page(panel).messages)


def test_large_images_and_conversations_arrive_in_pieces(
    chat: Chat, talker: Talker, tmp_path: Path
) -> None:
    panel = chat()
    image = b"\x89PNG" + bytes(11 << 20)
    attach(panel, "a1", image)
    say(panel, k="do", do="send", text="", images=[{"name": "a1", "type": "image/png"}], n=1)
    ended(panel)
    assert len(talker.loopback.requests[-1].body) > 14 << 20
    saved = panel.export(tmp_path / "chat.json").read_bytes()
    other = chat()
    attach(other, "conversation", saved)
    assert other.messages == panel.messages


def test_a_refused_message_returns_with_its_images(chat: Chat, talker: Talker) -> None:
    panel = chat()
    attach(panel, "a1", b"\x89PNG data")
    images = [{"name": "a1", "type": "image/png"}]
    say(panel, k="do", do="send", text="refuse", images=images, n=1)
    ended(panel)
    draft = page(panel).doc["draft"]
    assert draft["text"] == "refuse"
    say(panel, k="media", id=draft["images"][0])
    assert page(panel).buffers[-1] == [b"\x89PNG data"]
    talker.answers["refuse"] = lambda seen: pieces("fine")
    say(panel, k="do", do="retry")
    ended(panel)
    assert "iVBORyBkYXRh" in str(panel.messages[0])
    assert page(panel).doc["draft"].get("images", []) == []


def test_history(chat: Chat) -> None:
    panel = chat()
    panel.messages = []
    assert page(panel).doc["canUndo"] is False
    panel.run("one")
    panel.run("two")
    panel.undo()
    assert len(panel.messages) == 2
    panel.redo()
    assert len(panel.messages) == 4
    panel.clear()
    assert panel.messages == []
    panel.undo()
    assert len(panel.messages) == 4
    panel.edit(0, "changed")
    ended(panel)
    assert [m["content"] for m in panel.messages] == ["changed", "You said: changed"]
    panel.edit(-1, "my words")
    assert panel.messages[-1]["content"] == "my words"
    panel.regenerate()
    ended(panel)
    assert panel.messages[-1]["content"] == "You said: changed"
    panel.undo()
    assert panel.messages[-1]["content"] == "my words"
    assert [t["text"] for t in page(panel).doc["turns"]] == ["changed", "my words"]


def test_readers_of_plain_text_get_the_whole_conversation(chat: Chat) -> None:
    panel = chat(system="Be brief.")
    url = f"data:image/png;base64,{base64.b64encode(encode_image()).decode()}"
    panel.messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}, "What?"]},
        {"role": "assistant", "content": "A red\nsquare."},
    ]
    text = panel._hfw_render_static().text
    assert text.partition("\n\n")[2] == (
        "System: Be brief.\n\nYou: [image]\nWhat?\n\nAssistant: A red\nsquare."
    )


def test_an_edit_keeps_what_is_not_text(chat: Chat) -> None:
    panel = chat()
    data_url = f"data:image/png;base64,{base64.b64encode(encode_image()).decode()}"
    pictures = [
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "image_url", "image_url": data_url},
    ]
    asked = {"role": "user", "content": [{"type": "text", "text": "one"}, *pictures, "and"]}
    panel.messages = [asked, {"role": "assistant", "content": "1"}]
    panel.edit(0, "two")
    ended(panel)
    assert panel.messages[0]["content"] == [*pictures, {"type": "text", "text": "two"}]


def test_messages_that_no_notebook_can_hold_are_refused(chat: Chat) -> None:
    panel = chat()
    with pytest.raises(errors.InputError, match=r"messages\[0\] cannot be kept"):
        panel.messages = [{"role": "user", "content": [{"type": "image", "image": object()}]}]
    with pytest.raises(errors.InputError, match="has no content"):
        panel.messages = [{"role": "user"}]
    panel.messages = []


def test_edit_uses_the_index_of_messages(chat: Chat) -> None:
    panel = chat(system="Be brief.")
    panel.run("one")
    panel.edit(1, "two")
    ended(panel)
    assert [m["content"] for m in panel.messages] == ["Be brief.", "two", "You said: two"]


def test_messages_can_be_assigned(chat: Chat) -> None:
    panel = chat()
    panel.messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "1"},
    ]
    assert panel.system == "Be brief."
    panel.run("two")
    assert len(panel.messages) == 5
    with pytest.raises(errors.InputError, match="role"):
        panel.messages = [{"content": "x"}]


GOLDEN = Path(__file__).parent / "golden"


def test_a_saved_conversation_of_an_earlier_version_is_read_and_written_as_it_is(
    chat: Chat, tmp_path: Path
) -> None:
    """The committed files must be readable forever."""
    panel = chat()
    panel.load(GOLDEN / "conversation.json")
    assert (panel.model, panel.provider) == ("org/model", "together")
    assert panel.parameters == {"temperature": 0.5, "stop": ["a"]}
    assert [message["role"] for message in panel.messages] == [
        *("system", "user", "assistant", "tool", "assistant"),
    ]
    assert panel.messages[-1]["content"] == "**Red** 😀"
    for name in ("conversation.json", "conversation.md"):
        written = panel.export(tmp_path / name).read_text("utf-8")
        assert written == (GOLDEN / name).read_text("utf-8")


def test_export_and_load(chat: Chat, tmp_path: Path) -> None:
    panel = chat(temperature=0.5, token="sk-very-secret-99", system="Be brief.")
    panel.run("one")
    path = panel.export(tmp_path / "chat.json")
    assert "secret" not in path.read_text()
    other = chat()
    other.load(path)
    assert other.messages == panel.messages
    assert (other.parameters, other.system) == ({"temperature": 0.5}, "Be brief.")
    path.write_text(json.dumps([{"role": "user", "content": "x"}]))
    other.load(path)
    assert len(other.messages) == 1


def test_one_run_at_a_time(chat: Chat) -> None:
    panel = chat()
    panel.send("count 100 by 1")
    with pytest.raises(errors.InputError, match="still running"):
        panel.run("two")
    say(panel, k="do", do="send", text="three", n=7)
    assert page(panel).doc["taken"] == 0
    assert "still running" in page(panel).doc["state"]["failure"]["text"]
    panel.stop()


def test_arun_does_not_block_the_loop(chat: Chat, talker: Talker) -> None:
    slow = Slow(lambda _: pieces("Here you are."))
    talker.answers["slow"] = slow
    panel = chat()
    out = asyncio.run(free(panel.arun("slow"), slow))
    assert out.text == "Here you are."
    assert panel.status == "done"


def test_canceling_arun_stops_the_run(chat: Chat) -> None:
    panel = chat()

    async def cancelled() -> None:
        task = asyncio.ensure_future(panel.arun("count 1000 by 1"))
        await auntil(lambda: panel.status == "streaming")
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())
    ended(panel)
    assert panel.status == "stopped"
    assert panel.value.startswith("w0")


def test_a_late_page_gets_the_whole_document(chat: Chat) -> None:
    panel = chat()
    panel.run("rich")
    page(panel).doc = {}
    say(panel, k="hello", seq=0)
    assert page(panel).doc["turns"][1]["text"] == RICH
    say(panel, k="hello", seq=page(panel).seq)
    assert page(panel).messages[-1] == {"k": "ops", "seq": page(panel).seq, "ops": []}


def test_chunks_are_sent_on_request(chat: Chat) -> None:
    panel = chat()
    say(panel, k="chunk", name="math")
    message = page(panel).messages[-1]
    assert message["hash"] == page(panel).shape["chunks"]["math"]
    assert len(page(panel).buffers[-1][0]) > 10_000
    sent = len(page(panel).messages)
    say(panel, k="chunk", name="../secrets")
    assert len(page(panel).messages) == sent


def test_malformed_messages_change_nothing(chat: Chat) -> None:
    panel = chat()
    before = page(panel).doc["turns"]
    say(panel, k="do", do="__init__")
    say(panel, k="do")
    say(panel, k="other")
    assert page(panel).doc["turns"] == before


def test_errors_of_settings_name_the_alternatives() -> None:
    with pytest.raises(errors.UnknownParameterError, match="Did you mean 'temperature'"):
        hf.chat(temprature=1)
    with pytest.raises(errors.UnknownProviderError, match="local"):
        hf.chat(provider="locl")
    with pytest.raises(errors.UnknownTaskError, match="chat-completion"):
        hf.panel("chat-completon")
    with pytest.raises(errors.InputError, match="empty"):
        hf.chat().run("")


def test_panel_opens_a_chat_by_its_task_name() -> None:
    panel = hf.panel("chat_completion", "tiny", temperature=0.1)
    assert isinstance(panel, ChatPanel)
    assert repr(panel) == "ChatPanel(model='tiny', temperature=0.1, messages=0)"


def test_saved_state_is_small() -> None:
    state = hf.chat(token="sk-very-secret-99").get_state()
    text = json.dumps(
        {name: value for name, value in state.items() if name != "layout"}, default=str
    )
    assert "secret" not in text
    assert len(text) < 90_000


def test_many_panels_run_at_once(chat: Chat, talker: Talker) -> None:
    all_there = threading.Barrier(10)  # answers come only after all requests
    talker.answers["together"] = lambda _: (all_there.wait(30), pieces("Here you are."))[1]
    panels = [chat() for _ in range(10)]
    for panel in panels:
        panel.send("together")
    for panel in panels:
        ended(panel)
        assert panel.value == "Here you are."
