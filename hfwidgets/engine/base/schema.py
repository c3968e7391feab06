"""Bound JSON schemas, so that a small model constrained by them comes to an end."""

from collections.abc import Mapping
from typing import Any

from hfwidgets.engine.base.http_errors import bad_request

MAX_TEXT_LENGTH = 200
MAX_ITEMS = 32
_MAX_DEPTH = 32
_LIMITING_KEYS = frozenset({"enum", "const", "maxLength", "pattern", "format"})
_MAPS = ("properties", "$defs", "definitions", "patternProperties")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")


def tighten_schema(schema: Any, depth: int = 0) -> Any:
    """Return the schema with a limit for every string, array and object.

    Whatever the result admits, the original admits. Without limits a weak model continues inside an
    open string, or invents properties, until its tokens run out and the JSON is cut off.
    """
    # A small body can nest deeper than Python recurses, which would end in a 500.
    if depth > _MAX_DEPTH:
        raise bad_request(
            f"The JSON schema is nested deeper than {_MAX_DEPTH} levels.", "response_format"
        )
    if not isinstance(schema, Mapping):
        return schema
    tight = dict(schema)
    for key in _MAPS:
        if isinstance(inner := schema.get(key), Mapping):
            tight[key] = {name: tighten_schema(part, depth + 1) for name, part in inner.items()}
    for key in _LISTS:
        if isinstance(inner := schema.get(key), list):
            tight[key] = [tighten_schema(part, depth + 1) for part in inner]
    if "items" in schema:
        tight["items"] = tighten_schema(schema["items"], depth + 1)
    return _limit_level(tight)


def _limit_level(schema: dict[str, Any]) -> dict[str, Any]:
    """Add the limits of one level in place, unless the schema sets its own."""
    kind = schema.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    # An enum or pattern already ends a string; a length would only conflict with it.
    if "string" in kinds and not _LIMITING_KEYS & schema.keys():
        # Never below the schema's own minimum, since no string could satisfy both.
        schema["maxLength"] = max(MAX_TEXT_LENGTH, schema.get("minLength", 0))
    if "array" in kinds and "maxItems" not in schema:
        schema["maxItems"] = max(MAX_ITEMS, schema.get("minItems", 0))
    # A schema without it admits any further property, and a small model would invent some.
    if "properties" in schema:
        schema.setdefault("additionalProperties", False)
    return schema
