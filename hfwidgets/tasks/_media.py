"""What the tasks with pictures, sounds and films share."""

import functools
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

from hfwidgets import errors
from hfwidgets.core.flow import Do, Flow
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


class PictureLike(Protocol):
    """A picture of Pillow's."""

    @property
    def __array_interface__(self) -> dict[str, Any]: ...


File: TypeAlias = bytes | bytearray | memoryview | str | os.PathLike[str] | Readable | Media
Picture: TypeAlias = File | PictureLike | ArrayLike
"""bytes, a binary file, a path, an http(s) or data URL, a PIL image, an array."""
Sound: TypeAlias = File | tuple[Any, Any] | Mapping[str, Any]
"""bytes, a binary file, a path, an http(s) or data URL, (array, sampling rate)."""


def drawn(raw: Any) -> Flow["Image"]:
    """A server's picture, decoded."""
    picture: Image = yield Do(functools.partial(files.picture_of, raw))
    return picture


def spoken(raw: Any) -> Flow[Audio]:
    """A server's sound."""
    audio: Audio = yield Do(lambda: Audio(files.file_of(raw, "audio")))
    return audio


def masks(found: Elements[M]) -> Flow[Elements[M]]:
    """The same segments with their masks as pictures."""
    for item in found:
        if item.get("mask") is not None:
            item["mask"] = yield from drawn(item["mask"])
    return found


def filmed(raw: Any) -> Flow[Video]:
    """A server's film."""
    video: Video = yield Do(lambda: Video(files.file_of(raw, "video")))
    return video


def sized(size: Any) -> dict[str, int] | None:
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


def extras(task: str, extra: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """More parameters pass through, but one that looks like a slip of the pen is refused."""
    for name in extra:
        if hint := errors.near(name, known, cutoff=0.85):
            raise errors.UnknownParameterError(f"{task} has no parameter {name!r}.{hint}")
    return dict(extra)
