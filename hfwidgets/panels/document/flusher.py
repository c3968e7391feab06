"""One flusher for all panels of a kernel, since all share the notebook server's message limit.

The server drops messages past 1,000 a second without a word, for good; ZeroMQ queues hold 1,000.
So a panel sends at most ten patches a second, and all panels together at most 200.
"""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable

from hfwidgets.notebook import background_loop
from hfwidgets.panels.document.mirror import Mirror

PATCH_INTERVAL = 0.1
"""Seconds between a panel's patches."""

MAX_PATCHES_PER_SECOND = 200
"""Patches a second of all panels together."""

_POLL_INTERVAL = 0.02


class Flusher:
    """Sends the patches of mirrors that changed, each in its turn; time is told by `clock`, and
    passes in `pause`.
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
        self._flushed_at: dict[Mirror, float] = {}
        self._is_running = False

    def schedule(self, mirror: Mirror) -> None:
        """Note a change; any thread may call this."""
        with self._lock:
            self._changed_at.setdefault(mirror, self._clock())
            if self._is_running:
                return
            self._is_running = True
        background_loop.submit(self._flush_scheduled())

    def flush_now(self, mirror: Mirror) -> None:
        """Send what has changed at once: for the ends of runs and for answers to a click."""
        with self._lock:
            self._changed_at.pop(mirror, None)
            self._flushed_at[mirror] = self._clock()
        mirror.flush()

    async def _flush_scheduled(self) -> None:
        while due := self._due_mirrors():
            for mirror in due[0]:
                self.flush_now(mirror)
            await self._pause(_POLL_INTERVAL)

    def _due_mirrors(self) -> tuple[list[Mirror]] | None:
        """The mirrors whose turn has come; None when nothing waits any more."""
        now = self._clock()
        with self._lock:
            self._flushed_at = {m: then for m, then in self._flushed_at.items() if now - then < 1.0}
            if not self._changed_at:
                self._is_running = False
                return None
            pause = max(
                PATCH_INTERVAL, len({*self._flushed_at, *self._changed_at}) / MAX_PATCHES_PER_SECOND
            )
            return ([m for m in self._changed_at if now - self._flushed_at.get(m, 0.0) >= pause],)


flusher = Flusher()
