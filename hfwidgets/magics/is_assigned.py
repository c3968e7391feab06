"""Finds the code that runs a magic: its variables, and whether it uses the magic's value."""

import ast
import sys
from collections.abc import Mapping
from types import FrameType
from typing import Any

_RUNNERS = ("run_line_magic", "run_cell_magic")
"""The functions of IPython's shell that run a magic."""


def is_assigned() -> bool | None:
    """True in `x = %infer ...`, False in a bare `%infer ...`, None where that is unknown.

    IPython turns a magic into a call, `get_ipython().run_line_magic(...)`, so a bare magic is an
    expression statement that is this call. Must be called while the magic runs.
    """
    frame = _find_caller(sys._getframe())
    if frame is None:
        return None
    import executing  # finds the node that a frame executes, which no line number tells

    found = executing.Source.executing(frame)
    # Where the node is uncertain, `executing` offers every statement that the line could belong to.
    if not found.statements or len(found.statements) != 1:
        return None
    [statement] = found.statements
    node: Any = found.node
    return not isinstance(statement, ast.Expr) or node not in (None, statement.value)


def local_variables() -> Mapping[str, Any]:
    """Return the local variables of the function that runs a magic; none at the top level.

    IPython's `needs_local_scope` passes these for line magics only; a cell magic that a function
    runs gets the global variables in their place. Must be called while the magic runs.
    """
    frame = _find_caller(sys._getframe())
    if frame is None or frame.f_locals is frame.f_globals:
        return {}
    return dict(frame.f_locals)


def _find_caller(frame: FrameType | None) -> FrameType | None:
    """Return the frame that called IPython's run_line_magic or run_cell_magic."""
    # By name, since the number of frames in between differs with decorators and versions of
    # IPython.
    while frame is not None and frame.f_code.co_name not in _RUNNERS:
        frame = frame.f_back
    return frame.f_back if frame is not None else None
