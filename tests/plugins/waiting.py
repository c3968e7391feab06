"""Wait in tests: for conditions, never for a time.

def test_it(monkeypatch, waits):  # each pause that a call announces, as (reason, seconds)
    until(lambda: server.seen)  # what is there, once it is; auntil is to be awaited
    slow = Slow()  # blocking work that only the loop which it must not block can end
    monkeypatch.setattr(room, "reads_files", slow)
    asyncio.run(free(client.call(), slow))
"""

import asyncio
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest

from hfwidgets.calls import call, http_exchange
from hfwidgets.core import flow

T = TypeVar("T")

LIMIT = 60.0
"""The seconds after which a condition counts as never true, on a busy machine too."""


def until(there: Callable[[], T], what: str = "it", seconds: float = LIMIT) -> T:
    """Return what `there` returns once it is true; AssertionError if it never is."""
    end = time.monotonic() + seconds
    while not (found := there()):
        assert time.monotonic() < end, f"In {seconds:g} s not so: {what}; {found!r}"
        time.sleep(0.01)
    return found


async def auntil(there: Callable[[], T], seconds: float = LIMIT) -> T:
    """Wait as `until` does, while the other tasks of the loop run."""
    async with asyncio.timeout(seconds):
        while not (found := there()):
            await asyncio.sleep(0.01)
    return found


READING = ("calls/sync_transport.py", "httpcore/_backends/sync.py")
"""The modules that read from sockets."""


def reading(thread: threading.Thread) -> bool:
    """True if a thread is inside a blocking read of an HTTP connection."""
    frame = sys._current_frames().get(thread.ident or 0)
    return frame is not None and frame.f_code.co_filename.endswith(READING)


class Clock:
    """A clock that only advances when a test adds to `now`."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class Slow:
    """Stands for slow work: it lasts until a coroutine of the loop that waits for it ends it.

    A loop that is blocked by the work cannot end it, which `free` tells.
    """

    def __init__(self, then: Callable[..., Any] = lambda *_: None) -> None:
        self._then = then
        self._end = threading.Event()
        self.begun = threading.Event()
        self.ended: bool | None = None

    def __call__(self, *args: Any) -> Any:
        self.begun.set()
        self.ended = self._end.wait(LIMIT / 3)
        return self._then(*args)

    def end(self) -> None:
        self._end.set()


async def free(call: Awaitable[T], work: Slow) -> T:
    """Return a call's result; prove that other tasks of its loop ran during its slow work."""
    task = asyncio.ensure_future(call)
    await auntil(lambda: work.begun.is_set() or task.done())
    work.end()
    result = await task
    assert work.ended is not None, "the slow work was never asked for"
    assert work.ended, "the loop was blocked"
    return result


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def waits() -> Iterator[list[tuple[str, float]]]:
    """Collect the pauses that calls announce, as (reason, seconds)."""
    heard: list[tuple[str, float]] = []
    token = flow.wait_listener.set(lambda reason, seconds: heard.append((reason, seconds)))
    yield heard
    flow.wait_listener.reset(token)


@pytest.fixture
def long_pauses(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the first pause that a call announces use up its time budget."""
    told = http_exchange.announce_wait

    def announce(sleep: flow.Sleep) -> None:
        told(sleep)
        clock.now += 3600

    monkeypatch.setattr(http_exchange, "announce_wait", announce)
    own = SimpleNamespace(monotonic=clock, perf_counter=time.perf_counter)
    monkeypatch.setattr(call, "time", own)
