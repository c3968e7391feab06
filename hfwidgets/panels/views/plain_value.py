"""A result in its simplest form, as observers and links of widgets want it."""

from collections.abc import Mapping
from typing import Any

from hfwidgets.results.record import TextRecord
from hfwidgets.tasks import BaseTask


def initial_value(task: BaseTask) -> Any:
    """What `value` is before the first run: "" where the result is a text, so that links fit."""
    kind = task.signature.return_annotation
    return "" if isinstance(kind, type) and issubclass(kind, str | TextRecord) else None


def to_plain_value(result: Any) -> Any:
    """The text of a result that is one, plain lists and dicts of records, else the result."""
    text = getattr(result, "text", None)
    if isinstance(result, Mapping) and isinstance(text, str):
        return text
    if isinstance(result, str):
        return str(result)
    return result
