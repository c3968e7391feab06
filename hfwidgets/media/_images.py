"""Pillow images on their way to a server and back: one rule for orientation, depth and size.

An image is sent as it is stored, with the orientation that its camera noted; whatever is decoded
here is turned upright and has 8 bits per channel.
"""

import io
import sys
from typing import TYPE_CHECKING, TypeGuard

from hfwidgets import errors

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

MAX_SIDE = 65_535
"""The largest width or height of an image, in pixels: what JPEG can store."""

ORIENTATION_TAG = 0x0112
"""The EXIF tag for how the camera was held, 1 to 8; 1 is upright."""

_PNG_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA"})
_JPEG_MODES = frozenset({"L", "RGB", "CMYK"})
_TRANSPARENT_MODES = {"La": "LA", "RGBa": "RGBA", "PA": "RGBA"}
"""Modes with transparency that no file format stores, and what they are converted to."""

_RANGES = (1.0, 255.0, 65_535.0)
"""The usual largest values of images in mode F or I, which do not name their range."""


def is_pil_image(value: object) -> "TypeGuard[Image]":
    """True for an image of Pillow's; Pillow is not imported to find out."""
    pillow = sys.modules.get("PIL.Image")
    return pillow is not None and isinstance(value, pillow.Image)


def check_sides(size: tuple[int, int], label: str) -> None:
    """Refuse an image without pixels, or one whose width or height no file could hold.

    Raises:
        InputError: a side is 0 or more than 65,535 pixels.
    """
    if 0 in size:
        raise errors.InputError(f"{label} has no pixels: its size is {size[0]} x {size[1]}.")
    if max(size) > MAX_SIDE:
        raise errors.InputError(
            f"{label} has too many pixels to be safe: {size[0]} x {size[1]}, and each side may "
            f"have {MAX_SIDE:,}. Scale it down."
        )


def encode_image(image: "Image") -> bytes:
    """Return a Pillow image as a PNG file, or as JPEG where it was opened from one.

    A JPEG keeps its compression and its orientation tag; other modes than PNG's are converted.

    Raises:
        InputError: the image is empty, closed or cut off, or its mode cannot be converted.
    """
    check_sides(image.size, "The image")
    try:
        image.load()  # a lazily opened file may be closed or cut off by now
        # Saving with quality="keep" needs the quantization tables of the file.
        if image.format == "JPEG" and image.mode in _JPEG_MODES and hasattr(image, "quantization"):
            return _encode_jpeg(image)
        return _encode_png(turn_upright(image))
    except errors.InputError:
        raise
    except Exception as error:  # Pillow's plugins raise nearly every type there is
        raise errors.InputError(
            f"The image cannot be read ({type(error).__name__}: {error}). Open it again, and call "
            "its load() while its file is open."
        ) from error


def _encode_jpeg(image: "Image") -> bytes:
    from PIL import Image

    # Only the orientation is passed on: the rest of EXIF, such as the place, is private.
    exif = Image.Exif()
    if orientation := image.getexif().get(ORIENTATION_TAG):
        exif[ORIENTATION_TAG] = orientation
    out = io.BytesIO()
    profile = image.info.get("icc_profile")
    image.save(out, "JPEG", quality="keep", exif=exif, icc_profile=profile)
    return out.getvalue()


def _encode_png(image: "Image") -> bytes:
    small = to_eight_bits(image)
    # A color profile describes the mode that it was stored for: a converted image drops it.
    profile = image.info.get("icc_profile") if small.mode == image.mode else None
    out = io.BytesIO()
    small.save(out, "PNG", compress_level=4, icc_profile=profile)
    return out.getvalue()


def turn_upright(image: "Image") -> "Image":
    """Return the image turned as its EXIF orientation says; itself when it is upright."""
    from PIL import ImageOps

    # exif_transpose would copy an image that is upright already.
    if image.getexif().get(ORIENTATION_TAG, 1) == 1:
        return image
    return ImageOps.exif_transpose(image)


def to_eight_bits(image: "Image") -> "Image":
    """Return the image in mode 1, L, LA, P, RGB or RGBA, scaled by the range of its values.

    16 bits reach to 65,535. Modes I and F name no range: the smallest of 1 (F only), 255 and
    65,535 that holds all values is taken, else their own extremes.

    Raises:
        InputError: the values are not finite, or Pillow cannot convert the mode.
    """
    mode = image.mode
    if mode in _PNG_MODES:
        return image
    if mode in _TRANSPARENT_MODES:
        return image.convert(_TRANSPARENT_MODES[mode])
    if mode.startswith("I;16"):
        return _scale_gray(image, 0.0, 65_535.0)
    if mode in ("I", "F"):
        return _scale_gray(image, *_find_range(image))
    if mode == "LAB":
        return _convert_lab(image)
    return image.convert("RGB")


def to_rgb(image: "Image", background: str = "white") -> "Image":
    """Return the image upright in mode RGB; what is transparent shows the background."""
    from PIL import Image

    found = to_eight_bits(turn_upright(image))
    # The mode alone does not tell: a palette may have a transparent color.
    if not found.has_transparency_data:
        return found.convert("RGB")
    layer = found.convert("RGBA")
    ground = Image.new("RGBA", layer.size, background)
    return Image.alpha_composite(ground, layer).convert("RGB")


def _to_numbers(image: "Image") -> "NDArray[np.float64]":
    import numpy as np

    # Pillow names the byte order in the mode, and numpy's view of it follows that.
    return np.asarray(image).astype(np.float64)


def _find_range(image: "Image") -> tuple[float, float]:
    values = _to_numbers(image)
    low, high = float(values.min()), float(values.max())
    if not (abs(low) < float("inf") and abs(high) < float("inf")):  # NaN fails as well
        raise errors.InputError("The image holds NaN or infinite values.")
    ranges = _RANGES if image.mode == "F" else _RANGES[1:]
    top = next((top for top in ranges if high <= top), high)
    # The tiny step avoids a division by zero where all values are the same.
    return (0.0, top) if low >= 0 else (low, max(high, low + 1e-12))


def _scale_gray(image: "Image", low: float, high: float) -> "Image":
    import numpy as np
    from PIL import Image

    share = (_to_numbers(image) - low) / (high - low)
    return Image.fromarray(np.rint(share * 255.0).astype(np.uint8))


def _convert_lab(image: "Image") -> "Image":
    from PIL import ImageCms

    lab, rgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    found = ImageCms.profileToProfile(image, lab, rgb, outputMode="RGB")
    assert found is not None  # None is for changes in place
    return found
