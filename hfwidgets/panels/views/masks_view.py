"""Masks over their image."""

from typing import TYPE_CHECKING

from hfwidgets.errors import HfWidgetsError
from hfwidgets.panels.document.protocol import LabelRow, View
from hfwidgets.panels.views import previews
from hfwidgets.panels.views.boxes_view import source_image
from hfwidgets.panels.views.context import ViewContext, as_records, label_rows
from hfwidgets.panels.views.registry import register_view
from hfwidgets.panels.views.table_view import rest_of_items

if TYPE_CHECKING:
    from PIL.Image import Image


class MasksView(View, tag="masks", kw_only=True):
    """The id of an image, its width and height in pixels, and rows with the ids of masks."""

    image: str
    width: int
    height: int
    rows: list[LabelRow]


@register_view(MasksView, priority=45)
def build_masks(result: object, context: ViewContext, name: str) -> MasksView | None:
    """Build the view of records with a `mask`."""
    items = as_records(result)
    if items is None or all(item.get("mask") is None for item in items):
        return None
    try:
        image = source_image(items)
    except HfWidgetsError:  # the image is gone; the labels and scores are still shown
        return None
    rows = label_rows(items)
    for at, (item, row) in enumerate(zip(items, rows, strict=True)):
        row.mask = _add_mask(context, at, item["mask"])
    return MasksView(
        image=context.add_file("ground", lambda: previews.preview_image(image)),
        width=image.width,
        height=image.height,
        rows=rows,
        rest=rest_of_items(items, ("mask",)),
    )


def _add_mask(context: ViewContext, at: int, mask: "Image") -> str:
    return context.add_file(f"mask{at}", lambda: mask_file(mask))


def mask_file(mask: "Image") -> previews.PageFile:
    """Encode a mask as a gray PNG, at most 1,600 pixels wide and high."""
    # `convert` always copies, so the mask of the result keeps its size.
    gray = mask.convert("L")
    if max(gray.size) > previews.MAX_IMAGE_SIDE:
        gray.thumbnail((previews.MAX_IMAGE_SIDE, previews.MAX_IMAGE_SIDE))
    return previews.encode_png(gray)
