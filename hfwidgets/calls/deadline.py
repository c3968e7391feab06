"""The time budget of a call, shared by all of its steps."""

import time

from hfwidgets import errors


class Deadline:
    """The moment by which a call must have ended; without a timeout, never.

    Attributes:
        timeout: the seconds from now, None without a limit.
        end: the moment on the monotonic clock, None without a limit.
    """

    __slots__ = ("end", "timeout")

    def __init__(self, timeout: float | None) -> None:
        self.timeout = timeout
        self.end = None if timeout is None else time.monotonic() + timeout

    def shorten_to(self, seconds: float) -> "Deadline":
        """Return the earlier of this deadline and one in so many seconds."""
        if self.end is not None and self.end <= time.monotonic() + seconds:
            return self
        return Deadline(seconds)

    def remaining_seconds(self, doing: str) -> float | None:
        """Return the seconds that are left, None without a limit.

        Raises:
            InferenceTimeoutError: no time is left.
        """
        if self.end is None:
            return None
        left = self.end - time.monotonic()
        if left <= 0:
            raise self.timeout_error(doing)
        return left

    def timeout_error(self, doing: str) -> errors.InferenceTimeoutError:
        """Build the error for a budget that has run out."""
        return errors.InferenceTimeoutError(
            f"The call took longer than its timeout of {self.timeout:g} s while {doing}.",
            advice="Pass a larger timeout= to the client; long answers show progress with "
            "stream=True.",
        )
