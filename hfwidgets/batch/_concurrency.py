"""How many calls may be under way at once: more while all goes well, fewer when a server refuses.

Additive increase and multiplicative decrease, with what a refusal says besides:

* a size that was not proven yet is refused: it was too large, by as many calls as were refused. The
  size falls below that and stays there for a while, since each try to go beyond costs a pause, and
  longer each time that the same size is refused again;
* a proven size is refused after all went well, or nearly all calls are: the server takes nobody for
  now (a window is used up). The size falls a little where the server says how long that lasts, else
  by a third, and is soon regained.

A pause that a server asks for (Retry-After) holds for all calls.
"""

import time
from collections.abc import Callable

LITTLE = 0.95
"""What a refusal leaves of a size, besides the calls that were too many."""

MUCH = 0.7
"""What it leaves where neither the size nor a pause explains it."""

NEARLY_ALL = 0.75

HOLD = 20.0
"""How long the size is left alone after a refusal, in the pauses that it cost."""

LONGEST_HOLD = 8.0
"""How many times as long at most, when the same size is refused again and again."""

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
        self._clock = clock
        self._knee = float(most)
        self._cut = self._hold = self._grown = float("-inf")
        self._since = self._proofs = self._proven = self._refused = 0
        self._before = self._ceiling = self._patience = 0.0

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
        self._since += 1
        before = int(self.size)
        self._prove(began, before)
        if self.size < self._knee:
            self.size += 1
        elif self.size < LITTLE * self._ceiling or self._clock() >= self._hold:
            self.size += 1 / self.size
        self.size = min(self.size, float(self.most))
        if int(self.size) > before:
            self._grown, self._proofs = self._clock(), 0

    def _prove(self, began: float, size: int) -> None:
        """A size is proven by half as many answers to calls that began after it was reached."""
        self._proofs += began > self._grown
        if 2 * self._proofs >= size:
            self._proven = max(self._proven, size)

    def refused(self, began: float, pause: float | None) -> None:
        """Take note of a refusal, and of the pause in seconds that came with it."""
        now = self._clock()
        if began > self._cut:
            self._begin_burst(now)
        self._refused += 1
        if self._blameless or self._refused >= NEARLY_ALL * self._before:
            self._knee = LITTLE * self._before
            self.size = self._knee if pause else MUCH * self._before
        else:
            self.size = self._knee = LITTLE * self._before - (self._refused - 1)
            self._proven = min(self._proven, int(self.size))
            self._hold = now + HOLD * self._patience * max(pause or 0.0, SHORTEST)
        self.size, self._knee = max(self.size, 1.0), max(self._knee, 1.0)
        self.opens = max(self.opens, now + (pause or 0.0))

    def _begin_burst(self, now: float) -> None:
        """Begin to count refusals of calls that began before the first of them."""
        self._before, self._refused, self._cut = self.size, 0, now
        self._blameless = int(self.size) <= self._proven and self._since >= int(self.size)
        if not self._blameless:
            again = abs(self.size - self._ceiling) < 0.1 * self.size
            self._patience = min(2 * self._patience, LONGEST_HOLD) if again else 1.0
            self._ceiling = self.size
        self._since = self._proofs = 0
        self._grown = now
