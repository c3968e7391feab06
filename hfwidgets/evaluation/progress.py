"""A line of progress that is rewritten in place."""

import sys

_WIDTH = 78


def show_line(text: str, *, is_last: bool) -> None:
    """Write a line over the one before; the last one is wiped."""
    line = "" if is_last else text
    end = "" if not is_last else "\r"
    sys.stderr.write(f"\r{line:<{_WIDTH}}{end}")
    sys.stderr.flush()
