"""Structured output: from a JSON schema, a dataclass, a TypedDict or a pydantic model.

All become OpenAI's `{"type": "json_schema", "json_schema": {"name", "schema", "strict"}}`, which
each provider's route rewrites in its own form. pydantic is not imported: its models describe
themselves.
"""

import dataclasses
import enum
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin

from hfwidgets import errors
from hfwidgets.errors.excerpt import show_value

PLAIN_SCHEMAS: Mapping[Any, Mapping[str, Any]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    type(None): {"type": "null"},
    Any: {},
}

SCHEMA_TYPES = frozenset({"object", "array", "string", "number", "integer", "boolean", "null"})


def build_response_format(form: object) -> Any:
    """Return the form that is sent for what the caller gave.

    OpenAI's own forms and a text-generation server's (`{"type": "json" | "regex", "value"}`) stay
    unchanged. A bare JSON schema, a dataclass, a TypedDict or a pydantic model is converted.

    Raises:
        InputTypeError: Anything else, or a class with a field that JSON cannot express.
    """
    if form is None:
        return None
    if isinstance(form, type):
        return _class_format(form)
    if not isinstance(form, Mapping):
        raise _unknown_format_error(form)
    # No form of OpenAI's has the name of a JSON schema's type, so the type tells the two apart.
    if form.get("type") in SCHEMA_TYPES or "$schema" in form or "$ref" in form:
        return _json_schema_format(str(form.get("title") or "answer"), dict(form))
    return dict(form)


def _class_format(cls: type) -> dict[str, Any]:
    describe = getattr(cls, "model_json_schema", None)
    if callable(describe):
        # Not strict: strict schemas require every property, and a pydantic model
        # may have optional ones.
        return _json_schema_format(cls.__name__, describe())
    if dataclasses.is_dataclass(cls) or _is_typed_dict(cls):
        schema = _type_schema(cls, ())
        strict = {"strict": True} if _requires_all(schema) else {}
        return _json_schema_format(cls.__name__, schema, **strict)
    raise _unknown_format_error(cls)


def _is_typed_dict(kind: object) -> bool:
    """True for a TypedDict, of `typing` or of `typing_extensions`."""
    return isinstance(kind, type) and issubclass(kind, dict) and hasattr(kind, "__total__")


def _requires_all(schema: object) -> bool:
    """True if no property is optional, as of a TypedDict; strict schemas have none."""
    if isinstance(schema, list):
        return all(map(_requires_all, schema))
    if not isinstance(schema, dict):
        return True
    required = schema.get("required")
    if isinstance(required, list) and len(required) < len(schema["properties"]):
        return False
    return all(map(_requires_all, schema.values()))


def _json_schema_format(name: str, schema: object, **more: object) -> dict[str, Any]:
    plain = "".join(c if c.isalnum() or c in "_-" else "_" for c in name)[:64]
    return {"type": "json_schema", "json_schema": {"name": plain, "schema": schema, **more}}


def _type_schema(kind: object, inside: tuple[type, ...]) -> dict[str, Any]:
    """Return the schema of a type; `inside` holds the classes with fields around it."""
    if kind in PLAIN_SCHEMAS:
        return dict(PLAIN_SCHEMAS[kind])
    origin, args = get_origin(kind), get_args(kind)
    if origin is typing.Annotated:
        return _type_schema(args[0], inside)
    if origin is Literal:
        return {"enum": list(args)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_type_schema(arg, inside) for arg in args]}
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return {"enum": [member.value for member in kind]}
    if isinstance(kind, type) and (dataclasses.is_dataclass(kind) or _is_typed_dict(kind)):
        return _object_schema(kind, inside)
    return _collection_schema(origin or kind, args, inside)


def _collection_schema(
    origin: object, args: tuple[Any, ...], inside: tuple[type, ...]
) -> dict[str, Any]:
    if not isinstance(origin, type):
        raise _unsupported_type_error(origin, inside)
    if issubclass(origin, Mapping):
        values = _type_schema(args[1], inside) if len(args) == 2 else True
        return {"type": "object", "additionalProperties": values}
    # tuple[int, str] has a type for each place; tuple[int, ...] is a list.
    if origin is tuple and args and args[-1] is not Ellipsis:
        items = [_type_schema(arg, inside) for arg in args]
        return {"type": "array", "prefixItems": items, "minItems": len(args), "items": False}
    # Subclasses of str and bytes are sequences as well, and are not among the plain types.
    if issubclass(origin, (Sequence, set, frozenset)) and not issubclass(origin, (str, bytes)):
        return {"type": "array", "items": _type_schema(args[0], inside) if args else {}}
    raise _unsupported_type_error(origin, inside)


def _object_schema(cls: type, inside: tuple[type, ...]) -> dict[str, Any]:
    # Schemas are written in full, without $ref: one that holds itself would never end.
    if cls in inside:
        raise errors.InputTypeError(
            f"response_format: {cls.__name__} holds itself, which only pydantic models may: use "
            "one, or write the JSON schema."
        )
    try:
        kinds = typing.get_type_hints(cls)  # without Required and NotRequired
    except NameError as error:
        raise errors.InputTypeError(
            f"response_format: a type in {cls.__name__} cannot be found: {error}."
        ) from error
    if dataclasses.is_dataclass(cls):
        # Strict schemas require fields with defaults too.
        names = required = [field.name for field in dataclasses.fields(cls)]
    else:
        names = list(kinds)
        required = [name for name in names if name in vars(cls)["__required_keys__"]]
    return {
        "type": "object",
        "properties": {name: _type_schema(kinds[name], (*inside, cls)) for name in names},
        "required": required,
        "additionalProperties": False,
    }


def _unsupported_type_error(kind: object, inside: tuple[type, ...]) -> errors.InputTypeError:
    where = f" in {inside[-1].__name__}" if inside else ""
    return errors.InputTypeError(
        f"response_format: {getattr(kind, '__name__', kind)}{where} cannot be expressed in a JSON "
        "schema. Possible are str, int, float, bool, None, Literal, Enum, lists, tuples, dicts, "
        "dataclasses and TypedDicts."
    )


def _unknown_format_error(form: object) -> errors.InputTypeError:
    return errors.InputTypeError(
        f"response_format must be a dict (a JSON schema or OpenAI's form), a dataclass, a "
        f"TypedDict or a pydantic model; it is {show_value(form)}."
    )
