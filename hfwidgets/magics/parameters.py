"""Collects a task's parameters from `-P NAME=VALUE`, `--params` and the shortcuts."""

import json
import types
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from IPython.core.error import UsageError

from hfwidgets.errors import did_you_mean
from hfwidgets.errors.excerpt import name_type
from hfwidgets.magics.inputs import resolve_variable
from hfwidgets.magics.variables import Namespace
from hfwidgets.tasks import BaseTask
from hfwidgets.tasks.chat import ChatOptions

RESERVED_PARAMETERS = frozenset({"model", "stream", "messages"})
_SHORTCUTS = {
    "temperature": ("temperature",),
    "max_tokens": ("max_tokens", "max_new_tokens"),
    "top_p": ("top_p",),
    "seed": ("seed",),
}


def settable_parameters(task: BaseTask) -> dict[str, Any]:
    """Return the annotations of the parameters that `-P` may set, by name."""
    found = {
        name: known.annotation
        for name, known in task.signature.parameters.items()
        if known.kind is known.KEYWORD_ONLY
    }
    if accepts_extra(task):
        found |= get_type_hints(ChatOptions)
    return {
        name: annotation for name, annotation in found.items() if name not in RESERVED_PARAMETERS
    }


def accepts_extra(task: BaseTask) -> bool:
    """True if the client passes on parameters that the task does not name."""
    return any(known.kind is known.VAR_KEYWORD for known in task.signature.parameters.values())


def collect_parameters(
    task: BaseTask, options: Mapping[str, Any], names: Namespace
) -> dict[str, Any]:
    """Return all parameters of a call by name; `-P` wins over `--params`, shortcuts over both.

    Raises:
        UsageError: the task has no such parameter, or `-P` is not NAME=VALUE.
    """
    found = _parameters_from_dict(task, options.get("params", {}))
    for item in options.get("param", ()):
        name, text = _split_assignment(item)
        name = check_parameter(task, name)
        found[name] = _parse_value(settable_parameters(task)[name], text, names)
    for key in _SHORTCUTS.keys() & options.keys():
        found[_resolve_shortcut(task, key)] = options[key]
    return found


def check_parameter(task: BaseTask, name: str) -> str:
    """Return the parameter's name; UsageError with the nearest if the task does not have it."""
    name = name.replace("-", "_")
    known = settable_parameters(task)
    if name not in known:
        raise UsageError(
            f"{task.name} has no parameter {name!r}.{did_you_mean(name, known)} It has: "
            f"{', '.join(known)}."
            f"{' Pass others by --params $dict.' if accepts_extra(task) else ''}"
        )
    return name


def _parameters_from_dict(task: BaseTask, params: object) -> dict[str, Any]:
    if not isinstance(params, Mapping):
        raise UsageError(f"--params must be a $dict, not {name_type(params)}.")
    if accepts_extra(task):
        return dict(params)
    return {check_parameter(task, str(name)): value for name, value in params.items()}


def _split_assignment(item: str) -> tuple[str, str]:
    name, equals, text = item.partition("=")
    if not equals or not name:
        raise UsageError(f"-P must be NAME=VALUE, not {item!r}.")
    return name.strip(), text


def _resolve_shortcut(task: BaseTask, key: str) -> str:
    for name in _SHORTCUTS[key]:
        if name in settable_parameters(task):
            return name
    raise UsageError(
        f"{task.name} has no parameter {key!r}. It has: "
        f"{', '.join(settable_parameters(task)) or 'none'}."
    )


def _parse_value(annotation: object, text: str, names: Namespace) -> Any:
    """Return a text's value: a variable, JSON where the parameter accepts it, else the text."""
    return resolve_variable(text, names, partial(_parse_typed, annotation, text))


def _parse_typed(annotation: object, text: str) -> Any:
    # JSON decides the type, except where the parameter accepts only text: stop=1 means "1".
    kinds = set(_accepted_types(annotation))
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    if kinds == {str} and not isinstance(value, str):
        return text
    # One value for a parameter that accepts lists needs no brackets: -P stop=END
    if list in kinds and str not in kinds and not isinstance(value, list | dict):
        return [value]
    return value


def _accepted_types(annotation: Any) -> Iterable[type]:
    """Yield the plain types that a parameter accepts, without None."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        for part in get_args(annotation):
            yield from _accepted_types(part)
    elif origin is Literal:
        yield from {type(value) for value in get_args(annotation)}
    elif annotation is not type(None):
        yield origin or annotation


def list_choices(annotation: object) -> list[str]:
    """Return the only values that a parameter accepts; empty if it accepts others too."""
    if get_origin(annotation) is Literal:
        return [str(value) for value in get_args(annotation)]
    if annotation is bool:
        return ["true", "false"]
    if get_origin(annotation) in (Union, types.UnionType):
        return [word for part in get_args(annotation) for word in list_choices(part)]
    return []
