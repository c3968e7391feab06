"""The time budget of a call, shared by all of its steps."""

import time

from hfwidgets import errors


class Deadline:
    """The moment by which a call must have ended; without a timeout, never."""

    __slots__ = ("_at", "timeout")

    def __init__(self, timeout: float | None) -> None:
        self.timeout = timeout
        self._at = None if timeout is None else time.monotonic() + timeout

    def shorten_to(self, seconds: float | None) -> "Deadline":
        """Return the earlier of this deadline and one in so many seconds."""
        if seconds is None or (self._at is not None and self._at <= time.monotonic() + seconds):
            return self
        return Deadline(seconds)

    def remaining_seconds(self, doing: str) -> float | None:
        """Return the seconds that are left, None without a limit.

        Raises:
            InferenceTimeoutError: no time is left.
        """
        if self._at is None:
            return None
        left = self._at - time.monotonic()
        if left <= 0:
            raise self.timeout_error(doing)
        return left

    def timeout_error(self, doing: str) -> errors.InferenceTimeoutError:
        """Build the error for a budget that has run out."""
        return errors.InferenceTimeoutError(
            f"The call took longer than its timeout of {self.timeout:g} s while {doing}. "
            "Pass a larger timeout= to the client; long answers show progress with stream=True."
        )
