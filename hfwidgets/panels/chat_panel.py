"""The chat panel: a conversation that streams while the kernel stays free."""

from collections.abc import Iterable
from typing import Any, ClassVar

import traitlets as t

from hfwidgets import errors
from hfwidgets.calls.counted_stream import open_counted_stream
from hfwidgets.panels.base_panel import Panel
from hfwidgets.panels.call_tools import CallTools
from hfwidgets.panels.chat_files import ChatFiles
from hfwidgets.panels.conversation import Conversation, Entry, build_user_message, check_messages
from hfwidgets.panels.document.flusher import flusher
from hfwidgets.panels.run import PanelRun
from hfwidgets.panels.views.chat_html import ChatTranscript
from hfwidgets.tasks.chat import ChatOptions

SYSTEM_FIELD = {
    "name": "system",
    "label": "System prompt",
    "help": "Said before the conversation, to set its tone and rules.",
    "advanced": False,
    "control": {"kind": "textbox", "count": 2},
}
STARTERS = (
    "Write a haiku about the sea.",
    "Explain why the sky is blue, in three sentences.",
    "Write a Python function that tells whether a word is a palindrome.",
)


class ChatPanel(ChatFiles, CallTools, Panel):
    """A conversation with a model.

    Everything that takes long happens in the background: `send` returns at once, `run` waits,
    `await arun(...)` waits without blocking other tasks.

    Args:
        model: the model's id on the Hub; None leaves the choice to the provider.
        provider: who serves; "local" is the embedded engine.
        system: the system prompt.
        messages: a conversation to go on with.
        settings: `token`, `base_url`, `timeout`, ... as for a client, and the parameters of
            `chat_completion`, such as `temperature=0.2`; those not given are not sent.

    Attributes:
        messages: the conversation as it is sent, system prompt first; assign a list to replace it.
        value: the text of the last answer.
    """

    task = "chat-completion"
    view = "chat"
    starters = STARTERS
    extra_fields = (SYSTEM_FIELD,)
    code_only_parameters: ClassVar[frozenset[str]] = Panel.code_only_parameters | frozenset(
        ChatOptions.__annotations__
    )

    system = t.Unicode(None, allow_none=True)
    messages = t.List(t.Dict())
    value = t.Unicode("", read_only=True)

    def __init__(
        self,
        model: str | None = None,
        *,
        provider: str | None = None,
        system: str | None = None,
        messages: Iterable[Any] = (),
        **settings: Any,
    ) -> None:
        self._conversation = Conversation()
        self._transcript = ChatTranscript()
        self._answer_number = 0
        self._pending_prompt: Any = None
        self._piece_count = 0
        super().__init__(model, provider=provider, system=system, **settings)
        self.observe(self._on_messages_assigned, "messages")
        self.observe(self._publish_conversation, "system")
        self.observe(self._update_banner, ["model", "provider"])
        self._update_banner()
        said = [{"role": "system", "content": system}] if system else []
        self.messages = [*said, *messages]

    def _initial_document(self) -> dict[str, Any]:
        draft = {"n": 0, "text": ""}
        talk = {"turns": [], "draft": draft, "canUndo": False, "canRedo": False}
        return {**talk, **self.CALL_TOOLS_DOCUMENT, "result": None, "names": {}, "attached": None}

    def _call_arguments(self) -> dict[str, Any]:
        """The conversation up to the last question: what the last answer was an answer to."""
        messages = self._request_messages()
        asked = [at for at, message in enumerate(messages) if message["role"] in ("user", "tool")]
        return {"messages": messages[: asked[-1] + 1] if asked else []}

    # What users call

    def send(self, prompt: Any) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Ask; returns at once. `prompt` is a text, or a list of text and picture parts."""
        self._send_prompt(prompt)

    def run(self, prompt: Any) -> Any:
        """Ask and wait for the answer, a ChatCompletionOutput; an interrupt keeps what came."""
        return self._wait_for_run(self._send_prompt(prompt))

    async def arun(self, prompt: Any) -> Any:
        """The same, awaited."""
        return await self._wait_for_run_async(self._send_prompt(prompt))

    def regenerate(self) -> None:
        """Ask for the last answer again; returns at once. `undo` brings the old answer back."""
        entries = list(self._conversation.entries)
        while entries and entries[-1].message["role"] != "user":
            entries.pop()
        if not entries:
            raise errors.InputError("There is no question to answer again: send one first.")
        self._start_answer(entries)

    def edit(self, index: int, text: str) -> None:
        """Change `messages[index]`; a changed question is asked again and what followed goes."""
        self._edit_entry(range(len(self.messages))[index] - bool(self.system), text)

    def undo(self) -> None:
        """Take the last change of the conversation back: a question, an edit, a clearing."""
        self._change_conversation(Conversation.undo)

    def redo(self) -> None:
        """Take the last undo back."""
        self._change_conversation(Conversation.redo)

    def clear(self) -> None:
        """Begin anew; `undo` brings the conversation back."""
        if self._conversation.entries:
            self._change_conversation(lambda talk: talk.replace_entries(()))

    # A run

    def _send_prompt(self, prompt: Any) -> PanelRun:
        message = (
            build_user_message(prompt)
            if isinstance(prompt, str)
            else {"role": "user", "content": prompt}
        )
        if not message["content"]:
            raise errors.InputError("The prompt is empty: write something to send.")
        return self._start_answer(
            [*self._conversation.entries, self._conversation.new_entry(message)], prompt
        )

    def _start_answer(self, entries: list[Entry], prompt: Any = None) -> PanelRun:
        def prepare() -> None:
            self._pending_prompt = prompt
            self._conversation.replace_entries(entries)
            self._publish_conversation()

        return self._begin_run(prepare)

    async def _perform_run(self, run: PanelRun) -> None:
        entry = self._conversation.new_entry({"role": "assistant", "content": ""})
        self._answer_number = entry.number
        self._piece_count = 0
        at = len(self._conversation.entries)
        self._mirror.set("turns", at, value=_build_turn(entry, done=False))
        stream = await open_counted_stream(
            self._get_client(), self.messages, model=self.model, **self.parameters
        )
        try:
            async for chunk in stream:
                self._add_chunk(at, chunk)
        finally:
            flusher.flush_now(self._mirror)  # the last words first, then the accounts
            await stream.aclose()
            run.result = stream.result if stream.meta.first_token_seconds is not None else None

    def _add_chunk(self, at: int, chunk: dict[str, Any]) -> None:
        for choice in chunk.get("choices") or ():
            delta = choice.get("delta") or {}
            if choice.get("index") or not delta:
                continue
            thought = delta.get("reasoning") or delta.get("reasoning_content")
            if thought:
                self._append_to_turn(at, "think", thought)
            if delta.get("content"):
                self._append_to_turn(at, "text", delta["content"])

    def _append_to_turn(self, at: int, part: str, text: str) -> None:
        if self.status != "streaming":
            self._update_state("streaming", note="", eta=None)
        self._piece_count += 1
        self._mirror.append("turns", at, part, text=text)

    def _settle_document(self, run: PanelRun) -> None:
        message = _first_message(run.result)
        if message is None:
            self._restore_prompt()
            return
        note = (
            "Stopped here."
            if run.was_stopped
            else "The answer broke off here."
            if run.error
            else ""
        )
        entry = Entry(self._answer_number, message, note)
        with self._lock:
            at = len(self._conversation.entries)
            self._conversation.amend_entries([*self._conversation.entries, entry])
        for name in ("calls", "note", "done"):
            self._mirror.set("turns", at, name, value=_build_turn(entry)[name])
        self._retry_action = self.regenerate
        self._publish_conversation()
        self.set_trait("value", entry.text)

    def _restore_prompt(self) -> None:
        """The conversation is as before, and the question goes back to where it was written."""
        prompt, self._pending_prompt = self._pending_prompt, None
        with self._lock:
            self._conversation.discard_last_change()
        self._publish_conversation()
        self._retry_action = self.regenerate
        if prompt is not None:
            text = self._conversation.new_entry({"role": "user", "content": prompt}).text
            self._set_draft(text)
            self._retry_action = lambda: self._resend_prompt(prompt)

    def _resend_prompt(self, prompt: Any) -> None:
        self._set_draft("")
        self._send_prompt(prompt)

    def _set_draft(self, text: str) -> None:
        number = self._mirror.get("draft", "n") + 1
        self._mirror.set("draft", value={"n": number, "text": text})

    def _run_stats(self, run: PanelRun) -> dict[str, Any]:
        result, shared = run.result, super()._run_stats(run)
        usage = result.usage or {}
        made = usage.get("completion_tokens") or self._piece_count
        streamed = shared["seconds"] - shared["first"]
        found = {
            "rate": (made - 1) / streamed if made > 1 and streamed > 0 else None,
            "prompt": usage.get("prompt_tokens"),
            "completion": made or None,
            "counted": not usage.get("completion_tokens"),
            "model": shared.get("model") or result.model,
            "finish": result.choices[0].finish_reason if result.choices else None,
        }
        return {**shared, **{name: value for name, value in found.items() if value is not None}}

    # The conversation

    def _edit_entry(self, at: int, text: str) -> None:
        entries = self._conversation.entries
        if not 0 <= at < len(entries):
            raise errors.InputError(f"There is no message {at} to edit: there are {len(entries)}.")
        entry = entries[at]
        changed = self._conversation.new_entry(
            {**entry.message, **build_user_message(text, entry.images)}
        )
        if entry.message["role"] == "user":
            self._start_answer([*entries[:at], changed], changed.message["content"])
        else:
            changed = self._conversation.new_entry({**entry.message, "content": text})
            self._change_conversation(
                lambda talk: talk.replace_entries([*entries[:at], changed, *entries[at + 1 :]])
            )

    def _change_conversation(self, change: Any) -> None:
        with self._lock:
            self._require_idle()
            change(self._conversation)
        self._update_state("idle", failure=None, stats=None)
        self._publish_conversation()
        self._refresh_static()

    def _on_messages_assigned(self, change: Any) -> None:
        """A list was assigned to `messages`."""
        if change["new"] == self._request_messages():
            return
        self._require_idle()
        messages = check_messages(change["new"])
        first = messages[0] if messages else {}
        with self._lock:
            if first.get("role") == "system" and isinstance(first.get("content"), str):
                self._conversation.replace_entries(map(self._conversation.new_entry, messages[1:]))
                self.system = first["content"]
            else:
                self._conversation.replace_entries(map(self._conversation.new_entry, messages))
                self.system = None
        self._publish_conversation()
        self._refresh_static()

    def _request_messages(self) -> list[dict[str, Any]]:
        system = [{"role": "system", "content": self.system}] if self.system else []
        return system + self._conversation.messages

    def _publish_conversation(self, _: Any = None) -> None:
        """Show the conversation to Python's observers and to the page, which keeps what it has."""
        with self._lock:
            entries = self._conversation.entries
            there = [turn["id"] for turn in self._mirror.get("turns")]
            wanted = [entry.number for entry in entries]
            same = next(
                (i for i, (a, b) in enumerate(zip(there, wanted, strict=False)) if a != b), None
            )
            keep = min(len(there), len(wanted)) if same is None else same
            if keep < len(there):
                self._mirror.truncate("turns", length=keep)
            for at in range(keep, len(entries)):
                self._mirror.set("turns", at, value=_build_turn(entries[at]))
            self._mirror.set("canUndo", value=self._conversation.can_undo)
            self._mirror.set("result", value=self._result_files())
            self._mirror.set("canRedo", value=self._conversation.can_redo)
        self.messages = self._request_messages()

    def _render_static(self) -> tuple[str, str]:
        return self._transcript.render(self._conversation.entries, self.system, repr(self))

    def _find_media(self, name: str) -> tuple[bytes, str] | None:
        number, _, at = name.partition("-")
        for entry in self._conversation.entries:
            if str(entry.number) == number and at.isdigit() and int(at) < len(entry.images):
                return entry.images[int(at)]
        return self._find_chat_file(name)

    # What the page asks for

    def _do_send(self, text: str, types: list[str], buffers: Iterable[bytes] = ()) -> None:
        message = build_user_message(text, zip(buffers, types, strict=True))
        self._send_prompt(message["content"])

    def _do_edit(self, at: int, text: str) -> None:
        self._edit_entry(at, text)

    def _do_regenerate(self) -> None:
        self.regenerate()

    def _do_undo(self) -> None:
        self.undo()

    def _do_redo(self) -> None:
        self.redo()

    def _do_clear(self) -> None:
        self.clear()

    def _repr_fields(self) -> dict[str, Any]:
        return {**super()._repr_fields(), "messages": len(self._conversation.entries)}


def _build_turn(entry: Entry, done: bool = True) -> dict[str, Any]:
    """A message as the page shows it; pictures are named, and fetched when they are shown."""
    return {
        "id": entry.number,
        "role": entry.message["role"],
        "text": entry.text,
        "think": entry.reasoning,
        "calls": entry.tool_calls,
        "images": [f"{entry.number}-{i}" for i in range(len(entry.images))],
        "note": entry.note,
        "done": done,
    }


def _first_message(result: Any) -> dict[str, Any] | None:
    """The first answer's message as a plain dict; None when nothing is in it."""
    choices = result["choices"] if result is not None else []
    message = dict(choices[0]["message"]) if choices else {}
    found = {name: value for name, value in message.items() if value}
    said = found.keys() - {"role"}
    return {"content": "", **found, "role": "assistant"} if said else None
