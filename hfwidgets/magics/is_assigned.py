"""Whether a line magic's value is taken by the statement that it stands in."""

import ast
import sys
from types import FrameType
from typing import Any


def is_assigned() -> bool | None:
    """True in `x = %infer ...`, False where it is a statement of its own, None if that is unknown.

    Must be called on the stack of a running line magic.
    """
    frame = _find_caller(sys._getframe())
    if frame is None:
        return None
    import executing

    found = executing.Source.executing(frame)
    if not found.statements or len(found.statements) != 1:
        return None
    [statement] = found.statements
    node: Any = found.node
    return not isinstance(statement, ast.Expr) or node not in (None, statement.value)


def _find_caller(frame: FrameType | None) -> FrameType | None:
    """The frame that called IPython's run_line_magic."""
    while frame is not None and frame.f_code.co_name != "run_line_magic":
        frame = frame.f_back
    return frame.f_back if frame is not None else None
