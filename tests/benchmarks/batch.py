"""Measure batches: wall time against the server's limit, memory against the number of rows."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from hfwidgets import InferenceClient
from tests.batch.server import labels
from tests.benchmarks.measure import Figure, choose_size

ROWS = choose_size(10_000, 100)
MEMORY_ROWS = choose_size((1_000, 100_000), (10, 100))

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
            result = client.map("text-classification", rows, progress=False)
            seconds_taken = time.perf_counter() - started
            refused = server.stats()["statuses"].get("429", 0)
        assert result.counts["done"] == ROWS
        note = f"{seconds_taken:.1f} s for {ROWS:,} rows, {refused} refusals"
        yield Figure(
            f"batch: {name}, wall / ideal", seconds_taken / (ROWS * seconds), 1.2, note=note
        )


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
    """Measure the peak memory of processes that run 1,000 and 100,000 rows to disk."""
    peaks: dict[int, float] = {}
    for count in MEMORY_ROWS:
        with labels() as server:
            path = folder / f"{count}.jsonl"
            command = [sys.executable, "-c", MEMORY, server.url, str(path), str(count)]
            out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            peaks[count] = int(out) / 1e6
    few, many = peaks.values()
    note = f"{few:.0f} MB and {many:.0f} MB"
    yield Figure("batch: peak memory, 100,000 rows / 1,000 rows", many / few, 1.15, note=note)


def figures() -> Iterator[Figure]:
    """Yield all figures of batches."""
    import tempfile

    yield from measure_walls()
    with tempfile.TemporaryDirectory() as folder:
        yield from measure_memory(Path(folder))
