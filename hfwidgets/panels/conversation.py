"""A conversation and its history: every change can be undone and redone. Plain data, no widget."""

import base64
import itertools
import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from hfwidgets.errors import InputError, InputTypeError
from hfwidgets.errors.excerpt import name_type
from hfwidgets.panels.document.protocol import ToolCallView
from hfwidgets.panels.views.previews import load_media
from hfwidgets.results.chat import read_reasoning
from hfwidgets.tasks.chat import check_messages

MessageDict = dict[str, Any]
"""A message as the API has it: a role, a content and what else a service sends."""

AttachedFile = tuple[bytes, str]
"""Bytes and MIME type of an image."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A message, the number by which the page knows it, and a note such as "Stopped here."."""

    number: int
    message: MessageDict
    note: str = ""

    @property
    def text(self) -> str:
        """The message's text, without its images."""
        content = self.message.get("content") or ""
        if isinstance(content, str):
            return content
        return "\n".join(_read_text(part) for part in content if _is_text(part))

    @property
    def reasoning(self) -> str:
        """The model's reasoning, under any of the names that services use."""
        return read_reasoning(self.message) or ""

    @property
    def images(self) -> list[AttachedFile]:
        """The message's images; those given by an address elsewhere are left out."""
        content = self.message.get("content")
        parts = content if isinstance(content, list) else []
        urls = map(_read_image_url, parts)
        return [_decode_data_url(url) for url in urls if url.startswith("data:")]

    @property
    def tool_calls(self) -> list[ToolCallView]:
        """The message's tool calls."""
        functions = [call.get("function") or {} for call in self.message.get("tool_calls") or []]
        return [
            ToolCallView(name=f.get("name") or "", arguments=f.get("arguments") or "")
            for f in functions
        ]


def _decode_data_url(url: str) -> AttachedFile:
    head, _, data = url.partition(",")
    return base64.b64decode(data), head.removeprefix("data:").partition(";")[0]


Entries = tuple[Entry, ...]

MAX_UNDO = 100
"""Changes of a conversation that can be undone."""


@dataclass(slots=True)
class Conversation:
    """Entries with their states before and after each change."""

    entries: Entries = ()
    # Bounded, as each holds a reference to every message of its time.
    _undo_states: deque[Entries] = field(default_factory=lambda: deque(maxlen=MAX_UNDO))
    _redo_states: list[Entries] = field(default_factory=list)
    # Numbers are not reused after an undo: pages and transcripts remember texts by them.
    _next_number: Callable[[], int] = field(default_factory=lambda: itertools.count(1).__next__)

    def new_entry(self, message: Mapping[str, Any], note: str = "") -> Entry:
        """Create an entry that is not yet part of the conversation."""
        return Entry(self._next_number(), dict(message), note)

    def replace_entries(self, entries: Iterable[Entry]) -> None:
        """Replace all entries; `undo` restores them."""
        self._undo_states.append(self.entries)
        self._redo_states.clear()
        self.entries = tuple(entries)

    def amend_entries(self, entries: Iterable[Entry]) -> None:
        """Replace all entries as part of the last change, without a step in the history."""
        self.entries = tuple(entries)

    def discard_last_change(self) -> None:
        """Undo the last change and forget it."""
        if self._undo_states:
            self.entries = self._undo_states.pop()

    @property
    def can_undo(self) -> bool:
        """True if there is a change to undo."""
        return bool(self._undo_states)

    @property
    def can_redo(self) -> bool:
        """True if there is an undone change to redo."""
        return bool(self._redo_states)

    def undo(self) -> None:
        """Go back to the state before the last change, if there is one."""
        if self._undo_states:
            self._redo_states.append(self.entries)
            self.entries = self._undo_states.pop()

    def redo(self) -> None:
        """Revert the last undo, if there is one."""
        if self._redo_states:
            self._undo_states.append(self.entries)
            self.entries = self._redo_states.pop()

    @property
    def messages(self) -> list[MessageDict]:
        """Deep copies of the messages, for a request."""
        # Users may change the list that a panel shows them; the conversation must not follow.
        # A role and a text, as nearly all have, cannot change. All come here with every turn, so
        # no function is called for these.
        return [
            message.copy()
            if len(message := entry.message) == 2 and type(message.get("content")) is str
            else json.loads(json.dumps(message))
            for entry in self.entries
        ]


