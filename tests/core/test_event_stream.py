"""Check the event-stream decoder against the WHATWG rules, with every cut of the bytes."""

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hfwidgets import errors
from hfwidgets.core.event_stream import (
    AnswerStream,
    ErrorEvent,
    EventStream,
    ItemDecoder,
    JsonDecoder,
    LineDecoder,
)


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


WHOLE = b'data: {"a":1}\n\n'
PLAIN = b'{"a":1}'

STATES: dict[str, tuple[list[bytes], list[bytes]]] = {
    "first": ([WHOLE], [PLAIN]),
    "after an event": ([WHOLE, WHOLE], [PLAIN, PLAIN]),
    "after half a line": ([WHOLE, b"data: ", WHOLE], [PLAIN, b'data: {"a":1}']),
    "after a line": ([WHOLE, b"data: x\n", WHOLE], [PLAIN, b'x\n{"a":1}']),
    "after a CR": ([b"data: x\r", WHOLE], [b'x\n{"a":1}']),
    "after half a CRLF": ([b"data: x\r\n\r", b"\n" + WHOLE, WHOLE], [b"x", PLAIN, PLAIN]),
    "after half a CRLF in an event": ([b"data: x\r", b"\ndata: y\r\n\r\n"], [b"x\ny"]),
    "after a whole CRLF": ([b"data: x\r", b"\ndata: y\n", b"\n" + WHOLE], [b"x\ny", PLAIN]),
    "at a CRLF further back": ([b"data: x\r\ndata: y\n", b"\n" + WHOLE], [b"x\ny", PLAIN]),
    "after the end": ([WHOLE, b"data: [DONE]\n\n", WHOLE, b"data: 1\n\n"], [PLAIN]),
    "after half a mark": ([b"\xef\xbb", b"\xbf" + WHOLE, WHOLE], [PLAIN, PLAIN]),
    "after a comment": ([b": x\n", WHOLE], [PLAIN]),
    "with CRs": ([WHOLE, b'data: {"a":1}\r\r\n\n', WHOLE], [PLAIN, PLAIN, PLAIN]),
    "with a CR inside": ([WHOLE, b'data: {"a":\rdata: 1}\n\n'], [PLAIN, b'{"a":\n1}']),
    "two in one piece": ([WHOLE, WHOLE + WHOLE], [PLAIN, PLAIN, PLAIN]),
    "not an object": ([WHOLE, b"data: [1]\n\n"], [PLAIN, b"[1]"]),
    "one line end": ([WHOLE, WHOLE[:-1], WHOLE], [PLAIN, b'{"a":1}\n{"a":1}']),
    "three line ends": ([WHOLE, WHOLE + b"\n", WHOLE], [PLAIN, PLAIN, PLAIN]),
    "a mark inside": ([WHOLE, b"\xef\xbb\xbf" + WHOLE, WHOLE], [PLAIN, PLAIN]),
}


@pytest.mark.parametrize(("pieces", "events"), STATES.values(), ids=STATES)
def test_a_whole_event_means_the_same_in_every_state(
    pieces: list[bytes], events: list[bytes]
) -> None:
    """Whole events are read by a shorter way, which must not forget what came before."""
    decoder = EventStream()
    found = [event for piece in pieces for event in decoder.feed(piece)]
    assert found + list(decoder.finish()) == events
    assert list(decoder.finish()) == []
    assert read(b"".join(pieces)) == events


@pytest.mark.parametrize(
    ("pieces", "events"),
    [
        ([b"event: error\n", WHOLE, WHOLE], [ErrorEvent(PLAIN), PLAIN]),
        ([b"event:error\ndata: x\n\n"], [ErrorEvent(b"x")]),
        ([b"event: error\n\n", WHOLE], [ErrorEvent(b"{}"), PLAIN]),
        ([b"event: error\ndata: x"], [ErrorEvent(b"x")]),
        ([b"event: errors\ndata: x\n\n"], [b"x"]),
        ([b"event: error\nevent: other\ndata: x\n\n"], [b"x"]),
        ([b"event: error\ndata: [DONE]\n\n", WHOLE], [ErrorEvent(b"[DONE]"), PLAIN]),
        ([b"data: [DONE]\n\n", b"event: error\ndata: x\n\n"], []),
        ([b"event: other\n\n", WHOLE], [PLAIN]),
        ([b"event: error\n: note\nid: 7\ndata: x\n\n"], [ErrorEvent(b"x")]),
        ([b"retry: error\ndata: x\n\n"], [b"x"]),
        ([b"data: [DONE]  \n\ndata: x\n\n"], []),
        ([b"data: [DONE\n\n"], [b"[DONE"]),
    ],
)
def test_an_event_named_error_is_marked(pieces: list[bytes], events: list[bytes]) -> None:
    decoder = EventStream()
    found = [event for piece in pieces for event in decoder.feed(piece)]
    found += decoder.finish()
    assert [(type(event), bytes(event)) for event in found] == [
        (type(event), bytes(event)) for event in events
    ]


