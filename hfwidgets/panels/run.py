"""One run of a panel: it happens on the background loop and can be stopped from anywhere."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from hfwidgets.notebook import background_loop


class PanelRun:
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
        self.stop_requested = False
        self.was_stopped = False
        self.allows_next_run = False
        self._lock = threading.Lock()
        self._work_task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._done_future: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._done_future.set_running_or_notify_cancel()  # from here on no waiter can cancel it

    def start(
        self,
        work: Callable[["PanelRun"], Awaitable[None]],
        end: Callable[["PanelRun"], Awaitable[None]],
    ) -> None:
        """Begin; `end` is called once, on the background loop, whatever happens."""
        background_loop.submit(self._run_to_end(work, end))

    def stop(self) -> None:
        """Ask the run to stop; what has come stays. Any thread may call this, also twice."""
        with self._lock:
            self.stop_requested = True
            if self._work_task is not None and self._loop is not None:
                self._loop.call_soon_threadsafe(self._work_task.cancel)

    @property
    def is_done(self) -> bool:
        """True once the run has ended and everything about it is settled."""
        return self._done_future.done()

    def wait(self, seconds: float | None = None) -> None:
        """Block until the run is over; TimeoutError after so many seconds."""
        self._done_future.result(seconds)

    async def wait_async(self) -> None:
        """Wait in any event loop; wakes ten times a second so that an interrupt is heard."""
        waiting = asyncio.wrap_future(self._done_future)
        while not self.is_done:
            await asyncio.wait({waiting}, timeout=0.1)

    async def _run_to_end(
        self,
        work: Callable[["PanelRun"], Awaitable[None]],
        end: Callable[["PanelRun"], Awaitable[None]],
    ) -> None:
        try:
            await self._run_cancellable(work)
        finally:
            try:
                await end(self)
            finally:
                self._done_future.set_result(None)

    async def _run_cancellable(self, work: Callable[["PanelRun"], Awaitable[None]]) -> None:
        with self._lock:
            self._loop = asyncio.get_running_loop()
            self._work_task = asyncio.ensure_future(self._catch_errors(work))
            if self.stop_requested:
                self._work_task.cancel()
        await asyncio.wait({self._work_task})
        self.was_stopped = self._work_task.cancelled()

    async def _catch_errors(self, work: Callable[["PanelRun"], Awaitable[None]]) -> None:
        try:
            await work(self)
        except Exception as error:  # whatever went wrong belongs to the user, in the panel
            self.error = error
