"""Whole numbers: the one check of arguments, and how counts are written."""

import numbers
import sys
from typing import Any

from hfwidgets import errors
from hfwidgets.errors.excerpt import show_value


def check_count(name: str, value: Any, least: int = 0) -> int:
    """Return a whole number, of numpy too, as an int.

    Raises:
        ConfigurationError: it is not a whole number, or less than `least`.
    """
    is_whole = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not is_whole or int(value) < least:
        raise errors.ConfigurationError(
            f"{name} must be a whole number, at least {least}; it is {show_value(value)}."
        )
    return min(int(value), sys.maxsize)  # more cannot be counted, and never comes


def format_count(count: int, noun: str) -> str:
    """Return a count with its noun: `1 row`, `2,000 rows`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
