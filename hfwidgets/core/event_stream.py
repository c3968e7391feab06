"""Decoders of streamed answers, fed with bytes in any cut; no HTTP.

`EventStream` follows the WHATWG text (HTML standard, section 9.2.6): an optional byte-order mark,
line ends CR, LF or CRLF, an optional space after the colon, several data lines joined with LF,
comments and other fields ignored. It differs on purpose in two places: an event that the end of the
connection cut off before its empty line is still delivered, because providers forget it, and an
event named `error` is marked as one.

`AnswerStream` reads an answer by what it begins with, since the content types that servers send for
streams are often wrong.
"""

import codecs
import functools
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, Protocol, TypeVar

from hfwidgets import errors
from hfwidgets.errors.excerpt import EXCERPT_LENGTH, make_excerpt

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

DONE = b"[DONE]"


class ErrorEvent(bytes):
    """The data of an event that the server named `error`."""


class EventStream:
    """Split an event stream into the `data` of its events; `done` is set once `[DONE]` has come."""

    __slots__ = ("_data", "_name", "_rest", "_skip_lf", "_start", "done")

    def __init__(self) -> None:
        self._rest = bytearray()
        self._name = b""
        self._data: list[bytes] = []
        self._start = True
        self._skip_lf = False
        self.done = False

    def feed(self, data: bytes) -> Iterable[bytes]:
        if self._is_single_event(data):
            return (data[6:-2],)
        if self._rest and not self._start and b"\n" not in data and b"\r" not in data:
            self._rest += data  # a long line: copying it for each piece would be quadratic
            return ()
        return self._split_events(self._normalize(data).split(b"\n"))

    def _is_single_event(self, data: bytes) -> bool:
        """True if the data is one plain event with an object from end to end, as nearly all are."""
        return (
            data.startswith(b"data: {")
            and data.find(b"\n") == len(data) - 2
            and data.endswith(b"\n\n")
            # Bytes left over from earlier reads, half of a CRLF or a mark still to be dropped would
            # change what this piece means.
            and not (self._rest or self._data or self._start or self._skip_lf or self.done)
            and not self._name
            and b"\r" not in data
        )

    def _normalize(self, data: bytes) -> bytes:
        """Return the unread text with LF for every line end and without a byte-order mark."""
        text = bytes(self._rest) + data if self._rest else data
        if self._start:
            # It may be the start of a mark. Without a line end in it, the caller stores it whole
            # until more bytes come.
            if len(text) < 3 and codecs.BOM_UTF8.startswith(text):
                return text
            text = text.removeprefix(codecs.BOM_UTF8)
            self._start = False
        if self._skip_lf and text:
            text = text.removeprefix(b"\n")
            self._skip_lf = False
        if b"\r" in text:
            # A CR at the very end may be half of a CRLF: the LF, if it comes, is swallowed.
            self._skip_lf = text.endswith(b"\r")
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return text

    def _split_events(self, lines: list[bytes]) -> Iterator[bytes]:
        # This runs lazily: a caller that feeds more bytes before it has read all events loses the
        # rest of them.
        self._rest = bytearray(lines.pop())
        for line in lines:
            if line:
                self._add_line(line)
            elif self._data or self._name:
                event = self._take_event()
                if event:
                    yield event

    def finish(self) -> Iterator[bytes]:
        """Return the event that is still open when the connection ends."""
        rest, self._rest = bytes(self._rest), bytearray()
        self._add_line(rest)
        event = self._take_event()
        if event:
            yield event

    def _add_line(self, line: bytes) -> None:
        if line.startswith(b"data:"):
            # text-generation-inference sends no space after the colon, which the standard allows.
            self._data.append(line[6:] if line[5:6] == b" " else line[5:])
        elif line == b"data":
            # By the standard, a line without a colon is a field with an empty value.
            self._data.append(b"")
        elif line.startswith(b"event:"):
            self._name = line[6:].strip()

    def _take_event(self) -> bytes:
        """Return the event that an empty line completes; b"" without one, and after the end."""
        data, self._data = self._data, []
        name, self._name = self._name, b""
        event = data[0] if len(data) == 1 else b"\n".join(data)
        if name == b"error" and not self.done:
            return ErrorEvent(event or b"{}")
        # What follows `[DONE]` is read only so that the connection can be used again.
        if event[:1] == b"[" and event.strip() == DONE:
            self.done = True
        return b"" if self.done else event


class LineDecoder:
    """Split JSON lines, without their ends; empty lines are skipped."""

    __slots__ = ("_rest", "done")

    def __init__(self) -> None:
        self._rest: list[bytes] = []
        self.done = False

    def feed(self, data: bytes) -> Iterable[bytes]:
        self._rest.append(data)
        if b"\n" not in data:
            return ()
        *lines, rest = b"".join(self._rest).split(b"\n")
        self._rest = [rest]
        return (line.rstrip(b"\r") for line in lines if line.strip())

    def finish(self) -> Iterator[bytes]:
        rest, self._rest = b"".join(self._rest), []
        return iter([rest.rstrip(b"\r")] if rest.strip() else [])


class JsonDecoder:
    """Split a body of JSON texts: one in all, on however many lines, or one per line."""

    __slots__ = ("_has_open_text", "_parts", "done")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._has_open_text = False
        self.done = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._parts.append(data)
        # Nothing can end without a line end. Joining and parsing the parts for each piece would
        # make a long text take quadratic time.
        if self._has_open_text or b"\n" not in data:
            return
        *lines, rest = b"".join(self._parts).split(b"\n")
        self._parts = [rest]
        for at, line in enumerate(lines):
            if line.strip() and not _is_json(line):
                # A text of several lines: it is whole at the end of the body only.
                self._parts = [b"\n".join([*lines[at:], rest])]
                self._has_open_text = True
                return
            if line.strip():
                yield line.strip()

    def finish(self) -> Iterator[bytes]:
        body, self._parts = b"".join(self._parts).strip(), []
        return iter([body] if body else [])


