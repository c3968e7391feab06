"""Shows images, audio and video of answers in a notebook, and saves them for a terminal."""

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
from hfwidgets.errors.excerpt import name_type
from hfwidgets.results import overlay, show

Bundle = dict[str, Any]

MEDIA_KINDS = ("image", "audio", "video")

_EXTENSIONS = {"audio/mpeg": "mp3", "audio/ogg": "ogg", "audio/flac": "flac", "audio/wav": "wav"}


def media_kind(value: object) -> str | None:
    """Return image, audio or video for a medium; None for anything else."""
    # By name: importing Pillow to recognize an image would cost more than showing text.
    names = {(t.__module__.partition(".")[0], t.__name__) for t in type(value).__mro__}
    for kind, name in _MEDIA_TYPES.items():
        if name in names:
            return kind
    return None


_MEDIA_TYPES = {
    "image": ("PIL", "Image"),
    "audio": ("hfwidgets", "Audio"),
    "video": ("hfwidgets", "Video"),
}


def find_media(result: object, kind: str | None = None) -> list[Any]:
    """Return the media that a result is or holds, only those of one kind if `kind` is set."""
    return [item for item in _iter_media(result) if kind in (None, media_kind(item))]


def _iter_media(result: Any) -> Iterator[Any]:
    if media_kind(result):
        yield result
    # On the type: a record's instances also have the fields that a server sent, whatever their
    # names.
    elif hasattr(type(result), "image"):
        yield result.image
    elif isinstance(result, list):
        yield from (item.blob for item in result if media_kind(getattr(item, "blob", None)))


def render_media(result: object, kind: str) -> Bundle:
    """Return the view of a result's images, audio or video only.

    Raises:
        OutputError: the result has no medium of this kind.
    """
    items = find_media(result, kind)
    if not items:
        raise OutputError(f"This answer, {name_type(result)}, has no {kind}. Use -f auto.")
    made = [render_image(item) if kind == "image" else item._repr_mimebundle_() for item in items]
    whole = {name: "\n".join(each[name] for each in made) for name in ("text/plain", "text/html")}
    return {**made[0], **whole}


def render_image(image: Any) -> Bundle:
    """Return the bundle of a Pillow image: itself as PNG, and a preview with its size."""
    words = f"Image, {image.width} x {image.height} pixels"
    small, _ = overlay.fit_image(image)
    png = base64.b64encode(overlay.encode_png(image)).decode()
    html = f"<figure>{overlay.image_html(small, words)}</figure>"
    return {**show.mime_bundle(f"<{words}>", html, getattr(image, "meta", None)), "image/png": png}


def save_media(result: object) -> list[Path]:
    """Write the media of a result to temporary files, which are deleted at exit."""
    return [_save_item(item) for item in find_media(result)]


def _save_item(item: Any) -> Path:
    path = _temporary_folder() / f"{next(_file_numbers)}.{_choose_extension(item)}"
    if media_kind(item) == "image":
        path.write_bytes(overlay.encode_png(item))
    else:
        item.save(path)
    return path


def _choose_extension(item: Any) -> str:
    if media_kind(item) == "image":
        return "png"
    mime = item.mime or ""
    return _EXTENSIONS.get(mime, mime.partition("/")[2] or "bin")


_file_numbers = itertools.count(1)


@functools.cache
def _temporary_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="hfwidgets-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
