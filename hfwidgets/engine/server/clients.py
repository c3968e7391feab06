"""Which processes use the engine, and whether any of them still lives."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from hfwidgets.engine_process import process_start

KNOWN = 64
"""The most client processes that are remembered; beyond it the engine just does not end early."""


class Clients:
    """The engine's users by process id and start time, and when it was last asked anything."""

    def __init__(self) -> None:
        self._processes: dict[int, float] = {}
        self._asking = 0
        self._last = time.monotonic()
        self._alone = time.monotonic()

    @contextmanager
    def asking(self, pid: str | None) -> Iterator[None]:
        """Count a request for as long as it is answered, and remember whose it is."""
        if pid and pid.isascii() and pid.isdigit() and int(pid) not in self._processes:
            self.add(int(pid))
        self._asking += 1
        try:
            yield
        finally:
            self._asking -= 1
            self._last = time.monotonic()

    def add(self, pid: int) -> None:
        """Remember a process, if it is one of this machine's."""
        started = process_start(pid)
        if started is not None and len(self._processes) < KNOWN:
            self._processes[pid] = started

    def living(self) -> int:
        """How many of the known processes live; the others are forgotten."""
        self._processes = {
            pid: started
            for pid, started in self._processes.items()
            if process_start(pid) == started
        }
        if self._processes or self._asking:
            self._alone = time.monotonic()
        return len(self._processes)

    @property
    def idle(self) -> float:
        """Seconds since the last request ended; 0 while one runs."""
        return 0.0 if self._asking else time.monotonic() - self._last

    @property
    def deserted(self) -> float:
        """Seconds since a known process last lived, as of the last `living()`."""
        return time.monotonic() - self._alone
