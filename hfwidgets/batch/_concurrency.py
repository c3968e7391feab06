"""Adapts the number of concurrent calls: more while calls succeed, fewer when a server refuses.

Additive increase and multiplicative decrease (as in TCP congestion control, RFC 5681), refined by
what a refusal tells:

* A size that was not proven yet is refused: it was too large, by as many calls as were refused.
  The size falls below that and stays there for a while, since each attempt to exceed it costs a
  pause. The hold doubles each time that the same size is refused again.
* A proven size is refused after calls succeeded, or nearly all calls are refused: the server is
  out of capacity for the moment (a rate window is used up). The size falls a little where the
  server names the wait, else by a third, and recovers soon.

A pause that a server asks for (Retry-After) applies to all calls.
"""

import time
from collections.abc import Callable

MILD_DECREASE = 0.95
"""The factor for a size that was refused, in addition to subtracting the excess calls."""

STRONG_DECREASE = 0.7
"""The factor where neither the size nor a pause explains the refusal."""

MASS_REFUSAL_SHARE = 0.75
"""The share of a size's calls that must be refused to blame the server and not the size."""

HOLD_FACTOR = 20.0
"""How long a size is held after a refusal, as a multiple of the pause that it cost."""

MAX_PATIENCE = 8.0
"""The largest factor by which repeated refusals of one size lengthen the hold."""

MIN_PAUSE = 0.1
"""The assumed cost of a refusal where the server names no pause, in seconds."""


class Limiter:
    """Decide how many calls may run at once.

    Args:
        max_size: The upper bound of the size.
        initial_size: The size to begin with.
        clock: Returns the current time in seconds.
    """

    def __init__(
        self, max_size: int, initial_size: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.max_size = max_size
        self.size = float(min(initial_size, max_size))
        self.resumes_at = 0.0
        self._clock = clock
        # Below the threshold the size grows by one per success (slow start), above it by one per
        # round of successes.
        self._threshold = float(max_size)
        # Before every possible time: the clock's zero is arbitrary.
        self._burst_began = self._hold_until = self._grown_at = float("-inf")
        self._successes = self._proofs = self._proven_size = self._refusal_count = 0
        self._size_before_burst = self._refused_size = self._patience = 0.0

    def has_room(self, running: int) -> bool:
        """True if one more call may start now, with `running` calls under way."""
        return running < int(self.size) and self.pause == 0

    @property
    def pause(self) -> float:
        """Return the seconds until calls may start again; 0 when they may."""
        return max(0.0, self.resumes_at - self._clock())

    def record_success(self, began: float) -> None:
        """Count an answer to a call that began at this time."""
        if began <= self._burst_began:
            return  # sent at the old size: its success says nothing about the current one
        self._successes += 1
        before = int(self.size)
        self._prove(began, before)
        if self.size < self._threshold:
            self.size += 1
        # Well below the size that was refused, growth is safe. Close to it, each attempt may cost a
        # pause, so the size waits until the hold ends.
        elif self.size < MILD_DECREASE * self._refused_size or self._clock() >= self._hold_until:
            self.size += 1 / self.size
        self.size = min(self.size, float(self.max_size))
        if int(self.size) > before:
            # Answers to calls of the smaller size prove nothing about the larger one.
            self._grown_at, self._proofs = self._clock(), 0

    def _prove(self, began: float, size: int) -> None:
        """Prove a size by half as many answers to calls that began after it was reached."""
        self._proofs += began > self._grown_at
        if 2 * self._proofs >= size:
            self._proven_size = max(self._proven_size, size)

    def record_refusal(self, began: float, pause: float | None) -> None:
        """Count a refusal of a call that began at this time, with its pause in seconds."""
        now = self._clock()
        if began > self._burst_began:
            self._begin_burst(now)
        self._refusal_count += 1
        is_mass_refusal = self._refusal_count >= MASS_REFUSAL_SHARE * self._size_before_burst
        # Each refusal of a burst decides again from the size before the burst, knowing more.
        if self._size_was_proven or is_mass_refusal:
            self._threshold = MILD_DECREASE * self._size_before_burst
            # A server that names a pause recovers during it; another one needs fewer calls.
            self.size = self._threshold if pause else STRONG_DECREASE * self._size_before_burst
        else:
            # The mild decrease covers the first refusal; each further one is a call too many.
            excess = self._refusal_count - 1
            self.size = self._threshold = MILD_DECREASE * self._size_before_burst - excess
            self._proven_size = min(self._proven_size, int(self.size))
            self._hold_until = now + HOLD_FACTOR * self._patience * max(pause or 0.0, MIN_PAUSE)
        # With no call allowed, no success could ever raise the size again.
        self.size, self._threshold = max(self.size, 1.0), max(self._threshold, 1.0)
        # A later refusal may name a shorter wait, which must not end the pause early.
        self.resumes_at = max(self.resumes_at, now + (pause or 0.0))

    def _begin_burst(self, now: float) -> None:
        """Start counting the refusals of calls that began before the first of them.

        Calls that are under way at the first refusal were sent at the same size, so what becomes
        of them is one event and changes the size once.
        """
        self._size_before_burst, self._refusal_count, self._burst_began = self.size, 0, now
        # An old proof counts only after a full round of answers since the last burst: the server
        # may allow less by now.
        self._size_was_proven = int(self.size) <= self._proven_size and self._successes >= int(
            self.size
        )
        if not self._size_was_proven:
            # Sizes are fractions, so two bursts rarely begin at exactly the same one.
            is_same_size = abs(self.size - self._refused_size) < 0.1 * self.size
            self._patience = min(2 * self._patience, MAX_PATIENCE) if is_same_size else 1.0
            self._refused_size = self.size
        self._successes = self._proofs = 0
        self._grown_at = now
