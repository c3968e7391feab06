"""Draw boxes and masks into images: the static form of results, which needs no kernel."""

import base64
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hfwidgets.media import to_eight_bits, to_rgb
from hfwidgets.results import show

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

MAX_SIDE = 800
"""The longest side of an image in a notebook's output, in pixels."""

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C564B", "#7F7F7F")
"""Colors that most kinds of color blindness can distinguish (Okabe and Ito)."""


def label_colors(items: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return a color for each label, in the order of their first appearance."""
    labels = dict.fromkeys(str(item.get("label")) for item in items)
    return {label: COLORS[at % len(COLORS)] for at, label in enumerate(labels)}


def draw_boxes(image: "Image", items: Sequence[Mapping[str, Any]]) -> "Image":
    """Return a copy with each item's box and label drawn in, at most 800 pixels wide and high."""
    from PIL import ImageDraw

    small, scale = fit_image(image)
    pen = ImageDraw.Draw(small)
    colors = label_colors(items)
    for item in items:
        box = item.get("box")
        if not isinstance(box, Mapping):
            continue
        left, right = sorted(_to_pixel(box.get(n), scale, small.width) for n in ("xmin", "xmax"))
        top, bottom = sorted(_to_pixel(box.get(n), scale, small.height) for n in ("ymin", "ymax"))
        color = colors[str(item.get("label"))]
        pen.rectangle((left, top, right, bottom), outline=color, width=3)
        _draw_label(pen, left, top, item_title(item), color)
    return small


def _to_pixel(value: object, scale: float, size: int) -> float:
    """Return a coordinate in the scaled image, at most just outside of it.

    Pillow walks along every pixel of a line: a server's box of 2**70 pixels must not reach it.
    """
    try:
        place = float(value or 0) * scale  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return 0.0
    # Four pixels beyond the edge hide a line of width 3. NaN alone differs from itself.
    return min(max(place, -4.0), size + 4.0) if place == place else 0.0


def draw_masks(image: "Image", items: Sequence[Mapping[str, Any]]) -> "Image":
    """Return a copy with each mask in its label's color, at most 800 pixels wide and high."""
    from PIL import Image, ImageDraw

    small, _ = fit_image(image)
    colors = label_colors(items)
    centers: list[tuple[float, float, Mapping[str, Any]]] = []
    for item in items:
        mask = item.get("mask")
        if not isinstance(mask, Image.Image):
            continue
        shape = mask.convert("L").resize(small.size, Image.Resampling.NEAREST)
        translucent = shape.point(lambda value: value * 0.6)
        fill = Image.new("RGB", small.size, colors[str(item.get("label"))])
        small.paste(fill, mask=translucent)
        if box := shape.getbbox():
            centers.append(((box[0] + box[2]) / 2, (box[1] + box[3]) / 2, item))
    # Labels come last, so that no later mask hides one.
    pen = ImageDraw.Draw(small)
    for x, y, item in centers:
        _draw_label(pen, x, y, item_title(item), colors[str(item.get("label"))])
    return small


def fit_image(image: "Image") -> "tuple[Image, float]":
    """Return an upright copy in RGB that fits 800 by 800 pixels, and the factor of its scaling."""
    full = to_rgb(image)
    scale = min(1.0, MAX_SIDE / max(full.size))
    size = (max(1, round(full.width * scale)), max(1, round(full.height * scale)))
    return (full.resize(size) if scale < 1 else full.copy()), scale


def _draw_label(pen: "ImageDraw", x: float, y: float, text: str, color: str) -> None:
    """Draw a label on a background of its color, moved to lie inside the image."""
    from PIL import ImageFont

    font = ImageFont.load_default(14)
    width, height = pen.textlength(text, font=font) + 6, 18
    limit_x, limit_y = pen.im.size
    x, y = max(0, min(x, limit_x - width)), max(0, min(y, limit_y - height))
    pen.rectangle((x, y, x + width, y + height), fill=color)
    pen.text((x + 3, y), text, fill=_contrast_color(color), font=font)


def _contrast_color(color: str) -> str:
    """Return black or white, the one that reads better on a color (WCAG's relative luminance)."""
    shares = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    # At 0.179 both contrast ratios are equal: (L + 0.05) / 0.05 and 1.05 / (L + 0.05).
    return "black" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 else "white"


def item_title(item: Mapping[str, Any]) -> str:
    """Return an item's label, with its score in percent where it has one."""
    score = item.get("score")
    label = str(item.get("label") or "?")[:40]
    return f"{label} {score:.0%}" if isinstance(score, (int, float)) else label


def alt_text(items: Sequence[Mapping[str, Any]], noun: str) -> str:
    """Describe an annotated image by its items, named by a noun in plural."""
    titles = ", ".join(item_title(item) for item in items[:20])
    return f"Image with {len(items)} {noun}: {titles}" if items else f"Image without {noun}"


def encode_png(image: "Image") -> bytes:
    """Return the image as a PNG file."""
    out = io.BytesIO()
    to_eight_bits(image).save(out, "PNG")
    return out.getvalue()


def image_html(image: "Image", alt: str) -> str:
    """Return the image as HTML with its description, as JPEG to stay small."""
    out = io.BytesIO()
    to_rgb(image).save(out, "JPEG", quality=80)
    data = base64.b64encode(out.getvalue()).decode()
    source = f"data:image/jpeg;base64,{data}"
    return f'<img alt="{show.escape_attribute(alt)}" src="{source}" style="max-width:100%">'
