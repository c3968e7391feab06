"""Turns rows into concurrent calls, and repeats those that a server refused or failed.

The scheduler runs on one event loop and owns all of a run's state, so that it needs no locks. Other
threads only set flags and wake it (`notify_threadsafe`). It sleeps on one event until a call ends,
rows arrive, or the time of a repeat has come.
"""

import asyncio
import contextlib
import heapq
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from hfwidgets import errors
from hfwidgets.batch._callers import Answer, RowCaller
from hfwidgets.batch._concurrency import Limiter
from hfwidgets.batch._progress import Progress
from hfwidgets.batch._row_arguments import Arguments
from hfwidgets.batch._worker import error_pause
from hfwidgets.calls.retries import RETRY_STATUSES, backoff_seconds
from hfwidgets.core import flow

MAX_RETRIES = 3
"""How often a row is repeated after a transient failure; refusals are not counted."""

MAX_PAUSE = 600.0
"""The longest pause that is waited for, in seconds; a longer one ends the run, to resume later."""

MAX_REFUSED_TIME = 1800.0
"""How long one row may be refused, in seconds."""

MAX_CONNECT_FAILURES = 25
"""How many rows in succession may fail to connect before the run ends."""

MAX_ROWS_AT_ONCE = 1024
"""How many rows are read from their source in one go."""

FATAL_ERRORS = (
    errors.AuthenticationError,
    errors.MissingTokenError,
    errors.PaymentRequiredError,
    errors.TaskNotServedError,
    errors.UnknownProviderError,
)
"""Errors that every further row would run into too, so they end the run."""


@dataclass(slots=True)
class Job:
    """A row that is not done yet.

    Attributes:
        index: The row's position among the rows, from 0.
        arguments: The arguments of its call.
        key: The hash of the arguments where the run has a journal, else an empty text.
        tries: How often it was repeated after transient failures.
        refusals: How often a server refused it.
        refused_since: The monotonic time of the first refusal, 0 before it.
    """

    index: int
    arguments: Arguments
    key: str = ""
    tries: int = 0
    refusals: int = 0
    refused_since: float = 0.0


class RowFeed:
    """Buffers rows between their source and the calls.

    Args:
        rows: The source; None stands for a row that needs no call.
        prefetch: How many rows to keep ready.
    """

    def __init__(self, rows: Iterator[Job | None], prefetch: int = 1) -> None:
        self.rows = rows
        self.prefetch = prefetch
        self.ready: deque[Job] = deque()
        self.is_exhausted = False
        self.error: BaseException | None = None

    def fill(self) -> None:
        """Read rows from the source until enough are ready; its error ends the rows.

        Called in the thread that the source belongs to. The number of rows per call is bounded,
        because millions of rows that need no call (a resumed run) would keep the thread from
        showing progress and noticing an interrupt.
        """
        try:
            for _ in range(MAX_ROWS_AT_ONCE):
                if self.is_exhausted or len(self.ready) >= self.prefetch:
                    return
                job = next(self.rows)
                if job is not None:
                    self.ready.append(job)
        except StopIteration:
            self.is_exhausted = True
        # In the source's thread: the loop raises it once the rows before it have ended.
        except Exception as error:
            self.error, self.is_exhausted = error, True


