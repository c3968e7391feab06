"""Pictures with boxes and masks drawn in: what stays of a result without a kernel."""

import base64
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hfwidgets.results import show

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_SIDE = 800
"""The longest side of a picture in a notebook's output, in pixels."""

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8C564B", "#7F7F7F")
"""Colours that can be told apart with most kinds of colour blindness (Okabe and Ito)."""


def label_colors(items: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """A colour for each label, in the order of their first appearance."""
    labels = dict.fromkeys(str(item.get("label")) for item in items)
    return {label: COLORS[at % len(COLORS)] for at, label in enumerate(labels)}


def draw_boxes(picture: "Image", items: Sequence[Mapping[str, Any]]) -> "Image":
    """A copy with each item's box and label drawn in, at most 800 pixels wide and high."""
    from PIL import ImageDraw

    small, scale = fit_image(picture)
    pen = ImageDraw.Draw(small)
    ink = label_colors(items)
    for item in items:
        box = item.get("box")
        if not isinstance(box, Mapping):
            continue
        corners = [float(box.get(side) or 0) * scale for side in ("xmin", "ymin", "xmax", "ymax")]
        left, right = sorted(corners[0::2])
        top, bottom = sorted(corners[1::2])
        colour = ink[str(item.get("label"))]
        pen.rectangle((left, top, right, bottom), outline=colour, width=3)
        _draw_label(pen, left, top, item_title(item), colour)
    return small


def draw_masks(picture: "Image", items: Sequence[Mapping[str, Any]]) -> "Image":
    """A copy with each item's mask in its label's colour, at most 800 pixels wide and high."""
    from PIL import Image, ImageDraw

    small, _ = fit_image(picture)
    ink = label_colors(items)
    spots: list[tuple[float, float, Mapping[str, Any]]] = []
    for item in items:
        mask = item.get("mask")
        if not isinstance(mask, Image.Image):
            continue
        shape = mask.convert("L").resize(small.size, Image.Resampling.NEAREST)
        half = shape.point(lambda value: value * 0.6)
        small.paste(Image.new("RGB", small.size, ink[str(item.get("label"))]), mask=half)
        if found := shape.getbbox():
            spots.append(((found[0] + found[2]) / 2, (found[1] + found[3]) / 2, item))
    pen = ImageDraw.Draw(small)
    for x, y, item in spots:
        _draw_label(pen, x, y, item_title(item), ink[str(item.get("label"))])
    return small


def fit_image(picture: "Image") -> "tuple[Image, float]":
    """A copy in RGB that fits 800 by 800 pixels, and by how much it was scaled."""
    scale = min(1.0, MAX_SIDE / max(picture.size))
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    small = picture.convert("RGB")
    return (small.resize(size) if scale < 1 else small.copy()), scale


def _draw_label(pen: Any, x: float, y: float, text: str, colour: str) -> None:
    """A label on a ground of its colour, kept inside the picture."""
    from PIL import ImageFont

    font = ImageFont.load_default(14)
    width, height = pen.textlength(text, font=font) + 6, 18
    limit_x, limit_y = pen.im.size
    x, y = max(0, min(x, limit_x - width)), max(0, min(y, limit_y - height))
    pen.rectangle((x, y, x + width, y + height), fill=colour)
    pen.text((x + 3, y), text, fill=_contrast_color(colour), font=font)


def _contrast_color(colour: str) -> str:
    """Black or white, whichever reads better on a colour (WCAG's relative luminance)."""
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return "black" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 else "white"


def item_title(item: Mapping[str, Any]) -> str:
    """An item's label, with its score in percent where it has one."""
    score = item.get("score")
    label = str(item.get("label") or "?")[:40]
    return f"{label} {score:.0%}" if isinstance(score, (int, float)) else label


def alt_text(items: Sequence[Mapping[str, Any]], what: str) -> str:
    """What the picture shows, in words."""
    said = ", ".join(item_title(item) for item in items[:20])
    return f"Picture with {len(items)} {what}: {said}" if items else f"Picture without {what}"


def encode_png(picture: "Image") -> bytes:
    """The picture as PNG."""
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def image_html(picture: "Image", words: str) -> str:
    """The picture as HTML, as JPEG to stay small, with what it shows in words."""
    out = io.BytesIO()
    picture.convert("RGB").save(out, "JPEG", quality=80)
    data = base64.b64encode(out.getvalue()).decode()
    source = f"data:image/jpeg;base64,{data}"
    return f'<img alt="{show.escape_html(words)}" src="{source}" style="max-width:100%">'
