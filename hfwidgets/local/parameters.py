"""Check what came over the wire against the signature of the function that will get it."""

import functools
import inspect
import typing
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from hfwidgets.errors import near
from hfwidgets.local.refusal import bad

S = TypeVar("S", bound=msgspec.Struct)

# Sent by clients beside the parameters without any effect on the answer.
HARMLESS = frozenset({"model", "options", "use_cache", "wait_for_model"})


def checked(
    function: Callable[..., Any], task: str, inputs: Any, parameters: Mapping[str, Any]
) -> tuple[Any, dict[str, Any]]:
    """Inputs and parameters in the types of the function's signature; a 400 when they are not."""
    hints, known = _signature(function)
    if "parameters" in hints:
        struct = record(hints["parameters"], parameters, task, HARMLESS)
        return converted(inputs, hints["inputs"], f"inputs of {task}", "inputs"), {
            "parameters": struct
        }
    given = {name: value for name, value in parameters.items() if value is not None}
    for name in given.keys() - known:
        if name not in HARMLESS:
            raise bad(_unknown(name, task, known), name)
    values = {
        name: converted(value, hints[name], f"parameter {name!r} of {task}", name)
        for name, value in given.items()
        if name in known
    }
    return converted(inputs, hints["inputs"], f"inputs of {task}", "inputs"), values


def converted(value: Any, kind: Any, what: str, parameter: str | None = None) -> Any:
    """A JSON value as the annotated type; a 400 that says what is wrong and where."""
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        text = (
            str(error)
            .replace("`null`", "nothing")
            .replace(" - at `$", " - at `" + (parameter or "$"))
        )
        raise bad(f"Wrong {what}: {text}.", parameter) from error


@functools.cache
def _signature(function: Callable[..., Any]) -> tuple[dict[str, Any], frozenset[str]]:
    """A function's annotations, and the names of its parameters."""
    known = inspect.signature(function).parameters.values()
    names = frozenset(item.name for item in known if item.kind is inspect.Parameter.KEYWORD_ONLY)
    return typing.get_type_hints(function, include_extras=True), names


def _unknown(name: str, task: str, known: frozenset[str]) -> str:
    takes = f"it takes {', '.join(sorted(known))}" if known else "it takes no parameters"
    return f"The embedded engine does not do {name!r} for {task}; {takes}.{near(name, known)}"


def record(kind: type[S], body: Mapping[str, Any], what: str, harmless: frozenset[str]) -> S:
    """A request's body as a Struct; unknown keys are refused by name, harmless ones dropped."""
    known = frozenset(kind.__struct_fields__)
    given = {name: value for name, value in body.items() if value is not None}
    for name in given.keys() - known - harmless:
        raise bad(_unknown(name, what, known), name)
    fields = {name: value for name, value in given.items() if name in known}
    made: S = converted(fields, kind, what)
    return made
