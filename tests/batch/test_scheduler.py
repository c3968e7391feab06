"""The scheduler alone: rows that arrive from another thread."""

import asyncio
import contextlib
import gc
from collections.abc import Iterator

import pytest

from hfwidgets.batch._callers import Answer
from hfwidgets.batch._concurrency import Limiter
from hfwidgets.batch._group_size import GroupSize
from hfwidgets.batch._progress import Progress
from hfwidgets.batch._row_arguments import Arguments
from hfwidgets.batch._scheduler import Job, RowFeed, Scheduler
from hfwidgets.recorder.store import Provenance

ROWS = 500


@contextlib.contextmanager
def reading_all_the_time(feed: RowFeed) -> Iterator[None]:
    """Add a row to the feed at each garbage collection, which runs anywhere, as threads do."""

    def read(_: str, __: object) -> None:
        feed.prefetch = len(feed.ready) + 1
        feed.fill()

    thresholds = gc.get_threshold()
    gc.callbacks.append(read)
    gc.set_threshold(1)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.callbacks.remove(read)


def test_rows_arrive_while_others_are_taken() -> None:
    feed = RowFeed((Job(index, {"text": "x"}) for index in range(ROWS)), prefetch=8)
    answered: list[int] = []

    async def answer(rows: list[Arguments]) -> list[Answer | Exception]:
        return [Answer(row, row, Provenance("p", None, 0.0)) for row in rows]

    scheduler = Scheduler(
        feed=feed,
        call_rows=answer,
        can_share=lambda _, __: True,
        limiter=Limiter(8, 8),
        group_size=GroupSize(8, 8),
        progress=Progress(ROWS),
        on_answer=lambda job, _: answered.append(job.index),
        on_failure=lambda _, error: pytest.fail(str(error)),
        request_rows=lambda: None,
    )

    async def run() -> None:
        scheduler.bind_loop()
        feed.fill()
        with reading_all_the_time(feed):
            await scheduler.drive()

    asyncio.run(run())
    assert sorted(answered) == list(range(ROWS))
