"""Arrays as images and audio; numpy is imported only when an array is met."""

import io
import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from hfwidgets import errors
from hfwidgets.errors.excerpt import show_value
from hfwidgets.media._images import check_sides, is_pil_image

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray
    from PIL.Image import Image

    Array: TypeAlias = NDArray[Any]
    FloatSamples: TypeAlias = NDArray[np.floating[Any]]

MAX_CHANNELS = 8
"""The most channels that audio may have; tells (channels, n) from (n, channels)."""

LOUDEST = 10.0
"""Float samples beyond this level are not loud, but integers that were converted to floats."""

CANCELED = 0.1
"""A mix below this share of the loudest channel's level means that channels cancel each other."""


def is_array(value: object) -> bool:
    """True if numpy can read this as an array: ndarrays, and tensors of other libraries.

    Tables of numbers are left out, although numpy can read them too.
    """
    is_table = hasattr(type(value), "columns")
    return hasattr(value, "__array__") and not is_pil_image(value) and not is_table


def _to_array(value: object) -> "Array":
    """Return anything array-like as a numpy array; InputError where it cannot be read as one."""
    import numpy as np

    # A tensor that records gradients or lives on a GPU refuses to become an array as it is.
    for step in ("detach", "cpu", "resolve_conj"):
        if callable(method := getattr(value, step, None)):
            value = method()
    try:
        found: Array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise errors.InputError(
            f"{type(value).__name__} cannot be read as an array ({error}). Convert it to numpy."
        ) from error
    return found


def array_to_image(value: object) -> "Image":
    """Return an array of shape (height, width) or (height, width, 1 to 4) as a Pillow image.

    Integers are 0 to 255 (uint16: 0 to 65,535), floats 0 to 1. Tensors of torch may have their
    channels first.

    Raises:
        InputError: the array has another shape, type or range.
    """
    from PIL import Image

    array = _to_array(value)
    # Channels come first in torch by convention. In other libraries the same shape may be meant
    # otherwise, so it is refused with a hint.
    if type(value).__module__.partition(".")[0] == "torch" and _is_channels_first(array):
        array = array.transpose(1, 2, 0)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in _CHANNELS)) or not array.size:
        hint = " Move the channels to the end." if _is_channels_first(array) else ""
        raise errors.InputError(
            "An image's array has shape (height, width), or that with 1 to 4 channels; "
            f"this one has {array.shape}.{hint}"
        )
    check_sides((array.shape[1], array.shape[0]), "The array")
    return Image.fromarray(_to_uint8(array))


_CHANNELS = (1, 2, 3, 4)
"""Gray, gray with alpha, RGB, RGBA."""


def _is_channels_first(array: "Array") -> bool:
    return array.ndim == 3 and array.shape[0] in _CHANNELS and array.shape[2] not in _CHANNELS


def _to_uint8(array: "Array") -> "Array":
    import numpy as np

    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    if array.dtype == np.bool_:
        return array.astype(np.uint8) * 255
    if array.dtype.kind not in "iuf":
        raise errors.InputError(f"An image's array holds numbers, not {array.dtype}.")
    low, high = (float(array.min()), float(array.max()))
    # 16 bits have the range of Pillow's mode I;16, which is made of the same arrays.
    top = 1.0 if array.dtype.kind == "f" else 65_535.0 if array.dtype == np.uint16 else 255.0
    if not (low >= 0 and high <= top):  # NaN fails as well
        raise errors.InputError(
            f"An image's {array.dtype} array has values from 0 to {top:g}; "
            f"this one has {low:g} to {high:g}."
        )
    return np.rint(array * (255.0 / top)).astype(np.uint8)


def parse_samples(value: object) -> tuple[object, int] | None:
    """Return (samples, rate) of a pair in either order or of a dict; None for anything else.

    The dict is {"array": .., "sampling_rate": ..}, as data sets hold audio.

    Raises:
        InputError: the dict has no usable sampling rate.
    """
    if isinstance(value, Mapping) and "array" in value:
        rate = _parse_rate(value.get("sampling_rate", value.get("sample_rate")))
        if rate is None:
            raise errors.InputError('Audio as a dict needs "array" and "sampling_rate" in hertz.')
        return value["array"], rate
    if isinstance(value, tuple) and len(value) == 2:
        first, second = value
        rates = _parse_rate(first), _parse_rate(second)
        # Exactly one of the two is a rate; two numbers or two arrays do not make samples.
        if rates[0] is None and rates[1] is not None:
            return first, rates[1]
        if rates[1] is None and rates[0] is not None:
            return second, rates[0]
    return None


