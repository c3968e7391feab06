"""Check the event-stream decoder against the WHATWG rules, with every cut of the bytes."""

import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfwidgets.core.event_stream import EventStream, ItemDecoder, LineDecoder


def read(text: bytes, cuts: Iterable[int] = ()) -> list[bytes]:
    decoder = EventStream()
    found: list[bytes] = []
    start = 0
    for cut in [*sorted({c % (len(text) + 1) for c in cuts}), len(text)]:
        found += decoder.feed(text[start:cut])
        start = cut
    return found + list(decoder.finish())


CASES = {
    "space after the colon": (b"data: a\n\n", [b"a"]),
    "no space after the colon": (b"data:a\n\n", [b"a"]),
    "only one space is taken": (b"data:  a\n\n", [b" a"]),
    "several data lines": (b"data: a\ndata: b\n\n", [b"a\nb"]),
    "comments": (b": keep-alive\n\ndata: a\n: more\n\n", [b"a"]),
    "other fields": (b"event: x\nid: 7\nretry: 10\ndata: a\n\n", [b"a"]),
    "CRLF": (b"data: a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"]),
    "CR": (b"data: a\r\rdata: b\r\r", [b"a", b"b"]),
    "byte-order mark": (b"\xef\xbb\xbfdata: a\n\n", [b"a"]),
    "field without a colon": (b"data\ndata: a\n\n", [b"\na"]),
    "line separators inside data": ("data: a\u2028b\x85c\n\n".encode(), ["a\u2028b\x85c".encode()]),
    "done": (b"data: a\n\ndata: [DONE]\n\n", [b"a"]),
    "done without a space": (b"data:a\n\ndata:[DONE]\n\n", [b"a"]),
    "nothing counts after done": (b"data: [DONE]\n\ndata: a\n\n", []),
    "no empty line at the end": (b"data: a\n\ndata: b", [b"a", b"b"]),
    "a name that only begins like data": (b"database: a\ndata: b\n\n", [b"b"]),
}


@pytest.mark.parametrize(("text", "events"), CASES.values(), ids=CASES.keys())
def test_events_whole_and_byte_by_byte(text: bytes, events: list[bytes]) -> None:
    assert read(text) == events
    assert read(text, range(len(text))) == events


@given(
    st.lists(
        st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), min_size=1), max_size=8
    ),
    st.sampled_from([b"\n", b"\r\n", b"\r"]),
    st.lists(st.integers(0, 4000)),
)
def test_any_text_in_any_cut(texts: list[str], end: bytes, cuts: list[int]) -> None:
    events = [t.encode() for t in texts if t.strip() != "[DONE]"]
    stream = b"".join(b"data: " + event + end + end for event in events)
    assert read(stream, cuts) == events


@given(
    st.lists(st.dictionaries(st.text(), st.integers() | st.text() | st.none())), st.integers(1, 7)
)
def test_items_are_the_json_that_was_sent(items: list[dict[str, object]], size: int) -> None:
    stream = b"".join(
        b"data: " + json.dumps(i, ensure_ascii=False).encode() + b"\n\n" for i in items
    )
    decoder: ItemDecoder[dict[str, object]] = ItemDecoder(dict)
    cut = [stream[i : i + size] for i in range(0, len(stream), size)]
    assert [item for part in cut for item in decoder.feed(part)] == items


def test_items_that_are_refused_are_left_out() -> None:
    decoder: ItemDecoder[int] = ItemDecoder(lambda item: item if isinstance(item, int) else None)
    assert list(decoder.feed(b'data: 1\n\ndata: "a"\n\ndata: 2\n\n')) == [1, 2]


def test_done_is_known_once_it_has_come() -> None:
    decoder: ItemDecoder[int] = ItemDecoder(int)
    assert list(decoder.feed(b"data: 1\n\n")) == [1]
    assert not decoder.done
    assert list(decoder.feed(b"data: [DONE]\n\n")) == []
    assert decoder.done


def test_json_lines() -> None:
    decoder: ItemDecoder[int] = ItemDecoder(int, LineDecoder())
    assert list(decoder.feed(b"1\r\n\n2")) == [1]
    assert list(decoder.feed(b"3\n4")) == [23]
    assert list(decoder.finish()) == [4]


@pytest.mark.parametrize(
    "text",
    [
        '{"a": NaN}',
        '{"a": 1e400}',
        f"[{10**30}]",
        '"\\ud800"',
        '{"a": 1, "a": 2}',
        " [-0.0]",
    ],
)
def test_json_is_read_as_the_standard_library_reads_it(text: str) -> None:
    decoder: ItemDecoder[list[object]] = ItemDecoder(lambda item: [item])
    found = list(decoder.feed(b"data: " + text.encode() + b"\n\n"))
    assert repr(found) == repr([[json.loads(text)]])
