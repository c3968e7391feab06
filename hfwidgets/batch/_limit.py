"""How many calls may be under way at once: more while all goes well, fewer when a server refuses.

Additive increase and multiplicative decrease, with three additions. A burst of refusals says how
many calls were too many, so each of them takes one off. Below the size that was just refused, the
size grows by one a success; above it by one a round, and only after a while: probing costs a pause.
A pause that a server asks for (Retry-After) holds for all calls.
"""

import time
from collections.abc import Callable

DECREASE = 0.9
"""What a refusal leaves of the size."""

HOLD = 10.0
"""How long the size is left alone after a refusal, in the pauses that it cost."""

SHORTEST = 0.1
"""The pause that a refusal costs where the server names none, in seconds."""


class Limiter:
    """The number of calls that may be under way.

    Args:
        most: it never becomes larger.
        start: how many it begins with.
        clock: the time in seconds.
    """

    def __init__(self, most: int, start: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self.size = float(min(start, most))
        self.opens = 0.0
        self._knee = float(most)
        self._cut = self._hold = float("-inf")
        self._clock = clock

    def room(self, running: int) -> bool:
        """Whether one more call may begin now."""
        return running < int(self.size) and self.pause == 0

    @property
    def pause(self) -> float:
        """The seconds until calls may begin again; 0 when they may."""
        return max(0.0, self.opens - self._clock())

    def succeeded(self, began: float) -> None:
        """Take note of an answer to a call that began at this time."""
        if began <= self._cut:
            return
        if self.size < self._knee:
            self.size += 1
        elif self._clock() >= self._hold:
            self.size += 1 / self.size
        self.size = min(self.size, float(self.most))

    def refused(self, began: float, pause: float | None) -> None:
        """Take note of a refusal, and of the pause in seconds that came with it."""
        now = self._clock()
        if began > self._cut:
            self.size *= DECREASE
            self._knee, self._cut = self.size, now
        else:
            self.size -= 1
        self.size = max(self.size, 1.0)
        self.opens = max(self.opens, now + (pause or 0.0))
        self._hold = now + HOLD * max(pause or 0.0, SHORTEST)
