"""The chat panel: a conversation that streams while the kernel stays free."""

from collections.abc import Iterable
from typing import Any, ClassVar

import traitlets as t

from hfwidgets import errors
from hfwidgets.panels.base_panel import Panel
from hfwidgets.panels.call_tools import Helped
from hfwidgets.panels.chat_files import Kept
from hfwidgets.panels.conversation import Conversation, Entry, checked, question
from hfwidgets.panels.document.flusher import flusher
from hfwidgets.panels.run import Run
from hfwidgets.panels.views.chat_html import Transcript
from hfwidgets.tasks.chat import ChatOptions

SYSTEM = {
    "name": "system",
    "label": "System prompt",
    "help": "Said before the conversation, to set its tone and rules.",
    "advanced": False,
    "control": {"kind": "lines", "count": 2},
}
STARTERS = (
    "Write a haiku about the sea.",
    "Explain why the sky is blue, in three sentences.",
    "Write a Python function that tells whether a word is a palindrome.",
)


class ChatPanel(Kept, Helped, Panel):
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
    extra = (SYSTEM,)
    more: ClassVar[frozenset[str]] = Panel.more | frozenset(ChatOptions.__annotations__)

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
        self._talk = Conversation()
        self._transcript = Transcript()
        self._answer = 0
        self._prompt: Any = None
        self._pieces = 0
        self._usage = True
        super().__init__(model, provider=provider, system=system, **settings)
        self.observe(self._replaced, "messages")
        self.observe(self._publish, "system")
        self.observe(self._notice, ["model", "provider"])
        self._notice()
        said = [{"role": "system", "content": system}] if system else []
        self.messages = [*said, *messages]

    def _document(self) -> dict[str, Any]:
        draft = {"n": 0, "text": ""}
        talk = {"turns": [], "draft": draft, "canUndo": False, "canRedo": False}
        return {**talk, **self.HELP, "result": None, "names": {}, "attached": None}

    def _arguments(self) -> dict[str, Any]:
        """The conversation up to the last question: what the last answer was an answer to."""
        messages = self._sent()
        asked = [at for at, message in enumerate(messages) if message["role"] in ("user", "tool")]
        return {"messages": messages[: asked[-1] + 1] if asked else []}

    # What users call

    def send(self, prompt: Any) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Ask; returns at once. `prompt` is a text, or a list of text and picture parts."""
        self._ask(prompt)

    def run(self, prompt: Any) -> Any:
        """Ask and wait for the answer, a ChatCompletionOutput; an interrupt keeps what came."""
        return self._wait(self._ask(prompt))

    async def arun(self, prompt: Any) -> Any:
        """The same, awaited."""
        return await self._wait_async(self._ask(prompt))

    def regenerate(self) -> None:
        """Ask for the last answer again; returns at once. `undo` brings the old answer back."""
        entries = list(self._talk.entries)
        while entries and entries[-1].message["role"] != "user":
            entries.pop()
        if not entries:
            raise errors.InputError("There is no question to answer again: send one first.")
        self._answer_to(entries)

    def edit(self, index: int, text: str) -> None:
        """Change `messages[index]`; a changed question is asked again and what followed goes."""
        self._edit(range(len(self.messages))[index] - bool(self.system), text)

    def undo(self) -> None:
        """Take the last change of the conversation back: a question, an edit, a clearing."""
        self._step(Conversation.undo)

    def redo(self) -> None:
        """Take the last undo back."""
        self._step(Conversation.redo)

    def clear(self) -> None:
        """Begin anew; `undo` brings the conversation back."""
        if self._talk.entries:
            self._step(lambda talk: talk.change(()))

    # A run

    def _ask(self, prompt: Any) -> Run:
        message = (
            question(prompt) if isinstance(prompt, str) else {"role": "user", "content": prompt}
        )
        if not message["content"]:
            raise errors.InputError("The prompt is empty: write something to send.")
        return self._answer_to([*self._talk.entries, self._talk.entry(message)], prompt)

    def _answer_to(self, entries: list[Entry], prompt: Any = None) -> Run:
        def prepare() -> None:
            self._prompt = prompt
            self._talk.change(entries)
            self._publish()

        return self._begin(prepare)

    async def _work(self, run: Run) -> None:
        entry = self._talk.entry({"role": "assistant", "content": ""})
        self._answer = entry.number
        self._pieces = 0
        at = len(self._talk.entries)
        self._mirror.set("turns", at, value=_turn(entry, done=False))
        stream = await self._open()
        try:
            async for chunk in stream:
                self._take(at, chunk)
        finally:
            flusher.now(self._mirror)  # the last words first, then the accounts
            await stream.aclose()
            run.result = stream.result if stream.meta.first_token_seconds is not None else None

    async def _open(self) -> Any:
        """Start the stream. Token counts are asked for, unless the server refused that before."""
        given = {"model": self.model, **self.parameters}
        if self._usage and "stream_options" not in given:
            try:
                counted = {**given, "stream_options": {"include_usage": True}}
                return await self._connect().chat_completion(self.messages, stream=True, **counted)
            except errors.BadRequestError as error:
                if "stream_options" not in str(error):
                    raise
                self._usage = False
        return await self._connect().chat_completion(self.messages, stream=True, **given)

    def _take(self, at: int, chunk: dict[str, Any]) -> None:
        for choice in chunk.get("choices") or ():
            delta = choice.get("delta") or {}
            if choice.get("index") or not delta:
                continue
            thought = delta.get("reasoning") or delta.get("reasoning_content")
            if thought:
                self._grow(at, "think", thought)
            if delta.get("content"):
                self._grow(at, "text", delta["content"])

    def _grow(self, at: int, part: str, text: str) -> None:
        if self.status != "streaming":
            self._settle("streaming", note="", eta=None)
        self._pieces += 1
        self._mirror.append("turns", at, part, text=text)

    def _ended(self, run: Run) -> None:
        message = _said(run.result)
        if message is None:
            self._nothing_came()
            return
        note = "Stopped here." if run.stopped else "The answer broke off here." if run.error else ""
        entry = Entry(self._answer, message, note)
        with self._lock:
            at = len(self._talk.entries)
            self._talk.amend([*self._talk.entries, entry])
        for name in ("calls", "note", "done"):
            self._mirror.set("turns", at, name, value=_turn(entry)[name])
        self._again = self.regenerate
        self._publish()
        self.set_trait("value", entry.text)

    def _nothing_came(self) -> None:
        """The conversation is as before, and the question goes back to where it was written."""
        prompt, self._prompt = self._prompt, None
        with self._lock:
            self._talk.forget()
        self._publish()
        self._again = self.regenerate
        if prompt is not None:
            text = self._talk.entry({"role": "user", "content": prompt}).text
            self._draft(text)
            self._again = lambda: self._ask_again(prompt)

    def _ask_again(self, prompt: Any) -> None:
        self._draft("")
        self._ask(prompt)

    def _draft(self, text: str) -> None:
        number = self._mirror.get("draft", "n") + 1
        self._mirror.set("draft", value={"n": number, "text": text})

    def _stats(self, run: Run) -> dict[str, Any]:
        result, shared = run.result, super()._stats(run)
        usage = result.usage or {}
        made = usage.get("completion_tokens") or self._pieces
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

    def _edit(self, at: int, text: str) -> None:
        entries = self._talk.entries
        if not 0 <= at < len(entries):
            raise errors.InputError(f"There is no message {at} to edit: there are {len(entries)}.")
        entry = entries[at]
        changed = self._talk.entry({**entry.message, **question(text, entry.pictures)})
        if entry.message["role"] == "user":
            self._answer_to([*entries[:at], changed], changed.message["content"])
        else:
            changed = self._talk.entry({**entry.message, "content": text})
            self._step(lambda talk: talk.change([*entries[:at], changed, *entries[at + 1 :]]))

    def _step(self, change: Any) -> None:
        with self._lock:
            self._require_idle()
            change(self._talk)
        self._settle("idle", failure=None, stats=None)
        self._publish()
        self._refresh()

    def _replaced(self, change: Any) -> None:
        """A list was assigned to `messages`."""
        if change["new"] == self._sent():
            return
        self._require_idle()
        messages = checked(change["new"])
        first = messages[0] if messages else {}
        with self._lock:
            if first.get("role") == "system" and isinstance(first.get("content"), str):
                self._talk.change(map(self._talk.entry, messages[1:]))
                self.system = first["content"]
            else:
                self._talk.change(map(self._talk.entry, messages))
                self.system = None
        self._publish()
        self._refresh()

    def _sent(self) -> list[dict[str, Any]]:
        system = [{"role": "system", "content": self.system}] if self.system else []
        return system + self._talk.messages

    def _publish(self, _: Any = None) -> None:
        """Show the conversation to Python's observers and to the page, which keeps what it has."""
        with self._lock:
            entries = self._talk.entries
            there = [turn["id"] for turn in self._mirror.get("turns")]
            wanted = [entry.number for entry in entries]
            same = next(
                (i for i, (a, b) in enumerate(zip(there, wanted, strict=False)) if a != b), None
            )
            keep = min(len(there), len(wanted)) if same is None else same
            if keep < len(there):
                self._mirror.cut("turns", length=keep)
            for at in range(keep, len(entries)):
                self._mirror.set("turns", at, value=_turn(entries[at]))
            self._mirror.set("canUndo", value=self._talk.can_undo)
            self._mirror.set("result", value=self._keepable())
            self._mirror.set("canRedo", value=self._talk.can_redo)
        self.messages = self._sent()

    def _static(self) -> tuple[str, str]:
        return self._transcript.written(self._talk.entries, self.system, repr(self))

    def _media(self, name: str) -> tuple[bytes, str] | None:
        number, _, at = name.partition("-")
        for entry in self._talk.entries:
            if str(entry.number) == number and at.isdigit() and int(at) < len(entry.pictures):
                return entry.pictures[int(at)]
        return self._kept(name)

    # What the page asks for

    def _do_send(self, text: str, types: list[str], buffers: Iterable[bytes] = ()) -> None:
        message = question(text, zip(buffers, types, strict=True))
        self._ask(message["content"])

    def _do_edit(self, at: int, text: str) -> None:
        self._edit(at, text)

    def _do_regenerate(self) -> None:
        self.regenerate()

    def _do_undo(self) -> None:
        self.undo()

    def _do_redo(self) -> None:
        self.redo()

    def _do_clear(self) -> None:
        self.clear()

    def _described(self) -> dict[str, Any]:
        return {**super()._described(), "messages": len(self._talk.entries)}


def _turn(entry: Entry, done: bool = True) -> dict[str, Any]:
    """A message as the page shows it; pictures are named, and fetched when they are shown."""
    return {
        "id": entry.number,
        "role": entry.message["role"],
        "text": entry.text,
        "think": entry.thoughts,
        "calls": entry.calls,
        "images": [f"{entry.number}-{i}" for i in range(len(entry.pictures))],
        "note": entry.note,
        "done": done,
    }


def _said(result: Any) -> dict[str, Any] | None:
    """The first answer's message as a plain dict; None when nothing is in it."""
    choices = result["choices"] if result is not None else []
    message = dict(choices[0]["message"]) if choices else {}
    found = {name: value for name, value in message.items() if value}
    said = found.keys() - {"role"}
    return {"content": "", **found, "role": "assistant"} if said else None
