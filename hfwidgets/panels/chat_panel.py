"""The chat panel: a conversation that streams while the kernel stays free."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar

import traitlets as t

from hfwidgets import errors
from hfwidgets.calls.counted_stream import open_counted_stream
from hfwidgets.errors.excerpt import show_value
from hfwidgets.panels.base_panel import OptionalText, Panel
from hfwidgets.panels.call_tools import CallTools
from hfwidgets.panels.chat_files import CONVERSATION_UPLOAD, ChatFiles
from hfwidgets.panels.conversation import (
    AttachedFile,
    Conversation,
    Entry,
    MessageDict,
    Prompt,
    build_prompt,
    build_user_message,
    check_plain_messages,
    replace_text,
)
from hfwidgets.panels.document.flusher import flusher
from hfwidgets.panels.document.nodes import Node
from hfwidgets.panels.document.outputs import StaticForm
from hfwidgets.panels.document.protocol import ControlView, Draft, Field, Turn
from hfwidgets.panels.run import PanelRun
from hfwidgets.panels.views.chat_html import ChatTranscript
from hfwidgets.results.chat import read_reasoning
from hfwidgets.tasks.chat import ChatOptions

SYSTEM_FIELD = Field(
    name="system",
    label="System prompt",
    help="Sent before the conversation, to set its tone and rules.",
    advanced=False,
    control=ControlView(kind="textbox", count=2),
)
STARTERS = (
    "Write a haiku about the sea.",
    "Explain why the sky is blue, in three sentences.",
    "Write a Python function that checks whether a word is a palindrome.",
)


class ChatPanel(ChatFiles, CallTools, Panel):
    """A conversation with a model.

    Everything that takes long runs in the background: `send` returns immediately, `run` waits, and
    `await arun(...)` waits without blocking other tasks.

    Args:
        model: the model's id on the Hub; None leaves the choice to the provider.
        provider: the provider's name; "local" is the embedded engine.
        system: the system prompt.
        messages: a conversation to continue.
        settings: `token`, `base_url`, `timeout`, ... as for a client, and the parameters of
            `chat_completion`, such as `temperature=0.2`; others are not sent.

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

    system = OptionalText()
    # Of any items: `check_plain_messages` says more about wrong ones, and traitlets would check all
    # of them with every turn.
    messages = t.List()
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
        self._hfw_conversation = Conversation()
        self._hfw_transcript = ChatTranscript()
        self._hfw_answer_number = 0
        # What returns to the composer if no answer comes; None for a regenerated answer.
        self._hfw_pending_prompt: Prompt | None = None
        self._hfw_attached_files: dict[str, bytes] = {}
        self._hfw_draft_images: list[AttachedFile] = []
        self._hfw_piece_count = 0
        # The list that `messages` was last set to by the panel itself.
        self._hfw_published_messages: list[MessageDict] = []
        super().__init__(model, provider=provider, system=system, **settings)
        self.observe(self._hfw_on_messages_assigned, "messages")
        self.observe(self._hfw_publish_conversation, "system")
        self.observe(self._hfw_follow_model, ["model", "provider"])
        self._hfw_follow_model()
        system_message = [{"role": "system", "content": system}] if system else []
        if not isinstance(messages, Iterable):
            raise errors.InputError(
                f"messages must be a list of messages; it is {show_value(messages)}."
            )
        # Through the trait, whose observer checks the messages and fills the conversation.
        self.messages = [*system_message, *messages]

    def _hfw_initial_document(self) -> dict[str, Node]:
        return {
            "turns": [],
            "draft": Draft(n=0, text=""),
            "canUndo": False,
            "canRedo": False,
            "heard": 0,
            "taken": 0,
            "files": None,
            "names": {},
            "attached": None,
            **self.CALL_TOOLS_DOCUMENT,
        }

    def _hfw_call_arguments(self) -> dict[str, Any]:
        """Return the conversation up to the last question, which the last answer answers."""
        messages = self._hfw_request_messages()
        questions = [
            at for at, message in enumerate(messages) if message["role"] in ("user", "tool")
        ]
        return {"messages": messages[: questions[-1] + 1] if questions else []}

    # What users call

    def send(self, prompt: Prompt) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Send a prompt; returns immediately.

        Args:
            prompt: a text, or a list of texts, images and parts as the API has them.

        Raises:
            InputError: the prompt is empty, something in it is neither a text nor an image, or the
                panel is still running.
        """
        self._hfw_send_prompt(prompt)

    def run(self, prompt: Prompt) -> Any:
        """Send a prompt and wait for the answer; an interrupt keeps what has arrived.

        Args:
            prompt: as for `send`.

        Returns:
            A `ChatCompletionOutput`.
        """
        return self._hfw_wait_for_run(self._hfw_send_prompt(prompt))

    async def arun(self, prompt: Prompt) -> Any:
        """Send a prompt and await the answer; see `run`."""
        return await self._hfw_wait_for_run_async(self._hfw_send_prompt(prompt))

    def regenerate(self) -> None:
        """Answer the last question again; returns immediately. `undo` restores the old answer.

        Raises:
            InputError: there is no question, or the panel is still running.
        """
        entries = list(self._hfw_conversation.entries)
        while entries and entries[-1].message["role"] != "user":
            entries.pop()
        if not entries:
            raise errors.InputError("There is no question to answer again. Send one first.")
        self._hfw_start_answer(entries)

    def edit(self, index: int, text: str) -> None:
        """Change `messages[index]`. A changed question is sent again, and what followed it goes."""
        # `range` resolves negative indices and checks them. Entries lack the system prompt.
        self._hfw_edit_entry(range(len(self.messages))[index] - bool(self.system), text)

    def undo(self) -> None:
        """Undo the last change of the conversation: a question, an edit, a clearing."""
        self._hfw_change_conversation(Conversation.undo)

    def redo(self) -> None:
        """Revert the last undo."""
        self._hfw_change_conversation(Conversation.redo)

    def clear(self) -> None:
        """Start a new conversation; `undo` restores the old one."""
        if self._hfw_conversation.entries:
            self._hfw_change_conversation(lambda conversation: conversation.replace_entries(()))

    # A run

    def _hfw_send_prompt(self, prompt: Prompt) -> PanelRun:
        message = build_prompt(prompt)
        entry = self._hfw_conversation.new_entry(message)
        return self._hfw_start_answer([*self._hfw_conversation.entries, entry], message["content"])

    def _hfw_start_answer(self, entries: list[Entry], prompt: Prompt | None = None) -> PanelRun:
        # Called once the panel is known to be idle: a refused prompt changes nothing.
        def prepare() -> None:
            self._hfw_pending_prompt = prompt
            self._hfw_conversation.replace_entries(entries)
            self._hfw_publish_conversation()

        return self._hfw_begin_run(prepare)

    async def _hfw_perform_run(self, run: PanelRun) -> None:
        entry = self._hfw_conversation.new_entry({"role": "assistant", "content": ""})
        self._hfw_answer_number = entry.number
        self._hfw_piece_count = 0
        at = len(self._hfw_conversation.entries)
        # The page shows the answer before the conversation holds it: only what has arrived by the
        # end of the run is kept.
        self._hfw_mirror.set("turns", at, value=_build_turn(entry, done=False))
        stream = await open_counted_stream(
            self._hfw_get_client(), self.messages, model=self.model or None, **self.parameters
        )
        try:
            async for chunk in stream:
                self._hfw_add_chunk(at, chunk)
        finally:
            flusher.flush_now(self._hfw_mirror)  # the last words before the status line's figures
            await stream.aclose()
            has_begun = stream.meta.first_token_seconds is not None
            run.result = stream.result if has_begun else None

    def _hfw_add_chunk(self, at: int, chunk: Mapping[str, Any]) -> None:
        for choice in chunk.get("choices") or ():
            delta = choice.get("delta") or {}
            if choice.get("index") or not delta:  # the page shows the first of several answers
                continue
            thought = read_reasoning(delta)
            if thought:
                self._hfw_append_to_turn(at, "think", thought)
            if delta.get("content"):
                self._hfw_append_to_turn(at, "text", delta["content"])

    def _hfw_append_to_turn(self, at: int, part: str, text: str) -> None:
        if self.status != "streaming":
            self._hfw_update_state("streaming", note="", eta=None)
        self._hfw_piece_count += 1
        self._hfw_mirror.append("turns", at, part, text=text)

    def _hfw_settle_document(self, run: PanelRun) -> None:
        message = _first_message(run.result)
        if message is None:
            self._hfw_restore_prompt()
            return
        note = ""
        if run.was_stopped:
            note = "Stopped here."
        elif run.error:
            note = "The answer broke off here."
        entry = Entry(self._hfw_answer_number, message, note)
        # Part of the same step in the history as its question: one undo takes both back.
        with self._hfw_lock:
            at = len(self._hfw_conversation.entries)
            self._hfw_conversation.amend_entries([*self._hfw_conversation.entries, entry])
        # The text is there already, from the stream; only what it does not contain is set.
        turn = _build_turn(entry)
        self._hfw_mirror.set("turns", at, "calls", value=turn.calls)
        self._hfw_mirror.set("turns", at, "note", value=turn.note)
        self._hfw_mirror.set("turns", at, "done", value=turn.done)
        self._hfw_retry_action = self.regenerate
        self._hfw_publish_conversation()
        self.set_trait("value", entry.text)

    def _hfw_restore_prompt(self) -> None:
        """Restore the conversation, and return the unanswered prompt to the composer."""
        prompt, self._hfw_pending_prompt = self._hfw_pending_prompt, None
        with self._hfw_lock:
            self._hfw_conversation.discard_last_change()
        self._hfw_publish_conversation()
        self._hfw_retry_action = self.regenerate
        if prompt is not None:
            self._hfw_set_draft(
                self._hfw_conversation.new_entry({"role": "user", "content": prompt})
            )
            # The question has left the conversation, so there is nothing to regenerate.
            self._hfw_retry_action = lambda: self._hfw_resend_prompt(prompt)

    def _hfw_resend_prompt(self, prompt: Prompt) -> None:
        # The composer holds the prompt as a draft, which goes now that it is sent after all.
        self._hfw_set_draft(None)
        self._hfw_send_prompt(prompt)

    def compose(self, content: Prompt) -> None:
        """Put a message, as `send` takes it, into the composer without sending it; "" clears it."""
        if isinstance(content, str) and not content:
            self._hfw_set_draft(None)
        else:
            self._hfw_set_draft(self._hfw_conversation.new_entry(build_prompt(content)))

    def _hfw_set_draft(self, entry: Entry | None) -> None:
        """Put a message into the page's composer, with its images; None clears the last one."""
        number = self._hfw_mirror.get("draft", "n") + 1
        self._hfw_draft_images = entry.images if entry else []
        images = [f"draft.{number}.{at}" for at in range(len(self._hfw_draft_images))]
        text = entry.text if entry else ""
        self._hfw_mirror.set("draft", value=Draft(n=number, text=text, images=images))

    def _hfw_run_stats(self, run: PanelRun) -> dict[str, Any]:
        result, stats = run.result, super()._hfw_run_stats(run)
        usage = result.usage or {}
        # A server that does not count its tokens sends about one per piece.
        count = usage.get("completion_tokens") or self._hfw_piece_count
        # `first` is there: a stream that ends before its first token has no result.
        seconds = stats["seconds"] - stats["first"]
        more = {
            "rate": (count - 1) / seconds if count > 1 and seconds > 0 else None,
            "prompt": usage.get("prompt_tokens"),
            "completion": count or None,
            "counted": not usage.get("completion_tokens"),
            "model": stats.get("model") or result.model,
            "finish": result.choices[0].finish_reason if result.choices else None,
        }
        return {**stats, **{name: value for name, value in more.items() if value is not None}}

    # The conversation

    def _hfw_edit_entry(self, at: int, text: str) -> None:
        entries = self._hfw_conversation.entries
        if not 0 <= at < len(entries):
            raise errors.InputError(
                f"There is no message {at} to edit; the conversation has {len(entries)}."
            )
        entry = entries[at]
        if entry.message["role"] == "user":
            message = replace_text(entry.message, text)
            # A new number, since the page and the transcript know a message's text by its number.
            changed = self._hfw_conversation.new_entry(message)
            self._hfw_start_answer([*entries[:at], changed], message["content"])
        else:
            changed = self._hfw_conversation.new_entry(replace_text(entry.message, text))
            self._hfw_change_conversation(
                lambda conversation: conversation.replace_entries(
                    [*entries[:at], changed, *entries[at + 1 :]]
                )
            )

    def _hfw_change_conversation(self, change: Callable[[Conversation], None]) -> None:
        with self._hfw_lock:
            self._hfw_require_idle()
            change(self._hfw_conversation)
        self._hfw_update_state("idle", failure=None, stats=None)
        self._hfw_publish_conversation()
        self._hfw_refresh_static()

    def _hfw_on_messages_assigned(self, change: Mapping[str, Any]) -> None:
        """Replace the conversation by a list that was assigned to `messages`."""
        # What the panel itself published is told by identity, at any length.
        if change["new"] is self._hfw_published_messages:
            return
        if change["new"] == self._hfw_request_messages():
            return  # nothing changes, so there is nothing to undo
        self._hfw_require_idle()
        messages = check_plain_messages(change["new"])
        first = messages[0] if messages else {}
        # A system message of several parts stays a message: the `system` trait is a text.
        has_system = first.get("role") == "system" and isinstance(first.get("content"), str)
        with self._hfw_lock:
            rest = messages[1:] if has_system else messages
            self._hfw_conversation.replace_entries(map(self._hfw_conversation.new_entry, rest))
            self.system = first["content"] if has_system else None
        self._hfw_publish_conversation()
        self._hfw_refresh_static()

    def _hfw_request_messages(self) -> list[MessageDict]:
        system = [{"role": "system", "content": self.system}] if self.system else []
        return system + self._hfw_conversation.messages

    def _hfw_publish_conversation(self, _: object = None) -> None:
        """Show the conversation to observers and to the page; turns that it has stay untouched."""
        with self._hfw_lock:
            entries = self._hfw_conversation.entries
            on_page = self._hfw_mirror.get_fields("turns", name="id")
            wanted = [entry.number for entry in entries]
            # Everything from the first difference on is sent again; a turn that streams has the
            # number of its entry already, so it stays.
            keep = _count_equal(on_page, wanted)
            if keep < len(on_page):
                self._hfw_mirror.truncate("turns", length=keep)
            for at in range(keep, len(entries)):
                self._hfw_mirror.set("turns", at, value=_build_turn(entries[at]))
            self._hfw_mirror.set("canUndo", value=self._hfw_conversation.can_undo)
            self._hfw_mirror.set("canRedo", value=self._hfw_conversation.can_redo)
            self._hfw_mirror.set("files", value=self._hfw_result_files())
        self._hfw_published_messages = self._hfw_request_messages()
        self.messages = self._hfw_published_messages

    def _hfw_render_static(self) -> StaticForm:
        return self._hfw_transcript.render(self._hfw_conversation.entries, self.system, repr(self))

    def _hfw_find_media(self, name: str) -> AttachedFile | None:
        kind, _, rest = name.partition(".")
        if kind == "draft":
            # The draft's number only makes the id new, as a page fetches each id once.
            at = int(rest.partition(".")[2] or -1)
            return self._hfw_draft_images[at] if 0 <= at < len(self._hfw_draft_images) else None
        number, _, index = name.partition("-")
        for entry in self._hfw_conversation.entries:
            if str(entry.number) == number and index.isdigit() and int(index) < len(entry.images):
                return entry.images[int(index)]
        return self._hfw_find_chat_file(name)

    # Actions of the page

    def _hfw_take_upload(self, name: str, data: bytes, file: str) -> None:
        if name == CONVERSATION_UPLOAD:
            self._hfw_open_upload(data)
        else:
            self._hfw_attached_files[name] = data

    def _hfw_do_send(self, text: str, n: int = 0, images: Sequence[Mapping[str, str]] = ()) -> None:
        """Send a message. The page keeps it in its composer until `taken` reaches `n`.

        Args:
            text: the text.
            n: the message's number; `heard` reaches it even if the message is refused.
            images: `name` (of an upload) and `type` (MIME) of the message's images.
        """
        try:
            files = [(self._hfw_attached_files[image["name"]], image["type"]) for image in images]
            self._hfw_send_prompt(build_user_message(text, files)["content"])
            # Kept until here, so that a refused message can be sent again without an upload.
            self._hfw_attached_files.clear()
            self._hfw_mirror.set("taken", value=n)
        finally:
            self._hfw_mirror.set("heard", value=n)

    def _hfw_do_edit(self, at: int, text: str) -> None:
        self._hfw_edit_entry(at, text)

    def _hfw_do_regenerate(self) -> None:
        self.regenerate()

    def _hfw_do_undo(self) -> None:
        self.undo()

    def _hfw_do_redo(self) -> None:
        self.redo()

    def _hfw_do_clear(self) -> None:
        self.clear()

    def _hfw_repr_fields(self) -> dict[str, Any]:
        return {**super()._hfw_repr_fields(), "messages": len(self._hfw_conversation.entries)}


def _count_equal(first: list[int], second: list[int]) -> int:
    """Return the number of equal items at the start of two lists."""
    length = min(len(first), len(second))
    # All at once, since in most turns of a long conversation none differs.
    if first[:length] == second[:length]:
        return length
    return next(at for at in range(length) if first[at] != second[at])


def _build_turn(entry: Entry, done: bool = True) -> Turn:
    """Return a message as the page shows it."""
    return Turn(
        id=entry.number,
        role=entry.message["role"],
        text=entry.text,
        think=entry.reasoning,
        calls=entry.tool_calls,
        images=[f"{entry.number}-{at}" for at in range(len(entry.images))],
        note=entry.note,
        done=done,
    )


def _first_message(result: Mapping[str, Any] | None) -> MessageDict | None:
    """Return the first answer's message as a plain dict; None if it is empty."""
    choices = result["choices"] if result is not None else []
    message = dict(choices[0]["message"]) if choices else {}
    fields = {name: value for name, value in message.items() if value}
    if not fields.keys() - {"role"}:
        return None
    return {"content": "", **fields, "role": "assistant"}