class AnswerStream:
    """Split an answer to a streaming request, by what it begins with.

    JSON is read as JSON and anything else as an event stream, whatever the type says.

    Attributes:
        start: The answer's first bytes after blanks, for the error that shows them.
    """

    __slots__ = ("_events", "content_type", "start")

    def __init__(self, content_type: str) -> None:
        self.content_type = content_type
        self.start = b""
        self._events: EventStream | JsonDecoder | None = None

    @property
    def done(self) -> bool:
        return self._events is not None and self._events.done

    def feed(self, data: bytes) -> Iterable[bytes]:
        if self._events is not None:
            if len(self.start) < EXCERPT_LENGTH:
                self.start += data[:EXCERPT_LENGTH]
            return self._events.feed(data)
        # Without the blanks that came before, which may be many.
        self.start = head = (self.start + data).removeprefix(codecs.BOM_UTF8).lstrip()
        # The first byte that is not blank decides. A mark that was cut in two is not such a byte
        # yet.
        if not head or codecs.BOM_UTF8.startswith(head):
            return ()
        self._events = JsonDecoder() if head[:1] in (b"{", b"[") else EventStream()
        # Without the blanks before it, which would make the first event a field of another name.
        return self._events.feed(head)

    def finish(self) -> Iterator[bytes]:
        return iter(()) if self._events is None else self._events.finish()


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


class ItemReader(Protocol[T_co]):
    """Makes items of events' JSON."""

    def __call__(self, value: object) -> T_co | None:
        """Return the item of an event; None for an event that is not one."""
        ...

    def finish(self) -> Iterable[T_co]:
        """Return what the end of the stream completes."""
        ...


class ItemDecoder(Generic[T]):
    """Make items of each event's JSON.

    Args:
        read: Makes an item of an event's JSON; None leaves the event out.
        events: Splits the body into events.

    Raises:
        OutputError: The stream ends without an item, or holds what `read` did not expect.
    """

    __slots__ = ("_events", "_is_empty", "_parse", "_read")

    def __init__(
        self,
        read: ItemReader[T] | Callable[[Any], T | None],
        events: EventStream | LineDecoder | AnswerStream | None = None,
    ) -> None:
        self._events = events or EventStream()
        self._read = read
        self._parse = json_parser()
        self._is_empty = True

    @property
    def done(self) -> bool:
        return self._events.done

    def feed(self, data: bytes) -> Iterable[T]:
        events = self._events.feed(data)
        if type(events) is tuple:  # a single one, as nearly always: a generator would cost more
            item = self._make_item(events[0]) if events else None
            return () if item is None else (item,)
        return self._make_items(events)

    def finish(self) -> Iterator[T]:
        yield from self._make_items(self._events.finish())
        # First, since this error shows what came in place of an answer.
        if self._is_empty and isinstance(self._events, AnswerStream):
            raise _no_answer_error(self._events)
        finish = getattr(self._read, "finish", None)
        if finish is not None:
            yield from finish()

    def _make_items(self, events: Iterable[bytes]) -> Iterator[T]:
        for event in events:
            for part in _split_unseparated(event) if b"\n" in event else (event,):
                item = self._make_item(part)
                if item is not None:
                    yield item

    def _make_item(self, event: bytes) -> T | None:
        try:
            value = self._parse(event)
            # Readers find errors by the key `error`, which an event that is only named so may lack.
            if type(event) is ErrorEvent and not (isinstance(value, dict) and value.get("error")):
                value = {"error": value or "the server sent an error event"}
            item = self._read(value)
        except errors.HfWidgetsError:
            raise
        except Exception as error:  # what reading did not expect, of whatever kind
            raise errors.OutputError(
                f"The stream holds what is not an answer: {make_excerpt(event)!r}."
            ) from error
        if item is not None:
            self._is_empty = False
        return item


def _split_unseparated(event: bytes) -> Iterable[bytes]:
    """Return the events of a server that sends no empty lines between them, else the event."""
    lines = [line for line in event.split(b"\n") if line.strip() not in (b"", DONE)]
    return lines if all(map(_is_json, lines)) and not _is_json(event) else (event,)


def _no_answer_error(answer: AnswerStream) -> errors.OutputError:
    kind = answer.content_type.partition(";")[0].strip() or "no type"
    if not answer.start.strip():
        return errors.OutputError(
            f"The server's stream ({kind}) is empty.", advice="Check the URL and the model."
        )
    return errors.OutputError(
        f"The server sent a stream ({kind}) without an answer: {make_excerpt(answer.start)!r}.",
        advice="Check the URL and that the model serves the task.",
    )


@functools.cache
def json_parser() -> Callable[[bytes], Any]:
    """Return what parses an event's JSON.

    msgspec is three times as fast as `json`, which takes over for NaN and the like. Its import
    takes 10 ms, so it waits for the first stream.
    """
    import msgspec

    fast = msgspec.json.Decoder().decode

    def parse_event(event: bytes) -> Any:
        try:
            return fast(event)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return _parse_with_json(event)

    return parse_event


def _parse_with_json(event: bytes) -> Any:
    try:
        # Broken UTF-8 costs the characters that it breaks, not the whole stream.
        return json.loads(event.decode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        if type(event) is ErrorEvent:
            # The data of an error event may be plain text: it is the message.
            return event.decode("utf-8", "replace")
        raise errors.OutputError(
            f"The stream holds what is not JSON: {make_excerpt(event)!r}."
        ) from error
