"""Check requests against the signature of the function that will receive them."""

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

# Sent by clients among the parameters; without effect on the answer.
IGNORED_PARAMETERS = frozenset({"model"})


def check_arguments(
    function: Callable[..., Any], task: str, inputs: Any, parameters: Mapping[str, Any]
) -> tuple[Any, dict[str, Any]]:
    """Return inputs and parameters in the types of the function's signature; 400 if they differ."""
    hints, known = _signature(function)
    # The second form of a task function takes all parameters as one Struct.
    if "parameters" in hints:
        struct = parse_body(hints["parameters"], parameters, task, IGNORED_PARAMETERS)
        return convert_value(inputs, hints["inputs"], f"inputs of {task}", "inputs"), {
            "parameters": struct
        }
    # Clients send null for options that their caller left open.
    values = {name: value for name, value in parameters.items() if value is not None}
    for name in values.keys() - known:
        if name not in IGNORED_PARAMETERS:
            raise bad_request(_unknown_parameter_message(name, task, known), name)
    for name in _required_parameters(function) - values.keys():
        raise bad_request(f"{task} needs the parameter {name!r}.", name)
    converted = {
        name: convert_value(value, hints[name], f"parameter {name!r} of {task}", name)
        for name, value in values.items()
        if name in known
    }
    return convert_value(inputs, hints["inputs"], f"inputs of {task}", "inputs"), converted


def input_type(function: Callable[..., Any]) -> object:
    """Return the annotation of a task function's inputs."""
    return _signature(function)[0]["inputs"]


def takes_one_text(function: Callable[..., Any]) -> bool:
    """True if a task function's inputs are a single text."""
    wanted = input_type(function)
    return getattr(wanted, "__origin__", wanted) is str  # Annotated names its type there


def convert_value(value: object, kind: Any, what: str, parameter: str | None = None) -> Any:
    """Convert a JSON value to the annotated type; the 400 names what is wrong and where."""
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, RecursionError) as error:
        text = (
            str(error)
            # msgspec names Python's type and a path from "$"; clients know the parameter's name.
            .replace("`null`", "nothing")
            .replace(" - at `$", " - at `" + (parameter or "$"))
        )
        raise bad_request(
            f"Wrong {what}: {text}.{_possible_values(kind, str(error))}", parameter
        ) from error


def _possible_values(kind: Any, message: str) -> str:
    """Return a sentence with the values allowed where another was sent, "" if none are listed."""
    if "Invalid enum value" not in message:
        return ""
    path = re.search(r"at `\$((?:\.\w+)+)", message)
    for field in path[1].split(".")[1:] if path else ():
        kind = _field_type(kind, field)
    values = ", ".join(map(repr, _literal_values(kind)))
    return f" Possible values: {values}." if values else ""


def _field_type(kind: Any, name: str) -> Any:
    """Return the type of a field of a Struct, or of the Struct in a union; else the type."""
    kinds = [one for one in (kind, *typing.get_args(kind)) if isinstance(one, type)]
    for one in kinds:
        if issubclass(one, msgspec.Struct) and name in one.__struct_fields__:
            return typing.get_type_hints(one, include_extras=True)[name]
    return kind


def _literal_values(kind: Any) -> list[Any]:
    """Return the values that a type lists, including those of its parts."""
    if typing.get_origin(kind) is typing.Literal:
        return list(typing.get_args(kind))
    if kind is bool:
        return [True, False]
    return [value for part in typing.get_args(kind) for value in _literal_values(part)]


@functools.cache
def _signature(function: Callable[..., Any]) -> tuple[dict[str, Any], frozenset[str]]:
    """Return a function's annotations, and the names of its parameters."""
    known = inspect.signature(function).parameters.values()
    names = frozenset(item.name for item in known if item.kind is inspect.Parameter.KEYWORD_ONLY)
    # The limits of values are extras of Annotated, which would be dropped by default.
    return typing.get_type_hints(function, include_extras=True), names


@functools.cache
def _required_parameters(function: Callable[..., Any]) -> frozenset[str]:
    """Return the names of the parameters without a default."""
    known = inspect.signature(function).parameters.values()
    keyword = inspect.Parameter.KEYWORD_ONLY
    return frozenset(
        item.name for item in known if item.kind is keyword and item.default is item.empty
    )


def _unknown_parameter_message(name: str, task: str, known: frozenset[str]) -> str:
    supported = f"it supports {', '.join(sorted(known))}" if known else "it has no parameters"
    return (
        f"The local engine does not support {name!r} for {task}; {supported}."
        f"{did_you_mean(name, known)}"
    )


def parse_body(kind: type[S], body: Mapping[str, object], what: str, ignored: frozenset[str]) -> S:
    """Convert a request's body to a Struct; unknown keys are refused by name, ignored ones
    dropped."""
    known = frozenset(kind.__struct_fields__)
    values = {name: value for name, value in body.items() if value is not None}
    for name in values.keys() - known - ignored:
        raise bad_request(_unknown_parameter_message(name, what, known), name)
    fields = {name: value for name, value in values.items() if name in known}
    converted: S = convert_value(fields, kind, what)
    return converted