@pytest.mark.parametrize(
    ("body", "texts"),
    [
        (b"1", [b"1"]),
        (b"1\n\n  2 \r\n3", [b"1", b"2", b"3"]),
        (b'{\n "a": [1,\n\n2]\n}\n', [b'{\n "a": [1,\n\n2]\n}']),
        (b'1\n{\n"a": 2\n}', [b"1", b'{\n"a": 2\n}']),
        (b"", []),
        (b" \n\n ", []),
    ],
)
def test_json_texts_whole_and_in_pieces(body: bytes, texts: list[bytes]) -> None:
    for size in (1, 2, 3, len(body) or 1):
        decoder = JsonDecoder()
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        found = [text for piece in pieces for text in decoder.feed(piece)]
        assert found + list(decoder.finish()) == texts
        assert not decoder.done
        assert list(decoder.finish()) == []


def test_lines_are_given_as_soon_as_they_end() -> None:
    for decoder in (LineDecoder(), JsonDecoder()):
        assert list(decoder.feed(b"1\r\n2")) == [b"1"]
        assert list(decoder.feed(b"3\n\r\n \n")) == [b"23"]
        assert list(decoder.feed(b"4\r")) == []
        assert list(decoder.finish()) == [b"4"]
        assert list(decoder.finish()) == []
        assert not decoder.done


MARK = b"\xef\xbb\xbf"


@pytest.mark.parametrize("content_type", ["text/event-stream", "application/json", ""])
@pytest.mark.parametrize(
    ("body", "events"),
    [
        (b'{"a":1}', [PLAIN]),
        (b'{"a":1}\n{"a":1}\n', [PLAIN, PLAIN]),
        (b'\n {"a":\n1}', [b'{"a":\n1}']),
        (b"[1]", [b"[1]"]),
        (MARK + b' {"a":1}', [PLAIN]),
        (WHOLE + WHOLE, [PLAIN, PLAIN]),
        (MARK + WHOLE, [PLAIN]),
        (b"\n\n" + WHOLE, [PLAIN]),
        (b": x\n" + WHOLE + b"data: [DONE]\n\n", [PLAIN]),
        (b"words", []),
        (b"", []),
        (b" \n", []),
    ],
)
def test_an_answer_is_read_by_what_it_begins_with(
    body: bytes, events: list[bytes], content_type: str
) -> None:
    for size in (1, 2, 4, len(body) or 1):
        answer = AnswerStream(content_type)
        assert not answer.done
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        found = [event for piece in pieces for event in answer.feed(piece)]
        assert found + list(answer.finish()) == events
        assert answer.done is (b"[DONE]" in body)
        assert answer.start.startswith(body.removeprefix(MARK).lstrip()[:200])


def test_an_answer_keeps_its_start_only() -> None:
    answer = AnswerStream("")
    for _ in range(1000):
        list(answer.feed(b"data: " + b"x" * 50 + b"\n\n"))
    assert 200 <= len(answer.start) <= 400
    assert answer.start.startswith(b"data: xxx")


def end_of(content_type: str, *pieces: bytes, read: Any = dict) -> errors.OutputError:
    """Return the error with which a stream ends."""
    decoder: ItemDecoder[Any] = ItemDecoder(read, AnswerStream(content_type))

    def read_all() -> None:
        for piece in pieces:
            list(decoder.feed(piece))
        list(decoder.finish())

    with pytest.raises(errors.OutputError) as caught:
        read_all()
    return caught.value


