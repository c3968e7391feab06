"""Adapts the number of rows that one request takes to what the server accepts.

It begins with one request at a time, until a server has answered a list of inputs: a server that
takes none is found out by few requests. The size doubles while answers come quickly, and falls for
good where a server calls a request too large, or takes too long for it.
"""

from hfwidgets import errors

INITIAL_SIZE = 32
"""The rows of the first request; text-embeddings-inference accepts so many by default."""

MAX_SIZE = 64
"""The most rows of a request where the caller sets no number."""

QUICK_SECONDS = 1.0
"""The duration of an answer below which the next requests take more rows."""

MAX_UNPROVEN_REFUSALS = 6
"""How many lists a server may refuse, before it has answered one, until rows are sent alone."""


class GroupSize:
    """Decide how many rows a request takes.

    Args:
        initial: The size to begin with; 1 sends every row alone.
        maximum: The upper bound of the size, until a server refuses it.

    Attributes:
        size: The rows of the next request.
        maximum: The upper bound of the size.
        is_proven: True once a server has answered a list.
    """

    def __init__(self, initial: int, maximum: int) -> None:
        self.size, self.maximum = min(initial, maximum), maximum
        self.is_proven = False
        self._refusals = 0

    def may_start(self, running: int) -> bool:
        """True if one more request for several rows may start, with so many under way."""
        return running == 0 or self.is_proven

    def record_success(self, count: int, seconds: float) -> None:
        """Count an answer to so many rows."""
        if count < 2:
            return
        self.is_proven, self._refusals = True, 0
        if count >= self.size and seconds < QUICK_SECONDS:
            self.size = min(2 * self.size, self.maximum)

    def record_refusal(self, count: int, *, is_too_large: bool) -> None:
        """Count a refusal of so many rows: of their number, or for any other reason."""
        self._refusals += 1
        if is_too_large:
            self.size = self.maximum = max(1, min(self.size, count // 2))
        # One of the rows may be to blame. Where every list is refused, it is not.
        if not self.is_proven and self._refusals >= MAX_UNPROVEN_REFUSALS:
            self.give_up()

    def give_up(self) -> None:
        """Send every row alone from now on."""
        self.size = self.maximum = 1


def is_too_large(error: Exception) -> bool:
    """True if a server refused a request for its size, or took too long for it."""
    if isinstance(error, errors.InferenceTimeoutError):
        return True
    status = getattr(error, "status_code", None)
    return status in (413, 504) or (status in (400, 422) and "batch size" in str(error).lower())
