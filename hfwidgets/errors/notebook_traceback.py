"""Show an error in IPython as the user's own lines and the message.

A call passes through a dozen frames of this package and of its HTTP library, which say nothing to
who made it. IPython asks an exception for its own traceback (`_render_traceback_`); `%xmode
Verbose` still shows all frames, with the secrets in their values masked.
"""

import sys
from collections.abc import Iterable
from types import FrameType, TracebackType
from typing import Any

from hfwidgets.errors.secrets import redact

PACKAGE = __name__.partition(".")[0]

_SHELL_PACKAGES = ("IPython", "ipykernel")


def render_traceback(error: BaseException, secrets: Iterable[str] = ()) -> list[str] | None:
    """Return the lines that IPython prints for an error; None outside IPython.

    Args:
        error: The error.
        secrets: What no line shows, the user's own variables in verbose mode included.
    """
    formatter = _find_formatter()
    if formatter is None:
        return None
    if formatter.mode == "Verbose":
        lines = formatter.structured_traceback(type(error), error, error.__traceback__)
        return [redact(line, secrets) for line in lines]
    # IPython prints an exception's causes too; here they are the inside of a call.
    cause, is_suppressed = error.__cause__, error.__suppress_context__
    error.__cause__, error.__suppress_context__ = None, True
    try:
        frames = keep_user_frames(error.__traceback__)
        if frames is None:
            return [str(line) for line in formatter.get_exception_only(type(error), error)]
        lines = formatter.structured_traceback(type(error), error, frames, tb_offset=0)
        return [redact(line, secrets) for line in lines]
    finally:
        error.__cause__, error.__suppress_context__ = cause, is_suppressed


def _find_formatter() -> Any:
    """Return the traceback formatter of the running shell, without importing IPython."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "InteractiveTB", None)


def keep_user_frames(trace: TracebackType | None) -> TracebackType | None:
    """Return a traceback with the frames of the user's own code alone; None if it has none."""
    own: list[TracebackType] = []
    while trace is not None:
        if is_user_frame(trace.tb_frame):
            own.append(trace)
        trace = trace.tb_next
    # From the innermost frame outward, since each step names the next one when it is made.
    kept: TracebackType | None = None
    for step in reversed(own):
        kept = TracebackType(kept, step.tb_frame, step.tb_lasti, step.tb_lineno)
    return kept


def is_user_frame(frame: FrameType) -> bool:
    """True if a frame runs neither this package, nor the shell, nor an installed library."""
    package = str(frame.f_globals.get("__name__") or "").partition(".")[0]
    if package == PACKAGE or package in _SHELL_PACKAGES:
        return False
    import sysconfig  # costly to import, and most programs have no errors

    # Cells have paths in a temporary folder; a user's own package may be installed as editable.
    path = frame.f_code.co_filename
    libraries = {sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")}
    return not path.startswith("<frozen") and not path.startswith(tuple(libraries))
