"""How often a cell's output is replaced while an answer grows, by a clock of the test's own."""

from collections.abc import Iterable
from itertools import pairwise

from hfwidgets.magics.outputs import BYTES_PER_SECOND, MIN_INTERVAL, CellOutput
from tests.plugins.waiting import Clock


def shown(pieces: Iterable[str], seconds: float, clock: Clock) -> list[tuple[float, str]]:
    """When which text is shown, while a piece more arrives every so many seconds."""
    cell, text, found = CellOutput(clock), "", []
    for piece in pieces:
        text += piece
        if cell.is_due(text, None):
            found.append((clock.now, text))
        clock.now += seconds
    return found


def test_a_short_answer_is_updated_ten_times_a_second(clock: Clock) -> None:
    began = clock.now
    found = shown([f"word{n} " for n in range(100)], 0.02, clock)
    assert found[0] == (began, "word0 "), "the first piece is shown as it comes"
    gaps = [after - before for (before, _), (after, _) in pairwise(found)]
    assert min(gaps) >= MIN_INTERVAL
    assert max(gaps) <= MIN_INTERVAL + 0.021


def test_a_long_answer_is_updated_ever_more_rarely(clock: Clock) -> None:
    began, pieces = clock.now, ["x" * 200 + "\n"] * 1000
    found = shown(pieces, 0.005, clock)
    gaps = [after - before for (before, _), (after, _) in pairwise(found)]
    assert gaps[-1] > 2 * gaps[0]
    sent, whole = sum(len(text) for _, text in found), len("".join(pieces))
    assert sent <= BYTES_PER_SECOND * (clock.now - began) + whole


def test_the_reason_of_a_longer_wait_is_shown(clock: Clock) -> None:
    cell = CellOutput(clock)
    assert not cell.is_due("", "loading"), "most waits are over before they can be read"
    clock.now += 5 * MIN_INTERVAL
    assert cell.is_due("", "loading")


def test_an_answer_begins_at_once(clock: Clock) -> None:
    cell = CellOutput(clock)
    clock.now += 5 * MIN_INTERVAL
    assert cell.is_due("", "loading")
    assert cell.is_due("Hel", None)
