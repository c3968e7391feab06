"""JSON schemas made safe for a small model that writes under them."""

from collections.abc import Mapping
from typing import Any

from hfwidgets.engine.base.http_errors import bad

TEXT = 200
ITEMS = 32
_DEPTH = 32
_FIXED = frozenset({"enum", "const", "maxLength", "pattern", "format"})
_MAPS = ("properties", "$defs", "definitions", "patternProperties")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")


def tightened(schema: Any, depth: int = 0) -> Any:
    """The schema with an end to every text, list and object; what it admits, the original admits.

    Without this a weak model writes on inside an open string, or invents properties, until its
    tokens run out and the JSON is cut.
    """
    if depth > _DEPTH:
        raise bad(f"The JSON schema is nested deeper than {_DEPTH} levels.", "response_format")
    if not isinstance(schema, Mapping):
        return schema
    tight = dict(schema)
    for key in _MAPS:
        if isinstance(inner := schema.get(key), Mapping):
            tight[key] = {name: tightened(part, depth + 1) for name, part in inner.items()}
    for key in _LISTS:
        if isinstance(inner := schema.get(key), list):
            tight[key] = [tightened(part, depth + 1) for part in inner]
    if "items" in schema:
        tight["items"] = tightened(schema["items"], depth + 1)
    return _bounded(tight)


def _bounded(schema: dict[str, Any]) -> dict[str, Any]:
    """One level's own limits."""
    kind = schema.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    if "string" in kinds and not _FIXED & schema.keys():
        schema["maxLength"] = max(TEXT, schema.get("minLength", 0))
    if "array" in kinds and "maxItems" not in schema:
        schema["maxItems"] = max(ITEMS, schema.get("minItems", 0))
    if "properties" in schema:
        schema.setdefault("additionalProperties", False)
    return schema
