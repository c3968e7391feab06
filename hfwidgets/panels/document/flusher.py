"""The flusher that all panels of a kernel share, because they share the server's message limit.

A Jupyter server silently drops messages beyond 1,000 per second, and ZeroMQ queues hold 1,000. So a
panel sends at most ten patches per second, and all panels together at most 200.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from weakref import WeakKeyDictionary

from hfwidgets.notebook import background_loop
from hfwidgets.panels.document.mirror import Mirror

PATCH_INTERVAL = 0.1
"""Seconds between the patches of a panel."""

MAX_PATCHES_PER_SECOND = 200
"""Patches per second of all panels together."""

_POLL_INTERVAL = 0.02


class Flusher:
    """Sends the patches of changed mirrors, each when it is due.

    Args:
        clock: returns the time in seconds.
        pause: awaited between rounds.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._pause = pause
        self._lock = threading.Lock()
        self._changed_at: dict[Mirror, float] = {}
        # Weak keys: a panel that was closed and dropped must not wait for another panel to change
        # before its memory is freed.
        self._flushed_at: WeakKeyDictionary[Mirror, float] = WeakKeyDictionary()
        self._is_running = False

    def schedule(self, mirror: Mirror) -> None:
        """Note that a mirror has changed; any thread may call this."""
        with self._lock:
            self._changed_at.setdefault(mirror, self._clock())
            # One loop serves all mirrors. It clears the flag under this lock when it finds nothing
            # to do, so a change is either seen by the running loop or starts a new one.
            if self._is_running:
                return
            self._is_running = True
        background_loop.submit(self._flush_scheduled())

    def flush_now(self, mirror: Mirror) -> None:
        """Send what has changed without waiting: at the end of a run, in reply to a click."""
        with self._lock:
            # Before it is sent: a change that comes meanwhile schedules the mirror again.
            self._changed_at.pop(mirror, None)
            self._flushed_at[mirror] = self._clock()
        mirror.flush()

    def forget(self, mirror: Mirror) -> None:
        """Drop a mirror whose panel was closed; what it has not sent is not sent."""
        with self._lock:
            self._changed_at.pop(mirror, None)
            self._flushed_at.pop(mirror, None)

    async def _flush_scheduled(self) -> None:
        while (due := self._take_due_mirrors()) is not None:
            while due:  # popped, so that no local keeps a mirror alive over the pause
                self.flush_now(due.pop())
            await self._pause(_POLL_INTERVAL)

    def _take_due_mirrors(self) -> list[Mirror] | None:
        """Return the mirrors that may send now; None, which ends the loop, if none has changed."""
        now = self._clock()
        with self._lock:
            if not self._changed_at:
                self._is_running = False
                return None
            # Mirrors that sent within the last second count towards the common limit, whether
            # they have changed since or not: the more of them, the longer each one waits.
            active = {m for m, then in self._flushed_at.items() if now - then < 1.0}
            active.update(self._changed_at)
            interval = max(PATCH_INTERVAL, len(active) / MAX_PATCHES_PER_SECOND)
            return [m for m in self._changed_at if now - self._flushed_at.get(m, 0.0) >= interval]


flusher = Flusher()
