"""Parameters of a task from `-P NAME=VALUE`, `--params` and the shortcuts."""

import json
import types
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from IPython.core.error import UsageError

from hfwidgets.errors import did_you_mean
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
    """The annotations of the parameters that `-P` may set, by name."""
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
    """Whether the client passes parameters on that the task does not name."""
    return any(known.kind is known.VAR_KEYWORD for known in task.signature.parameters.values())


def collect_parameters(
    task: BaseTask, given: Mapping[str, Any], names: Namespace
) -> dict[str, Any]:
    """All parameters of a call by name: `--params` first, `-P` over it, the shortcuts last.

    Raises:
        UsageError: a name that the task does not have, a value that is no NAME=VALUE.
    """
    found = _parameters_from_dict(task, given.get("params", {}))
    for item in given.get("param", ()):
        name, text = _split_assignment(item)
        name = check_parameter(task, name)
        found[name] = _parse_value(settable_parameters(task)[name], text, names)
    for key in _SHORTCUTS.keys() & given.keys():
        found[_resolve_shortcut(task, key)] = given[key]
    return found


def check_parameter(task: BaseTask, name: str) -> str:
    """The parameter's name; UsageError with the nearest when the task does not have it."""
    name = name.replace("-", "_")
    known = settable_parameters(task)
    if name not in known:
        raise UsageError(
            f"{task.name} has no parameter {name!r}.{did_you_mean(name, known)} It has: "
            f"{', '.join(known)}."
            f"{' Others go through --params $dict.' if accepts_extra(task) else ''}"
        )
    return name


def _parameters_from_dict(task: BaseTask, params: Any) -> dict[str, Any]:
    if not isinstance(params, Mapping):
        raise UsageError(f"--params takes a $dict, not a {type(params).__name__}.")
    if accepts_extra(task):
        return dict(params)
    return {check_parameter(task, str(name)): value for name, value in params.items()}


def _split_assignment(item: str) -> tuple[str, str]:
    name, equals, text = item.partition("=")
    if not equals or not name:
        raise UsageError(f"-P takes NAME=VALUE, not {item!r}.")
    return name.strip(), text


def _resolve_shortcut(task: BaseTask, key: str) -> str:
    for name in _SHORTCUTS[key]:
        if name in settable_parameters(task):
            return name
    raise UsageError(
        f"{task.name} has no parameter {key!r}. It has: "
        f"{', '.join(settable_parameters(task)) or 'none'}."
    )


def _parse_value(annotation: Any, text: str, names: Namespace) -> Any:
    """The value of a text: a variable, JSON where the parameter takes that, else the text."""
    return resolve_variable(text, names, partial(_parse_typed, annotation, text))


def _parse_typed(annotation: Any, text: str) -> Any:
    kinds = set(_accepted_types(annotation))
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    if kinds == {str} and not isinstance(value, str):
        return text
    if list in kinds and str not in kinds and not isinstance(value, list | dict):
        return [value]
    return value


def _accepted_types(annotation: Any) -> Iterable[type]:
    """The plain types that a parameter takes, None left out."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):
        for part in get_args(annotation):
            yield from _accepted_types(part)
    elif origin is Literal:
        yield from {type(value) for value in get_args(annotation)}
    elif annotation is not type(None):
        yield origin or annotation


def list_choices(annotation: Any) -> list[str]:
    """The few words that a parameter takes; empty when it takes others too."""
    if get_origin(annotation) is Literal:
        return [str(value) for value in get_args(annotation)]
    if annotation is bool:
        return ["true", "false"]
    if get_origin(annotation) in (Union, types.UnionType):
        return [word for part in get_args(annotation) for word in list_choices(part)]
    return []
