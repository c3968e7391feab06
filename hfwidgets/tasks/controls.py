"""How a parameter is best asked for: hints as plain data, read by panels and magics.

A hint names no widget. `advanced` puts a control behind a fold.
"""

import inspect
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin


@dataclass(eq=False, kw_only=True)
class Control:
    """What all hints share."""

    advanced: bool = False


@dataclass(eq=False)
class TextBox(Control):
    """Text in a box of so many lines; `marks` are pieces of text that a button puts in, one of
    them at a time.
    """

    count: int = 1
    marks: tuple[str, ...] = ()


@dataclass(eq=False)
class Number(Control):
    """A number typed in; `whole` for integers. None is no bound."""

    low: float | None = None
    high: float | None = None
    step: float | None = None
    whole: bool = False


@dataclass(eq=False)
class Slider(Control):
    """A number within bounds, both included."""

    low: float = 0.0
    high: float = 1.0
    step: float = 0.01
    whole: bool = False


@dataclass(eq=False)
class Choice(Control):
    """One of a few words."""

    options: tuple[str, ...] = ()


@dataclass(eq=False)
class Checkbox(Control):
    """Yes, no, or not said."""


@dataclass(eq=False)
class LabelList(Control):
    """A few short labels, at least `least` of them."""

    least: int = 1


@dataclass(eq=False)
class StringList(Control):
    """A list of strings, one a line."""


@dataclass(eq=False)
class TableInput(Control):
    """A table: column name to its cells."""


@dataclass(eq=False)
class MediaInput(Control):
    """A picture, a sound or a film; `kind` is image, audio or video."""

    kind: str = "image"


@dataclass(eq=False)
class Messages(Control):
    """A conversation."""


@dataclass(eq=False)
class Json(Control):
    """Anything else, as JSON."""


def derive_control(parameter: inspect.Parameter) -> Control:
    """The control that a parameter's annotation suggests when its task gives no hint."""
    advanced = parameter.kind is parameter.KEYWORD_ONLY
    kinds = _annotation_kinds(parameter.annotation)
    for kind in kinds:
        if get_origin(kind) is Literal:
            return Choice(tuple(map(str, get_args(kind))), advanced=advanced)
    plain = [get_origin(kind) or kind for kind in kinds]
    for wanted, control in _BY_TYPE:
        if wanted in plain:
            return control(advanced)
    return Json(advanced=advanced)


def _annotation_kinds(annotation: Any) -> list[Any]:
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
