"""The forms of an evaluation's arguments, checked before anything is asked."""

from collections.abc import Callable, Mapping
from typing import Any

from hfwidgets.errors import ConfigurationError
from hfwidgets.errors.excerpt import show_value
from hfwidgets.evaluation.metrics import Metric


def _is_column_map(value: object) -> bool:
    # A number is looked up too, so that the error lists the columns.
    return isinstance(value, Mapping) and all(isinstance(at, (str, int)) for at in value.values())


_FORMS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "label": (
        lambda value: isinstance(value, (str, int)) or callable(value),
        "the name of a column, or a function of the row",
    ),
    "column": (
        lambda value: value is None or isinstance(value, (str, int)) or _is_column_map(value),
        "the name of a column, or a dict of parameter to column",
    ),
    "group": (lambda value: value is None or isinstance(value, (str, int)), "the name of a column"),
    "metrics": (
        lambda value: (
            value is None
            or isinstance(value, (str, Metric, list, tuple))
            or (callable(value) and not isinstance(value, type))
        ),
        "a name, a function, or a list of these",
    ),
    "labels": (
        lambda value: value is None or isinstance(value, Mapping),
        "a dict from a model's words to labels",
    ),
}
"""For each argument, what tells its forms, and these in words."""


def check_forms(**arguments: object) -> None:
    """Raise ConfigurationError for an argument of another form."""
    for name, value in arguments.items():
        fits, what = _FORMS[name]
        if not fits(value):
            raise ConfigurationError(f"{name} must be {what}; it is {show_value(value)}.")
