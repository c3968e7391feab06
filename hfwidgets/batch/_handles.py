"""Waiting for a run: in a blocking call, with `await`, or row by row with `async for`."""

import asyncio
import concurrent.futures
import contextlib
import contextvars
import threading
from collections.abc import AsyncIterator, Generator
from typing import Any

from hfwidgets.batch._batch import Batch
from hfwidgets.batch._progress import Ticker, shown
from hfwidgets.batch._result import BatchResult, Row

STEP = 0.1
"""How often a run's watcher looks up, in seconds."""

ENDING = 10.0
"""How long an interrupted run may take to end, in seconds."""


def blocking(batch: Batch) -> BatchResult:
    """Run a batch on a loop of its own in a thread; this thread takes the rows and shows progress.

    The rows' source is read in the caller's thread, since many (databases) know no other.
    """
    wanted = threading.Event()
    ready = threading.Event()
    batch.run.hungry = wanted.set
    ticker = Ticker(batch.progress, shown(batch.progress, batch.plan.progress))
    pool = concurrent.futures.ThreadPoolExecutor(1, "hfwidgets-rows")
    context = contextvars.copy_context()
    future = pool.submit(context.run, asyncio.run, batch.drive(ready.set))
    future.add_done_callback(lambda _: wanted.set())
    future.add_done_callback(lambda _: ready.set())
    try:
        ready.wait()
        _feed(batch, future, wanted, ticker)
    except KeyboardInterrupt:
        _interrupt(batch, future)
        if batch.plan.on_error == "raise":
            ticker.end("interrupted")
            raise
    finally:
        pool.shutdown(wait=False)
    how = "failed"
    try:
        future.result(ENDING)
        how = batch.conclude()
    finally:
        ticker.end(how)
    return batch.result()


def _feed(
    batch: Batch, future: "concurrent.futures.Future[None]", wanted: threading.Event, ticker: Ticker
) -> None:
    """Hand rows over until the run has ended."""
    feed = batch.run.feed
    while not future.done():
        before = len(feed.ready), feed.ended
        feed.fill()
        if (len(feed.ready), feed.ended) != before and not future.done():
            with contextlib.suppress(RuntimeError):  # the loop has just ended
                batch.run.nudge()
        ticker.tick()
        wanted.wait(STEP)
        wanted.clear()


def _interrupt(batch: Batch, future: "concurrent.futures.Future[None]") -> None:
    """End a run from outside its loop, and wait for its end."""
    batch.run.stopped = True
    with contextlib.suppress(RuntimeError, AttributeError):  # it has ended, or not yet begun
        batch.run.nudge()
    concurrent.futures.wait([future], ENDING)


class AsyncBatch:
    """A run to await for all of its rows, or to go through with `async for`, row by row in order.

    Going through keeps a bounded number of rows in memory. It needs asyncio.
    """

    def __init__(self, batch: Batch) -> None:
        self._batch = batch

    def so_far(self) -> BatchResult:
        """The rows as they are now; may be asked for at any time."""
        return self._batch.result()

    def __await__(self) -> Generator[Any, None, BatchResult]:
        return self._whole().__await__()

    async def _whole(self) -> BatchResult:
        batch = self._batch
        ticking, ticker = self._ticking()
        how = "interrupted"
        try:
            await batch.drive()
            how = batch.conclude()
        finally:
            await _cancelled(ticking)
            ticker.end(how)
        return batch.result()

    def _ticking(self) -> "tuple[asyncio.Task[None], Ticker]":
        batch = self._batch
        batch.run.feed.ahead = 1
        ticker = Ticker(batch.progress, shown(batch.progress, batch.plan.progress))

        async def tick() -> None:
            while True:
                ticker.tick()
                await asyncio.sleep(STEP)

        return asyncio.create_task(tick()), ticker

    async def __aiter__(self) -> AsyncIterator[Row]:
        batch = self._batch
        batch.keeps = True
        moved = asyncio.Event()
        batch.moved = moved.set
        given = 0
        room = 2 * batch.run.limiter.most
        batch.run.window = lambda: batch._next < given + room
        ticking, ticker = self._ticking()
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
                batch.run.wake()
                await moved.wait()
                moved.clear()
            await driving
            batch.conclude()
        finally:
            batch.run.stopped = True
            batch.run.wake()
            await _cancelled(ticking)
            with contextlib.suppress(Exception):
                await driving
            ticker.end("ended")

    def stop(self) -> None:
        """End the run; finished rows are kept. Called on the loop."""
        self._batch.run.stop()


async def _cancelled(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait({task})
