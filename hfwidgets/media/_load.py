"""Whatever a user has at hand, as `Media`."""

import base64
import functools
import io
import os
import urllib.parse
from pathlib import Path
from typing import Any

from hfwidgets import errors
from hfwidgets.core.flow import Blocking, Flow, Send
from hfwidgets.media import _arrays, _check
from hfwidgets.media._media import (
    CHUNK,
    ByteSource,
    FileObjectSource,
    InlineDataUrl,
    Media,
    MemorySource,
    PathSource,
)
from hfwidgets.media._sniff import HEAD_SIZE, sniff

INPUT_LIMIT = 256 << 20
"""The largest file that is fetched from a URL or read from a pipe to be sent on, in bytes."""

PIECE = 4 * CHUNK

INLINE_LIMIT = 1 << 18
"""Data URLs of files up to so many bytes are made at once; larger ones while they are sent."""

_KIND_NOUNS = {"image": "picture", "audio": "sound", "video": "film"}


def load(source: Any, kind: str | None = None) -> Flow[Media]:
    """What `source` holds, checked, as far as it can be without a request.

    Takes bytes, bytearray, memoryview; a binary file; a path (str or Path); an http(s) URL, which
    is left as it is; a data URL; a PIL image; an array ((height, width[, 3 or 4]) for a picture;
    for a sound `(array, rate)` or `{"array": .., "sampling_rate": ..}`); `Media`.

    Args:
        source: what the user gave.
        kind: image, audio or video; None takes all three.

    Raises:
        InputError: nothing is there, or it is empty, damaged, cut off or of another type.
        InputTypeError: no such object can be a picture or sound.
    """
    if isinstance(source, Media):
        return source
    if isinstance(source, str) and source.startswith(("http://", "https://")):
        return Media(None, kind, name=_url_name(source), url=source)
    media: Media = yield Blocking(functools.partial(_open_media, source, kind))
    return media


def ensure_bytes(media: Media) -> Flow[Media]:
    """The same media, with its bytes at hand: a URL is fetched and checked, without credentials."""
    if media.source is not None or media.url is None:
        return media
    try:
        reply = yield Send("GET", media.url, limit=INPUT_LIMIT)
    except errors.HfHubHTTPError as error:
        raise errors.InputError(
            f"The {_kind_noun(media.kind)} at {media.url} cannot be fetched: "
            f"its server answered {error.status_code}."
        ) from error
    except errors.OutputError as error:  # over the limit
        raise errors.InputError(f"{media.url} is larger than {INPUT_LIMIT:,} bytes.") from error
    media.source = MemorySource(reply.content)
    try:
        yield Blocking(functools.partial(_check_media, media, media.url))
    except errors.InputError:
        media.source = None
        raise
    return media


def to_url(
    media: Media, default_mime: str = "application/octet-stream"
) -> Flow[str | InlineDataUrl]:
    """A URL for a request's JSON: the media's own, else a data URL.

    That of a large file is an `Inline`: JSON bodies take it as the text it stands for, and write it
    while they are sent. Do not look into it; `str()` of it makes the whole text.
    """
    if media.url is not None:
        return media.url
    if (media.size or 0) > INLINE_LIMIT:
        return InlineDataUrl(media, media.data_url_prefix(default_mime))
    url: str = yield Blocking(functools.partial(media.data_url, default_mime))
    return url


def _kind_noun(kind: str | None) -> str:
    return _KIND_NOUNS.get(kind or "", "file")


def _url_name(url: str) -> str | None:
    path = urllib.parse.unquote(urllib.parse.urlsplit(url).path)
    return path.rsplit("/", 1)[-1] or None


def _open_media(source: Any, kind: str | None) -> Media:
    """The source as checked media; may block."""
    if isinstance(source, str) and source.startswith("data:"):
        media = Media(MemorySource(decode_data_url(source)), kind, url=source)
        return _check_media(media, "The data URL")
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _check_media(Media(MemorySource(bytes(source)), kind), f"The {_kind_noun(kind)}")
    if isinstance(source, (str, os.PathLike)):
        path = _find_file(source)
        return _check_media(Media(PathSource(path), kind, name=path.name), str(path))
    if hasattr(source, "read"):
        return _check_media(Media(_file_source(source), kind, name=_file_name(source)), "The file")
    if _arrays.is_pil_image(source) and kind in ("image", None):
        return _wrap_encoded(_arrays.encode_image(source), "image")
    if (sound := _arrays.parse_samples(source)) and kind in ("audio", None):
        return _wrap_encoded(_arrays.encode_wav(*sound), "audio")
    if _arrays.is_array(source):
        return _from_array(source, kind)
    raise errors.InputTypeError(
        f"A {_kind_noun(kind)} cannot be made from {type(source).__name__}. Possible are bytes, "
        f"a binary file, a path, an http(s) or data URL{_EXTRA_SOURCES.get(kind or '', '')}."
    )


_EXTRA_SOURCES = {
    "image": ", a PIL image, an array of shape (height, width[, 3 or 4])",
    "audio": ", (array, sampling rate)",
}


