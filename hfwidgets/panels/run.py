"""One run of a panel: it happens on the background loop and can be stopped from anywhere."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from hfwidgets.notebook import background_loop


class Run:
    """A piece of work that ends as done, stopped or failed, and keeps what it had by then.

    Attributes:
        number: counts a panel's runs from 1.
        result: what came, also when the run was stopped or failed half-way.
        error: why it failed, else None.
        asked: True once somebody asked it to stop.
        stopped: True when it did not come to its own end.
        settled: True once a new run may begin.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.result: Any = None
        self.error: BaseException | None = None
        self.asked = False
        self.stopped = False
        self.settled = False
        self._lock = threading.Lock()
        self._work: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._over.set_running_or_notify_cancel()  # from here on no waiter can cancel it

    def start(
        self, work: Callable[["Run"], Awaitable[None]], end: Callable[["Run"], Awaitable[None]]
    ) -> None:
        """Begin; `end` is called once, on the background loop, whatever happens."""
        background_loop.submit(self._drive(work, end))

    def stop(self) -> None:
        """Ask the run to stop; what has come stays. Any thread may call this, also twice."""
        with self._lock:
            self.asked = True
            if self._work is not None and self._loop is not None:
                self._loop.call_soon_threadsafe(self._work.cancel)

    @property
    def over(self) -> bool:
        """True once the run has ended and everything about it is settled."""
        return self._over.done()

    def wait(self, seconds: float | None = None) -> None:
        """Block until the run is over; TimeoutError after so many seconds."""
        self._over.result(seconds)

    async def wait_async(self) -> None:
        """Wait in any event loop; wakes ten times a second so that an interrupt is heard."""
        waiting = asyncio.wrap_future(self._over)
        while not self.over:
            await asyncio.wait({waiting}, timeout=0.1)

    async def _drive(
        self, work: Callable[["Run"], Awaitable[None]], end: Callable[["Run"], Awaitable[None]]
    ) -> None:
        try:
            await self._guard(work)
        finally:
            try:
                await end(self)
            finally:
                self._over.set_result(None)

    async def _guard(self, work: Callable[["Run"], Awaitable[None]]) -> None:
        with self._lock:
            self._loop = asyncio.get_running_loop()
            self._work = asyncio.ensure_future(self._do(work))
            if self.asked:
                self._work.cancel()
        await asyncio.wait({self._work})
        self.stopped = self._work.cancelled()

    async def _do(self, work: Callable[["Run"], Awaitable[None]]) -> None:
        try:
            await work(self)
        except Exception as error:  # whatever went wrong belongs to the user, in the panel
            self.error = error
