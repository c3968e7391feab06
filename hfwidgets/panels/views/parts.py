"""Pieces of static HTML that views share: results, values, images."""

import base64
import io
from collections.abc import Mapping
from typing import Any

from hfwidgets import errors
from hfwidgets.media import open_upright, to_rgb
from hfwidgets.panels.views import previews
from hfwidgets.results.audio import Audio
from hfwidgets.results.show import escape_attribute, escape_html
from hfwidgets.results.vision import Video

MAX_EXCERPT_LENGTH = 2000
"""Characters of an input text that are kept."""

THUMBNAIL_SIDE = 320
"""The longest side of an input's image, in pixels."""


def is_media(value: object) -> bool:
    """True if a value has its own view: an image, audio, a video, an array."""
    is_array = hasattr(value, "__array__") and hasattr(value, "ndim")
    return isinstance(value, Audio | Video) or hasattr(value, "getbbox") or is_array


def result_html(result: object) -> str:
    """Return a result's own static form."""
    make = getattr(result, "_repr_mimebundle_", None)
    if make is None:
        return f'<div dir="auto" style="white-space:pre-wrap">{escape_html(str(result))}</div>'
    bundle: Mapping[str, Any] = make()
    plain = escape_html(str(bundle.get("text/plain", "")))
    return str(bundle.get("text/html") or f"<pre>{plain}</pre>")


def value_html(name: str, value: object) -> str:
    """Render a text, a list of texts or an image; "" for anything else."""
    if isinstance(value, str):
        ellipsis = "…" if len(value) > MAX_EXCERPT_LENGTH else ""
        text = f"<i>{escape_html(name)}:</i> {escape_html(value[:MAX_EXCERPT_LENGTH])}{ellipsis}"
        return f'<p dir="auto" style="white-space:pre-wrap">{text}</p>'
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        text = ", ".join(value)[:MAX_EXCERPT_LENGTH]
        return f"<p><i>{escape_html(name)}:</i> {escape_html(text)}</p>"
    return thumbnail_html(name, value)


def thumbnail_html(name: str, value: object) -> str:
    """Render an image at most 320 pixels wide and high; "" if `value` is not an image."""
    try:
        # JPEG has neither transparency nor palettes.
        image = to_rgb(open_upright(previews.load_media(value, "image")))
    except errors.HfWidgetsError:
        return ""
    image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    data = base64.b64encode(out.getvalue()).decode()
    return f'<p><img alt="{escape_attribute(name)}" src="data:image/jpeg;base64,{data}"></p>'
