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

INTERVAL = 0.1
"""Seconds between a panel's patches."""

TOTAL = 200
"""Patches a second of all panels together."""

_STEP = 0.02


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
        self._dirty: dict[Mirror, float] = {}
        self._last: dict[Mirror, float] = {}
        self._serving = False

    def wake(self, mirror: Mirror) -> None:
        """Note a change; any thread may call this."""
        with self._lock:
            self._dirty.setdefault(mirror, self._clock())
            if self._serving:
                return
            self._serving = True
        background_loop.submit(self._serve())

    def now(self, mirror: Mirror) -> None:
        """Send what has changed at once: for the ends of runs and for answers to a click."""
        with self._lock:
            self._dirty.pop(mirror, None)
            self._last[mirror] = self._clock()
        mirror.flush()

    async def _serve(self) -> None:
        while due := self._due():
            for mirror in due[0]:
                self.now(mirror)
            await self._pause(_STEP)

    def _due(self) -> tuple[list[Mirror]] | None:
        """The mirrors whose turn has come; None when nothing waits any more."""
        now = self._clock()
        with self._lock:
            self._last = {m: then for m, then in self._last.items() if now - then < 1.0}
            if not self._dirty:
                self._serving = False
                return None
            pause = max(INTERVAL, len({*self._last, *self._dirty}) / TOTAL)
            return ([m for m in self._dirty if now - self._last.get(m, 0.0) >= pause],)


flusher = Flusher()
