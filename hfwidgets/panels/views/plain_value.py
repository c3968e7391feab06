"""Results in their simplest form, for observers and links between widgets."""

from collections.abc import Mapping
from typing import Any

from hfwidgets.results.record import TextRecord
from hfwidgets.tasks import BaseTask


def initial_value(task: BaseTask) -> str | None:
    """Return `value` before the first run: "" where results are texts, so that links fit."""
    kind = task.signature.return_annotation
    return "" if isinstance(kind, type) and issubclass(kind, str | TextRecord) else None


def to_plain_value(result: object) -> Any:
    """Return the text of a result that stands for one, else the result."""
    text = getattr(result, "text", None)
    if isinstance(result, Mapping) and isinstance(text, str):
        return text
    if isinstance(result, str):
        # A result's text is a subclass of `str`; linked traits get a plain one.
        return str(result)
    return result
