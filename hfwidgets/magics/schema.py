"""Requests replies of a given shape: builds a JSON schema, and the object from the reply."""

import dataclasses
import json
import re
import types
from collections.abc import Mapping
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from IPython.core.error import UsageError

from hfwidgets.errors import OutputError

_JSON_TYPES = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}


def build_response_format(shape: object) -> dict[str, Any]:
    """Return the `response_format` of a chat call for JSON of this shape.

    Args:
        shape: A pydantic model, a dataclass, a list of one (`list[City]`), a DataFrame with the
            wanted columns, or a dict that is a JSON schema.
    """
    schema = build_json_schema(shape)
    name = schema.get("title", "reply")
    named = {"name": re.sub(r"\W", "_", str(name)), "schema": schema, "strict": True}
    return {"type": "json_schema", "json_schema": named}


def build_json_schema(shape: object) -> dict[str, Any]:
    """Return the JSON schema of a `--schema`; UsageError for an object that is not a shape."""
    if isinstance(shape, Mapping):
        return dict(shape)
    if _is_table(shape):
        return _wrap_rows(_row_schema(shape))
    if get_origin(shape) is list:
        return _wrap_rows(build_json_schema(get_args(shape)[0]))
    if isinstance(shape, type) and hasattr(shape, "model_json_schema"):
        return dict(shape.model_json_schema())
    if isinstance(shape, type) and dataclasses.is_dataclass(shape):
        return _object_schema(shape)
    kind = shape.__name__ if isinstance(shape, type) else type(shape).__name__
    raise UsageError(
        f"--schema accepts a pydantic model, a dataclass, a list of one, a DataFrame or a dict, "
        f"not {kind}."
    )


def is_row_shape(shape: object) -> bool:
    """True if replies of this shape are rows."""
    return _is_table(shape) or get_origin(shape) is list


def _is_table(shape: object) -> bool:
    return hasattr(shape, "columns") and hasattr(shape, "dtypes") and not isinstance(shape, type)


def _wrap_rows(item: dict[str, Any]) -> dict[str, Any]:
    """Return an object with the rows under a name, since servers need an object at the root."""
    return {
        "title": "rows",
        "type": "object",
        "properties": {"rows": {"type": "array", "items": item}},
        "required": ["rows"],
        "additionalProperties": False,
        # References (`#/$defs/City`) start at the root of the whole schema, so the definitions have
        # to move up with it.
        **({"$defs": item.pop("$defs")} if "$defs" in item else {}),
    }


_DTYPE_TYPES = {"i": "integer", "u": "integer", "f": "number", "b": "boolean"}


def _row_schema(frame: Any) -> dict[str, Any]:
    """Return the schema of a DataFrame's row; columns that are not numbers are texts."""
    kinds = {str(n): _DTYPE_TYPES.get(t.kind, "string") for n, t in frame.dtypes.items()}
    return {
        "type": "object",
        "properties": {name: {"type": kind} for name, kind in kinds.items()},
        "required": list(kinds),
        "additionalProperties": False,
    }


def _object_schema(shape: type[Any]) -> dict[str, Any]:
    # The fields' own `type` is a text under `from __future__ import annotations`.
    hints = get_type_hints(shape)
    fields = [field for field in dataclasses.fields(shape) if field.init]
    required = [
        field.name
        for field in fields
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    return {
        "title": shape.__name__,
        "type": "object",
        "properties": {field.name: _type_schema(hints[field.name]) for field in fields},
        "required": required,
        "additionalProperties": False,
    }


def _type_schema(hint: object) -> dict[str, Any]:
    """Return the schema of an annotation."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint in _JSON_TYPES:
        return {"type": _JSON_TYPES[hint]}
    if origin is Literal:
        return {"enum": list(inner)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [_type_schema(part) for part in inner]}
    if hint is list or origin is list:
        return {"type": "array", "items": _type_schema(inner[0]) if inner else {}}
    if hint is dict or origin is dict:
        return {"type": "object", "additionalProperties": _type_schema(inner[1]) if inner else {}}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {"enum": [member.value for member in hint]}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _object_schema(hint)
    if hint is Any:
        return {}
    raise UsageError(f"--schema cannot put {hint} into a JSON schema; a pydantic model may.")


def parse_reply(text: str, shape: object) -> Any:
    """Build the object that a reply describes.

    Raises:
        OutputError: the reply is not JSON, or not of this shape.
    """
    try:
        data = json.loads(strip_code_fence(text))
        return _to_shape(shape, data)
    # Constructors and lookups are the check: TypeError for a missing field, KeyError for an
    # unexpected one, AttributeError for a list where an object belongs.
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise OutputError(
            f"The reply does not have the shape of --schema: {error}. "
            "A larger --max-tokens or another model may help."
        ) from None


def _to_shape(shape: Any, data: Any) -> Any:
    if isinstance(shape, Mapping):
        return data
    if _is_table(shape):
        return type(shape)(data["rows"], columns=list(shape.columns))
    if get_origin(shape) is list:
        return [_to_shape(get_args(shape)[0], row) for row in data["rows"]]
    # pydantic validates and converts; dataclasses are built here, by the same rules for JSON.
    validate = getattr(shape, "model_validate", None)
    return validate(data) if validate else _build_value(shape, data)


def strip_code_fence(text: str) -> str:
    """Return a reply without the code fence that some models put around JSON."""
    fenced = re.fullmatch(r"\s*```\w*\n(.*?)\n?```\s*", text, re.DOTALL)
    return fenced[1] if fenced else text


def _build_value(hint: Any, data: Any) -> Any:
    """Return data as the objects that an annotation names."""
    origin, inner = get_origin(hint), get_args(hint)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        hints = get_type_hints(hint)
        return hint(**{name: _build_value(hints[name], value) for name, value in data.items()})
    if origin is list:
        return [_build_value(inner[0], item) for item in data]
    if origin is dict:
        return {key: _build_value(inner[1], item) for key, item in data.items()}
    if origin in (Union, types.UnionType):
        return _build_union_value(inner, data)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(data)
    return _check_plain_value(hint, data)


def _build_union_value(hints: tuple[Any, ...], data: object) -> Any:
    # The first type that fits wins: `int | float` leaves 1 an int, and `float | int` makes it 1.0.
    for hint in hints:
        try:
            return _build_value(hint, data)
        except (ValueError, TypeError, KeyError, AttributeError):
            continue
    raise ValueError(f"{data!r} is not one of {', '.join(map(str, hints))}")


def _check_plain_value(hint: object, data: object) -> Any:
    # JSON does not distinguish 1 from 1.0.
    if hint is float and isinstance(data, int) and not isinstance(data, bool):
        return float(data)
    if get_origin(hint) is Literal and data not in get_args(hint):
        raise ValueError(f"{data!r} is not one of {get_args(hint)}")
    # By exact type: for Python, True is an int.
    if hint in _JSON_TYPES and type(data) is not hint:
        raise ValueError(f"{data!r} is not {_JSON_TYPES[hint]}")
    return data
