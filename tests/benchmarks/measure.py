"""Measure CPU times and memory: cases are interleaved, and the best of several rounds counts."""

import contextlib
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


SMALLEST_VARIABLE = "HFWIDGETS_BENCHMARK_SMALLEST"


def choose_size(full: T, smallest: T) -> T:
    """Return the full size of a measurement, or with --smallest the one that only exercises it."""
    return smallest if os.environ.get(SMALLEST_VARIABLE) else full


@dataclass(frozen=True)
class Figure:
    """One row of the table: a value and its target (an upper bound, or a lower one)."""

    name: str
    value: float
    target: float | None = None
    unit: str = "x"
    at_least: bool = False
    note: str = ""

    @property
    def is_met(self) -> bool | None:
        """Return whether the value meets its target; None without a target."""
        if self.target is None:
            return None
        return self.value >= self.target if self.at_least else self.value <= self.target

    def row(self) -> str:
        """Return the row in Markdown."""
        bound = "" if self.target is None else f"{'>=' if self.at_least else '<='} {self.target:g}"
        verdict = {True: "met", False: "MISSED", None: ""}[self.is_met]
        return f"| {self.name} | {self.value:.3g} {self.unit} | {bound} | {verdict} | {self.note} |"


def peak_memory() -> int:
    """Return the peak memory of this process, in bytes."""
    # getrusage starts with the peak of the parent process, so prefer /proc where it exists.
    status = Path("/proc/self/status")
    if status.exists():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def current_memory() -> int:
    """Return the memory of this process, in bytes."""
    import psutil

    return int(psutil.Process().memory_info().rss)


@contextlib.contextmanager
def run_server() -> Iterator[str]:
    """Run the server of fixed answers; yield its URL once it listens."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    script = Path(__file__).with_name("server.py")
    command = [sys.executable, str(script), str(listener.fileno())]
    process = subprocess.Popen(command, pass_fds=[listener.fileno()])
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        process.terminate()
        process.wait()
        listener.close()


def measure_cpu(
    cases: Mapping[str, Callable[[], object]], calls: int, rounds: int = 7
) -> dict[str, float]:
    """Return the CPU seconds of one call of each case."""
    calls, rounds = choose_size((calls, rounds), (1, 1))
    best = dict.fromkeys(cases, float("inf"))
    for case in cases.values():
        case()
    for _ in range(rounds):
        for name, case in cases.items():
            started = time.process_time()
            for _ in range(calls):
                case()
            best[name] = min(best[name], (time.process_time() - started) / calls)
    return best


async def measure_async_cpu(
    cases: Mapping[str, Callable[[], Awaitable[object]]], calls: int, rounds: int = 7
) -> dict[str, float]:
    """Return the CPU seconds of one awaited call of each case."""
    calls, rounds = choose_size((calls, rounds), (1, 1))
    best = dict.fromkeys(cases, float("inf"))
    for case in cases.values():
        await case()
    for _ in range(rounds):
        for name, case in cases.items():
            started = time.process_time()
            for _ in range(calls):
                await case()
            best[name] = min(best[name], (time.process_time() - started) / calls)
    return best


def measure_process_cpu(cases: Mapping[str, str], rounds: int = 12) -> dict[str, float]:
    """Return the CPU seconds of a new Python process per snippet, minus those of an empty one.

    An uncounted first run lets Python store its bytecode, as it does for every user.
    """
    rounds = choose_size(rounds, 1)
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    for code in cases.values():
        subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL, env=env)
    best = dict.fromkeys(["bare", *cases], float("inf"))
    for _ in range(rounds):
        for name, code in {"bare": "pass", **cases}.items():
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(
                [sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL, env=env
            )
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            best[name] = min(best[name], spent)
    bare = best.pop("bare")
    return {name: value - bare for name, value in best.items()}
