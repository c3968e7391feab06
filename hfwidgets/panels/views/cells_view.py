"""An answer from a table, with the cells it was read from."""

from collections.abc import Mapping

from hfwidgets.panels.document.protocol import View
from hfwidgets.panels.views.context import ViewContext
from hfwidgets.panels.views.registry import register_view
from hfwidgets.panels.views.table_view import rest_html, rest_of_items
from hfwidgets.results.html_table import to_html_table
from hfwidgets.results.show import escape_html
from hfwidgets.tasks.tables import to_text_columns


class CellsView(View, tag="cells", kw_only=True):
    """An answer, the table's columns, and [row, column] of each cell it was read from."""

    answer: str
    columns: dict[str, list[str]]
    cells: list[list[int]]
    aggregator: str = ""


def render_cells(view: CellsView, result: object) -> str:
    """Render the answer and the table with its cells marked."""
    marked = {(row, column) for row, column in view.cells}
    rows = zip(*view.columns.values(), strict=True)
    table = to_html_table(list(view.columns), rows, marked=marked)
    return f"<p><b>{escape_html(view.answer)}</b></p>{table}{rest_html(view)}"


def _is_place(pair: object) -> bool:
    """True for a cell's row and column."""
    if not isinstance(pair, (list, tuple)) or len(pair) != 2:
        return False
    return all(isinstance(at, int) for at in pair)


@register_view(CellsView, priority=20, render_static=render_cells)
def build_cells(result: object, context: ViewContext, name: str) -> CellsView | None:
    """Build the view of a record with `coordinates` of the input table."""
    if not isinstance(result, Mapping) or result.get("coordinates") is None:
        return None
    table = context.input_table()
    if table is None:
        return None
    aggregator = result.get("aggregator")
    return CellsView(
        answer=str(result.get("answer") or ""),
        columns=to_text_columns(table),
        cells=[list(pair) for pair in result["coordinates"] if _is_place(pair)],
        aggregator=str(aggregator) if aggregator and aggregator != "NONE" else "",
        # The answer's cells are marked in the table by their coordinates.
        rest=rest_of_items([result], ("answer", "coordinates", "aggregator", "cells")),
    )