def check_rate(value: object) -> None:
    """Raise InputError for samples whose rate cannot be used."""
    if not (isinstance(value, (tuple, list)) and len(value) == 2):
        return
    for samples, rate in (value, value[::-1]):
        if (is_array(samples) or isinstance(samples, list)) and not is_array(rate):
            hint = " Pass a tuple, not a list." if _parse_rate(rate) else ""
            raise errors.InputError(
                "Audio is (array, sampling rate), with the rate as a positive whole number of "
                f"hertz; here it is {show_value(rate)}.{hint}"
            )


def _parse_rate(value: Any) -> int | None:
    """Return a sampling rate as an int, None for what is not a positive whole number."""
    # numpy's scalars are rates, and its arrays, which have a shape, are samples.
    if isinstance(value, (bool, str)):
        return None
    if getattr(value, "shape", None) == ():
        value = value.item()
    elif hasattr(value, "__len__"):
        return None
    try:
        return int(value) if int(value) == value and value > 0 else None
    except (TypeError, ValueError, OverflowError):
        return None


def encode_wav(samples: "ArrayLike | object", rate: int) -> bytes:
    """Return samples of shape (n,), (n, channels) or (channels, n) as a 16-bit WAV file.

    Floats are -1 to 1 (what is beyond is clipped); integers use their type's range.

    Raises:
        InputError: the samples are empty, not finite, or of another shape or type.
    """
    array = _to_array(samples)
    if array.ndim == 2 and array.shape[0] <= MAX_CHANNELS < array.shape[1]:
        array = array.T
    wide = array.ndim == 2 and array.shape[1] > MAX_CHANNELS
    if array.ndim not in (1, 2) or array.size == 0 or wide:
        raise errors.InputError(
            f"An audio array has shape (n,) or (n, channels), not empty; this is {array.shape}."
        )
    import wave  # with what it imports, a tenth of the client's import

    out = io.BytesIO()
    try:
        with wave.open(out, "wb") as file:
            file.setnchannels(1 if array.ndim == 1 else array.shape[1])
            file.setsampwidth(2)
            file.setframerate(rate)
            file.writeframes(_to_int16(array).tobytes())
    except (wave.Error, OverflowError, struct.error) as error:  # as for a rate beyond 32 bits
        raise errors.InputError(f"The audio cannot be written as WAV: {error}.") from error
    return out.getvalue()


def _to_int16(array: "Array") -> "Array":
    import numpy as np

    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            raise errors.InputError("The audio array holds NaN or infinite values.")
        if (peak := float(np.abs(array).max())) > LOUDEST:
            raise errors.InputError(
                f"A float audio array goes from -1 to 1; this one reaches {peak:g}. Divide it by "
                "the range of the integers that it was made from, such as 32768."
            )
        # With 32768, a sample of 1.0 would wrap around to the lowest value.
        return np.asarray(np.rint(np.clip(array, -1.0, 1.0) * 32767), "<i2")
    if array.dtype == np.uint8:  # 8-bit audio is unsigned, with its zero at 128
        return np.asarray((array.astype(np.int16) - 128) << 8, "<i2")
    if array.dtype == np.int16:
        return array.astype("<i2")
    if array.dtype == np.int32:
        return np.asarray(array >> 16, "<i2")
    raise errors.InputError(
        f"An audio array is float, int16, int32 or uint8, not {array.dtype}. Convert it first."
    )


def mix_channels(samples: "FloatSamples") -> "FloatSamples":
    """Return samples of shape (n, channels) or (n,) as one channel, shape (n,).

    The mean of the channels; where they cancel each other out, as in stereo whose sides have
    opposite phase, the loudest channel alone.
    """
    import numpy as np

    if samples.ndim == 1:
        return samples
    mixed: FloatSamples = samples.mean(axis=1)
    if samples.shape[1] < 2 or not len(samples):
        return mixed
    # The sum of squares per channel, without a temporary array as large as the recording.
    powers = np.einsum("ij,ij->j", samples, samples)
    if float(mixed @ mixed) >= CANCELED**2 * float(powers.max()):
        return mixed
    loudest: FloatSamples = samples[:, int(powers.argmax())]
    return loudest
