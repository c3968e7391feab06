"""One run of a panel, which happens on the background loop and can be stopped from any thread."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from hfwidgets.notebook import background_loop

RunStep = Callable[["PanelRun"], Awaitable[None]]

INTERRUPT_POLL = 0.1
"""Seconds between looks for an interrupt while a cell awaits a run."""


class PanelRun:
    """Work that ends as done, stopped or failed, and keeps what it had by then.

    Attributes:
        number: counts a panel's runs from 1.
        result: what arrived, also if the run was stopped or failed partway.
        error: why it failed, else None.
        stop_requested: True once `stop` was called.
        was_stopped: True if it did not come to its own end.
        allows_next_run: True once a new run may begin.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.result: Any = None
        self.error: BaseException | None = None
        self.stop_requested = False
        self.was_stopped = False
        self.allows_next_run = False
        # Guards the hand-over between `stop`, on any thread, and the start on the loop's thread:
        # a stop before the task exists is remembered, one after it cancels the task.
        self._lock = threading.Lock()
        self._work_task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._done_future: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._done_future.set_running_or_notify_cancel()  # from here on no waiter can cancel it

    def start(self, work: RunStep, end: RunStep) -> None:
        """Begin `work`; `end` is called once, on the background loop, whatever happens."""
        background_loop.submit(self._run_to_end(work, end))

    def stop(self) -> None:
        """Stop the run; what has arrived stays. May be called from any thread, repeatedly."""
        with self._lock:
            self.stop_requested = True
            if self._work_task is not None and self._loop is not None:
                # Tasks are not thread-safe: canceling has to happen on the loop's thread. There it
                # does nothing to a task that has ended meanwhile.
                self._loop.call_soon_threadsafe(self._work_task.cancel)

    @property
    def is_done(self) -> bool:
        """True once the run has ended and everything about it is settled."""
        return self._done_future.done()

    def wait(self, seconds: float | None = None) -> None:
        """Block until the run is over.

        Raises:
            TimeoutError: it is not over after `seconds`.
        """
        self._done_future.result(seconds)

    async def wait_async(self) -> None:
        """Wait in any event loop.

        A kernel delivers an interrupt to an awaiting cell only when its loop wakes, so this wakes
        ten times per second.
        """
        waiting = asyncio.wrap_future(self._done_future)
        while not self.is_done:
            # `wait`, unlike `wait_for`, leaves the future alone at its timeout.
            await asyncio.wait({waiting}, timeout=INTERRUPT_POLL)

    async def _run_to_end(self, work: RunStep, end: RunStep) -> None:
        try:
            await self._run_cancellable(work)
        finally:
            # Whatever `end` does, waiters are released: a cell must not hang.
            try:
                await end(self)
            finally:
                self._done_future.set_result(None)

    async def _run_cancellable(self, work: RunStep) -> None:
        with self._lock:
            self._loop = asyncio.get_running_loop()
            # A separate task: `stop` cancels the work, never this coroutine, which still has
            # to call `end`.
            self._work_task = asyncio.ensure_future(self._catch_errors(work))
            if self.stop_requested:
                self._work_task.cancel()
        # `wait` does not raise the task's cancellation here, as awaiting the task itself would.
        await asyncio.wait({self._work_task})
        self.was_stopped = self._work_task.cancelled()

    async def _catch_errors(self, work: RunStep) -> None:
        try:
            await work(self)
        # A cancellation is not an `Exception`: it passes, and marks the task as canceled.
        except Exception as error:  # shown in the panel; there is no one to raise it to
            self.error = error
