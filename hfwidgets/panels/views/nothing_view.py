"""An empty result."""

from collections.abc import Mapping, Sequence
from typing import Any

from hfwidgets.panels.document.protocol import View
from hfwidgets.panels.views.context import ViewContext
from hfwidgets.panels.views.registry import register_view


class NothingView(View, tag="nothing", kw_only=True):
    """Why nothing came back; empty where the task's own text says it."""

    text: str


@register_view(NothingView, priority=40)
def build_nothing(result: object, context: ViewContext, name: str) -> NothingView | None:
    """Build the view of an empty list."""
    if not isinstance(result, list) or result:
        return None
    return NothingView(text=threshold_note(result, context.parameters))


def threshold_note(items: Sequence[Any], parameters: Mapping[str, Any]) -> str:
    """Return that a threshold may be the reason for an empty result; "" if none was sent."""
    threshold = parameters.get("threshold")
    noun = getattr(items, "noun", "results")
    return f"No {noun} above the threshold of {threshold:g}." if threshold else ""
