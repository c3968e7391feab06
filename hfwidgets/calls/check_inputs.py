"""Inputs that cannot be meant, refused before anything is sent."""

from typing import Any

from hfwidgets import errors
from hfwidgets.core.missing import is_missing
from hfwidgets.tasks import BaseTask


def check_inputs(inputs: Any, task: BaseTask) -> None:
    """InputError where an input is missing, or is a whole column where one value is asked for."""
    named = inputs.items() if type(inputs) is dict else (("", inputs),)
    for name, value in named:
        if type(value) is str:
            continue
        what = name or task.inputs[0]
        if is_missing(value):
            raise errors.InputError(
                f"{what} of {task.method} is {value!r}, a missing value: there is nothing to ask."
            )
        if hasattr(value, "iloc"):
            raise errors.InputError(
                f"{what} of {task.method} is a {type(value).__name__}, which is many: "
                f"client.map({task.name!r}, ...) asks for each of its rows."
            )
