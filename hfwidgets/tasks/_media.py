"""What the tasks with pictures, sounds and films share."""

import functools
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from hfwidgets import errors
from hfwidgets.core.flow import Blocking, Flow
from hfwidgets.media import Media
from hfwidgets.results import Elements, files
from hfwidgets.results.audio import Audio
from hfwidgets.results.vision import ImageSegmentationOutputElement, Video

if TYPE_CHECKING:
    from PIL.Image import Image

M = TypeVar("M", bound=ImageSegmentationOutputElement)


class Readable(Protocol):
    """A binary file object."""

    def read(self, size: int = ..., /) -> bytes: ...


class ArrayLike(Protocol):
    """An array of numpy's, or what numpy can look at as one."""

    def __array__(self, *args: Any, **kwargs: Any) -> Any: ...


class ImageLike(Protocol):
    """A picture of Pillow's."""

    @property
    def __array_interface__(self) -> dict[str, Any]: ...


FileInput: TypeAlias = bytes | bytearray | memoryview | str | os.PathLike[str] | Readable | Media
ImageInput: TypeAlias = FileInput | ImageLike | ArrayLike
"""bytes, a binary file, a path, an http(s) or data URL, a PIL image, an array."""
AudioInput: TypeAlias = FileInput | tuple[Any, Any] | Mapping[str, Any]
"""bytes, a binary file, a path, an http(s) or data URL, (array, sampling rate)."""


def decode_image(raw: Any) -> Flow["Image"]:
    """A server's picture, decoded."""
    picture: Image = yield Blocking(functools.partial(files.extract_image, raw))
    return picture


def decode_audio(raw: Any) -> Flow[Audio]:
    """A server's sound."""
    audio: Audio = yield Blocking(lambda: Audio(files.extract_file(raw, "audio")))
    return audio


def decode_masks(found: Elements[M]) -> Flow[Elements[M]]:
    """The same segments with their masks as pictures."""
    for item in found:
        if item.get("mask") is not None:
            item["mask"] = yield from decode_image(item["mask"])
    return found


def decode_video(raw: Any) -> Flow[Video]:
    """A server's film."""
    video: Video = yield Blocking(lambda: Video(files.extract_file(raw, "video")))
    return video


def parse_size(size: Any) -> dict[str, int] | None:
    """A target size as {"width", "height"}, from such a dict or object, or (width, height)."""
    if size is None:
        return None
    if isinstance(size, (tuple, list)) and len(size) == 2:
        return {"width": int(size[0]), "height": int(size[1])}
    found = size if isinstance(size, Mapping) else vars(size)
    try:
        return {"width": int(found["width"]), "height": int(found["height"])}
    except (KeyError, TypeError, ValueError) as error:
        raise errors.InputError(
            'A target size is {"width": ..., "height": ...} in pixels, or (width, height).'
        ) from error


def check_extra_params(
    task: str, extra: Mapping[str, Any], known: Mapping[str, Any]
) -> dict[str, Any]:
    """More parameters pass through, but one that looks like a slip of the pen is refused."""
    for name in extra:
        if hint := errors.did_you_mean(name, known, cutoff=0.85):
            raise errors.UnknownParameterError(f"{task} has no parameter {name!r}.{hint}")
    return dict(extra)
