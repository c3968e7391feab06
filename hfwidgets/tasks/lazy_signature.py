"""The signature of a method that is made from a task's declaration."""

import inspect
from collections.abc import Callable
from typing import Any


class LazySignature:
    """A method's signature, worked out when it is looked at: most never are.

    It is a method's `__wrapped__`, where `inspect.signature` looks for a `__signature__`.
    """

    __slots__ = ("_function", "_result_type")

    def __init__(self, function: Callable[..., Any], result_type: Callable[[], Any]) -> None:
        self._function = function
        self._result_type = result_type

    @property
    def __wrapped__(self) -> Callable[..., Any]:
        return self._function

    @property
    def __signature__(self) -> inspect.Signature:
        full = inspect.signature(self._function)
        return full.replace(return_annotation=self._result_type())
