"""Which processes use the engine, and whether any of them still lives."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from hfwidgets.engine_process import process_start_time

MAX_CLIENTS = 64
"""The most client processes that are remembered; beyond it the engine just does not end early."""


class ClientProcesses:
    """The engine's users by process id and start time, and when it was last asked anything."""

    def __init__(self) -> None:
        self._processes: dict[int, float] = {}
        self._active_requests = 0
        self._last_request = time.monotonic()
        self._last_alive = time.monotonic()

    @contextmanager
    def track_request(self, pid: str | None) -> Iterator[None]:
        """Count a request for as long as it is answered, and remember whose it is."""
        if pid and pid.isascii() and pid.isdigit() and int(pid) not in self._processes:
            self.add(int(pid))
        self._active_requests += 1
        try:
            yield
        finally:
            self._active_requests -= 1
            self._last_request = time.monotonic()

    def add(self, pid: int) -> None:
        """Remember a process, if it is one of this machine's."""
        started = process_start_time(pid)
        if started is not None and len(self._processes) < MAX_CLIENTS:
            self._processes[pid] = started

    def count_living(self) -> int:
        """How many of the known processes live; the others are forgotten."""
        self._processes = {
            pid: started
            for pid, started in self._processes.items()
            if process_start_time(pid) == started
        }
        if self._processes or self._active_requests:
            self._last_alive = time.monotonic()
        return len(self._processes)

    @property
    def idle_seconds(self) -> float:
        """Seconds since the last request ended; 0 while one runs."""
        return 0.0 if self._active_requests else time.monotonic() - self._last_request

    @property
    def deserted_seconds(self) -> float:
        """Seconds since a known process last lived, as of the last `living()`."""
        return time.monotonic() - self._last_alive
