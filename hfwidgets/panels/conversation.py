"""A conversation and its history: every change can be undone and redone. Plain data, no widget."""

import base64
import itertools
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hfwidgets.errors import InputError

Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """A message, the number by which the page knows it, and a remark such as "stopped here"."""

    number: int
    message: Message
    note: str = ""

    @property
    def text(self) -> str:
        """The message's text, without its pictures."""
        content = self.message.get("content") or ""
        if isinstance(content, str):
            return content
        return "\n".join(str(part["text"]) for part in content if part.get("type") == "text")

    @property
    def thoughts(self) -> str:
        """The reasoning that came with it, under either of its names."""
        return self.message.get("reasoning") or self.message.get("reasoning_content") or ""

    @property
    def pictures(self) -> list[tuple[bytes, str]]:
        """The pictures in it, as bytes and MIME type; those elsewhere on the web are left out."""
        content = self.message.get("content")
        parts = content if isinstance(content, list) else []
        urls = [part["image_url"]["url"] for part in parts if part.get("type") == "image_url"]
        return [_decoded(url) for url in urls if url.startswith("data:")]

    @property
    def calls(self) -> list[dict[str, str]]:
        """The tool calls in it, as names and JSON texts."""
        functions = [call.get("function") or {} for call in self.message.get("tool_calls") or []]
        return [
            {"name": f.get("name") or "", "arguments": f.get("arguments") or ""} for f in functions
        ]


def _decoded(url: str) -> tuple[bytes, str]:
    head, _, data = url.partition(",")
    return base64.b64decode(data), head.removeprefix("data:").partition(";")[0]


Entries = tuple[Entry, ...]


@dataclass(slots=True)
class Conversation:
    """Entries, with what they were before and after each change."""

    entries: Entries = ()
    _past: list[Entries] = field(default_factory=list)
    _future: list[Entries] = field(default_factory=list)
    _numbers: Callable[[], int] = field(default_factory=lambda: itertools.count(1).__next__)

    def entry(self, message: Mapping[str, Any], note: str = "") -> Entry:
        """A new entry, not yet part of the conversation."""
        return Entry(self._numbers(), dict(message), note)

    def change(self, entries: Iterable[Entry]) -> None:
        """Replace all; the state before can be brought back."""
        self._past.append(self.entries)
        self._future.clear()
        self.entries = tuple(entries)

    def amend(self, entries: Iterable[Entry]) -> None:
        """Go on with a change that was begun: no step of its own in the history."""
        self.entries = tuple(entries)

    def forget(self) -> None:
        """Take the last change back as if it had never been made."""
        if self._past:
            self.entries = self._past.pop()

    @property
    def can_undo(self) -> bool:
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        return bool(self._future)

    def undo(self) -> None:
        """Go back to the state before the last change, if there was one."""
        if self._past:
            self._future.append(self.entries)
            self.entries = self._past.pop()

    def redo(self) -> None:
        """Take the last undo back, if there was one."""
        if self._future:
            self._past.append(self.entries)
            self.entries = self._future.pop()

    @property
    def messages(self) -> list[Message]:
        """Copies of the messages, for a request."""
        return [json.loads(json.dumps(entry.message)) for entry in self.entries]


def checked(messages: Any) -> list[Message]:
    """A conversation given by a user; InputError says which message is faulty."""
    if isinstance(messages, (str, bytes, Mapping)) or not isinstance(messages, Iterable):
        raise InputError(f"messages must be a list of messages, not {type(messages).__name__}.")
    found = []
    for at, message in enumerate(messages):
        if not isinstance(message, Mapping) or not isinstance(message.get("role"), str):
            raise InputError(f'messages[{at}] must be a dict with a "role" and a "content".')
        found.append({name: value for name, value in message.items() if value is not None})
    return found


def question(text: str, pictures: Iterable[tuple[bytes, str]] = ()) -> Message:
    """A user's message; pictures travel inside it as data URLs."""
    parts = [
        {"type": "image_url", "image_url": {"url": _encoded(content, kind)}}
        for content, kind in pictures
    ]
    if not parts:
        return {"role": "user", "content": text}
    return {"role": "user", "content": [*parts, {"type": "text", "text": text}]}


def _encoded(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
