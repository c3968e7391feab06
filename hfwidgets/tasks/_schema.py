"""What an answer shall look like: a JSON schema, a dataclass or a pydantic model.

All become OpenAI's `{"type": "json_schema", "json_schema": {"name", "schema", "strict"}}`, which
each provider's route then writes in its own way. pydantic is not imported: its models say their
schema themselves.
"""

import dataclasses
import enum
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin

from hfwidgets import errors

PLAIN: Mapping[Any, Mapping[str, Any]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    type(None): {"type": "null"},
    Any: {},
}

SCHEMA_TYPES = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})


def response_format(asked: Any) -> Any:
    """The form that is sent for what the caller gave.

    Takes OpenAI's own forms and a text-generation server's (`{"type": "json" | "regex", "value"}`),
    which stay as they are; a bare JSON schema; a dataclass; a pydantic model.

    Raises:
        InputTypeError: anything else, or a dataclass with a field that JSON cannot say.
    """
    if asked is None:
        return None
    if isinstance(asked, type):
        return _of_class(asked)
    if not isinstance(asked, Mapping):
        raise _unknown(asked)
    if asked.get("type") in SCHEMA_TYPES or "$schema" in asked or "$ref" in asked:
        return _named(str(asked.get("title") or "answer"), dict(asked))
    return dict(asked)


def _of_class(cls: type) -> dict[str, Any]:
    describe = getattr(cls, "model_json_schema", None)
    if callable(describe):
        return _named(cls.__name__, describe())
    if dataclasses.is_dataclass(cls):
        return _named(cls.__name__, _schema(cls, ()), strict=True)
    raise _unknown(cls)


def _named(name: str, schema: Any, **more: Any) -> dict[str, Any]:
    plain = "".join(c if c.isalnum() or c in "_-" else "_" for c in name)[:64]
    return {"type": "json_schema", "json_schema": {"name": plain, "schema": schema, **more}}


def _schema(kind: Any, inside: tuple[type, ...]) -> dict[str, Any]:
    """The schema of a type; `inside` holds the dataclasses around it."""
    if kind in PLAIN:
        return dict(PLAIN[kind])
    origin, args = get_origin(kind), get_args(kind)
    if origin is typing.Annotated:
        return _schema(args[0], inside)
    if origin is Literal:
        return {"enum": list(args)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_schema(arg, inside) for arg in args]}
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return {"enum": [member.value for member in kind]}
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return _object(kind, inside)
    return _collection(origin or kind, args, inside)


def _collection(origin: Any, args: tuple[Any, ...], inside: tuple[type, ...]) -> dict[str, Any]:
    if not isinstance(origin, type):
        raise _unsayable(origin, inside)
    if issubclass(origin, Mapping):
        values = _schema(args[1], inside) if len(args) == 2 else True
        return {"type": "object", "additionalProperties": values}
    if origin is tuple and args and args[-1] is not Ellipsis:
        items = [_schema(arg, inside) for arg in args]
        return {"type": "array", "prefixItems": items, "minItems": len(args), "items": False}
    if issubclass(origin, (Sequence, set, frozenset)) and not issubclass(origin, (str, bytes)):
        return {"type": "array", "items": _schema(args[0], inside) if args else {}}
    raise _unsayable(origin, inside)


def _object(cls: type, inside: tuple[type, ...]) -> dict[str, Any]:
    if cls in inside:
        raise errors.InputTypeError(
            f"response_format: {cls.__name__} holds itself, which is not supported for "
            "dataclasses: use a pydantic model or write the JSON schema."
        )
    try:
        kinds = typing.get_type_hints(cls, include_extras=True)
    except NameError as error:
        raise errors.InputTypeError(
            f"response_format: a type in {cls.__name__} cannot be found: {error}."
        ) from error
    names = [field.name for field in dataclasses.fields(cls)]
    return {
        "type": "object",
        "properties": {name: _schema(kinds[name], (*inside, cls)) for name in names},
        "required": names,
        "additionalProperties": False,
    }


def _unsayable(kind: Any, inside: tuple[type, ...]) -> errors.InputTypeError:
    where = f" in {inside[-1].__name__}" if inside else ""
    return errors.InputTypeError(
        f"response_format: {getattr(kind, '__name__', kind)}{where} cannot be said in a JSON "
        "schema. Possible are str, int, float, bool, None, Literal, Enum, lists, tuples, dicts and "
        "other dataclasses."
    )


def _unknown(asked: Any) -> errors.InputTypeError:
    return errors.InputTypeError(
        f"response_format must be a dict (a JSON schema or OpenAI's form), a dataclass or a "
        f"pydantic model; it is {asked!r:.100}."
    )
