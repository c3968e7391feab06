"""How figures are taken: CPU time of this process, cases interleaved, the least of some rounds."""

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


@dataclass(frozen=True)
class Figure:
    """One line of the table: a value, and whether it meets its target (at most, or at least)."""

    name: str
    value: float
    target: float | None = None
    unit: str = "x"
    at_least: bool = False
    note: str = ""

    @property
    def met(self) -> bool | None:
        if self.target is None:
            return None
        return self.value >= self.target if self.at_least else self.value <= self.target

    def row(self) -> str:
        bound = "" if self.target is None else f"{'>=' if self.at_least else '<='} {self.target:g}"
        verdict = {True: "met", False: "MISSED", None: ""}[self.met]
        return f"| {self.name} | {self.value:.3g} {self.unit} | {bound} | {verdict} | {self.note} |"


def peak() -> int:
    """The largest memory that this process has held, in bytes.

    From /proc where there is one: getrusage begins with the peak of the process that started it.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(one for one in status.read_text().splitlines() if one.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


@contextlib.contextmanager
def server() -> Iterator[str]:
    """The server of baked answers, listening before this returns."""
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


def cpu(cases: Mapping[str, Callable[[], object]], calls: int, rounds: int = 7) -> dict[str, float]:
    """The CPU seconds of one call of each case."""
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


async def acpu(
    cases: Mapping[str, Callable[[], Awaitable[object]]], calls: int, rounds: int = 7
) -> dict[str, float]:
    """The same for cases that are awaited."""
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


def process_cpu(cases: Mapping[str, str], rounds: int = 12) -> dict[str, float]:
    """The CPU seconds of a fresh Python that runs each piece of code, net of a bare one.

    A first run that is not counted lets Python keep its bytecode, as it does for every user.
    """
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
