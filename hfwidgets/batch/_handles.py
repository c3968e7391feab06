"""Waits for a run: in a blocking call, with `await`, or row by row with `async for`."""

import asyncio
import concurrent.futures
import contextlib
import contextvars
import threading
from collections.abc import AsyncIterator, Generator
from typing import overload

from hfwidgets.batch._batch import Batch
from hfwidgets.batch._options import MapOptions
from hfwidgets.batch._progress import Ticker, open_display
from hfwidgets.batch._result import BatchResult, BatchRow
from hfwidgets.calls.caller import AsyncCaller, Caller, SyncCaller

POLL_INTERVAL = 0.1
"""The time between two looks at a run, in seconds."""

END_TIMEOUT = 10.0
"""How long an interrupted run may take to end, in seconds."""

stop_signal: contextvars.ContextVar[threading.Event | None] = contextvars.ContextVar(
    "stop_signal", default=None
)
"""Set in another thread, it ends the blocking runs of this context as an interrupt does."""


def is_stop_requested() -> bool:
    """True if this context's signal asks its blocking runs to end."""
    signal = stop_signal.get()
    return signal is not None and signal.is_set()


@overload
def run_map(caller: SyncCaller, options: MapOptions) -> BatchResult: ...
@overload
def run_map(caller: AsyncCaller, options: MapOptions) -> "AsyncBatch": ...
def run_map(caller: Caller, options: MapOptions) -> "BatchResult | AsyncBatch":
    """Run a batch to its end; with an async caller, return it to be awaited or iterated."""
    batch = Batch(caller, options)
    return AsyncBatch(batch) if isinstance(caller, AsyncCaller) else run_blocking(batch)


def run_blocking(batch: Batch) -> BatchResult:
    """Run a batch on its own loop in a thread; this thread reads the rows and shows progress.

    The rows' source is read in the caller's thread, since some sources (database connections)
    work in no other.
    """
    wants_rows = threading.Event()
    is_ready = threading.Event()
    batch.scheduler.request_rows = wants_rows.set
    ticker = Ticker(batch.progress, open_display(batch.progress, batch.options.progress))
    pool = concurrent.futures.ThreadPoolExecutor(1, "hfwidgets-rows")
    # A new thread starts with an empty context, and what the user set must reach the calls.
    context = contextvars.copy_context()
    future = pool.submit(context.run, asyncio.run, batch.drive(is_ready.set))
    future.add_done_callback(lambda _: wants_rows.set())
    # A run that fails before it is ready must not leave this thread waiting forever.
    future.add_done_callback(lambda _: is_ready.set())
    try:
        is_ready.wait()
        _feed_rows(batch, future, wants_rows, ticker)
    except KeyboardInterrupt:
        _interrupt_run(batch, future)
        if batch.options.on_error == "raise":
            ticker.end("interrupted")
            raise
    finally:
        # A wait here would have no bound; the one for the result below has.
        pool.shutdown(wait=False)
    outcome = "failed"
    try:
        future.result(END_TIMEOUT)
        outcome = batch.conclude()
    finally:
        ticker.end(outcome)
    return batch.build_result(lambda: run_blocking(batch.prepare_rerun()))


def _feed_rows(
    batch: Batch,
    future: "concurrent.futures.Future[None]",
    wants_rows: threading.Event,
    ticker: Ticker,
) -> None:
    """Fill the feed whenever it runs low, until the run has ended."""
    feed = batch.scheduler.feed
    while not future.done():
        if is_stop_requested():
            _interrupt_run(batch, future)
            return
        # The loop is woken for news only, and not ten times per second.
        before = len(feed.ready), feed.is_exhausted
        feed.fill()
        if (len(feed.ready), feed.is_exhausted) != before and not future.done():
            with contextlib.suppress(RuntimeError):  # the loop has just ended
                batch.scheduler.notify_threadsafe()
        ticker.tick()
        # A bounded wait: progress is shown in between, and on Windows an interrupt gets through.
        wants_rows.wait(POLL_INTERVAL)
        wants_rows.clear()


def _interrupt_run(batch: Batch, future: "concurrent.futures.Future[None]") -> None:
    """End a run from outside its loop, and wait for its end."""
    batch.scheduler.stop_requested = True
    with contextlib.suppress(RuntimeError, AttributeError):  # it has ended, or not begun yet
        batch.scheduler.notify_threadsafe()
    concurrent.futures.wait([future], END_TIMEOUT)


class AsyncBatch:
    """A run to await for all of its rows, or to iterate with `async for`, row by row in order.

    Iterating keeps a bounded number of rows in memory. It needs asyncio.
    """

    def __init__(self, batch: Batch) -> None:
        self._batch = batch

    def so_far(self) -> BatchResult:
        """Return the rows as they are now; may be called at any time."""
        return self._batch.build_result(self._retry)

    def _retry(self) -> "AsyncBatch":
        return AsyncBatch(self._batch.prepare_rerun())

    def __await__(self) -> Generator[object, None, BatchResult]:
        return self._run_all().__await__()

    async def _run_all(self) -> BatchResult:
        batch = self._batch
        ticking, ticker = self._start_ticking()
        outcome = "interrupted"
        try:
            await batch.drive()
            outcome = batch.conclude()
        finally:
            await _cancel_and_wait(ticking)
            ticker.end(outcome)
        return self.so_far()

    def _start_ticking(self) -> "tuple[asyncio.Task[None], Ticker]":
        batch = self._batch
        # The loop reads the source itself, as many rows as the next call is for: more would only
        # delay calls.
        batch.scheduler.feed.prefetch = batch.scheduler.group_size.maximum
        ticker = Ticker(batch.progress, open_display(batch.progress, batch.options.progress))

        async def tick() -> None:
            while True:
                ticker.tick()
                await asyncio.sleep(POLL_INTERVAL)

        return asyncio.create_task(tick()), ticker

    async def __aiter__(self) -> AsyncIterator[BatchRow]:
        batch = self._batch
        batch.keeps_rows = True
        changed = asyncio.Event()
        batch.on_change = changed.set
        next_index = 0
        # A slow first row must not make all others pile up in memory: rows are read only as far
        # ahead of the consumer as twice the calls that may run, or eight large groups.
        window = 2 * max(batch.scheduler.limiter.max_size, 4 * batch.scheduler.group_size.maximum)
        batch.scheduler.has_result_room = lambda: batch.next_index < next_index + window
        ticking, ticker = self._start_ticking()
        driving = asyncio.create_task(batch.drive())
        driving.add_done_callback(lambda _: changed.set())
        try:
            while True:
                while (row := batch.rows.get(next_index)) is not None and row.state != "pending":
                    del batch.rows[next_index]
                    next_index += 1
                    yield row
                if driving.done():
                    break
                # The window has moved, so that the scheduler may start rows again.
                batch.scheduler.notify()
                await changed.wait()
                changed.clear()
            await driving
            batch.conclude()
        finally:
            batch.scheduler.stop_requested = True
            batch.scheduler.notify()
            await _cancel_and_wait(ticking)
            # A consumer that read to the end has met the run's error above; one that left early
            # wants none.
            with contextlib.suppress(Exception):
                await driving
            ticker.end("ended")

    def stop(self) -> None:
        """End the run; finished rows are kept. Called on the loop."""
        self._batch.scheduler.stop()


async def _cancel_and_wait(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait({task})
