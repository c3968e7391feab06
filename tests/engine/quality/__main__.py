"""Print how often each task's model is right, next to what its capability claims."""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hfwidgets import InferenceClient, engine_process
from hfwidgets.engine.base import weights
from tests.engine.quality.checks import CHECKS, Verdict, find_claim
from tests.plugins.engine import make_cache, start_managed_engine


def main() -> None:
    """Measure the chosen tasks."""
    parser = argparse.ArgumentParser("python -m tests.engine.quality", description=__doc__)
    parser.add_argument("tasks", nargs="*", help=f"default: all of {', '.join(CHECKS)}")
    parser.add_argument("--set", default="standard", choices=("light", "standard"))
    parser.add_argument("--wrong", action="store_true", help="print the wrong answers too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, serve_set(Path(folder) / "cache", options.set):
        client = InferenceClient(provider="local", timeout=300)
        for task in options.tasks or CHECKS:
            print(*measure_task(client, task, show_wrong=options.wrong), sep="\n", flush=True)


@contextmanager
def serve_set(cache: Path, name: str) -> Iterator[None]:
    """Run an engine that has a set, next to the full one, and nothing else."""
    installed = weights.weights_root()
    make_cache(cache, installed)
    for package in weights.packages_of_set(name):
        link = cache / "weights" / package.directory.name
        if not link.is_symlink():
            link.symlink_to(installed / package.directory.name, target_is_directory=True)
    os.environ["HFWIDGETS_CACHE"] = str(cache)
    start_managed_engine()
    try:
        yield
    finally:
        engine_process.stop_engine()


def measure_task(client: InferenceClient, task: str, *, show_wrong: bool) -> Iterator[str]:
    """Yield a task's line, then its wrong answers if they are wanted."""
    verdicts: list[Verdict] = []
    seconds: list[float] = []
    start = time.perf_counter()
    for verdict in CHECKS[task](client):
        verdicts.append(verdict)
        seconds.append(time.perf_counter() - start)
        start = time.perf_counter()
    right = sum(verdict.is_right for verdict in verdicts)
    claimed, _ = find_claim(task)
    yield (
        f"{task:30} {right:3} of {len(verdicts)}, claimed {claimed}"
        f"{'' if right >= claimed else ': TOO MUCH'}  "
        f"{statistics.median(seconds):.2f} s per call, at most {max(seconds[1:]):.2f}"
    )
    if show_wrong:
        for one in verdicts:
            if not one.is_right:
                yield f"    {one.item!r}: {one.answer!r}, expected {one.expected!r}"


if __name__ == "__main__":
    main()
