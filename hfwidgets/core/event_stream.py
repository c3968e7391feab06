"""Decoders for event streams and JSON lines, fed with bytes in any cut; no HTTP.

The event stream follows the WHATWG text (HTML standard, section 9.2.6): an optional byte-order
mark, line ends CR, LF or CRLF, an optional space after the colon, several data lines joined with
LF, comments and other fields ignored. What it does differently on purpose: an event that the end
of the connection cut off before its empty line is still delivered, because providers forget it.
"""

import codecs
import functools
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

from hfwidgets import errors

T = TypeVar("T")

DONE = b"[DONE]"


class EventStream:
    """The `data` of each event, as bytes. `done` is set once `[DONE]` has come."""

    __slots__ = ("_data", "_rest", "_skip_lf", "_start", "done")

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []
        self._start = True
        self._skip_lf = False
        self.done = False

    def feed(self, data: bytes) -> Iterable[bytes]:
        if self._is_single_event(data):
            return (data[6:-2],)
        return self._split_events(self._normalize(data).split(b"\n"))

    def _is_single_event(self, data: bytes) -> bool:
        """Whether the data is one plain event with an object from end to end, as nearly all are."""
        return (
            data.startswith(b"data: {")
            and data.find(b"\n") == len(data) - 2
            and data.endswith(b"\n\n")
            and not (self._rest or self._data or self._start or self._skip_lf or self.done)
            and b"\r" not in data
        )

    def _normalize(self, data: bytes) -> bytes:
        """What is there to be read, with LF for every end of a line and no byte-order mark."""
        text = self._rest + data if self._rest else data
        if self._start:
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
        self._rest = lines.pop()
        for line in lines:
            if line:
                self._add_line(line)
            elif self._data:
                event = self._take_event()
                if event:
                    yield event

    def finish(self) -> Iterator[bytes]:
        """What is still open when the connection ends."""
        rest, self._rest = self._rest, b""
        self._add_line(rest)
        event = self._take_event()
        if event:
            yield event

    def _add_line(self, line: bytes) -> None:
        if line.startswith(b"data:"):
            self._data.append(line[6:] if line[5:6] == b" " else line[5:])
        elif line == b"data":
            self._data.append(b"")

    def _take_event(self) -> bytes:
        """The event that an empty line completes; empty for none, and after the end."""
        data, self._data = self._data, []
        event = data[0] if len(data) == 1 else b"\n".join(data)
        if event[:1] == b"[" and event.strip() == DONE:
            self.done = True
        return b"" if self.done else event


class LineDecoder:
    """Lines of a body that is no event stream (JSON lines), without their ends; empty ones are
    skipped.
    """

    __slots__ = ("_rest", "done")

    def __init__(self) -> None:
        self._rest = b""
        self.done = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        return (line.rstrip(b"\r") for line in lines if line.strip())

    def finish(self) -> Iterator[bytes]:
        rest, self._rest = self._rest, b""
        return iter([rest.rstrip(b"\r")] if rest.strip() else [])


class BodyDecoder:
    """A body that is one text: some servers answer the wish for a stream with a plain answer."""

    __slots__ = ("_parts", "done")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.done = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        self._parts.append(data)
        return iter(())

    def finish(self) -> Iterator[bytes]:
        body = b"".join(self._parts).strip()
        return iter([body] if body else [])


def decoder_for_type(content_type: str) -> "EventStream | LineDecoder | BodyDecoder":
    """What cuts a body of this type into texts; anything unknown is read as an event stream."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind in ("application/x-ndjson", "application/jsonl", "application/jsonlines"):
        return LineDecoder()
    return BodyDecoder() if kind == "application/json" else EventStream()


class ItemDecoder(Generic[T]):
    """Each event's JSON, made into an item by `make`; an item that `make` refuses (None) is
    left out.
    """

    __slots__ = ("_events", "_make_item", "_parse")

    def __init__(
        self,
        make: Callable[[Any], T | None],
        events: EventStream | LineDecoder | BodyDecoder | None = None,
    ) -> None:
        self._events = events or EventStream()
        self._make_item = make
        self._parse = json_parser()

    @property
    def done(self) -> bool:
        return self._events.done

    def feed(self, data: bytes) -> Iterable[T]:
        events = self._events.feed(data)
        if type(events) is tuple:  # a single one, as nearly always: a generator would cost more
            item = self._make_item(self._parse(events[0]))
            return () if item is None else (item,)
        return self._make_items(events)

    def finish(self) -> Iterator[T]:
        return self._make_items(self._events.finish())

    def _make_items(self, events: Iterable[bytes]) -> Iterator[T]:
        make, parsed = self._make_item, self._parse
        for event in events:
            item = make(parsed(event))
            if item is not None:
                yield item


@functools.cache
def json_parser() -> Callable[[bytes], Any]:
    """What reads an event's JSON: msgspec, three times as fast as `json`, which knows NaN and more.

    Its import takes 10 ms, so it waits for the first stream.
    """
    import msgspec

    fast = msgspec.json.Decoder().decode

    def parse_event(event: bytes) -> Any:
        try:
            return fast(event)
        except msgspec.DecodeError:
            return _parse_with_json(event)

    return parse_event


def _parse_with_json(event: bytes) -> Any:
    try:
        return json.loads(event)
    except ValueError as error:
        start = event[:200].decode("utf-8", "replace")
        raise errors.OutputError(f"The stream holds what is not JSON: {start!r}.") from error
