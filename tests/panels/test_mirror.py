"""The mirrored document and the flusher: nothing is lost, and nothing is sent too often."""

import threading
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hfwidgets.panels.document.flusher import Flusher
from hfwidgets.panels.document.mirror import Mirror, utf16_length
from tests.panels.conftest import Replica
from tests.plugins.waiting import LIMIT, Clock, until

TEXT = st.text(max_size=5)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(0, 2), TEXT),
        st.tuples(st.just("set"), st.integers(0, 2), TEXT),
        st.tuples(st.just("push"), st.just(0), TEXT),
        st.tuples(st.just("cut"), st.integers(0, 3), st.just("")),
        st.tuples(st.just("flush"), st.just(0), st.just("")),
    ),
    max_size=40,
)


def mirrored() -> tuple[Mirror, Replica]:
    replica = Replica()
    mirror = Mirror({"texts": ["", "", ""]}, lambda m: replica.take(m, []), lambda _: None)
    replica.open({"doc": mirror.get(), "shape": {}})
    return mirror, replica


@given(STEPS)
def test_a_replica_equals_its_original(steps: list[tuple[str, int, str]]) -> None:
    mirror, replica = mirrored()
    for kind, at, text in steps:
        length = len(mirror.get("texts"))
        if kind == "append" and at < length:
            mirror.append("texts", at, text=text)
        elif kind == "set" and at < length:
            mirror.set("texts", at, value=text)
        elif kind == "push":
            mirror.set("texts", length, value=text)
        elif kind == "cut" and at <= length:
            mirror.truncate("texts", length=at)
        elif kind == "flush":
            mirror.flush()
    mirror.flush()
    assert replica.doc == mirror.get()


def test_pieces_are_sent_as_one() -> None:
    mirror, replica = mirrored()
    for piece in ("a", "🌊", "b"):
        mirror.append("texts", 0, text=piece)
    assert mirror.flush()
    assert replica.messages == [{"k": "ops", "seq": 1, "ops": [["+", ["texts", 0], 0, "a🌊b"]]}]
    mirror.append("texts", 0, text="c")
    mirror.flush()
    assert replica.messages[-1]["ops"] == [["+", ["texts", 0], 4, "c"]]


def test_unchanged_values_are_not_sent() -> None:
    mirror, replica = mirrored()
    mirror.set("texts", 0, value="")
    assert not mirror.flush()
    assert replica.messages == []


def test_lengths_are_in_utf16_units() -> None:
    assert [utf16_length(text) for text in ("", "abc", "é", "🌊", "e\u0301")] == [0, 3, 1, 2, 2]


def test_values_are_copies() -> None:
    mirror, replica = mirrored()
    value: dict[str, Any] = {"deep": [1]}
    mirror.set("more", value=value)
    value["deep"].append(2)
    mirror.flush()
    assert replica.doc["more"]["deep"] == [1]


class Sent:
    """A mirror with its messages, and how often it asked for a flush."""

    def __init__(self, doc: dict[str, Any]) -> None:
        self.messages: list[dict[str, Any]] = []
        self.changes = 0
        self.mirror = Mirror(doc, self.messages.append, self._count)

    def _count(self, mirror: Mirror) -> None:
        assert mirror is self.mirror
        self.changes += 1

    def patch(self) -> list[Any]:
        """Flush, and return the operations of the one patch."""
        before = len(self.messages)
        assert self.mirror.flush()
        [message] = self.messages[before:]
        assert message["k"] == "ops"
        assert message["seq"] == self.mirror.seq == before + 1
        operations: list[Any] = message["ops"]
        return operations


def test_each_kind_of_change_is_one_operation_in_its_order() -> None:
    sent = Sent({"a": "x", "b": "", "list": [1, 2, 3]})
    sent.mirror.append("a", text="yz")
    sent.mirror.append("b", text="w")
    sent.mirror.truncate("list", length=1)
    sent.mirror.append("a", text="é")
    sent.mirror.set("list", 1, value={"n": 4})
    assert sent.changes == 5
    assert sent.patch() == [
        ["+", ["a"], 1, "yz"],
        ["+", ["b"], 0, "w"],
        ["cut", ["list"], 1],
        ["+", ["a"], 3, "é"],
        ["=", ["list", 1], {"n": 4}],
    ]
    assert sent.mirror.get() == {"a": "xyzé", "b": "w", "list": [1, {"n": 4}]}
    assert sent.mirror.flush() is False
    assert sent.changes == 5


