"""Read the label and the score of an item of a result, whatever its task calls them."""

from collections.abc import Mapping
from typing import Any

LABEL_FIELDS = ("label", "answer", "token_str", "entity_group", "entity", "word", "name", "text")
"""The fields that name an item, the best first."""


def label_field(item: Mapping[str, Any]) -> str | None:
    """Return the name of the field that names an item."""
    return next((name for name in LABEL_FIELDS if item.get(name) is not None), None)


def item_label(item: Mapping[str, Any]) -> str | None:
    """Return the label of an item; None if no field names it."""
    name = label_field(item)
    return str(item[name]) if name else None


def item_score(item: Mapping[str, Any]) -> float | None:
    """Return the score of an item; None if it has none."""
    score = item.get("score")
    return float(score) if isinstance(score, int | float) else None
