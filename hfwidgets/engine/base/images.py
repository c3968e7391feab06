"""Decode image files to the upright RGB images that models read, and encode images as PNG."""

import base64
import io
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hfwidgets.engine.base.http_errors import RefusedError, bad_request
from hfwidgets.errors import InputError
from hfwidgets.media import to_rgb

if TYPE_CHECKING:
    from PIL.Image import Image

Pixels = NDArray[np.float32]

MAX_PIXELS = 40_000_000
"""Pixels of an image that is read."""

MAX_SIDE = 16_384
"""Pixels of each side: one of millions costs gigabytes once a model scales the other side up."""

MAX_ASPECT_RATIO = 200
"""The longer side over the shorter one. Models scale the shorter side up to hundreds of pixels, and
the other with it: 5,000 x 1 would become a quarter of a billion."""

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")


def open_image(content: bytes, limit: int = MAX_PIXELS) -> "Image":
    """Decode an image file to RGB, upright by its EXIF orientation, transparency on white.

    Raises:
        RefusedError: 400 if it cannot be decoded, or is larger than `limit` pixels or MAX_SIDE.
    """
    from PIL import Image, UnidentifiedImageError

    formats = _readable_formats()
    try:
        # Only these formats: Pillow's other parsers are older and rarely tested with hostile files.
        with Image.open(io.BytesIO(content), formats=formats) as image:
            _check_size(image, limit)
            return to_rgb(image)
    except UnidentifiedImageError as error:
        raise bad_request(
            f"Unknown image format; supported are {', '.join(formats)}.", "inputs"
        ) from error
    except Image.DecompressionBombError as error:
        raise bad_request(f"The image has too many pixels: {error}.", "inputs") from error
    except InputError as error:
        raise bad_request(error.message, "inputs") from error
    # From _check_size() inside the block: the last handler would call the image damaged.
    except RefusedError:
        raise
    except Exception as error:  # Pillow's plugins raise nearly every type there is
        raise bad_request(f"The image is damaged or cut off: {error}.", "inputs") from error


def _readable_formats() -> tuple[str, ...]:
    """Return the formats of this Pillow; it may be built without AVIF."""
    from PIL import features

    return _FORMATS if features.check("avif") else _FORMATS[:-1]


def _check_size(image: "Image", limit: int) -> None:
    """Refuse what is too large, by the file's header, before anything is decoded."""
    size = f"The image has {image.width} x {image.height} pixels"
    if max(image.size) > MAX_SIDE:
        raise bad_request(f"{size}; each side may have at most {MAX_SIDE}.", "inputs")
    if max(image.size) > MAX_ASPECT_RATIO * min(image.size):
        raise bad_request(
            f"{size}; the longer side may be at most {MAX_ASPECT_RATIO} times the shorter one. "
            "Crop it, or add a border.",
            "inputs",
        )
    if image.width * image.height > limit:
        raise bad_request(
            f"{size}; at most {limit / 1e6:.3g} million are read here. Scale it down.", "inputs"
        )


def to_pixels(image: "Image") -> Pixels:
    """Return the image as values from 0 to 255, shape (height, width, 3) or (height, width)."""
    return np.asarray(image, np.float32)


def to_png(image: "Image") -> bytes:
    """Encode the image as a PNG file."""
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def to_base64_png(image: "Image") -> str:
    """Encode the image as a PNG file in base64."""
    return base64.b64encode(to_png(image)).decode()