def check_plain_messages(messages: object) -> list[MessageDict]:
    """Return a user's messages as plain dicts, without the fields that are None.

    Raises:
        InputError: a message is not valid, or a part of it is not plain data; says which.
    """
    checked = check_messages(messages)
    for at, message in enumerate(checked):
        try:
            json.dumps(message)
        except (TypeError, ValueError, RecursionError) as error:
            raise InputError(
                f"messages[{at}] cannot be kept in a notebook: {error}. Give an image as "
                '{"type": "image_url", "image_url": {"url": "data:image/png;base64,..."}}, or '
                "attach it to the panel."
            ) from None
    return checked


def replace_text(message: MessageDict, text: str) -> MessageDict:
    """Return a message with another text; its other parts, such as images, stay."""
    content = message.get("content")
    if not isinstance(content, list):
        return {**message, "content": text}
    others = [part for part in content if not _is_text(part)]
    return {**message, "content": [*others, {"type": "text", "text": text}] if others else text}


def _is_text(part: object) -> bool:
    return isinstance(part, str) or (isinstance(part, Mapping) and part.get("type") == "text")


def _read_text(part: Any) -> str:
    return part if isinstance(part, str) else str(part.get("text") or "")


def _read_image_url(part: object) -> str:
    """Return the address of an image's part, in either of the forms that servers take."""
    if not isinstance(part, Mapping) or part.get("type") != "image_url":
        return ""
    image = part.get("image_url")
    return str(image.get("url") or "") if isinstance(image, Mapping) else str(image or "")


def build_user_message(text: str, images: Iterable[AttachedFile] = ()) -> MessageDict:
    """Build a user's message; its images become data URLs."""
    parts: list[MessageDict] = [_image_part(content, mime) for content, mime in images]
    if not parts:
        return {"role": "user", "content": text}
    return {"role": "user", "content": [*parts, {"type": "text", "text": text}]}


Prompt: TypeAlias = Any
"""A text, or a list of texts, images (as tasks accept them, but no paths) and parts as the API has
them, in their order.
"""


def build_prompt(prompt: Prompt) -> MessageDict:
    """Build a user's message of what code passes; its images become data URLs.

    Raises:
        InputError: the prompt is empty, or something in it is neither a text nor an image.
    """
    if isinstance(prompt, Mapping) and prompt.get("role") == "user":
        prompt = prompt.get("content")
    if isinstance(prompt, str):
        content: str | list[Any] = prompt
    else:
        parts = prompt if isinstance(prompt, list | tuple) else [prompt]
        content = [] if prompt is None else [_to_part(part) for part in parts]
    if not content:
        raise InputError("The prompt is empty. Write something to send.")
    return check_plain_messages([{"role": "user", "content": content}])[0]


def _to_part(value: object) -> MessageDict:
    if isinstance(value, str):
        return {"type": "text", "text": value}
    if isinstance(value, Mapping) and isinstance(value.get("type"), str):
        return dict(value)
    try:
        image = load_media(value, "image")
    except InputTypeError:
        raise InputError(
            "A prompt consists of texts, images and parts as the API has them, such as "
            f'{{"type": "text", "text": "..."}}; this one has {name_type(value)}.'
        ) from None
    return _image_part(image.read(), image.mime or "image/png")


def _image_part(content: bytes, mime: str) -> MessageDict:
    url = f"data:{mime};base64,{base64.b64encode(content).decode()}"
    return {"type": "image_url", "image_url": {"url": url}}
