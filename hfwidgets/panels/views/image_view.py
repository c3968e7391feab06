"""An image; where it was made from another, both with a slider between them."""

from typing import TYPE_CHECKING

from hfwidgets.panels.document.protocol import View
from hfwidgets.panels.views import previews
from hfwidgets.panels.views.context import ImageOpener, ViewContext
from hfwidgets.panels.views.registry import register_view
from hfwidgets.results import overlay

if TYPE_CHECKING:
    from PIL.Image import Image


class ImageView(View, tag="image", kw_only=True):
    """Ids of an image, of its thumbnail and of the image before it; width and height in pixels."""

    id: str
    thumb: str
    width: int
    height: int
    before: str | None = None


def render_image(view: ImageView, result: "Image") -> str:
    """Render the image, made small enough for a notebook file."""
    alt = f"image, {view.width} by {view.height} pixels"
    return f"<figure>{overlay.image_html(overlay.fit_image(result)[0], alt)}</figure>"


@register_view(ImageView, priority=10, render_static=render_image)
def build_image(result: object, context: ViewContext, name: str) -> ImageView | None:
    """Build the view of a Pillow image."""
    if not previews.is_image(result):
        return None
    open_before = context.input_image_opener()
    file_name = "image.png" if name == "0" else f"image-{name}.png"
    return ImageView(
        id=context.add_file(name, lambda: previews.preview_image(result)),
        thumb=context.add_file(f"{name}.thumb", lambda: previews.make_thumbnail(result)),
        width=result.width,
        height=result.height,
        before=_add_before(context, open_before) if open_before else None,
        saves=[context.add_save(file_name, "PNG", lambda: previews.encode_png(result))],
    )


def _add_before(context: ViewContext, open_image: ImageOpener) -> str:
    return context.add_file("before", lambda: previews.preview_image(open_image()))
