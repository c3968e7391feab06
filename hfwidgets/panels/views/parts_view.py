"""The generic view: any result field by field, with views of its media."""

from collections.abc import Mapping

from hfwidgets.panels.document.protocol import Part, View
from hfwidgets.panels.views.context import MAX_ROWS, ViewContext
from hfwidgets.panels.views.fields import shorten_value
from hfwidgets.panels.views.parts import is_media, result_html, value_html
from hfwidgets.panels.views.registry import register_view
from hfwidgets.results.record import fields_beyond
from hfwidgets.results.show import escape_html


class MediaPart(Part, kw_only=True):
    """A field of a record with the view of its value."""

    name: str
    view: View


class PartsView(View, tag="parts", kw_only=True):
    """The media among a record's fields, and [name, text] of the others."""

    parts: list[MediaPart]
    rows: list[list[str]]


def render_parts(view: PartsView, result: object) -> str:
    """Render a record field by field."""
    if not isinstance(result, Mapping):
        return result_html(result)
    return "".join(
        f"<p>{escape_html(name)}</p>{value_html(name, value) or result_html(value)}"
        for name, value in result.items()
    )


@register_view(PartsView, priority=100, render_static=render_parts)
def build_parts(result: object, context: ViewContext, name: str) -> PartsView:
    """Build the view of any result."""
    if isinstance(result, list):
        rows = [["", shorten_value(item)] for item in result[:MAX_ROWS]]
        return PartsView(parts=[], rows=rows)
    if not isinstance(result, Mapping):
        return PartsView(parts=[], rows=[["", shorten_value(result)]])
    values = fields_beyond(result, ())
    media = {field: value for field, value in values.items() if is_media(value)}
    return PartsView(
        parts=[
            MediaPart(name=field, view=context.build_view(value, field))
            for field, value in media.items()
        ],
        rows=[
            [field, shorten_value(value)] for field, value in values.items() if field not in media
        ],
    )
