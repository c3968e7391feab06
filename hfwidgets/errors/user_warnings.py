"""Warn at the line of the user's program."""

import sys
import warnings

PACKAGE = __name__.partition(".")[0]


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn as from the innermost line outside this package, which its author can change.

    Work on the background loop has no such line; the warning names `sys` then.
    """
    # Counted by hand: `skip_file_prefixes` of `warnings.warn` needs Python 3.12.
    frame, level = sys._getframe(1), 2
    while frame is not None and _is_ours(frame.f_globals.get("__name__") or ""):
        frame, level = frame.f_back, level + 1  # type: ignore[assignment]
    warnings.warn(message, category, stacklevel=level)


def _is_ours(module: str) -> bool:
    return module == PACKAGE or module.startswith(f"{PACKAGE}.")
