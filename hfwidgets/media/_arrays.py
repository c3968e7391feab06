"""Pictures and arrays of other libraries as files; these are loaded only when they are needed."""

import io
import sys
from collections.abc import Mapping
from typing import Any

from hfwidgets import errors

PNG_MODES = frozenset({"1", "L", "LA", "I", "I;16", "P", "RGB", "RGBA"})
MAX_CHANNELS = 8
"""The most channels a sound may have; tells (channels, n) from (n, channels)."""


def is_pil_image(value: Any) -> bool:
    """Whether this is a picture of Pillow's; Pillow is not loaded to find out."""
    pillow = sys.modules.get("PIL.Image")
    return pillow is not None and isinstance(value, pillow.Image)


def is_array(value: Any) -> bool:
    """Whether numpy can look at this as an array: ndarrays, and tensors in main memory."""
    return hasattr(value, "__array__") and not is_pil_image(value)


def encode_image(image: Any) -> bytes:
    """A Pillow picture as PNG; as JPEG with the same tables where it came from one."""
    out = io.BytesIO()
    if image.format == "JPEG" and hasattr(image, "quantization"):
        image.save(out, "JPEG", quality="keep")
    else:
        plain = image if image.mode in PNG_MODES else image.convert("RGB")
        plain.save(out, "PNG", compress_level=4)
    return out.getvalue()


def array_to_image(value: Any) -> Any:
    """An array of shape (height, width), (.., 1), (.., 3) or (.., 4) as a Pillow picture.

    Whole numbers are 0 to 255, floats 0 to 1.
    """
    import numpy as np
    from PIL import Image

    array = np.asarray(value)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))) or 0 in array.shape:
        raise errors.InputError(
            "A picture's array has shape (height, width), or that with 1, 3 or 4 channels; "
            f"this one has {array.shape}.{_channels_hint(array)}"
        )
    return Image.fromarray(_to_uint8(array))


def _channels_hint(array: Any) -> str:
    first = array.ndim == 3 and array.shape[0] in (1, 3, 4)
    return " Move the channels to the end." if first else ""


def _to_uint8(array: Any) -> Any:
    import numpy as np

    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * 255
    if array.dtype.kind not in "iuf":
        raise errors.InputError(f"A picture's array holds numbers, not {array.dtype}.")
    low, high = (float(array.min()), float(array.max()))
    top = 1.0 if array.dtype.kind == "f" else 255.0
    if not (low >= 0 and high <= top):  # NaN fails as well
        raise errors.InputError(
            f"A picture's {array.dtype} array has values from 0 to {top:g}; "
            f"this one has {low:g} to {high:g}."
        )
    return np.rint(array * (255.0 / top)).astype(np.uint8)


def parse_samples(value: Any) -> tuple[Any, int] | None:
    """(array, rate) of a pair in any order or of {"array": .., "sampling_rate": ..}; else None."""
    if isinstance(value, Mapping) and "array" in value:
        rate = value.get("sampling_rate", value.get("sample_rate"))
        if not _is_sampling_rate(rate):
            raise errors.InputError('A sound as a dict needs "array" and "sampling_rate" in hertz.')
        return value["array"], int(rate)
    if isinstance(value, tuple) and len(value) == 2:
        first, second = value
        if _is_sampling_rate(second) and not _is_sampling_rate(first):
            return first, int(second)
        if _is_sampling_rate(first) and not _is_sampling_rate(second):
            return second, int(first)
    return None


def _is_sampling_rate(value: Any) -> bool:
    if isinstance(value, bool) or hasattr(value, "__len__") or bool(getattr(value, "shape", ())):
        return False
    try:
        return bool(int(value) == value and value > 0)
    except (TypeError, ValueError):
        return False


def encode_wav(samples: Any, rate: int) -> bytes:
    """Samples of shape (n,), (n, channels) or (channels, n) as WAV with 16 bits.

    Floats are -1 to 1 (what is beyond is clipped); whole numbers use their type's range.
    """
    import numpy as np

    array = np.asarray(samples)
    if array.ndim == 2 and array.shape[0] <= MAX_CHANNELS < array.shape[1]:
        array = array.T
    wide = array.ndim == 2 and array.shape[1] > MAX_CHANNELS
    if array.ndim not in (1, 2) or array.size == 0 or wide:
        raise errors.InputError(
            f"A sound's array has shape (n,) or (n, channels), not empty; this is {array.shape}."
        )
    out = io.BytesIO()
    import wave

    with wave.open(out, "wb") as file:
        file.setnchannels(1 if array.ndim == 1 else array.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(_to_int16(array).tobytes())
    return out.getvalue()


def _to_int16(array: Any) -> Any:
    import numpy as np

    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            raise errors.InputError("A sound's array holds NaN or infinite values.")
        return np.rint(np.clip(array, -1.0, 1.0) * 32767).astype("<i2")
    if array.dtype == np.uint8:
        return ((array.astype(np.int16) - 128) << 8).astype("<i2")
    if array.dtype == np.int16:
        return array.astype("<i2")
    if array.dtype == np.int32:
        return (array >> 16).astype("<i2")
    raise errors.InputError(
        f"A sound's array is float, int16, int32 or uint8, not {array.dtype}. Convert it first."
    )
