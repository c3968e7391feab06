"""Decode image files to the upright RGB images that models read, and encode images as PNG."""

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
"""Pixels of an image that is read."""

MAX_SIDE = 16_384
"""Pixels of each side: one of millions costs gigabytes once a model scales the other side up."""

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")


def open_image(content: bytes, limit: int = MAX_PIXELS) -> "Image":
    """Decode an image file to RGB, upright by its EXIF orientation, transparency on white.

    Raises:
        RefusedError: 400 if it cannot be decoded, or is larger than `limit` pixels or MAX_SIDE.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    formats = _readable_formats()
    try:
        with Image.open(io.BytesIO(content), formats=formats) as image:
            _check_size(image, limit)
            return _flatten(ImageOps.exif_transpose(image))
    except UnidentifiedImageError as error:
        raise bad_request(
            f"Unknown image format; supported are {', '.join(formats)}.", "inputs"
        ) from error
    except Image.DecompressionBombError as error:
        raise bad_request(f"The image has too many pixels: {error}.", "inputs") from error
    except (OSError, SyntaxError, ValueError, struct.error) as error:
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
    if image.width * image.height > limit:
        raise bad_request(
            f"{size}; at most {limit / 1e6:.3g} million are read here. Scale it down.", "inputs"
        )


def _flatten(image: "Image") -> "Image":
    """Return the first frame in RGB, with white where it is transparent."""
    from PIL import Image

    if image.mode == "F" or image.mode.startswith("I"):
        return Image.fromarray(_scale_to_bytes(np.asarray(image))).convert("RGB")
    if image.has_transparency_data:
        clear = image.convert("RGBA")
        white = Image.new("RGBA", clear.size, "white")
        return Image.alpha_composite(white, clear).convert("RGB")
    return image.convert("RGB")


def _scale_to_bytes(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    """Map gray values of more than 8 bits to 0..255, where Pillow's convert would clip them.

    The mode alone does not give the range: 16-bit files open as 32-bit modes too, and floats run
    to 1 or to 255. So the smallest usual range that holds the values is taken.
    """
    numbers = np.nan_to_num(np.asarray(values, np.float64), posinf=0, neginf=0)
    low, high = numbers.min(), numbers.max()
    tops: tuple[float, ...] = (255.0, 65_535.0, 2.0**31 - 1)
    if values.dtype.kind == "f":
        tops = (1.0, 255.0)
    elif values.dtype.itemsize == 2:
        tops = (65_535.0,)
    top = next((top for top in tops if high <= top), None)
    if low < 0 or top is None:  # no usual range: spread what there is
        numbers, top = numbers - low, max(high - low, 1e-12)
    return np.rint(numbers * (255 / top)).astype(np.uint8)


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
