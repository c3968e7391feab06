"""Pictures, sounds and films in answers: how a notebook shows them, where a terminal keeps them."""

import atexit
import base64
import functools
import itertools
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hfwidgets.errors import OutputError
from hfwidgets.results import overlay, show

Bundle = dict[str, Any]

KINDS = ("image", "audio", "video")

_ENDS = {"audio/mpeg": "mp3", "audio/ogg": "ogg", "audio/flac": "flac", "audio/wav": "wav"}


def kind_of(value: Any) -> str | None:
    """image, audio or video for a file of that kind; None for anything else."""
    names = {(t.__module__.partition(".")[0], t.__name__) for t in type(value).__mro__}
    for kind, name in _TYPES.items():
        if name in names:
            return kind
    return None


_TYPES = {
    "image": ("PIL", "Image"),
    "audio": ("hfwidgets", "Audio"),
    "video": ("hfwidgets", "Video"),
}


def found(result: Any, kind: str | None = None) -> list[Any]:
    """The pictures, sounds and films that a result is or holds, those of one kind where named."""
    return [item for item in _found(result) if kind in (None, kind_of(item))]


def _found(result: Any) -> Iterator[Any]:
    if kind_of(result):
        yield result
    elif hasattr(type(result), "picture"):
        yield result.picture
    elif isinstance(result, list):
        yield from (item.blob for item in result if kind_of(getattr(item, "blob", None)))


def view(result: Any, kind: str) -> Bundle:
    """The view of a result as pictures, sounds or films alone.

    Raises:
        OutputError: there is none in it.
    """
    items = found(result, kind)
    if not items:
        raise OutputError(
            f"There is no {kind} in this answer, a {type(result).__name__}. Use -f auto."
        )
    made = [picture(item) if kind == "image" else item._repr_mimebundle_() for item in items]
    whole = {name: "\n".join(each[name] for each in made) for name in ("text/plain", "text/html")}
    return {**made[0], **whole}


def picture(image: Any) -> Bundle:
    """The bundle of a Pillow picture: itself as PNG, and a small one with its size in words."""
    words = f"Picture, {image.width} x {image.height} pixels"
    small, _ = overlay.fitted(image)
    png = base64.b64encode(overlay.png(_storable(image))).decode()
    html = f"<figure>{overlay.figure(small, words)}</figure>"
    return {**show.bundle(f"<{words}>", html, getattr(image, "meta", None)), "image/png": png}


_PNG_MODES = ("1", "L", "LA", "I", "P", "RGB", "RGBA")


def _storable(image: Any) -> Any:
    """The picture in a mode that PNG has."""
    return (
        image if image.mode in ("1", "L", "LA", "I", "P", "RGB", "RGBA") else image.convert("RGB")
    )


def kept(result: Any) -> list[Path]:
    """Write the media of a result to files of this process, which end with it."""
    return [_written(item) for item in found(result)]


def _written(item: Any) -> Path:
    path = _folder() / f"{next(_numbers)}.{_end(item)}"
    if kind_of(item) == "image":
        _storable(item).save(path)
    else:
        item.save(path)
    return path


def _end(item: Any) -> str:
    if kind_of(item) == "image":
        return "png"
    mime = item.mime or ""
    return _ENDS.get(mime, mime.partition("/")[2] or "bin")


_numbers = itertools.count(1)


@functools.cache
def _folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="hfwidgets-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
