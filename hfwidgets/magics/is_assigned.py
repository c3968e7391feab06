"""Finds out whether the statement around a line magic uses its value."""

import ast
import sys
from types import FrameType
from typing import Any


def is_assigned() -> bool | None:
    """True in `x = %infer ...`, False in a bare `%infer ...`, None where that is unknown.

    IPython turns a line magic into a call, `get_ipython().run_line_magic(...)`, so a bare magic is
    an expression statement that is this call. Must be called while the line magic runs.
    """
    frame = _find_caller(sys._getframe())
    if frame is None:
        return None
    import executing  # finds the node that a frame executes, which no line number tells

    found = executing.Source.executing(frame)
    if not found.statements or len(found.statements) != 1:
        return None
    [statement] = found.statements
    node: Any = found.node
    return not isinstance(statement, ast.Expr) or node not in (None, statement.value)


def _find_caller(frame: FrameType | None) -> FrameType | None:
    """Return the frame that called IPython's run_line_magic."""
    while frame is not None and frame.f_code.co_name != "run_line_magic":
        frame = frame.f_back
    return frame.f_back if frame is not None else None
