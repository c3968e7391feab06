"""Waiting for a run: in a blocking call, with `await`, or row by row with `async for`."""

import asyncio
import concurrent.futures
import contextlib
import contextvars
import threading
from collections.abc import AsyncIterator, Generator
from typing import Any

from hfwidgets.batch._batch import Batch
from hfwidgets.batch._progress import Ticker, open_display
from hfwidgets.batch._result import BatchResult, Row

POLL_INTERVAL = 0.1
"""How often a run's watcher looks up, in seconds."""

END_TIMEOUT = 10.0
"""How long an interrupted run may take to end, in seconds."""


def run_blocking(batch: Batch) -> BatchResult:
    """Run a batch on a loop of its own in a thread; this thread takes the rows and shows progress.

    The rows' source is read in the caller's thread, since many (databases) know no other.
    """
    batch.restart = run_blocking
    wanted = threading.Event()
    ready = threading.Event()
    batch.scheduler.request_rows = wanted.set
    ticker = Ticker(batch.progress, open_display(batch.progress, batch.plan.progress))
    pool = concurrent.futures.ThreadPoolExecutor(1, "hfwidgets-rows")
    context = contextvars.copy_context()
    future = pool.submit(context.run, asyncio.run, batch.drive(ready.set))
    future.add_done_callback(lambda _: wanted.set())
    future.add_done_callback(lambda _: ready.set())
    try:
        ready.wait()
        _feed_rows(batch, future, wanted, ticker)
    except KeyboardInterrupt:
        _interrupt_run(batch, future)
        if batch.plan.on_error == "raise":
            ticker.end("interrupted")
            raise
    finally:
        pool.shutdown(wait=False)
    how = "failed"
    try:
        future.result(END_TIMEOUT)
        how = batch.conclude()
    finally:
        ticker.end(how)
    return batch.result()


def _feed_rows(
    batch: Batch, future: "concurrent.futures.Future[None]", wanted: threading.Event, ticker: Ticker
) -> None:
    """Hand rows over until the run has ended."""
    feed = batch.scheduler.feed
    while not future.done():
        before = len(feed.ready), feed.is_exhausted
        feed.fill()
        if (len(feed.ready), feed.is_exhausted) != before and not future.done():
            with contextlib.suppress(RuntimeError):  # the loop has just ended
                batch.scheduler.notify_threadsafe()
        ticker.tick()
        wanted.wait(POLL_INTERVAL)
        wanted.clear()


def _interrupt_run(batch: Batch, future: "concurrent.futures.Future[None]") -> None:
    """End a run from outside its loop, and wait for its end."""
    batch.scheduler.stop_requested = True
    with contextlib.suppress(RuntimeError, AttributeError):  # it has ended, or not yet begun
        batch.scheduler.notify_threadsafe()
    concurrent.futures.wait([future], END_TIMEOUT)


class AsyncBatch:
    """A run to await for all of its rows, or to go through with `async for`, row by row in order.

    Going through keeps a bounded number of rows in memory. It needs asyncio.
    """

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        batch.restart = AsyncBatch

    def so_far(self) -> BatchResult:
        """The rows as they are now; may be asked for at any time."""
        return self._batch.result()

    def __await__(self) -> Generator[Any, None, BatchResult]:
        return self._run_all().__await__()

    async def _run_all(self) -> BatchResult:
        batch = self._batch
        ticking, ticker = self._start_ticking()
        how = "interrupted"
        try:
            await batch.drive()
            how = batch.conclude()
        finally:
            await _cancel_and_wait(ticking)
            ticker.end(how)
        return batch.result()

    def _start_ticking(self) -> "tuple[asyncio.Task[None], Ticker]":
        batch = self._batch
        batch.scheduler.feed.prefetch = 1
        ticker = Ticker(batch.progress, open_display(batch.progress, batch.plan.progress))

        async def tick() -> None:
            while True:
                ticker.tick()
                await asyncio.sleep(POLL_INTERVAL)

        return asyncio.create_task(tick()), ticker

    async def __aiter__(self) -> AsyncIterator[Row]:
        batch = self._batch
        batch.keeps_rows = True
        moved = asyncio.Event()
        batch.on_change = moved.set
        given = 0
        room = 2 * batch.scheduler.limiter.max_size
        batch.scheduler.has_result_room = lambda: batch._next_index < given + room
        ticking, ticker = self._start_ticking()
        driving = asyncio.create_task(batch.drive())
        driving.add_done_callback(lambda _: moved.set())
        try:
            while True:
                while (row := batch.rows.get(given)) is not None and row.state != "pending":
                    del batch.rows[given]
                    given += 1
                    yield row
                if driving.done():
                    break
                batch.scheduler.notify()
                await moved.wait()
                moved.clear()
            await driving
            batch.conclude()
        finally:
            batch.scheduler.stop_requested = True
            batch.scheduler.notify()
            await _cancel_and_wait(ticking)
            with contextlib.suppress(Exception):
                await driving
            ticker.end("ended")

    def stop(self) -> None:
        """End the run; finished rows are kept. Called on the loop."""
        self._batch.scheduler.stop()


async def _cancel_and_wait(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait({task})
