"""Queue requests: a few run, a few wait, and the rest are refused."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from hfwidgets.engine.base.http_errors import RefusedError


class RequestQueue:
    """Runs `working` requests at once, lets `waiting` more wait, and refuses others with 503."""

    def __init__(self, working: int, waiting: int) -> None:
        self.max_working = working
        self.max_waiting = waiting
        self.waiting_count = 0
        self.working_count = 0
        self._slots = asyncio.Semaphore(working)
        self._mean_seconds = 1.0  # running mean of how long a request takes

    @asynccontextmanager
    async def hold_turn(self) -> AsyncIterator[None]:
        """Wait for a turn and hold it for the block; cancellation frees it at once."""
        if self.waiting_count >= self.max_waiting:
            raise self._overloaded_error()
        # Counted by hand, because a semaphore does not show how many wait for it.
        self.waiting_count += 1
        try:
            await self._slots.acquire()
        finally:
            self.waiting_count -= 1
        start = time.monotonic()
        self.working_count += 1
        try:
            yield
        finally:
            self.working_count -= 1
            self._slots.release()
            self._mean_seconds += 0.2 * (time.monotonic() - start - self._mean_seconds)

    def _overloaded_error(self) -> RefusedError:
        # The time that the waiting requests will take, by the running mean.
        seconds = max(1.0, round(self._mean_seconds * self.max_waiting / self.max_working, 1))
        return RefusedError(
            503,
            f"The engine is busy: {self.working_count} requests are running and "
            f"{self.waiting_count} waiting. Try again in about {seconds:.0f} s, or send fewer "
            "at once.",
            kind="overloaded",
            retry_after=seconds,
        )