def _wrap_encoded(data: bytes, kind: str) -> Media:
    """Bytes that were made here: nothing about them needs a check."""
    return Media(MemorySource(data), kind, sniff(data[:HEAD_SIZE], kind))


def _from_array(array: Any, kind: str | None) -> Media:
    if kind == "audio":
        raise errors.InputError("A sound's array needs its rate: pass (array, sampling_rate).")
    if kind == "video":
        raise errors.InputTypeError("A film cannot be made from an array: pass an encoded file.")
    return _wrap_encoded(_arrays.encode_image(_arrays.array_to_image(array)), "image")


def _find_file(source: Any) -> Path:
    if source == "":
        raise errors.InputError("An empty text is no path: pass a file's path, a URL or bytes.")
    said = str(source) if isinstance(source, os.PathLike) else source
    shown = repr(said if len(str(said)) <= 120 else f"{str(said)[:120]}…")
    try:
        path = Path(source).expanduser()
        if path.is_file():
            return path
    except (OSError, ValueError, RuntimeError):
        pass  # too long, a NUL inside, no such user: said below
    if "://" in str(source):
        raise errors.InputError(f"{shown}: only http, https and data URLs can be fetched.")
    if not isinstance(source, (str, os.PathLike)) or _is_folder(source):
        raise errors.InputError(f"{shown} is a folder, not a file.")
    raise errors.MissingFileError(
        f"There is no file {shown}. A str is a path (relative ones start at the working folder) "
        "or a URL; pass a file's content as bytes."
    )


def _is_folder(source: Any) -> bool:
    try:
        return Path(source).expanduser().is_dir()
    except (OSError, ValueError, RuntimeError):
        return False


def _file_source(file: Any) -> ByteSource:
    """A file object of the caller's: read in place when it can seek and stands at its start."""
    if isinstance(file, io.TextIOBase):
        raise errors.InputTypeError("The file is open as text: open it with mode 'rb'.")
    try:
        at_start = file.seekable() and file.tell() == 0
    except (AttributeError, OSError):
        at_start = False
    if at_start:
        return FileObjectSource(file)
    data = file.read(INPUT_LIMIT + 1)
    if isinstance(data, str):
        raise errors.InputTypeError("The file is open as text: open it with mode 'rb'.")
    if len(data) > INPUT_LIMIT:
        raise errors.InputError(
            f"The file is larger than {INPUT_LIMIT:,} bytes: save it and pass its path."
        )
    return MemorySource(bytes(data))


def _file_name(file: Any) -> str | None:
    name = getattr(file, "name", None)
    return Path(name).name if isinstance(name, str) else None


def decode_data_url(url: str) -> bytes:
    """The bytes of a data URL; InputError when it is none."""
    head, comma, text = url.partition(",")
    if not comma:
        raise errors.InputError(
            "The data URL has no comma: it should be data:<type>;base64,<text>."
        )
    if not head.lower().endswith(";base64"):
        return urllib.parse.unquote_to_bytes(text)
    try:
        return decode_base64(urllib.parse.unquote(text) if "%" in text[:CHUNK] else text)
    except ValueError as error:
        raise errors.InputError(f"The data URL's base64 is damaged: {error}.") from error


def decode_base64(text: str) -> bytes:
    """The bytes of base64 text; ValueError when it is damaged.

    Done in pieces: one call for many megabytes would keep other threads, and with them a running
    event loop, from working meanwhile.
    """
    pieces = range(0, len(text), PIECE)
    return b"".join(base64.b64decode(text[at : at + PIECE], validate=True) for at in pieces)


def _check_media(media: Media, label: str) -> Media:
    """The media with its type set; InputError when it is empty, damaged or of another kind."""
    if not media.size:
        hint = " If it was just written or read, seek(0) first." if label == "The file" else ""
        raise errors.InputError(f"{label} is empty.{hint}")
    with media.open() as file:
        head = file.read(HEAD_SIZE)
    if not isinstance(head, bytes):
        raise errors.InputTypeError("The file is open as text: open it with mode 'rb'.")
    media.mime = sniff(head, media.kind)
    found = (media.mime or "").partition("/")[0]
    if found in ("text", "application") or media.mime == "image/svg+xml":
        raise errors.InputError(
            f"{label} is {_describe_type(media.mime)}, not a {_kind_noun(media.kind)}"
            f".{_format_hint(media)}"
        )
    if found and media.kind and found != media.kind:
        raise errors.InputError(f"{label} is {media.mime}, not a {_kind_noun(media.kind)}.")
    if (media.kind or found) == "image":
        _check.check_image(media, label)
    if media.mime is None:
        raise errors.InputError(_check.unknown_type_message(label, media.kind))
    return media


def _describe_type(mime: str | None) -> str:
    known = {"text/html": "an HTML page", "application/json": "JSON", "text/plain": "text"}
    return known.get(mime or "", f"{mime}")


def _format_hint(media: Media) -> str:
    if media.mime == "text/html" and media.url:
        return " The URL may lead to a page about it, or ask for a login: use the file's own URL."
    if media.mime in ("application/pdf", "image/svg+xml"):
        return " Draw it as PNG first."
    return ""
