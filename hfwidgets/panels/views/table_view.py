"""Records as a table: those without labels, and the fields that another view does not draw."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from hfwidgets.panels.document.protocol import View
from hfwidgets.panels.views.context import ViewContext, as_records
from hfwidgets.panels.views.fields import columns_by_field
from hfwidgets.panels.views.registry import register_view
from hfwidgets.results.html_table import to_html_table
from hfwidgets.results.item_fields import item_label, label_field
from hfwidgets.results.record import fields_beyond


class TableView(View, tag="table", kw_only=True):
    """One column per field."""

    columns: dict[str, list[str]]


@register_view(TableView, priority=90)
def build_table(result: object, context: ViewContext, name: str) -> TableView | None:
    """Build the view of a list of records."""
    items = as_records(result)
    return None if items is None else TableView(columns=columns_by_field(items))


def rest_of_items(items: Sequence[Mapping[str, Any]], drawn: Collection[str]) -> TableView | None:
    """Return a view's `rest`: the fields of its items beyond label, score and `drawn`."""
    rest = [fields_beyond(item, {*drawn, "score", label_field(item) or ""}) for item in items]
    if not any(rest):
        return None
    labels = [item_label(item) or str(at + 1) for at, item in enumerate(items)]
    # The first column has no name: it repeats the labels, to match rows with the view.
    rows = [{"": label, **fields} for label, fields in zip(labels, rest, strict=True)]
    return TableView(columns=columns_by_field(rows))


def rest_of_text(record: Mapping[str, Any]) -> TableView | None:
    """Return a view's `rest`: the fields of a text's record beyond the text."""
    beyond = getattr(record, "fields_beyond_text", None)
    fields: Any = beyond() if callable(beyond) else fields_beyond(record, {"text"})
    return TableView(columns=columns_by_field([fields])) if fields else None


def rest_html(view: View) -> str:
    """Render a view's `rest`; "" if it draws every field."""
    if not isinstance(view.rest, TableView):
        return ""
    columns = view.rest.columns
    return to_html_table(list(columns), zip(*columns.values(), strict=True))
