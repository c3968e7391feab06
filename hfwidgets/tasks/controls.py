"""Hints on the form control that suits a parameter: plain data, read by panels and magics.

A hint does not name a widget. `advanced` puts a control into the folded part of a form.
"""

import inspect
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin


@dataclass(eq=False, kw_only=True)
class Control:
    """Base class of all hints."""

    advanced: bool = False


@dataclass(eq=False)
class TextBox(Control):
    """Text in a box of so many lines; a button inserts one of the `marks` at a time."""

    count: int = 1
    marks: tuple[str, ...] = ()


@dataclass(eq=False)
class Number(Control):
    """A number to type; `whole` for integers. A bound that is None is open."""

    low: float | None = None
    high: float | None = None
    step: float | None = None
    whole: bool = False


@dataclass(eq=False)
class Slider(Control):
    """Ask for a number within bounds, both included."""

    low: float = 0.0
    high: float = 1.0
    step: float = 0.01
    whole: bool = False


@dataclass(eq=False)
class Choice(Control):
    """One of a few strings."""

    options: tuple[str, ...] = ()


@dataclass(eq=False)
class Checkbox(Control):
    """Yes, no, or unset."""


@dataclass(eq=False)
class LabelList(Control):
    """Ask for a few short labels, at least `least` of them."""

    least: int = 1


@dataclass(eq=False)
class StringList(Control):
    """A list of strings, one per line."""


@dataclass(eq=False)
class TableInput(Control):
    """Ask for a table."""


@dataclass(eq=False)
class MediaInput(Control):
    """A file; `kind` is image, audio or video."""

    kind: str = "image"


@dataclass(eq=False)
class Messages(Control):
    """Ask for a conversation."""


@dataclass(eq=False)
class Json(Control):
    """Ask for anything else, as JSON."""


def derive_control(parameter: inspect.Parameter) -> Control:
    """Return the control that a parameter's annotation suggests, for tasks without a hint."""
    advanced = parameter.kind is parameter.KEYWORD_ONLY
    kinds = _annotation_kinds(parameter.annotation)
    for kind in kinds:
        if get_origin(kind) is Literal:
            return Choice(tuple(map(str, get_args(kind))), advanced=advanced)
    plain = [get_origin(kind) or kind for kind in kinds]
    # The order matters: bool is an int, and a str is the last resort of a union.
    for wanted, control in _BY_TYPE:
        if wanted in plain:
            return control(advanced)
    return Json(advanced=advanced)


def _annotation_kinds(annotation: object) -> list[Any]:
    if get_origin(annotation) in (Union, types.UnionType):
        return [kind for kind in get_args(annotation) if kind is not type(None)]
    return [annotation]


_BY_TYPE: tuple[tuple[type, Callable[[bool], Control]], ...] = (
    (bool, lambda advanced: Checkbox(advanced=advanced)),
    (int, lambda advanced: Number(whole=True, advanced=advanced)),
    (float, lambda advanced: Number(advanced=advanced)),
    (list, lambda advanced: StringList(advanced=advanced)),
    (dict, lambda advanced: Json(advanced=advanced)),
    (str, lambda advanced: TextBox(advanced=advanced)),
)
