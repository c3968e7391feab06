"""The run: rows become calls, as many at once as the server bears; refused ones come back later."""

import asyncio
import contextlib
import heapq
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from hfwidgets import errors
from hfwidgets.batch._callers import Answer, RowCaller
from hfwidgets.batch._concurrency import Limiter
from hfwidgets.batch._progress import Progress
from hfwidgets.batch._worker import error_pause
from hfwidgets.calls.retries import RETRY_STATUSES, backoff_seconds
from hfwidgets.core import flow

MAX_RETRIES = 3
"""How often a row is asked again after a failure that may pass (not after refusals)."""

MAX_PAUSE = 600.0
"""A server that asks for a longer pause, in seconds, ends the run: it can go on later."""

MAX_REFUSED_TIME = 1800.0
"""How long one row may be refused for, in seconds."""

MAX_CONNECT_FAILURES = 25
"""After so many rows in succession that found no server, the run ends."""

MAX_ROWS_AT_ONCE = 1024
"""How many rows are taken from their source at once."""

FATAL_ERRORS = (
    errors.AuthenticationError,
    errors.MissingTokenError,
    errors.PaymentRequiredError,
    errors.TaskNotServedError,
    errors.UnknownProviderError,
)
"""What the next row would meet too: the run ends."""


@dataclass(slots=True)
class Job:
    """A row that is not done yet."""

    index: int
    arguments: dict[str, Any]
    key: str = ""
    tries: int = 0
    refusals: int = 0
    refused_since: float = 0.0