@dataclass
class Scheduler:
    """Runs the calls of one batch on one event loop.

    Attributes:
        feed: The rows to call.
        call_row: Makes a row's call.
        limiter: Decides how many calls run at once.
        progress: Receives the numbers to show.
        on_answer: Receives a row's answer.
        on_failure: Receives a row's final error.
        request_rows: Asks another thread to fill the feed; None where this loop fills it.
        has_result_room: True while the consumer can take one more row's result.
        stop_requested: Set to end the run at once; calls under way are canceled.
        end_reason: The error that ends the run early; calls under way are still waited for.
    """

    feed: RowFeed
    call_row: RowCaller
    limiter: Limiter
    progress: Progress
    on_answer: Callable[[Job, Answer], None]
    on_failure: Callable[[Job, Exception], None]
    request_rows: Callable[[], None] | None = None
    has_result_room: Callable[[], bool] = field(default=lambda: True)
    stop_requested: bool = False
    end_reason: Exception | None = None
    _delayed_jobs: list[tuple[float, int, Job]] = field(default_factory=list)
    _running_tasks: set["asyncio.Task[None]"] = field(default_factory=set)
    _connect_failures: int = 0
    _internal_error: BaseException | None = None
    _change_event: asyncio.Event = field(default_factory=asyncio.Event)

    def bind_loop(self) -> None:
        """Bind the scheduler to the running loop."""
        self._loop = asyncio.get_running_loop()

    async def drive(self) -> None:
        """Call all rows; return when all have ended, or soon after `stop`."""
        # Calls report why they wait (a model that loads) through this context variable, which
        # the tasks created below inherit.
        flow.wait_listener.set(self.progress.note_wait)
        try:
            while not self._is_finished():
                self._start_calls()
                await self._wait_for_change()
        finally:
            await self._cancel_running()
        # An error of the source counts only where the run did not end for another reason.
        fault = self._internal_error or (self.feed.error if not self.end_reason else None)
        if fault is not None:
            raise fault

    def stop(self) -> None:
        """End the run and cancel calls under way. Called on the loop."""
        self.stop_requested = True
        self.notify()

    def notify(self) -> None:
        """Wake the scheduler. Called on the loop."""
        self._change_event.set()

    def notify_threadsafe(self) -> None:
        """Wake the scheduler from any thread."""
        self._loop.call_soon_threadsafe(self._change_event.set)

    def _is_finished(self) -> bool:
        # Calls under way are waited for even after the run has a reason to end, since they are paid
        # for; rows that only wait for a repeat are not.
        waiting = self._delayed_jobs or self.feed.ready or not self.feed.is_exhausted
        return self.stop_requested or not (
            self._running_tasks or (waiting and self.end_reason is None)
        )

    def _start_calls(self) -> None:
        """Start as many calls as the limiter allows; none once the run has a reason to end."""
        while self._has_room() and (job := self._next_job()) is not None:
            task = self._loop.create_task(self._run_job(job, time.monotonic()))
            # The loop refers to its tasks weakly: this set saves them from garbage collection.
            self._running_tasks.add(task)
            task.add_done_callback(self._on_task_done)
        self.progress.running = len(self._running_tasks)

    def _has_room(self) -> bool:
        return self.end_reason is None and self.limiter.has_room(len(self._running_tasks))

    def _next_job(self) -> Job | None:
        """Return a row whose repeat is due, else the next new one; None without either."""
        # Repeats go first: new rows would put them off until the whole input is read.
        if self._delayed_jobs and self._delayed_jobs[0][0] <= time.monotonic():
            return heapq.heappop(self._delayed_jobs)[2]
        if len(self._delayed_jobs) > 2 * self.limiter.max_size:
            # So many rows wait for their repeat that new ones would only join them: a server that
            # fails everything must not make the whole input pile up here.
            return None
        return self._take_job() if self.has_result_room() else None

    def _take_job(self) -> Job | None:
        feed = self.feed
        if self.request_rows is None:
            feed.fill()
            if not (feed.ready or feed.is_exhausted):
                self.notify()  # one go yielded only rows that need no call: read on
        # At half, so that the other thread reads while the remaining rows are called.
        elif len(feed.ready) <= feed.prefetch // 2 and not feed.is_exhausted:
            self.request_rows()
        return feed.ready.popleft() if feed.ready else None

    async def _wait_for_change(self) -> None:
        """Wait until a call ends, rows arrive, or a repeat is due."""
        self.progress.pause = self.limiter.pause
        if self._is_finished():
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._next_timeout()):
                await self._change_event.wait()
        # Until the next wait, this loop only runs synchronous code, so it misses no change.
        self._change_event.clear()

    def _next_timeout(self) -> float | None:
        """Return the seconds until there is something to do, unless a notification comes first."""
        # During a pause no call may start, so a repeat that is due earlier waits for its end.
        if self.end_reason is None and self.limiter.pause:
            return self.limiter.pause
        if self._delayed_jobs and self._has_room():
            return max(0.001, self._delayed_jobs[0][0] - time.monotonic())
        return None

    def _on_task_done(self, task: "asyncio.Task[None]") -> None:
        self._running_tasks.discard(task)
        self._change_event.set()
        error = None if task.cancelled() else task.exception()
        if error is not None:  # rows' errors are handled in _run_job: this one is our own bug
            self._internal_error = error
            self.stop()

    async def _run_job(self, job: Job, began: float) -> None:
        # CancelledError passes: it is not an Exception, and a canceled row stays pending.
        try:
            answer = await self.call_row(job.arguments)
        except Exception as error:
            self._handle_error(job, error, began)
        else:
            # Outside the try: an error while the answer is stored is our bug, not the row's.
            self._connect_failures = 0
            self.limiter.record_success(began)
            self.on_answer(job, answer)

    def _handle_error(self, job: Job, error: Exception, began: float) -> None:
        """Schedule a row's repeat, or end the row with its error."""
        wait = self._retry_delay(job, error, began)
        if wait is not None and self.end_reason is None:
            # The index breaks ties, so that rows of one moment come back in order.
            heapq.heappush(self._delayed_jobs, (time.monotonic() + wait, job.index, job))
            return
        self.on_failure(job, error)
        self._connect_failures = (
            self._connect_failures + 1 if isinstance(error, errors.ConnectError) else 0
        )
        # No server in a row: every further row would only add its time-out.
        too_long = (error_pause(error) or 0.0) > MAX_PAUSE
        if (
            isinstance(error, FATAL_ERRORS)
            or self._connect_failures >= MAX_CONNECT_FAILURES
            or too_long
        ):
            # Calls under way are paid for, so they are not canceled.
            self.end_reason = self.end_reason or error

    def _retry_delay(self, job: Job, error: Exception, began: float) -> float | None:
        """Return the seconds until a row's repeat; None when it is not repeated."""
        pause, now = error_pause(error), time.monotonic()
        if _is_refusal(error, pause):
            # Refusals are not tries: a busy server costs time, and only so much of it.
            job.refused_since = job.refused_since or now
            if (pause or 0.0) > MAX_PAUSE or now - job.refused_since > MAX_REFUSED_TIME:
                return None
            self.limiter.record_refusal(began, pause)
            job.refusals += 1
            return pause or backoff_seconds(job.refusals - 1, first=0.1)
        if not _is_transient(error) or job.tries >= MAX_RETRIES:
            return None
        job.tries += 1
        return backoff_seconds(job.tries - 1, first=0.25)

    async def _cancel_running(self) -> None:
        """Cancel calls under way and wait for their end."""
        tasks = list(self._running_tasks)
        for task in tasks:
            task.cancel()
        # `asyncio.wait` refuses an empty set.
        if tasks:
            await asyncio.wait(tasks)


def _is_refusal(error: Exception, pause: float | None) -> bool:
    """True if a server wants fewer calls: 429, or 503 with a time to come back."""
    busy = getattr(error, "status_code", None) == 503 and pause is not None
    return isinstance(error, errors.RateLimitError) or busy


def _is_transient(error: Exception) -> bool:
    """True if a repeat may help. Not after 504: a long answer would be paid for twice."""
    status = getattr(error, "status_code", None)
    if isinstance(error, (errors.ConnectError, errors.OverloadedError)):
        return not isinstance(error, errors.OfflineModeIsEnabled)
    return status in RETRY_STATUSES or status == 500
