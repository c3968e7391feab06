"""Track the processes that use the engine, to end it when none is left."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from hfwidgets.engine_process import process_start_time

MAX_CLIENTS = 64
"""Client processes that are tracked; beyond it the engine only fails to end early."""


class ClientProcesses:
    """The engine's users by process id and start time, and the time of the last request."""

    def __init__(self) -> None:
        self._processes: dict[int, float] = {}
        self._active_requests = 0
        self._last_request = time.monotonic()
        self._last_alive = time.monotonic()

    @contextmanager
    def track_request(self, pid: str | None) -> Iterator[None]:
        """Count a request while it is answered, and track its process."""
        # The header can hold anything: isdigit() alone accepts superscripts, at which int() fails.
        if pid and pid.isascii() and pid.isdigit() and int(pid) not in self._processes:
            self.add(int(pid))
        self._active_requests += 1
        try:
            yield
        finally:
            self._active_requests -= 1
            self._last_request = time.monotonic()

    def add(self, pid: int) -> None:
        """Track a process, if it exists on this machine."""
        started = process_start_time(pid)
        # Beyond the limit a client is not tracked; the engine then ends by its idle time only.
        if started is not None and len(self._processes) < MAX_CLIENTS:
            self._processes[pid] = started

    def count_living(self) -> int:
        """Return how many of the tracked processes are alive, and forget the others."""
        # A process id alone may have been given to another process since.
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
        """Return the seconds since the last request ended; 0 while one runs."""
        return 0.0 if self._active_requests else time.monotonic() - self._last_request

    @property
    def deserted_seconds(self) -> float:
        """Return the seconds since a tracked process was last alive, by `count_living()`."""
        return time.monotonic() - self._last_alive