@pytest.mark.parametrize(
    ("content_type", "pieces", "message"),
    [
        ("text/html; charset=x", [], "The server's stream (text/html) is empty."),
        ("", [b" \n"], "The server's stream (no type) is empty."),
        ("text/html", [b"<p>", b"no</p>"], "a stream (text/html) without an answer: '<p>no</p>'."),
        (" ; x", [b"data: [DONE]\n\n"], "a stream (no type) without an answer: 'data: [DONE]"),
        ("", [b"data: <p>\n\n"], "The stream holds what is not JSON: '<p>'."),
        ("", [b"data: 5\n\n"], "The stream holds what is not an answer: '5'."),
        ("", [b'{"a":'], "The stream holds what is not JSON: '{\"a\":'."),
    ],
)
def test_a_stream_without_an_answer_is_an_error_that_shows_its_start(
    content_type: str, pieces: list[bytes], message: str
) -> None:
    assert message in str(end_of(content_type, *pieces))


def test_each_whole_event_is_an_item_at_once() -> None:
    decoder: ItemDecoder[dict[str, Any]] = ItemDecoder(lambda item: item or None)
    assert [list(decoder.feed(WHOLE)) for _ in range(3)] == [[{"a": 1}]] * 3
    assert list(decoder.feed(b"data: {}\n\n")) == []


def test_only_an_answer_s_stream_must_have_an_item() -> None:
    for events in (None, LineDecoder()):
        decoder: ItemDecoder[dict[str, Any]] = ItemDecoder(dict, events)
        assert list(decoder.finish()) == []
    whole: ItemDecoder[dict[str, Any]] = ItemDecoder(dict, AnswerStream(""))
    assert list(whole.feed(WHOLE)) == [{"a": 1}]
    assert list(whole.finish()) == []
    at_the_end: ItemDecoder[dict[str, Any]] = ItemDecoder(dict, AnswerStream(""))
    assert list(at_the_end.feed(PLAIN)) == []
    assert list(at_the_end.finish()) == [{"a": 1}]


class Reader:
    """A reader with items that only the end completes."""

    def __init__(self, *last: int) -> None:
        self.last = last

    def __call__(self, value: object) -> int | None:
        return value if isinstance(value, int) else None

    def finish(self) -> Iterable[int]:
        return self.last


def test_a_reader_may_complete_items_at_the_end() -> None:
    decoder: ItemDecoder[int] = ItemDecoder(Reader(7, 8))
    assert list(decoder.feed(b"data: 1\n\ndata: 2")) == [1]
    assert list(decoder.finish()) == [2, 7, 8]


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"data: it broke\n", {"error": "it broke"}),
        (b'data: "it broke"\n', {"error": "it broke"}),
        (b'data: {"error": "why"}\n', {"error": "why"}),
        (b'data: {"error": ""}\n', {"error": {"error": ""}}),
        (b'data: {"message": "why"}\n', {"error": {"message": "why"}}),
        (b"data: [1]\n", {"error": [1]}),
        (b"data: null\n", {"error": "the server sent an error event"}),
        (b"", {"error": "the server sent an error event"}),
        (b"data: \xff\n", {"error": "\ufffd"}),
    ],
)
def test_an_error_event_is_read_as_an_error_whatever_it_holds(data: bytes, value: Any) -> None:
    decoder: ItemDecoder[Any] = ItemDecoder(lambda item: item)
    assert list(decoder.feed(b"event: error\n" + data + b"\n")) == [value]


def test_a_reader_s_own_error_is_raised_as_it_is() -> None:
    def refuse(_: object) -> None:
        raise errors.GenerationError("stopped")

    decoder: ItemDecoder[Any] = ItemDecoder(refuse)
    with pytest.raises(errors.GenerationError, match="stopped"):
        list(decoder.feed(WHOLE))


def test_broken_bytes_cost_the_characters_that_they_break() -> None:
    decoder: ItemDecoder[Any] = ItemDecoder(lambda item: item)
    assert list(decoder.feed(b'data: "a\xffb"\n\n')) == ["a\ufffdb"]
    with pytest.raises(errors.OutputError, match="not JSON"):
        list(decoder.feed(b"data: " + b"[" * 100_000 + b"\n\n"))