def test_a_value_that_is_set_again_at_once_is_sent_once() -> None:
    sent = Sent({"a": 0, "b": "", "list": []})
    for value in (1, 2, 3):
        sent.mirror.set("a", value=value)
    sent.mirror.set("b", value="x")
    assert sent.patch() == [["=", ["a"], 3], ["=", ["b"], "x"]]
    # Not where something was measured against the first value.
    sent.mirror.set("b", value="yy")
    sent.mirror.append("b", text="!")
    sent.mirror.set("b", value="z")
    assert sent.patch() == [["=", ["b"], "yy"], ["+", ["b"], 2, "!"], ["=", ["b"], "z"]]


def test_what_a_page_would_see_as_the_same_is_not_sent() -> None:
    sent = Sent({"n": 1, "t": "a", "list": [1]})
    sent.mirror.set("n", value=1)
    sent.mirror.set("list", 0, value=1)
    assert sent.changes == 0
    sent.mirror.set("n", value=True)  # equal in Python only
    sent.mirror.set("list", 0, value=2)
    sent.mirror.set("new", value=None)
    assert sent.patch() == [["=", ["n"], True], ["=", ["list", 0], 2], ["=", ["new"], None]]


def test_an_operation_holds_what_was_set_and_not_what_came_later() -> None:
    sent = Sent({})
    sent.mirror.set("rows", value=["a"])
    sent.mirror.set("rows", 1, value="b")
    sent.mirror.append("rows", 0, text="c")
    assert sent.patch() == [
        ["=", ["rows"], ["a"]],
        ["=", ["rows", 1], "b"],
        ["+", ["rows", 0], 1, "c"],
    ]
    sent.mirror.get("rows").append("d")
    assert sent.mirror.get("rows") == ["ac", "b"]


def test_a_page_is_acknowledged_or_gets_the_whole_document() -> None:
    sent = Sent({"a": ""})
    sent.mirror.append("a", text="x")
    # What is pending is sent first: the document has it already.
    sent.mirror.resync(1)
    assert sent.messages == [
        {"k": "ops", "seq": 1, "ops": [["+", ["a"], 0, "x"]]},
        {"k": "ops", "seq": 1, "ops": []},
    ]
    for seen in (0, 2):
        sent.mirror.resync(seen)
        assert sent.messages.pop() == {"k": "doc", "seq": 1, "doc": {"a": "x"}}
    sent.mirror.resync(0)
    sent.mirror.append("a", text="y")
    assert sent.mirror.get() == {"a": "xy"}  # what is pending is part of the document
    assert sent.messages[-1]["doc"] == {"a": "x"}


def test_a_lone_surrogate_has_a_length() -> None:
    assert utf16_length("a\ud800") == 2


class Simulated(Clock):
    """A clock that advances only in a flusher's pauses, and calls a function in each of them.

    Attributes:
        meanwhile: called at the start, and in each pause until the time of `end`.
    """

    def __init__(self, seconds: float, meanwhile: Callable[[], None]) -> None:
        self.end = self.now + seconds
        self.meanwhile = meanwhile
        self.flusher = Flusher(self, self.pause)
        self._begun = threading.Event()

    async def pause(self, seconds: float) -> None:
        self._begun.wait(LIMIT)
        self.now += seconds
        if self.now < self.end:
            self.meanwhile()

    def run(self) -> None:
        """Run to the end."""
        self.meanwhile()
        self._begun.set()
        until(lambda: not self.flusher._is_running)


def panels(count: int, seconds: float) -> list[list[float]]:
    """Return the times of the patches of `count` panels that grow for `seconds`."""

    def grow() -> None:
        for mirror in mirrors:
            mirror.append("text", text="x")

    time = Simulated(seconds, grow)
    times: list[list[float]] = [[] for _ in range(count)]

    def sent(at: list[float]) -> Callable[[Any], None]:
        return lambda _: at.append(time.now)

    mirrors = [Mirror({"text": ""}, sent(at), time.flusher.schedule) for at in times]
    time.run()
    assert time.now >= time.end
    return times


def test_many_panels_share_one_limit() -> None:
    times = panels(60, 3.0)
    start = min(map(min, times)) + 0.5  # the first words of each leave at once
    within = [at for one in times for at in one if start <= at < start + 1.0]
    assert 100 <= len(within) <= 200
    assert min(map(len, times)) >= 6


def test_one_panel_sends_at_most_ten_times_per_second() -> None:
    [times] = panels(1, 1.0)
    assert min(after - before for before, after in pairwise(times)) >= 0.1
    assert 8 <= len(times) <= 11


def test_the_first_text_is_sent_immediately_and_the_last_reliably() -> None:
    sent: list[tuple[float, str]] = []
    time = Simulated(0.05, lambda: mirror.append("text", text="x"))
    mirror = Mirror(
        {"text": ""}, lambda m: sent.append((time.now, m["ops"][0][3])), time.flusher.schedule
    )
    began = time.now
    time.run()
    assert sent[0] == (began, "x")
    assert "".join(text for _, text in sent) == mirror.get("text") == "xxx"
