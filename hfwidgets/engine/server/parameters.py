"""Check what came over the wire against the signature of the function that will get it."""

import functools
import inspect
import re
import typing
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.errors import did_you_mean

S = TypeVar("S", bound=msgspec.Struct)

# Sent by clients beside the parameters without any effect on the answer.
IGNORED_PARAMETERS = frozenset({"model"})


def check_arguments(
    function: Callable[..., Any], task: str, inputs: Any, parameters: Mapping[str, Any]
) -> tuple[Any, dict[str, Any]]:
    """Inputs and parameters in the types of the function's signature; a 400 when they are not."""
    hints, known = _signature(function)
    if "parameters" in hints:
        struct = parse_body(hints["parameters"], parameters, task, IGNORED_PARAMETERS)
        return convert_value(inputs, hints["inputs"], f"inputs of {task}", "inputs"), {
            "parameters": struct
        }
    given = {name: value for name, value in parameters.items() if value is not None}
    for name in given.keys() - known:
        if name not in IGNORED_PARAMETERS:
            raise bad_request(_unknown_parameter_message(name, task, known), name)
    for name in _required_parameters(function) - given.keys():
        raise bad_request(f"{task} needs the parameter {name!r}.", name)
    values = {
        name: convert_value(value, hints[name], f"parameter {name!r} of {task}", name)
        for name, value in given.items()
        if name in known
    }
    return convert_value(inputs, hints["inputs"], f"inputs of {task}", "inputs"), values


def convert_value(value: Any, kind: Any, what: str, parameter: str | None = None) -> Any:
    """A JSON value as the annotated type; a 400 that says what is wrong and where."""
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        text = (
            str(error)
            .replace("`null`", "nothing")
            .replace(" - at `$", " - at `" + (parameter or "$"))
        )
        raise bad_request(
            f"Wrong {what}: {text}.{_possible_values(kind, str(error))}", parameter
        ) from error


def _possible_values(kind: Any, said: str) -> str:
    """The values that may stand where another one did; nothing for values that are not listed."""
    if "Invalid enum value" not in said:
        return ""
    path = re.search(r"at `\$((?:\.\w+)+)", said)
    for field in path[1].split(".")[1:] if path else ():
        kind = _field_type(kind, field)
    values = ", ".join(map(repr, _literal_values(kind)))
    return f" Possible are {values}." if values else ""


def _field_type(kind: Any, name: str) -> Any:
    """The type of a field of a Struct, or of the Struct that a type may be; else the type."""
    kinds = [one for one in (kind, *typing.get_args(kind)) if isinstance(one, type)]
    for one in kinds:
        if issubclass(one, msgspec.Struct) and name in one.__struct_fields__:
            return typing.get_type_hints(one, include_extras=True)[name]
    return kind


def _literal_values(kind: Any) -> list[Any]:
    """The values that a type lists, those of its parts included."""
    if typing.get_origin(kind) is typing.Literal:
        return list(typing.get_args(kind))
    if kind is bool:
        return [True, False]
    return [value for part in typing.get_args(kind) for value in _literal_values(part)]


@functools.cache
def _signature(function: Callable[..., Any]) -> tuple[dict[str, Any], frozenset[str]]:
    """A function's annotations, and the names of its parameters."""
    known = inspect.signature(function).parameters.values()
    names = frozenset(item.name for item in known if item.kind is inspect.Parameter.KEYWORD_ONLY)
    return typing.get_type_hints(function, include_extras=True), names


@functools.cache
def _required_parameters(function: Callable[..., Any]) -> frozenset[str]:
    """The names of the parameters that have no default."""
    known = inspect.signature(function).parameters.values()
    keyword = inspect.Parameter.KEYWORD_ONLY
    return frozenset(
        item.name for item in known if item.kind is keyword and item.default is item.empty
    )


def _unknown_parameter_message(name: str, task: str, known: frozenset[str]) -> str:
    takes = f"it takes {', '.join(sorted(known))}" if known else "it takes no parameters"
    return (
        f"The embedded engine does not do {name!r} for {task}; {takes}.{did_you_mean(name, known)}"
    )


def parse_body(kind: type[S], body: Mapping[str, Any], what: str, harmless: frozenset[str]) -> S:
    """A request's body as a Struct; unknown keys are refused by name, harmless ones dropped."""
    known = frozenset(kind.__struct_fields__)
    given = {name: value for name, value in body.items() if value is not None}
    for name in given.keys() - known - harmless:
        raise bad_request(_unknown_parameter_message(name, what, known), name)
    fields = {name: value for name, value in given.items() if name in known}
    made: S = convert_value(fields, kind, what)
    return made
