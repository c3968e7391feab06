"""The run: rows become calls, as many at once as the server bears; refused ones come back later."""

import asyncio
import contextlib
import heapq
import random
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from hfwidgets import errors
from hfwidgets.batch._callers import Answer, Ask
from hfwidgets.batch._concurrency import Limiter
from hfwidgets.batch._progress import Progress
from hfwidgets.batch._worker import pause_of
from hfwidgets.calls.call import RETRIED
from hfwidgets.core import flow

TRIES = 3
"""How often a row is asked again after a failure that may pass (not after refusals)."""

LONGEST_PAUSE = 600.0
"""A server that asks for a longer pause, in seconds, ends the run: it can go on later."""

LONGEST_REFUSED = 1800.0
"""How long one row may be refused for, in seconds."""

HOPELESS = 25
"""After so many rows in succession that found no server, the run ends."""

MOST_TAKEN = 1024
"""How many rows are taken from their source at once."""

ENDING = (
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
    since: float = 0.0


class Feed:
    """Rows on their way from their source to the calls.

    Args:
        rows: the source; None stands for a row that needs no call.
        ahead: how many are kept ready.
    """

    def __init__(self, rows: Iterator[Job | None], ahead: int = 1) -> None:
        self.rows = rows
        self.ahead = ahead
        self.ready: deque[Job] = deque()
        self.ended = False
        self.error: BaseException | None = None

    def fill(self) -> None:
        """Take rows from the source until enough are ready; its error ends the rows.

        Called in the thread that the source belongs to. So many rows that need no call are passed
        by at once, so that the thread can look up in between.
        """
        try:
            for _ in range(MOST_TAKEN):
                if self.ended or len(self.ready) >= self.ahead:
                    return
                job = next(self.rows)
                if job is not None:
                    self.ready.append(job)
        except StopIteration:
            self.ended = True
        except Exception as error:
            self.error, self.ended = error, True


@dataclass
class Run:
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

    feed: Feed
    ask: Ask
    limiter: Limiter
    progress: Progress
    answered: Callable[[Job, Answer], None]
    failed: Callable[[Job, Exception], None]
    hungry: Callable[[], None] | None = None
    window: Callable[[], bool] = field(default=lambda: True)
    stopped: bool = False
    reason: Exception | None = None
    _later: list[tuple[float, int, Job]] = field(default_factory=list)
    _running: set["asyncio.Task[None]"] = field(default_factory=set)
    _lost: int = 0
    _fault: BaseException | None = None
    _wake: asyncio.Event = field(default_factory=asyncio.Event)

    def prepare(self) -> None:
        """Bind the run to the running loop."""
        self._loop = asyncio.get_running_loop()

    async def drive(self) -> None:
        """Ask all rows; returns when all have ended, or soon after `stop`."""
        flow.waiting.set(self.progress.waits)
        try:
            while not self._over():
                self._begin()
                await self._change()
        finally:
            await self._end()
        fault = self._fault or (self.feed.error if not self.reason else None)
        if fault is not None:
            raise fault

    def stop(self) -> None:
        """End the run: calls that are under way are cancelled. Called on the loop."""
        self.stopped = True
        self.wake()

    def wake(self) -> None:
        """Look for rows again."""
        self._wake.set()

    def nudge(self) -> None:
        """Look for rows again; called from any thread."""
        self._loop.call_soon_threadsafe(self._wake.set)

    def _over(self) -> bool:
        waiting = self._later or self.feed.ready or not self.feed.ended
        return self.stopped or not (self._running or (waiting and self.reason is None))

    def _begin(self) -> None:
        """Begin as many calls as there is room for; none once there is a reason to end."""
        while self._room() and (job := self._next()) is not None:
            task = self._loop.create_task(self._call(job, time.monotonic()))
            self._running.add(task)
            task.add_done_callback(self._ended)
        self.progress.running = len(self._running)

    def _room(self) -> bool:
        return self.reason is None and self.limiter.room(len(self._running))

    def _next(self) -> Job | None:
        """A row whose time to be asked again has come, else the next one."""
        if self._later and self._later[0][0] <= time.monotonic():
            return heapq.heappop(self._later)[2]
        if len(self._later) > 2 * self.limiter.most:
            return None  # so many wait to be asked again that new ones would only join them
        return self._taken() if self.window() else None

    def _taken(self) -> Job | None:
        feed = self.feed
        if self.hungry is None:
            feed.fill()
            if not (feed.ready or feed.ended):
                self.wake()  # rows that need no call were passed by: there are more
        elif len(feed.ready) <= feed.ahead // 2 and not feed.ended:
            self.hungry()
        return feed.ready.popleft() if feed.ready else None

    async def _change(self) -> None:
        """Wait until a call ends, rows come in, or it is time to ask again."""
        self.progress.pause = self.limiter.pause
        if self._over():
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._time()):
                await self._wake.wait()
        self._wake.clear()

    def _time(self) -> float | None:
        """The seconds until there is something to do, if nothing happens before."""
        if self.reason is None and self.limiter.pause:
            return self.limiter.pause
        if self._later and self._room():
            return max(0.001, self._later[0][0] - time.monotonic())
        return None

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        self._wake.set()
        error = None if task.cancelled() else task.exception()
        if error is not None:  # a fault of ours: not to be swallowed
            self._fault = error
            self.stop()

    async def _call(self, job: Job, began: float) -> None:
        try:
            answer = await self.ask(job.arguments)
        except Exception as error:
            self._settle(job, error, began)
        else:
            self._lost = 0
            self.limiter.succeeded(began)
            self.answered(job, answer)

    def _settle(self, job: Job, error: Exception, began: float) -> None:
        """Put a row off, or end it with its error."""
        wait = self._wait(job, error, began)
        if wait is not None and self.reason is None:
            heapq.heappush(self._later, (time.monotonic() + wait, job.index, job))
            return
        self.failed(job, error)
        self._lost = self._lost + 1 if isinstance(error, errors.ConnectError) else 0
        too_long = (pause_of(error) or 0.0) > LONGEST_PAUSE
        if isinstance(error, ENDING) or self._lost >= HOPELESS or too_long:
            self.reason = self.reason or error  # calls under way are paid for: they may end

    def _wait(self, job: Job, error: Exception, began: float) -> float | None:
        """The seconds until a row is asked again; None when it is not."""
        pause, now = pause_of(error), time.monotonic()
        if _is_refusal(error, pause):
            job.since = job.since or now
            if (pause or 0.0) > LONGEST_PAUSE or now - job.since > LONGEST_REFUSED:
                return None
            self.limiter.refused(began, pause)
            job.refusals += 1
            return pause or _backoff(0.1, job.refusals)
        if not _may_pass(error) or job.tries >= TRIES:
            return None
        job.tries += 1
        return _backoff(0.25, job.tries)

    async def _end(self) -> None:
        """Cancel what is under way."""
        tasks = list(self._running)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


def _is_refusal(error: Exception, pause: float | None) -> bool:
    """Whether a server wants fewer calls: 429, or 503 that says when to come back."""
    busy = getattr(error, "status_code", None) == 503 and pause is not None
    return isinstance(error, errors.RateLimitError) or busy


def _may_pass(error: Exception) -> bool:
    """Whether asking again may help. Not after 504: a long answer would be paid twice."""
    status = getattr(error, "status_code", None)
    if isinstance(error, (errors.ConnectError, errors.OverloadedError)):
        return not isinstance(error, errors.OfflineModeIsEnabled)
    return status in RETRIED or status == 500


def _backoff(first: float, tries: int) -> float:
    """Twice as long each time, at most 8 seconds, spread so that rows do not come back at once."""
    return min(8.0, first * 2.0 ** (tries - 1)) * random.uniform(0.75, 1.25)  # noqa: S311
