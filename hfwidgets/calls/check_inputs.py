"""Refuse inputs that cannot be meant before anything is sent."""

from hfwidgets import errors
from hfwidgets.core.missing import is_missing
from hfwidgets.errors.excerpt import name_type
from hfwidgets.tasks import BaseTask


def check_inputs(inputs: object, task: BaseTask) -> None:
    """Raise InputError for a missing value, or a whole column where a task takes one value."""
    named = inputs.items() if type(inputs) is dict else (("", inputs),)
    for name, value in named:
        if type(value) is str:
            continue
        what = name or task.inputs[0]
        if is_missing(value):
            raise errors.InputError(
                f"{what} of {task.method} is {value!r}, a missing value: nothing to send."
            )
        if hasattr(value, "iloc"):
            raise errors.InputError(
                f"{what} of {task.method} is {name_type(value)}, which has many values: "
                f"client.map({task.name!r}, ...) processes each of its rows."
            )
