"""How many calls at once: rules one by one, and what they come to in simulated time."""

import pytest

from hfwidgets.batch._concurrency import Limiter
from tests.batch import simulated
from tests.batch.simulated import Server, at_most, outages, windows
from tests.plugins.waiting import Clock


def test_it_grows_by_one_a_success_up_to_its_limit(clock: Clock) -> None:
    limiter = Limiter(10, 4, clock)
    for _ in range(3):
        limiter.record_success(clock.now)
    assert limiter.has_room(6)
    assert not limiter.has_room(7)
    for _ in range(20):
        limiter.record_success(clock.now)
    assert limiter.size == 10


def test_a_pause_holds_for_all_calls(clock: Clock) -> None:
    limiter = Limiter(10, 10, clock)
    limiter.record_refusal(clock.now, 5.0)
    limiter.record_refusal(clock.now, 3.0)
    assert limiter.pause == 5.0
    assert not limiter.has_room(0)
    clock.now += 5.0
    assert limiter.has_room(0)


def test_a_burst_of_refusals_says_how_many_were_too_many(clock: Clock) -> None:
    limiter = Limiter(64, 32, clock)
    began = clock.now
    clock.now += 1
    for _ in range(12):
        limiter.record_refusal(began, None)
    assert limiter.size == pytest.approx(0.95 * 32 - 11)


def test_after_a_refusal_the_size_is_left_alone_for_a_while(clock: Clock) -> None:
    limiter = Limiter(64, 20, clock)
    limiter.record_refusal(clock.now, 1.0)
    size = limiter.size
    for _ in range(100):
        clock.now += 0.1
        limiter.record_success(clock.now)
    assert limiter.size == size
    clock.now += 20
    limiter.record_success(clock.now)
    assert limiter.size > size


@pytest.mark.parametrize(("pause", "left"), [(None, 14.0), (1.0, 19.0)])
def test_a_proven_size_is_soon_regained(clock: Clock, pause: float | None, left: float) -> None:
    limiter = Limiter(20, 20, clock)
    for _ in range(20):
        clock.now += 0.1
        limiter.record_success(clock.now)
    limiter.record_refusal(clock.now, pause)
    assert limiter.size == pytest.approx(left)
    for _ in range(5):
        clock.now += 1
        limiter.record_success(clock.now)
    assert limiter.size >= 19


def test_answers_to_calls_from_before_a_refusal_say_nothing(clock: Clock) -> None:
    limiter = Limiter(64, 8, clock)
    began = clock.now
    clock.now += 1
    limiter.record_refusal(began, None)
    size = limiter.size
    refused = clock.now
    clock.now += 100
    for old in (began, refused):
        limiter.record_success(old)
        assert limiter.size == size
    limiter.record_success(refused + 0.1)
    assert limiter.size > size


def test_it_never_falls_below_one(clock: Clock) -> None:
    limiter = Limiter(64, 2, clock)
    for _ in range(10):
        limiter.record_refusal(clock.now, None)
        clock.now += 1
    assert limiter.size == 1
    assert limiter.has_room(0)


def held_seconds(limiter: Limiter, clock: Clock) -> float:
    """The seconds for which successes leave the size alone."""
    start, size = clock.now, limiter.size
    while limiter.size == size:
        clock.now += 0.5
        assert clock.now < start + 2000
        limiter.record_success(clock.now)
    return clock.now - start


@pytest.mark.parametrize(("pause", "hold"), [(3.0, 60.0), (1.0, 20.0), (0.5, 10.0), (None, 2.0)])
def test_a_refused_size_is_held_for_twenty_pauses(
    clock: Clock, pause: float | None, hold: float
) -> None:
    limiter = Limiter(64, 20, clock)
    limiter.record_refusal(clock.now, pause)
    assert held_seconds(limiter, clock) == pytest.approx(hold, abs=0.5)


def test_the_hold_doubles_up_to_eight_times_while_the_same_size_is_refused(clock: Clock) -> None:
    holds = []
    limiter = Limiter(64, 20, clock)
    for _ in range(6):
        limiter.record_refusal(clock.now, 1.0)
        holds.append(held_seconds(limiter, clock))
        # Back to the size that was refused before, which stays unproven: its calls are older.
        limiter.size = 20.0
        clock.now += 0.5
    assert holds == pytest.approx([20, 40, 80, 160, 160, 160], abs=0.5)


def test_the_hold_is_short_again_at_another_size(clock: Clock) -> None:
    limiter = Limiter(64, 20, clock)
    for size, hold in ((20.0, 20.0), (20.9, 40.0), (40.0, 20.0), (41.5, 40.0)):
        limiter.size = size
        clock.now += 0.5
        limiter.record_refusal(clock.now, 1.0)
        assert held_seconds(limiter, clock) == pytest.approx(hold, abs=0.5)


