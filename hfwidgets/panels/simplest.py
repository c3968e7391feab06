"""A result in its simplest form, as observers and links of widgets want it."""

from collections.abc import Mapping
from typing import Any


def value(result: Any) -> Any:
    """The text of a result that is one, plain lists and dicts of records, else the result."""
    text = getattr(result, "text", None)
    if isinstance(result, Mapping) and isinstance(text, str):
        return text
    if isinstance(result, str):
        return str(result)
    return result
