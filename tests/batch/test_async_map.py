"""Rows with the async client: awaited, iterated, canceled."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from hfwidgets import AsyncInferenceClient
from hfwidgets.batch import BatchResult, Progress
from tests.batch.rows import TASK, answered_inputs, asked, echo, labels_of, refuse, texts
from tests.plugins.loopback import Loopback


def test_await_returns_all_rows(loopback: Loopback) -> None:
    loopback.route("POST", "/", refuse("row 4"))

    async def run() -> tuple[BatchResult, BatchResult]:
        async with AsyncInferenceClient(base_url=loopback.url) as client:
            result = await client.map(TASK, texts(30), progress=False)
            loopback.route("POST", "/", echo)
            return result, await result.retry()

    result, again = asyncio.run(run())
    assert len(result.failed) == 1
    assert labels_of(again) == texts(30)


def test_async_for_yields_rows_in_order_with_bounded_memory(loopback: Loopback) -> None:
    loopback.route("POST", "/", echo)
    taken = 0

    def rows() -> Any:
        nonlocal taken
        for text in texts(1000):
            taken += 1
            yield text

    async def run() -> list[str]:
        seen = []
        async with AsyncInferenceClient(base_url=loopback.url) as client:
            async for row in client.map(TASK, rows(), concurrency=8, batch_size=1, progress=False):
                seen.append(row.result[0].label)
                assert taken <= len(seen) + 17
                if len(seen) == 100:
                    break
        return seen

    assert asyncio.run(run()) == texts(100)
    assert taken < 130


def test_async_for_yields_resumed_rows(loopback: Loopback, tmp_path: Path) -> None:
    loopback.route("POST", "/", echo)
    path = tmp_path / "rows.jsonl"

    async def run(count: int) -> list[str]:
        async with AsyncInferenceClient(base_url=loopback.url) as client:
            rows = client.map(TASK, iter(texts(count)), resume=path, progress=False)
            return [row.result[0].label async for row in rows]

    assert asyncio.run(run(300)) == texts(300)
    assert asyncio.run(run(310)) == texts(310)
    assert len(asked(loopback)) == 310


def test_canceling_an_awaited_run_keeps_finished_rows(loopback: Loopback, tmp_path: Path) -> None:
    loopback.route("POST", "/", echo)
    path = tmp_path / "rows.jsonl"

    async def run() -> None:
        enough = asyncio.Event()

        def watch(progress: Progress) -> None:
            if progress.done >= 20:
                enough.set()

        async with AsyncInferenceClient(base_url=loopback.url) as client:
            rows = (f"row {index}" for index in range(10**9))
            task = asyncio.ensure_future(_all(client, rows, watch))
            await enough.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    async def _all(client: AsyncInferenceClient, rows: Any, watch: Any) -> None:
        await client.map(TASK, rows, resume=path, progress=watch)

    asyncio.run(run())
    assert len(answered_inputs(path)) >= 20
