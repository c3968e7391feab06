"""Servers with limits in simulated time: how close a limiter comes to what they could do."""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from hfwidgets.batch._concurrency import Limiter

Rule = Callable[["Server"], bool]


@dataclass
class Server:
    """Answers after `seconds`; `refuses` says whether it does now.

    Attributes:
        now: the simulated time in seconds.
        inside: calls under way.
        used: calls taken in this window.
    """

    seconds: float
    refuses: Rule
    pause: Callable[["Server"], float | None]
    now: float = 0.0
    inside: int = 0
    used: int = 0
    refusals: int = 0


@dataclass(order=True)
class Event:
    at: float
    number: int
    began: float = field(compare=False)
    ok: bool = field(compare=False)


def span(server: Server, rows: int, limiter_of: Callable[[Callable[[], float]], Limiter]) -> float:
    """The simulated seconds that a run of so many rows takes."""
    limiter = limiter_of(lambda: server.now)
    events: list[Event] = []
    later: list[float] = []
    numbers = itertools.count()
    left, running, done = rows, 0, 0
    while done < rows:
        while limiter.has_room(running) and (left or (later and later[0] <= server.now)):
            if later and later[0] <= server.now:
                heapq.heappop(later)
            else:
                left -= 1
            running += 1
            _arrive(server, events, next(numbers))
        server.now = min(_times(events, later, limiter, server.now))
        while events and events[0].at <= server.now:
            event = heapq.heappop(events)
            running -= 1
            if event.ok:
                server.inside -= 1
                done += 1
                limiter.record_success(event.began)
            else:
                pause = server.pause(server)
                limiter.record_refusal(event.began, pause)
                heapq.heappush(later, server.now + (pause or 0.1))
    return server.now


def _times(events: list[Event], later: list[float], limiter: Limiter, now: float) -> list[float]:
    found = [events[0].at] if events else []
    found += [max(later[0], now + 1e-6)] if later else []
    return found + ([limiter.resumes_at] if limiter.resumes_at > now else [])


def _arrive(server: Server, events: list[Event], number: int) -> None:
    if server.refuses(server):
        server.refusals += 1
        heapq.heappush(events, Event(server.now + 0.001, number, server.now, False))
        return
    server.inside += 1
    server.used += 1
    spread = 1 + 0.2 * ((number * 7919 % 101) / 101 - 0.5)
    heapq.heappush(events, Event(server.now + server.seconds * spread, number, server.now, True))


def at_most(count: int, seconds: float, pause: float | None) -> Server:
    """Takes so many calls at once."""
    return Server(seconds, lambda s: s.inside >= count, lambda s: pause)


def windows(count: int, length: float, seconds: float) -> Server:
    """Takes so many calls in each window of so many seconds, and says when the next one begins."""
    current = -1

    def refuses(server: Server) -> bool:
        nonlocal current
        if (window := int(server.now // length)) != current:
            current, server.used = window, 0
        return server.used >= count

    return Server(seconds, refuses, lambda s: length - s.now % length)


def outages(every: float, out: float, inner: Server) -> Server:
    """Refuses everybody for so long of every so many seconds, else as `inner`."""
    refuses = inner.refuses
    inner.refuses = lambda s: s.now % every > every - out or refuses(s)
    return inner