def test_a_size_is_not_proven_by_calls_from_before_it_was_reached(clock: Clock) -> None:
    limiter = Limiter(2, 1, clock)
    began = clock.now
    limiter.record_success(began)
    assert limiter.size == 2
    limiter.record_success(began)  # began when the size was 1
    clock.now += 1
    limiter.record_refusal(clock.now, None)
    assert limiter.size == pytest.approx(0.95 * 2)


def test_a_size_is_proven_by_half_as_many_later_calls_and_as_many_answers(clock: Clock) -> None:
    limiter = Limiter(2, 1, clock)
    began = clock.now
    limiter.record_success(began)
    clock.now += 1
    limiter.record_success(clock.now)
    clock.now += 1
    limiter.record_refusal(clock.now, None)
    assert limiter.size == pytest.approx(0.7 * 2)


def test_after_a_refusal_a_size_must_be_proven_again(clock: Clock) -> None:
    limiter = Limiter(3, 3, clock)
    limiter.record_refusal(clock.now, None)
    assert limiter.size == pytest.approx(2.85)
    clock.now += 0.1
    limiter.record_success(clock.now)
    clock.now += 0.1
    limiter.record_refusal(clock.now, None)
    assert limiter.size == pytest.approx(0.95 * 2.85)


@pytest.mark.parametrize(("pause", "left"), [(None, 0.7), (2.0, 0.95)])
def test_a_refusal_of_nearly_all_calls_blames_the_server(
    clock: Clock, pause: float | None, left: float
) -> None:
    limiter = Limiter(64, 20, clock)
    began = clock.now
    clock.now += 1
    for _ in range(14):
        limiter.record_refusal(began, pause)
    assert limiter.size == pytest.approx(0.95 * 20 - 13)
    limiter.record_refusal(began, pause)  # three quarters of the calls
    assert limiter.size == pytest.approx(left * 20)
    assert limiter.pause == (pause or 0.0)


def test_below_its_threshold_the_size_grows_by_one_and_above_it_slowly(clock: Clock) -> None:
    limiter = Limiter(40, 40, clock)
    for _ in range(40):
        clock.now += 0.1
        limiter.record_success(clock.now)
    began = clock.now
    clock.now += 1
    for _ in range(6):
        limiter.record_refusal(began, None)  # a proven size: the threshold is 95 % of it
    assert limiter.size == pytest.approx(0.7 * 40)
    grown = []
    for _ in range(12):
        clock.now += 1
        before = limiter.size
        limiter.record_success(clock.now)
        grown.append(limiter.size - before)
    assert grown[:10] == [pytest.approx(1.0)] * 10
    assert grown[11] == pytest.approx(1 / (limiter.size - grown[11]))


def test_the_first_size_is_at_most_the_largest(clock: Clock) -> None:
    assert Limiter(4, 8, clock).size == 4
    assert Limiter(8, 4, clock).size == 4
    assert Limiter(1, 1, clock).has_room(0)
    assert not Limiter(1, 1, clock).has_room(1)


SERVERS = {
    "40 at once, Retry-After 1": (lambda: at_most(40, 0.1, 1.0), 0.1 / 40),
    "20 at once, no Retry-After": (lambda: at_most(20, 0.05, None), 0.05 / 20),
    "5 at once, Retry-After 2": (lambda: at_most(5, 0.5, 2.0), 0.5 / 5),
    "1 at once, Retry-After 1": (lambda: at_most(1, 0.1, 1.0), 0.1),
    "300 a second": (lambda: windows(300, 1.0, 0.01), 1 / 300),
    "1,000 in 4 s": (lambda: windows(1000, 4.0, 0.05), 4 / 1000),
    "600 in a minute, slow": (lambda: windows(600, 60.0, 1.0), 60 / 600),
    "out for a tenth of the time, slow": (
        lambda: outages(3.0, 0.3, at_most(50, 0.25, 0.3)),
        0.25 / 45,
    ),
    "out for a tenth of the time": (lambda: outages(2.0, 0.2, at_most(20, 0.05, 0.2)), 0.05 / 18),
}


@pytest.mark.parametrize("name", SERVERS)
def test_ten_thousand_rows_take_little_more_than_the_server_needs(name: str) -> None:
    make, seconds = SERVERS[name]
    server: Server = make()
    took = simulated.span(server, 10_000, lambda clock: Limiter(64, 8, clock))
    assert took <= 1.2 * 10_000 * seconds
    assert server.refusals <= 10_000 / 20
