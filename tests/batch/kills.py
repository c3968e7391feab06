"""Kills runs with SIGKILL at random moments and checks that no finished row is lost or repeated.

    python -m tests.batch.kills 100        # as many kills; prints what it found

Each child is forked from this process, which has imported everything, so that a kill costs
milliseconds. It continues the file of the one before, until all rows are done; then a new file
begins.
"""

import json
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from hfwidgets import InferenceClient
from hfwidgets.batch import BatchResult
from tests.batch.rows import TASK, answered_inputs, labels_of, texts
from tests.batch.server import Running, labels

LIMIT = 60.0
"""Seconds for one child to write a line; a machine that needs more is not slow but stuck."""


def kill_runs(kills: int, folder: Path, rows: int = 1500, seed: int = 0) -> dict[str, int]:
    """Return how many rows were lost, repeated or wrong after so many kills.

    Args:
        kills: How many children are killed.
        folder: Where the files are written.
        rows: The rows of one file.
        seed: The seed of the moments.
    """
    chance = random.Random(seed)
    found = {"kills": 0, "files": 0, "lost": 0, "repeated": 0, "wrong": 0}
    while found["kills"] < kills:
        found["files"] += 1
        path = folder / f"{found['files']}.jsonl"
        with labels(fails=40) as server:
            stored: set[str] = set()
            counts: dict[str, int] = {}
            is_running = True
            while is_running and found["kills"] < kills:
                is_running = _run_and_kill(server, path, rows, chance)
                found["kills"] += is_running
                before, stored = stored, set(answered_inputs(path))
                found["lost"] += len(before - stored)
                # A row may be answered twice if its run was killed between answer and file. Once
                # it is in the file, no later run may ask for it again.
                counts, earlier = server.stats()["twice"], counts
                again = {text for text, count in counts.items() if count > earlier.get(text, 1)}
                found["repeated"] += len(again & before)
            result = _map_rows(server, path, rows)
            pairs = zip(labels_of(result), texts(rows), strict=True)
            found["wrong"] += sum(label != text for label, text in pairs)
    return found


def _run_and_kill(server: Running, path: Path, rows: int, chance: random.Random) -> bool:
    """Kill a run after some more rows; False if it ended before."""
    lines = _count_lines(path)
    child = os.fork()
    if child == 0:
        try:
            _map_rows(server, path, rows)
        finally:
            os._exit(0)
    wanted = lines + chance.randrange(1, 80)
    end = time.monotonic() + LIMIT
    while _count_lines(path) < wanted:
        if os.waitpid(child, os.WNOHANG)[0]:
            return False
        assert time.monotonic() < end, f"no line for {LIMIT:g} s"
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def _map_rows(server: Running, path: Path, rows: int) -> BatchResult:
    client = InferenceClient(base_url=server.url, token="none")
    return client.map(TASK, texts(rows), resume=path, progress=False)


def _count_lines(path: Path) -> int:
    return path.read_bytes().count(b"\n") if path.exists() else 0


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(kill_runs(int(sys.argv[1]), Path(folder))))