class RowFeed:
    """Rows on their way from their source to the calls.

    Args:
        rows: the source; None stands for a row that needs no call.
        prefetch: how many are kept ready.
    """

    def __init__(self, rows: Iterator[Job | None], prefetch: int = 1) -> None:
        self.rows = rows
        self.prefetch = prefetch
        self.ready: deque[Job] = deque()
        self.is_exhausted = False
        self.error: BaseException | None = None

    def fill(self) -> None:
        """Take rows from the source until enough are ready; its error ends the rows.

        Called in the thread that the source belongs to. So many rows that need no call are passed
        by at once, so that the thread can look up in between.
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
        except Exception as error:
            self.error, self.is_exhausted = error, True


@dataclass
class Scheduler:
    """One run, on one event loop.

    Attributes:
        stopped: set to end it at once.
        reason: why it ends before the rows do; calls under way are still waited for.

    Args:
        feed: the rows.
        ask: makes a row's call.
        limiter: says how many at once.
        progress: is told what happens.
        answered, failed: take what came of a row.
        hungry: is called when the feed runs low; None where the run fills it by itself.
        window: whether there is room for one more row's result.
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
        """Bind the run to the running loop."""
        self._loop = asyncio.get_running_loop()

    async def drive(self) -> None:
        """Ask all rows; returns when all have ended, or soon after `stop`."""
        flow.wait_listener.set(self.progress.note_wait)
        try:
            while not self._is_finished():
                self._start_calls()
                await self._wait_for_change()
        finally:
            await self._cancel_running()
        fault = self._internal_error or (self.feed.error if not self.end_reason else None)
        if fault is not None:
            raise fault

    def stop(self) -> None:
        """End the run: calls that are under way are cancelled. Called on the loop."""
        self.stop_requested = True
        self.notify()

    def notify(self) -> None:
        """Look for rows again."""
        self._change_event.set()

    def notify_threadsafe(self) -> None:
        """Look for rows again; called from any thread."""
        self._loop.call_soon_threadsafe(self._change_event.set)

    def _is_finished(self) -> bool:
        waiting = self._delayed_jobs or self.feed.ready or not self.feed.is_exhausted
        return self.stop_requested or not (
            self._running_tasks or (waiting and self.end_reason is None)
        )

    def _start_calls(self) -> None:
        """Begin as many calls as there is room for; none once there is a reason to end."""
        while self._has_room() and (job := self._next_job()) is not None:
            task = self._loop.create_task(self._run_job(job, time.monotonic()))
            self._running_tasks.add(task)
            task.add_done_callback(self._on_task_done)
        self.progress.running = len(self._running_tasks)

    def _has_room(self) -> bool:
        return self.end_reason is None and self.limiter.has_room(len(self._running_tasks))

    def _next_job(self) -> Job | None:
        """A row whose time to be asked again has come, else the next one."""
        if self._delayed_jobs and self._delayed_jobs[0][0] <= time.monotonic():
            return heapq.heappop(self._delayed_jobs)[2]
        if len(self._delayed_jobs) > 2 * self.limiter.max_size:
            return None  # so many wait to be asked again that new ones would only join them
        return self._take_job() if self.has_result_room() else None

    def _take_job(self) -> Job | None:
        feed = self.feed
        if self.request_rows is None:
            feed.fill()
            if not (feed.ready or feed.is_exhausted):
                self.notify()  # rows that need no call were passed by: there are more
        elif len(feed.ready) <= feed.prefetch // 2 and not feed.is_exhausted:
            self.request_rows()
        return feed.ready.popleft() if feed.ready else None

    async def _wait_for_change(self) -> None:
        """Wait until a call ends, rows come in, or it is time to ask again."""
        self.progress.pause = self.limiter.pause
        if self._is_finished():
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._next_timeout()):
                await self._change_event.wait()
        self._change_event.clear()

    def _next_timeout(self) -> float | None:
        """The seconds until there is something to do, if nothing happens before."""
        if self.end_reason is None and self.limiter.pause:
            return self.limiter.pause
        if self._delayed_jobs and self._has_room():
            return max(0.001, self._delayed_jobs[0][0] - time.monotonic())
        return None

    def _on_task_done(self, task: "asyncio.Task[None]") -> None:
        self._running_tasks.discard(task)
        self._change_event.set()
        error = None if task.cancelled() else task.exception()
        if error is not None:  # a fault of ours: not to be swallowed
            self._internal_error = error
            self.stop()

    async def _run_job(self, job: Job, began: float) -> None:
        try:
            answer = await self.call_row(job.arguments)
        except Exception as error:
            self._handle_error(job, error, began)
        else:
            self._connect_failures = 0
            self.limiter.record_success(began)
            self.on_answer(job, answer)

    def _handle_error(self, job: Job, error: Exception, began: float) -> None:
        """Put a row off, or end it with its error."""
        wait = self._retry_delay(job, error, began)
        if wait is not None and self.end_reason is None:
            heapq.heappush(self._delayed_jobs, (time.monotonic() + wait, job.index, job))
            return
        self.on_failure(job, error)
        self._connect_failures = (
            self._connect_failures + 1 if isinstance(error, errors.ConnectError) else 0
        )
        too_long = (error_pause(error) or 0.0) > MAX_PAUSE
        if (
            isinstance(error, FATAL_ERRORS)
            or self._connect_failures >= MAX_CONNECT_FAILURES
            or too_long
        ):
            self.end_reason = self.end_reason or error  # calls under way are paid for: they may end

    def _retry_delay(self, job: Job, error: Exception, began: float) -> float | None:
        """The seconds until a row is asked again; None when it is not."""
        pause, now = error_pause(error), time.monotonic()
        if _is_refusal(error, pause):
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
        """Cancel what is under way."""
        tasks = list(self._running_tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


def _is_refusal(error: Exception, pause: float | None) -> bool:
    """Whether a server wants fewer calls: 429, or 503 that says when to come back."""
    busy = getattr(error, "status_code", None) == 503 and pause is not None
    return isinstance(error, errors.RateLimitError) or busy


def _is_transient(error: Exception) -> bool:
    """Whether asking again may help. Not after 504: a long answer would be paid twice."""
    status = getattr(error, "status_code", None)
    if isinstance(error, (errors.ConnectError, errors.OverloadedError)):
        return not isinstance(error, errors.OfflineModeIsEnabled)
    return status in RETRY_STATUSES or status == 500
