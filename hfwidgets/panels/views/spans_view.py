"""Entities and answers marked in the text they come from."""

from collections.abc import Mapping, Sequence
from typing import Any

from hfwidgets.panels.document.protocol import LabelRow, View
from hfwidgets.panels.views.context import ViewContext, as_records, label_rows
from hfwidgets.panels.views.fields import find_span
from hfwidgets.panels.views.parts import result_html
from hfwidgets.panels.views.registry import register_view
from hfwidgets.panels.views.table_view import rest_of_items
from hfwidgets.results.html_table import MARK_STYLE
from hfwidgets.results.show import escape_html


class SpansView(View, tag="spans", kw_only=True):
    """A text and rows with spans of it."""

    text: str
    rows: list[LabelRow]


def render_spans(view: SpansView, result: object) -> str:
    """Render the text with its spans marked, the first of those that overlap, and the values."""
    end, pieces = 0, []
    for row in sorted(view.rows, key=lambda row: row.start or 0):
        start = row.start or 0
        if start < end:
            continue
        pieces.append(escape_html(view.text[end:start]))
        end = row.end or 0
        words = escape_html(view.text[start:end])
        label = f" <small>{escape_html(row.label)}</small>" if row.label != words else ""
        pieces.append(f'<mark style="{MARK_STYLE}">{words}{label}</mark>')
    marked = "".join(pieces) + escape_html(view.text[end:])
    return f'<p dir="auto" style="white-space:pre-wrap">{marked}</p>{result_html(result)}'


@register_view(SpansView, priority=60, render_static=render_spans)
def build_spans(result: object, context: ViewContext, name: str) -> SpansView | None:
    """Build the view of records that all are spans of an input text."""
    items = as_records(result)
    placed = _place_items(items, context) if items else None
    if items is None or placed is None:
        return None
    text, spans = placed
    rows = label_rows(items)
    for row, (start, end) in zip(rows, spans, strict=True):
        row.start, row.end = start, end
    rest = rest_of_items(items, ("start", "end", "word", "answer"))
    return SpansView(text=text, rows=rows, rest=rest)


def _place_items(
    items: Sequence[Mapping[str, Any]], context: ViewContext
) -> tuple[str, list[tuple[int, int]]] | None:
    # The longest text first: an answer belongs to the context rather than to the question.
    for text in context.input_texts():
        spans = [find_span(text, item) for item in items]
        if None not in spans:
            return text, [span for span in spans if span is not None]
    return None
