"""Predictions as a column of their table."""

from hfwidgets.panels.document.protocol import View
from hfwidgets.panels.views.context import ViewContext
from hfwidgets.panels.views.registry import register_view
from hfwidgets.results.html_table import to_html_table
from hfwidgets.results.tabular import Predictions
from hfwidgets.tasks.tables import to_text_columns


class PredictionsView(View, tag="predictions", kw_only=True):
    """The table's columns and one prediction per row."""

    columns: dict[str, list[str]]
    values: list[float | str]
    numeric: bool


def render_predictions(view: PredictionsView, result: object) -> str:
    """Render the table with its predictions in a last column."""
    rows = zip(*view.columns.values(), view.values, strict=True)
    return to_html_table([*view.columns, "Prediction"], rows)


@register_view(PredictionsView, priority=10, render_static=render_predictions)
def build_predictions(result: object, context: ViewContext, name: str) -> PredictionsView | None:
    """Build the view of the tabular tasks' predictions."""
    if not isinstance(result, Predictions):
        return None
    table = context.input_table()
    numeric = all(isinstance(value, float) for value in result)
    return PredictionsView(
        columns={} if table is None else to_text_columns(table),
        values=[value if numeric else str(value) for value in result],
        numeric=numeric,
    )
