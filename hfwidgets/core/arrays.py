"""What arrays, columns and tensors of every library have in common."""

from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class SupportsToList(Protocol):
    """A value that becomes plain numbers and lists by itself: numpy, pandas, torch."""

    def tolist(self) -> Any:
        """Return it as plain values."""
        ...
