"""Simulates servers with limits, to compare a limiter's run time with the shortest possible."""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from hfwidgets.batch._concurrency import Limiter

Rule = Callable[["Server"], bool]


@dataclass
class Server:
    """A server that answers after `seconds`, unless `refuses` is true at that moment.

    Attributes:
        now: The simulated time in seconds.
        inside: Calls under way.
        used: Calls accepted in this window.
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
    """Return the simulated seconds that a run of so many rows takes."""
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
    """Return a server for so many concurrent calls."""
    return Server(seconds, lambda s: s.inside >= count, lambda s: pause)


def windows(count: int, length: float, seconds: float) -> Server:
    """Return a server for so many calls per window, which names the next window's begin."""
    current = -1

    def refuses(server: Server) -> bool:
        nonlocal current
        if (window := int(server.now // length)) != current:
            current, server.used = window, 0
        return server.used >= count

    return Server(seconds, refuses, lambda s: length - s.now % length)


def outages(every: float, out: float, inner: Server) -> Server:
    """Return a server that refuses all calls for `out` of every so many seconds."""
    refuses = inner.refuses
    inner.refuses = lambda s: s.now % every > every - out or refuses(s)
    return inner
