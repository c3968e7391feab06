"""Input types, decoders and parameter checks that the image, audio and video tasks share."""

import functools
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from hfwidgets import errors
from hfwidgets.core.flow import Blocking, Flow
from hfwidgets.media import Media, find_type, to_eight_bits
from hfwidgets.results import Elements, files
from hfwidgets.results.audio import Audio
from hfwidgets.results.vision import ImageSegmentationOutputElement, Video

if TYPE_CHECKING:
    from PIL.Image import Image

M = TypeVar("M", bound=ImageSegmentationOutputElement)

UNKNOWN_IMAGE_SIZE = (8192, 8192)
"""The largest masks, in pixels, of an image whose size is not known here."""


class Readable(Protocol):
    """A binary file object."""

    def read(self, size: int = ..., /) -> bytes: ...


class ArrayLike(Protocol):
    """An array of numpy's, or anything that numpy can read as one."""

    def __array__(self, *args: object, **kwargs: object) -> Any: ...


class ImageLike(Protocol):
    """An image of Pillow's."""

    @property
    def __array_interface__(self) -> dict[str, Any]: ...


FileInput: TypeAlias = bytes | bytearray | memoryview | str | os.PathLike[str] | Readable | Media
ImageInput: TypeAlias = FileInput | ImageLike | ArrayLike
"""bytes, a binary file, a path, an http(s) or data URL, a PIL image, an array."""
AudioInput: TypeAlias = FileInput | tuple[Any, Any] | Mapping[str, Any]
"""bytes, a binary file, a path, an http(s) or data URL, (array, sampling rate)."""


class HasSize(Protocol):
    """An object with a size in pixels."""

    @property
    def width(self) -> int: ...

    @property
    def height(self) -> int: ...


TargetSize: TypeAlias = Mapping[str, int] | tuple[int, int] | list[int] | HasSize
"""{"width": .., "height": ..}, (width, height) or an object with both, in pixels."""


def decode_audio(raw: object, label: str | None = None) -> Flow[Audio]:
    """Take the audio file out of an answer; the label is the type that the server named."""
    audio: Audio = yield Blocking(functools.partial(_extract_audio, raw, label))
    return audio


def _extract_audio(raw: object, label: str | None) -> Audio:
    if label and isinstance(raw, str):
        # Bare base64 cannot carry the server's label; a data URL does.
        raw = f"data:{label};base64,{raw}" if not raw.startswith("data:") else raw
    data = files.extract_file(raw, "audio")
    audio = Audio(data)
    # Audio would read its type from the bytes alone; audio without a header has it in the
    # label, which only `data` carries.
    audio.mime = find_type(data, "audio")
    return audio


def decode_masks(found: Elements[M], source: Media) -> Flow[Elements[M]]:
    """Return the same segments with their masks decoded, in mode L.

    Raises:
        OutputError: a mask is damaged, or larger than the image that was segmented.
    """
    largest: tuple[int, int] = yield Blocking(functools.partial(_measure_image, source))
    for item in found:
        if item.get("mask") is not None:
            mask: Image = yield files.decode_image(item["mask"], largest)
            # Pillow's own conversion of the modes I and F to L clips at 255 instead of scaling.
            item["mask"] = to_eight_bits(mask).convert("L")
    return found


def _measure_image(source: Media) -> tuple[int, int]:
    """Return the width and height of an image by its header, a usual limit where it is unknown."""
    from PIL import Image

    try:
        with source.open() as file, Image.open(file) as image:
            return image.size
    except Exception:  # a URL that the server fetches, or a format that Pillow does not read
        return UNKNOWN_IMAGE_SIZE


def decode_video(raw: object) -> Flow[Video]:
    """Take the video file out of an answer."""
    video: Video = yield Blocking(lambda: Video(files.extract_file(raw, "video")))
    return video


def parse_size(size: TargetSize | None) -> dict[str, int] | None:
    """Return a target size as {"width", "height"}, from such a dict or object, or (width, height).

    Raises:
        InputError: the size is something else.
    """
    if size is None:
        return None
    try:
        if isinstance(size, Mapping):
            width, height = size["width"], size["height"]
        elif isinstance(size, (tuple, list)):
            width, height = size
        else:
            width, height = size.width, size.height
        found = {"width": int(width), "height": int(height)}
    except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise _size_error() from error
    if min(found.values()) < 1:
        raise _size_error()
    return found


def _size_error() -> errors.InputError:
    return errors.InputError(
        'A target size is {"width": ..., "height": ...} in pixels, or (width, height).'
    )


def check_extra_params(
    task: str, extra: Mapping[str, Any], known: Mapping[str, Any]
) -> dict[str, Any]:
    """Return parameters for the server that the task does not list.

    Raises:
        UnknownParameterError: a name is nearly that of a parameter the task has.
    """
    for name in extra:
        # Servers accept parameters that no task lists, so only a near match
        # counts as a misspelling.
        if hint := errors.did_you_mean(name, known, cutoff=0.85):
            raise errors.UnknownParameterError(f"{task} has no parameter {name!r}.{hint}")
    return dict(extra)
