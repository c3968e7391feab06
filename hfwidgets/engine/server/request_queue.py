"""A bounded queue: so many at work, so many waiting, and a clear no to the rest."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hfwidgets.engine.base.http_errors import RefusedError


class Gate:
    """Lets `working` requests through at once and `waiting` more queue; refuses others with 503."""

    def __init__(self, working: int, waiting: int) -> None:
        self.working = working
        self.waiting = waiting
        self.queued = 0
        self.inside = 0
        self._slots = asyncio.Semaphore(working)
        self._usual = 1.0  # seconds that a request takes, a running mean

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn and hold it for the block; cancelling frees it at once."""
        if self.queued >= self.waiting:
            raise self._full()
        self.queued += 1
        try:
            await self._slots.acquire()
        finally:
            self.queued -= 1
        start = time.monotonic()
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1
            self._slots.release()
            self._usual += 0.2 * (time.monotonic() - start - self._usual)

    def _full(self) -> RefusedError:
        seconds = max(1.0, round(self._usual * self.waiting / self.working, 1))
        return RefusedError(
            503,
            f"The engine is busy: {self.inside} requests at work and {self.queued} waiting. "
            f"Ask again in about {seconds:.0f} s, or ask less at once.",
            kind="overloaded",
            retry_after=seconds,
        )
