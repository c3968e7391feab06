"""Read images for the models (checked, upright, three channels) and write them into files."""

import base64
import io
import struct
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hfwidgets.engine.base.http_errors import bad_request

if TYPE_CHECKING:
    from PIL.Image import Image

Pixels = NDArray[np.float32]

MAX_PIXELS = 40_000_000
"""The most pixels of an image that is read."""

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")


def open_image(content: bytes, limit: int = MAX_PIXELS) -> "Image":
    """Return an image in RGB, turned upright, on white; 400 when it cannot be read."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    known = ", ".join(_FORMATS)
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            _check_size(image, limit)
            return _flatten(ImageOps.exif_transpose(image))
    except UnidentifiedImageError as error:
        raise bad_request(f"The image's format is not supported; {known} are.", "inputs") from error
    except Image.DecompressionBombError as error:
        raise bad_request(f"The image has too many pixels: {error}.", "inputs") from error
    except (OSError, SyntaxError, ValueError, struct.error) as error:
        raise bad_request(f"The image is damaged or cut off: {error}.", "inputs") from error


def _check_size(image: "Image", limit: int) -> None:
    """Refuse an image that is too large, by the file's header, before anything is decoded."""
    if image.width * image.height > limit:
        raise bad_request(
            f"The image has {image.width} x {image.height} pixels; at most "
            f"{limit / 1e6:.3g} million are accepted here. Scale it down.",
            "inputs",
        )


def _flatten(image: "Image") -> "Image":
    """Return the first frame in RGB; transparent parts become white."""
    from PIL import Image

    if image.has_transparency_data:
        clear = image.convert("RGBA")
        white = Image.new("RGBA", clear.size, "white")
        return Image.alpha_composite(white, clear).convert("RGB")
    return image.convert("RGB")


def to_pixels(image: "Image") -> Pixels:
    """Return the image as numbers, 0 to 255, of shape (height, width, 3) or (height, width)."""
    return np.asarray(image, np.float32)


def to_png(image: "Image") -> bytes:
    """Return the image as a PNG file."""
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def to_base64_png(image: "Image") -> str:
    """Return the image as a PNG file in base64."""
    return base64.b64encode(to_png(image)).decode()
