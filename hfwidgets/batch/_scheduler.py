"""Turns rows into concurrent calls, and repeats those that a server refused or failed.

The scheduler runs on one event loop and owns all of a run's state, so that it needs no locks. Other
threads only set flags and wake it (`notify_threadsafe`). It sleeps on one event until a call ends,
rows arrive, or the time of a repeat has come.
"""

import asyncio
import contextlib
import heapq
import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from hfwidgets import errors
from hfwidgets.batch._callers import Answer, RowsCaller
from hfwidgets.batch._concurrency import Limiter
from hfwidgets.batch._group_size import GroupSize, is_too_large
from hfwidgets.batch._progress import Progress
from hfwidgets.batch._row_arguments import Arguments
from hfwidgets.batch._worker import error_pause
from hfwidgets.calls.group_call import NoListsError
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

UNSENT_ERRORS = (errors.ConfigurationError, errors.InputError, errors.NotRecordedError)
"""Errors of rows for which nothing was sent."""


@dataclass(slots=True)
class Job:
    """A row that is not done yet.

    Attributes:
        index: The row's position among the rows, from 0.
        arguments: The arguments of its call.
        key: The hash of the arguments where the run has a journal, else an empty text.
    """

    index: int
    arguments: Arguments
    key: str = ""


@dataclass(slots=True)
class Group:
    """Rows that one request is for.

    Attributes:
        jobs: The rows, at least one.
        tries: How often they were repeated after transient failures.
        refusals: How often a server refused them.
        refused_since: The monotonic time of the first refusal, 0 before it.
    """

    jobs: list[Job]
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
        call_rows: Makes the calls of one or several rows.
        can_share: True if two rows can be sent by one request.
        limiter: Decides how many calls run at once.
        group_size: Decides how many rows a call is for.
        progress: Receives the numbers to show.
        on_answer: Receives a row's answer.
        on_failure: Receives a row's final error.
        request_rows: Asks another thread to fill the feed; None where this loop fills it.
        max_rows: How many rows may be under way, None for as many as the limiter's calls hold.
        has_result_room: True while the consumer can take one more row's result.
        stop_requested: Set to end the run at once; calls under way are canceled.
        end_reason: The error that ends the run early; calls under way are still waited for.
    """

    feed: RowFeed
    call_rows: RowsCaller
    can_share: Callable[[Job, Job], bool]
    limiter: Limiter
    group_size: GroupSize
    progress: Progress
    on_answer: Callable[[Job, Answer], None]
    on_failure: Callable[[Job, Exception], None]
    request_rows: Callable[[], None] | None = None
    max_rows: int | None = None
    has_result_room: Callable[[], bool] = field(default=lambda: True)
    stop_requested: bool = False
    end_reason: Exception | None = None
    _delayed_groups: list[tuple[float, int, Group]] = field(default_factory=list)
    _running_tasks: dict["asyncio.Task[None]", int] = field(default_factory=dict)
    _running_lists: int = 0
    _running_rows: int = 0
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
        waiting = self._delayed_groups or self.feed.ready or not self.feed.is_exhausted
        return self.stop_requested or not (
            self._running_tasks or (waiting and self.end_reason is None)
        )

    def _start_calls(self) -> None:
        """Start as many calls as the limiter allows; none once the run has a reason to end."""
        while self._has_room() and (group := self._next_group()) is not None:
            task = self._loop.create_task(self._run_group(group, time.monotonic()))
            # The loop refers to its tasks weakly: this dict saves them from garbage collection.
            self._running_tasks[task] = count = len(group.jobs)
            self._running_rows += count
            self._running_lists += count > 1
            task.add_done_callback(self._on_task_done)
        self.progress.running = len(self._running_tasks)

    def _has_room(self) -> bool:
        return (
            self.end_reason is None
            and self.limiter.has_room(len(self._running_tasks))
            and (self.max_rows is None or self._running_rows < self.max_rows)
        )

    def _may_start(self, group: Group) -> bool:
        return len(group.jobs) == 1 or self.group_size.may_start(self._running_lists)

    def _next_group(self) -> Group | None:
        """Return rows whose repeat is due, else the next new ones; None without either."""
        # Repeats go first: new rows would put them off until the whole input is read.
        if self._delayed_groups and self._delayed_groups[0][0] <= time.monotonic():
            return self._take_repeat()
        if len(self._delayed_groups) > 2 * self.limiter.max_size:
            # So many rows wait for their repeat that new ones would only join them: a server that
            # fails everything must not make the whole input pile up here.
            return None
        return self._take_new() if self.has_result_room() else None

    def _take_repeat(self) -> Group | None:
        due, _, group = self._delayed_groups[0]
        size = self.group_size.size
        # The size may have fallen since.
        if len(group.jobs) > size:
            heapq.heappop(self._delayed_groups)
            for start in range(0, len(group.jobs), size):
                self._delay(Group(group.jobs[start : start + size]), due)
            return self._take_repeat()
        return heapq.heappop(self._delayed_groups)[2] if self._may_start(group) else None

    def _delay(self, group: Group, due: float) -> None:
        # The index breaks ties, so that rows of one moment come back in order.
        heapq.heappush(self._delayed_groups, (due, group.jobs[0].index, group))

    def _take_new(self) -> Group | None:
        feed, size = self.feed, self.group_size.size
        if self.request_rows is None:
            feed.fill()
            if len(feed.ready) < feed.prefetch and not feed.is_exhausted:
                self.notify()  # one go yielded mostly rows that need no call: read on
        # At half, so that the other thread reads while the remaining rows are called.
        elif len(feed.ready) <= feed.prefetch // 2 and not feed.is_exhausted:
            self.request_rows()
        # A few rows wait for more, unless nothing else is under way.
        is_short = len(feed.ready) < size and not feed.is_exhausted
        if not feed.ready or (is_short and self._running_tasks):
            return None
        # By index, since another thread may add rows meanwhile, which an iterator does not survive.
        first, *rest = [feed.ready[at] for at in range(min(size, len(feed.ready)))]
        jobs = [first, *itertools.takewhile(lambda job: self.can_share(first, job), rest)]
        group = Group(jobs)
        if not self._may_start(group):
            return None
        for _ in jobs:
            feed.ready.popleft()
        return group

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
        if self._delayed_groups and self._has_room():
            due, _, group = self._delayed_groups[0]
            # A list that waits for the first one's answer waits for the end of its call.
            if self._may_start(group):
                return max(0.001, due - time.monotonic())
        return None

    def _on_task_done(self, task: "asyncio.Task[None]") -> None:
        count = self._running_tasks.pop(task)
        self._running_rows -= count
        self._running_lists -= count > 1
        self._change_event.set()
        error = None if task.cancelled() else task.exception()
        if error is not None:  # rows' errors are handled in _run_group: this one is our own bug
            self._internal_error = error
            self.stop()

    async def _run_group(self, group: Group, began: float) -> None:
        # CancelledError passes: it is not an Exception, and canceled rows stay pending.
        try:
            outcomes = await self.call_rows([job.arguments for job in group.jobs])
        except Exception as error:
            self._handle_error(group, group.jobs, error, began)
            return
        # Outside the try: an error while an answer is stored is our bug, not the row's.
        failed: dict[int, tuple[Exception, list[Job]]] = {}
        for job, outcome in zip(group.jobs, outcomes, strict=True):
            if isinstance(outcome, Exception):
                failed.setdefault(id(outcome), (outcome, []))[1].append(job)
            else:
                self.on_answer(job, outcome)
        answer_count = len(group.jobs) - sum(len(jobs) for _, jobs in failed.values())
        if answer_count:
            self._connect_failures = 0
            self.limiter.record_success(began)
            self.group_size.record_success(answer_count, time.monotonic() - began)
        for reason, jobs in failed.values():
            self._handle_error(group, jobs, reason, began)

    def _handle_error(self, group: Group, jobs: list[Job], error: Exception, began: float) -> None:
        """Schedule a repeat of a group's rows that one error is of, or end them with it.

        Rows that were sent with others are sent in smaller groups before the error is theirs.
        """
        is_alone = len(group.jobs) == 1
        again = group if is_alone else replace(group, jobs=jobs)
        wait = self._retry_delay(again, error, began, is_alone=is_alone)
        if wait is not None and self.end_reason is None:
            self._delay(again, time.monotonic() + wait)
        elif not is_alone and self.end_reason is None and not _is_final(error):
            self._split(again, error)
        else:
            self._fail(jobs, error)

    def _split(self, group: Group, error: Exception) -> None:
        """Send a refused group's rows in halves, or alone where smaller groups would not help."""
        count, in_vain = len(group.jobs), group.tries >= MAX_RETRIES
        if isinstance(error, NoListsError) or (in_vain and not self.group_size.is_proven):
            self.group_size.give_up()
        elif count > 1:
            self.group_size.record_refusal(count, is_too_large=is_too_large(error))
        # Where repeats of the group were in vain, each row has one more try, alone.
        size = 1 if in_vain or self.group_size.size == 1 else (count + 1) // 2
        for start in range(0, count, size):
            self._delay(Group(group.jobs[start : start + size], group.tries), time.monotonic())

    def _fail(self, jobs: list[Job], error: Exception) -> None:
        """End rows with their error; end the run where every further row would meet it, too."""
        for job in jobs:
            self.on_failure(job, error)
        is_connect = isinstance(error, errors.ConnectError)
        self._connect_failures = self._connect_failures + len(jobs) if is_connect else 0
        # No server in a row: every further row would only add its time-out.
        too_long = (error_pause(error) or 0.0) > MAX_PAUSE
        if (
            isinstance(error, FATAL_ERRORS)
            or self._connect_failures >= MAX_CONNECT_FAILURES
            or too_long
        ):
            # Calls under way are paid for, so they are not canceled.
            self.end_reason = self.end_reason or error

    def _retry_delay(
        self, group: Group, error: Exception, began: float, *, is_alone: bool
    ) -> float | None:
        """Return the seconds until a group's repeat; None when it is not repeated."""
        pause, now = error_pause(error), time.monotonic()
        if _is_refusal(error, pause):
            # Refusals are not tries: a busy server costs time, and only so much of it.
            group.refused_since = group.refused_since or now
            if (pause or 0.0) > MAX_PAUSE or now - group.refused_since > MAX_REFUSED_TIME:
                return None
            self.limiter.record_refusal(began, pause)
            group.refusals += 1
            return pause or backoff_seconds(group.refusals - 1, first=0.1)
        if not _is_transient(error) or group.tries >= MAX_RETRIES:
            return None
        # One input may crash a server, so a group that it fails on is split at once.
        if not is_alone and getattr(error, "status_code", None) == 500:
            return None
        group.tries += 1
        return backoff_seconds(group.tries - 1, first=0.25)

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


def _is_final(error: Exception) -> bool:
    """True if rows that one error is of would meet it in smaller groups, too."""
    return isinstance(error, (*FATAL_ERRORS, *UNSENT_ERRORS)) or _is_refusal(
        error, error_pause(error)
    )


def _is_transient(error: Exception) -> bool:
    """True if a repeat may help. Not after 504: a long answer would be paid for twice."""
    status = getattr(error, "status_code", None)
    if isinstance(error, (errors.ConnectError, errors.OverloadedError)):
        return not isinstance(error, errors.OfflineModeIsEnabled)
    return status in RETRY_STATUSES or status == 500
