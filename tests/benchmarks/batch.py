"""Measure batches: wall time against the server's limit, rows per second, requests, memory."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import aiohttp

from hfwidgets import InferenceClient
from tests.batch.server import labels
from tests.benchmarks.measure import Figure, choose_size

ROWS = choose_size(10_000, 100)
MEMORY_ROWS = choose_size((1_000, 1_000_000), (10, 100))
SHORT_ROWS = choose_size(20_000, 200)
SINGLE_ROWS = choose_size(5_000, 100)
EMBEDDED_ROWS = choose_size(10_000, 640)
PEER_CALLS = 64
"""Concurrent calls of aiohttp's loop, the number that `map` reaches by itself."""

SERVERS = {
    "50 at once, 0.25 s each, Retry-After 1": (
        {"seconds": 0.25, "spread": 0.3, "most": 50, "pause": 1.0},
        0.25 / 50,
    ),
    "250 in each second": ({"seconds": 0.1, "window": 250, "windows": 1.0}, 1 / 250),
    "50 at once, 0.25 s each, refusing all for 0.3 s of every 3 s, 5 % fail": (
        {
            "seconds": 0.25,
            "spread": 0.3,
            "most": 50,
            "pause": 0.3,
            "burst": 0.3,
            "bursts": 3.0,
            "fails": 20,
        },
        0.25 / 50 * (1 + 1 / 20) / 0.9,
    ),
}
"""The limits of each server, and the seconds per row at its best rate."""


def measure_walls() -> Iterator[Figure]:
    """Measure runs of 10,000 rows against servers with limits."""
    for name, (limits, seconds) in SERVERS.items():
        with labels(**limits) as server:
            client = InferenceClient(base_url=server.url, token="none")
            rows = (f"row {index}" for index in range(ROWS))
            started = time.perf_counter()
            # Row by row, since the limits are those of calls.
            result = client.map("text-classification", rows, batch_size=1, progress=False)
            seconds_taken = time.perf_counter() - started
            refused = server.stats()["statuses"].get("429", 0)
        assert result.counts["done"] == ROWS
        note = f"{seconds_taken:.1f} s for {ROWS:,} rows, {refused} refusals"
        yield Figure(
            f"batch: {name}, wall / ideal", seconds_taken / (ROWS * seconds), 1.2, note=note
        )


async def post_all(url: str, count: int) -> None:
    """Send rows with aiohttp alone, each by a request."""
    numbers = iter(range(count))
    connector = aiohttp.TCPConnector(limit=PEER_CALLS)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def post_next() -> None:
            for number in numbers:
                async with session.post(url, json={"inputs": f"row {number}"}) as reply:
                    assert (await reply.json())[0]

        await asyncio.gather(*(post_next() for _ in range(PEER_CALLS)))


def measure_rate(run: Callable[[], object], count: int) -> float:
    """Return the rows per second of a run."""
    started = time.perf_counter()
    run()
    return count / (time.perf_counter() - started)


def measure_rates() -> Iterator[Figure]:
    """Measure short texts against a server that answers in 1 ms, next to aiohttp's own loop."""
    for name, count, batch_size in (
        ("short texts", SHORT_ROWS, None),
        ("short texts, one per request", SINGLE_ROWS, 1),
    ):
        rows = [f"row {index}" for index in range(count)]
        with labels(seconds=0.001) as server:
            client = InferenceClient(base_url=server.url, token="none")
            run = partial(
                client.map, "text-classification", rows, batch_size=batch_size, progress=False
            )
            run()
            ours = measure_rate(run, count)
            peer = measure_rate(lambda: asyncio.run(post_all(f"{server.url}/", count)), count)  # noqa: B023
        note = f"{ours:,.0f} and {peer:,.0f} rows/s"
        yield Figure(
            f"batch: {name}, rows/s / aiohttp's", ours / peer, 0.5, at_least=True, note=note
        )


def measure_requests() -> Iterator[Figure]:
    """Count the requests for many embeddings."""
    rows = [f"row {index}" for index in range(EMBEDDED_ROWS)]
    with labels() as server:
        client = InferenceClient(base_url=f"{server.url}/embed", token="none")
        result = client.map("feature-extraction", rows, progress=False)
        assert result.counts["done"] == EMBEDDED_ROWS
        count = sum(server.stats()["statuses"].values())
    note = f"{count:,} requests for {EMBEDDED_ROWS:,} texts"
    yield Figure("batch: embeddings, requests / rows", count / EMBEDDED_ROWS, 1 / 32, note=note)


MEMORY = """
import sys
from hfwidgets import InferenceClient
from tests.benchmarks.measure import peak_memory

url, path, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
client = InferenceClient(base_url=url, token="none")
rows = (f"row {index}" for index in range(count))
result = client.map("text-classification", rows, resume=path, collect=False, progress=False)
assert len(result) == count and result[count - 1].result[0].label == f"row {count - 1}"
print(peak_memory())
"""


def measure_memory(folder: Path) -> Iterator[Figure]:
    """Measure the peak memory of processes that run few and many rows to disk."""
    peaks: dict[int, float] = {}
    for count in MEMORY_ROWS:
        with labels() as server:
            path = folder / f"{count}.jsonl"
            command = [sys.executable, "-c", MEMORY, server.url, str(path), str(count)]
            out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            peaks[count] = int(out) / 1e6
    few, many = peaks.values()
    note = f"{few:.0f} MB and {many:.0f} MB"
    name = " / ".join(f"{count:,} rows" for count in reversed(MEMORY_ROWS))
    yield Figure(f"batch: peak memory, {name}", many / few, 1.15, note=note)


def figures() -> Iterator[Figure]:
    """Yield all figures of batches."""
    import tempfile

    yield from measure_walls()
    yield from measure_rates()
    yield from measure_requests()
    with tempfile.TemporaryDirectory() as folder:
        yield from measure_memory(Path(folder))
