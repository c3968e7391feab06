"""The one check of arguments that are paths, and what `~` stands for in them."""

import os
from pathlib import Path
from typing import Any

from hfwidgets import errors
from hfwidgets.errors.excerpt import show_value


def to_path(name: str, value: object) -> Path:
    """Return an argument as a path, with `~` expanded.

    Raises:
        ConfigurationError: it is not a path, blank, or has characters that no path has.
    """
    text: Any = None
    try:
        # Both conversions refuse what is not a path; the second one halves of characters, too.
        text = os.fspath(value)  # type: ignore[call-overload]
        is_usable = isinstance(text, str) and bool(text.strip()) and b"\0" not in os.fsencode(text)
    except (TypeError, UnicodeEncodeError):
        is_usable = False
    if not is_usable:
        raise errors.ConfigurationError(f"{name} must be a path; it is {show_value(value)}.")
    return expand_home(text)


def expand_home(path: str) -> Path:
    """Return a path with `~` expanded, where the home folder is known.

    A container may run as a user without one, for whom `Path.expanduser` raises an error.
    """
    return Path(os.path.expanduser(path))  # noqa: PTH111
