"""The mirrored document and the flusher: nothing is lost, nothing comes too often."""

import threading
import time
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hfwidgets.panels import flusher as flushing
from hfwidgets.panels.flusher import Flusher
from hfwidgets.panels.mirror import Mirror, units
from tests.panels.conftest import Replica

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
def test_a_replica_ends_as_its_original(steps: list[tuple[str, int, str]]) -> None:
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
            mirror.cut("texts", length=at)
        elif kind == "flush":
            mirror.flush()
    mirror.flush()
    assert replica.doc == mirror.get()


def test_pieces_travel_as_one() -> None:
    mirror, replica = mirrored()
    for piece in ("a", "🌊", "b"):
        mirror.append("texts", 0, text=piece)
    assert mirror.flush()
    assert replica.messages == [{"k": "ops", "seq": 1, "ops": [["+", ["texts", 0], 0, "a🌊b"]]}]
    mirror.append("texts", 0, text="c")
    mirror.flush()
    assert replica.messages[-1]["ops"] == [["+", ["texts", 0], 4, "c"]]


def test_what_did_not_change_is_not_sent() -> None:
    mirror, replica = mirrored()
    mirror.set("texts", 0, value="")
    assert not mirror.flush()
    assert replica.messages == []


def test_units_are_those_of_javascript() -> None:
    assert [units(text) for text in ("", "abc", "é", "🌊", "e\u0301")] == [0, 3, 1, 2, 2]


def test_values_are_copies() -> None:
    mirror, replica = mirrored()
    value: dict[str, Any] = {"deep": [1]}
    mirror.set("more", value=value)
    value["deep"].append(2)
    mirror.flush()
    assert replica.doc["more"]["deep"] == [1]


class Clocked:
    """A mirror that notes when its patches leave."""

    def __init__(self, flusher: Flusher) -> None:
        self.times: list[float] = []
        doc = {"text": ""}
        self.mirror = Mirror(doc, lambda _: self.times.append(time.monotonic()), flusher.wake)


def test_many_panels_share_one_limit() -> None:
    flusher = Flusher()
    clocked = [Clocked(flusher) for _ in range(60)]
    until = time.monotonic() + 1.5
    while time.monotonic() < until:
        for one in clocked:
            one.mirror.append("text", text="x")
        time.sleep(0.005)
    start = min(one.times[0] for one in clocked) + 0.35
    within = [t for one in clocked for t in one.times if start <= t < start + 1.0]
    assert len(within) <= flushing.TOTAL * 1.1
    assert min(len(one.times) for one in clocked) >= 3


def test_one_panel_is_sent_at_most_ten_times_a_second() -> None:
    flusher = Flusher()
    one = Clocked(flusher)
    until = time.monotonic() + 1.0
    while time.monotonic() < until:
        one.mirror.append("text", text="x")
        time.sleep(0.002)
    assert 6 <= len(one.times) <= 11


def test_the_first_words_leave_at_once_and_the_last_ones_surely() -> None:
    flusher = Flusher()
    one = Clocked(flusher)
    began = time.monotonic()
    one.mirror.append("text", text="x")
    gone = threading.Event()
    for _ in range(500):
        if one.times:
            break
        gone.wait(0.001)
    assert one.times[0] - began < 0.08
    one.mirror.append("text", text="y")
    for _ in range(500):
        if len(one.times) == 2:
            break
        gone.wait(0.001)
    assert len(one.times) == 2
