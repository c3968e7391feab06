"""Labels with scores, as bars."""

from hfwidgets.panels.document.protocol import LabelRow, View
from hfwidgets.panels.views.context import MAX_ROWS, ViewContext, as_records, label_rows
from hfwidgets.panels.views.registry import register_view
from hfwidgets.panels.views.table_view import rest_of_items


class BarsView(View, tag="bars", kw_only=True):
    """Rows of labels and scores; `pairs` offers to compare all sentences with each other."""

    rows: list[LabelRow]
    pairs: bool = False


@register_view(BarsView, priority=70)
def build_bars(result: object, context: ViewContext, name: str) -> BarsView | None:
    """Build the view of labeled records, or of one number per input sentence."""
    if isinstance(result, list) and result and all(isinstance(n, int | float) for n in result):
        return _similarity_bars([float(number) for number in result[:MAX_ROWS]], context)
    items = as_records(result)
    if items is None:
        return None
    rows = label_rows(items)
    if not any(row.label for row in rows):
        return None
    for row, item in zip(rows, items, strict=True):
        row.note = str(item.get("sequence") or "")
    # A token's id says nothing to a reader; it stands in the JSON.
    return BarsView(rows=rows, rest=rest_of_items(items, ("sequence", "token")))


def _similarity_bars(numbers: list[float], context: ViewContext) -> BarsView:
    # Numbers alone come from sentence similarity: one per sentence of the input list.
    lists = [value for value in context.inputs.values() if isinstance(value, list)]
    sentences = next((found for found in lists if len(found) == len(numbers)), None)
    labels = sentences or [str(at) for at in range(len(numbers))]
    rows = [
        LabelRow(label=str(label), score=number)
        for label, number in zip(labels, numbers, strict=True)
    ]
    return BarsView(rows=rows, pairs=sentences is not None)
