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

MILD_DECREASE = 0.95
"""What a refusal leaves of a size, besides the calls that were too many."""

STRONG_DECREASE = 0.7
"""What it leaves where neither the size nor a pause explains it."""

MASS_REFUSAL_SHARE = 0.75

HOLD_FACTOR = 20.0
"""How long the size is left alone after a refusal, in the pauses that it cost."""

MAX_PATIENCE = 8.0
"""How many times as long at most, when the same size is refused again and again."""

MIN_PAUSE = 0.1
"""The pause that a refusal costs where the server names none, in seconds."""


class Limiter:
    """The number of calls that may be under way.

    Args:
        most: it never becomes larger.
        start: how many it begins with.
        clock: the time in seconds.
    """

    def __init__(self, most: int, start: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.max_size = most
        self.size = float(min(start, most))
        self.resumes_at = 0.0
        self._clock = clock
        self._threshold = float(most)
        self._burst_began = self._hold_until = self._grown_at = float("-inf")
        self._successes = self._proofs = self._proven_size = self._refusal_count = 0
        self._size_before_burst = self._refused_size = self._patience = 0.0

    def has_room(self, running: int) -> bool:
        """Whether one more call may begin now."""
        return running < int(self.size) and self.pause == 0

    @property
    def pause(self) -> float:
        """The seconds until calls may begin again; 0 when they may."""
        return max(0.0, self.resumes_at - self._clock())

    def record_success(self, began: float) -> None:
        """Take note of an answer to a call that began at this time."""
        if began <= self._burst_began:
            return
        self._successes += 1
        before = int(self.size)
        self._prove(began, before)
        if self.size < self._threshold:
            self.size += 1
        elif self.size < MILD_DECREASE * self._refused_size or self._clock() >= self._hold_until:
            self.size += 1 / self.size
        self.size = min(self.size, float(self.max_size))
        if int(self.size) > before:
            self._grown_at, self._proofs = self._clock(), 0

    def _prove(self, began: float, size: int) -> None:
        """A size is proven by half as many answers to calls that began after it was reached."""
        self._proofs += began > self._grown_at
        if 2 * self._proofs >= size:
            self._proven_size = max(self._proven_size, size)

    def record_refusal(self, began: float, pause: float | None) -> None:
        """Take note of a refusal, and of the pause in seconds that came with it."""
        now = self._clock()
        if began > self._burst_began:
            self._begin_burst(now)
        self._refusal_count += 1
        if (
            self._size_was_proven
            or self._refusal_count >= MASS_REFUSAL_SHARE * self._size_before_burst
        ):
            self._threshold = MILD_DECREASE * self._size_before_burst
            self.size = self._threshold if pause else STRONG_DECREASE * self._size_before_burst
        else:
            self.size = self._threshold = MILD_DECREASE * self._size_before_burst - (
                self._refusal_count - 1
            )
            self._proven_size = min(self._proven_size, int(self.size))
            self._hold_until = now + HOLD_FACTOR * self._patience * max(pause or 0.0, MIN_PAUSE)
        self.size, self._threshold = max(self.size, 1.0), max(self._threshold, 1.0)
        self.resumes_at = max(self.resumes_at, now + (pause or 0.0))

    def _begin_burst(self, now: float) -> None:
        """Begin to count refusals of calls that began before the first of them."""
        self._size_before_burst, self._refusal_count, self._burst_began = self.size, 0, now
        self._size_was_proven = int(self.size) <= self._proven_size and self._successes >= int(
            self.size
        )
        if not self._size_was_proven:
            again = abs(self.size - self._refused_size) < 0.1 * self.size
            self._patience = min(2 * self._patience, MAX_PATIENCE) if again else 1.0
            self._refused_size = self.size
        self._successes = self._proofs = 0
        self._grown_at = now
