"""A conversation and its history: every change can be undone and redone. Plain data, no widget."""

import base64
import itertools
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hfwidgets.errors import InputError

MessageDict = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """A message, the number by which the page knows it, and a remark such as "stopped here"."""

    number: int
    message: MessageDict
    note: str = ""

    @property
    def text(self) -> str:
        """The message's text, without its pictures."""
        content = self.message.get("content") or ""
        if isinstance(content, str):
            return content
        return "\n".join(str(part["text"]) for part in content if part.get("type") == "text")

    @property
    def reasoning(self) -> str:
        """The reasoning that came with it, under either of its names."""
        return self.message.get("reasoning") or self.message.get("reasoning_content") or ""

    @property
    def images(self) -> list[tuple[bytes, str]]:
        """The pictures in it, as bytes and MIME type; those elsewhere on the web are left out."""
        content = self.message.get("content")
        parts = content if isinstance(content, list) else []
        urls = [part["image_url"]["url"] for part in parts if part.get("type") == "image_url"]
        return [_decode_data_url(url) for url in urls if url.startswith("data:")]

    @property
    def tool_calls(self) -> list[dict[str, str]]:
        """The tool calls in it, as names and JSON texts."""
        functions = [call.get("function") or {} for call in self.message.get("tool_calls") or []]
        return [
            {"name": f.get("name") or "", "arguments": f.get("arguments") or ""} for f in functions
        ]


def _decode_data_url(url: str) -> tuple[bytes, str]:
    head, _, data = url.partition(",")
    return base64.b64decode(data), head.removeprefix("data:").partition(";")[0]


Entries = tuple[Entry, ...]


@dataclass(slots=True)
class Conversation:
    """Entries, with what they were before and after each change."""

    entries: Entries = ()
    _undo_states: list[Entries] = field(default_factory=list)
    _redo_states: list[Entries] = field(default_factory=list)
    _next_number: Callable[[], int] = field(default_factory=lambda: itertools.count(1).__next__)

    def new_entry(self, message: Mapping[str, Any], note: str = "") -> Entry:
        """A new entry, not yet part of the conversation."""
        return Entry(self._next_number(), dict(message), note)

    def replace_entries(self, entries: Iterable[Entry]) -> None:
        """Replace all; the state before can be brought back."""
        self._undo_states.append(self.entries)
        self._redo_states.clear()
        self.entries = tuple(entries)

    def amend_entries(self, entries: Iterable[Entry]) -> None:
        """Go on with a change that was begun: no step of its own in the history."""
        self.entries = tuple(entries)

    def discard_last_change(self) -> None:
        """Take the last change back as if it had never been made."""
        if self._undo_states:
            self.entries = self._undo_states.pop()

    @property
    def can_undo(self) -> bool:
        return bool(self._undo_states)

    @property
    def can_redo(self) -> bool:
        return bool(self._redo_states)

    def undo(self) -> None:
        """Go back to the state before the last change, if there was one."""
        if self._undo_states:
            self._redo_states.append(self.entries)
            self.entries = self._undo_states.pop()

    def redo(self) -> None:
        """Take the last undo back, if there was one."""
        if self._redo_states:
            self._undo_states.append(self.entries)
            self.entries = self._redo_states.pop()

    @property
    def messages(self) -> list[MessageDict]:
        """Copies of the messages, for a request."""
        return [json.loads(json.dumps(entry.message)) for entry in self.entries]


def check_messages(messages: Any) -> list[MessageDict]:
    """A conversation given by a user; InputError says which message is faulty."""
    if isinstance(messages, (str, bytes, Mapping)) or not isinstance(messages, Iterable):
        raise InputError(f"messages must be a list of messages, not {type(messages).__name__}.")
    found = []
    for at, message in enumerate(messages):
        if not isinstance(message, Mapping) or not isinstance(message.get("role"), str):
            raise InputError(f'messages[{at}] must be a dict with a "role" and a "content".')
        found.append({name: value for name, value in message.items() if value is not None})
    return found


def build_user_message(text: str, pictures: Iterable[tuple[bytes, str]] = ()) -> MessageDict:
    """A user's message; pictures travel inside it as data URLs."""
    parts = [
        {"type": "image_url", "image_url": {"url": _encode_data_url(content, kind)}}
        for content, kind in pictures
    ]
    if not parts:
        return {"role": "user", "content": text}
    return {"role": "user", "content": [*parts, {"type": "text", "text": text}]}


def _encode_data_url(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
