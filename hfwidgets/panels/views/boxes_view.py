"""Boxes over their image: detected objects, and answers where they stand on a page."""

from collections.abc import Mapping, Sequence
from typing import Any

from hfwidgets.errors import HfWidgetsError
from hfwidgets.panels.document.protocol import LabelRow, View
from hfwidgets.panels.views import previews
from hfwidgets.panels.views.context import ViewContext, as_records, label_rows
from hfwidgets.panels.views.registry import register_view
from hfwidgets.panels.views.table_view import rest_of_items

BOX_SIDES = ("xmin", "ymin", "xmax", "ymax")


class BoxesView(View, tag="boxes", kw_only=True):
    """The id of an image, its width and height in pixels, and rows with boxes in it."""

    image: str
    width: int
    height: int
    rows: list[LabelRow]


@register_view(BoxesView, priority=50)
def build_boxes(result: object, context: ViewContext, name: str) -> BoxesView | None:
    """Build the view of records with a `box`, or with places in the `word_boxes` that were sent."""
    items = as_records(result)
    if items is None:
        return None
    try:
        if any(isinstance(item.get("box"), Mapping) for item in items):
            return _object_boxes(items, context)
        return _answer_boxes(items, context)
    except HfWidgetsError:  # the image is gone; the labels and scores are still shown
        return None


def _object_boxes(items: Sequence[Mapping[str, Any]], context: ViewContext) -> BoxesView:
    image = source_image(items)
    rows = label_rows(items)
    for row, item in zip(rows, items, strict=True):
        # Every row needs a box here; an item without one gets an empty one in the corner.
        row.box = [(item.get("box") or {}).get(side) or 0 for side in BOX_SIDES]
    return BoxesView(
        image=context.add_file("ground", lambda: previews.preview_image(image)),
        width=image.width,
        height=image.height,
        rows=rows,
        rest=rest_of_items(items, ("box",)),
    )


def _answer_boxes(items: Sequence[Mapping[str, Any]], context: ViewContext) -> BoxesView | None:
    """Place answers on a page. Places are in thousandths of its sides, as LayoutLM has them."""
    words = context.parameters.get("word_boxes")
    open_page = context.input_image_opener() if words else None
    places = [answer_box(words, item) for item in items] if words else []
    if open_page is None or not all(places):
        return None
    page = open_page()
    # x and y alternate: xmin, ymin, xmax, ymax.
    scale = (page.width / 1000, page.height / 1000) * 2
    rows = label_rows(items)
    for row, place in zip(rows, places, strict=True):
        row.box = [side * factor for side, factor in zip(place or [], scale, strict=True)]
    return BoxesView(
        image=context.add_file("ground", lambda: previews.preview_image(page)),
        width=page.width,
        height=page.height,
        rows=rows,
        rest=rest_of_items(items, ("start", "end")),
    )


def source_image(items: Sequence[Any]) -> Any:
    """Return the image that records with boxes or masks are about.

    Raises:
        InputError: the image can no longer be read.
    """
    return items[0]._image


def answer_box(words: Sequence[Any], item: Mapping[str, Any]) -> list[float] | None:
    """Return the box around an answer's words; None if they are not [word, box] pairs."""
    start, end = item.get("start"), item.get("end")
    if not isinstance(start, int) or not isinstance(end, int):
        return None
    try:
        # No words, or boxes without four sides, fail to unpack: also a ValueError.
        boxes = [list(map(float, box)) for _, box in words[start : end + 1]]
        left, top, right, bottom = zip(*boxes, strict=True)
        return [min(left), min(top), max(right), max(bottom)]
    except (TypeError, ValueError):
        return None
