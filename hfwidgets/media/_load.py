"""Load whatever a user has at hand as `Media`."""

import base64
import functools
import os
import urllib.parse
from pathlib import Path
from typing import Any

from hfwidgets import errors
from hfwidgets.core.flow import Blocking, Flow, Send
from hfwidgets.media import _arrays, _check, _images, _readers
from hfwidgets.media._media import CHUNK, InlineDataUrl, Media, MemorySource, PathSource
from hfwidgets.media._objects import unwrap
from hfwidgets.media._readers import INPUT_LIMIT
from hfwidgets.media._sniff import HEAD_SIZE, find_id3_end, sniff

# A multiple of four, since base64 can be cut only between groups of four characters.
PIECE = 4 * CHUNK

INLINE_LIMIT = 1 << 18
"""Data URLs of files up to so many bytes are made at once; larger ones while they are sent."""

_NOUNS = {"image": "an image", "audio": "audio", "video": "a video"}

_EXTRA_SOURCES = {
    "image": ", a PIL image, an array of shape (height, width[, 3 or 4])",
    "audio": ", (array, sampling rate)",
}


def load(source: object, kind: str | None = None) -> Flow[Media]:
    """Return what `source` holds, checked as far as it can be without a request.

    Accepts bytes, bytearray, memoryview; a binary file; a path (str or Path); an http(s) URL,
    which is passed on; a data or file URL; a PIL image; an array ((height, width[, 3 or 4]) for an
    image; for audio `(array, rate)` or `{"array": .., "sampling_rate": ..}`); the objects that
    `unwrap` opens; `Media`.

    Args:
        source: what the user passed.
        kind: image, audio or video; None accepts all three.

    Raises:
        InputError: the source is missing, empty, damaged, cut off or of another type.
        InputTypeError: no such object can be an image, audio or video.
    """
    if isinstance(source, Media):
        return source
    # A URL is only passed on, so it does not cost the change of threads that reading may.
    if isinstance(source, str) and (url := _normalize_url(source)):
        return _url_media(url, kind)
    # A pipe or a custom object may be slow to read.
    media: Media = yield Blocking(
        functools.partial(_open_media, source, kind), is_limited=hasattr(source, "read")
    )
    return media


def ensure_bytes(media: Media) -> Flow[Media]:
    """Return the same media with its bytes: a URL is fetched and checked, without credentials.

    Raises:
        InputError: the URL cannot be fetched, or what it holds fails the checks of `load`.
    """
    if media.source is not None or media.url is None:
        return media
    try:
        reply = yield Send("GET", media.url, limit=INPUT_LIMIT)
    except errors.HfHubHTTPError as error:
        raise errors.InputError(
            f"The {media.kind or 'file'} at {media.url} cannot be fetched: "
            f"its server answered {error.status_code}."
        ) from error
    except errors.OutputError as error:  # over the limit
        raise errors.InputError(f"{media.url} is larger than {INPUT_LIMIT:,} bytes.") from error
    media.source = MemorySource(reply.content)
    try:
        yield Blocking(functools.partial(_check_media, media, media.url))
    except errors.InputError:
        # As before the call, so that the next one fetches again instead of trusting bad bytes.
        media.source = None
        raise
    return media


def to_url(
    media: Media, default_mime: str = "application/octet-stream"
) -> Flow[str | InlineDataUrl]:
    """Return a URL for a request's JSON: the media's own, else a data URL.

    For a large file it is an `InlineDataUrl`, which JSON bodies accept in place of the text and
    write while they are sent. Do not look into it: `str()` of it builds the whole text.
    """
    if media.url is not None:
        return media.url
    if (media.size or 0) > INLINE_LIMIT:
        return InlineDataUrl(media, media.data_url_prefix(default_mime))
    url: str = yield Blocking(functools.partial(media.data_url, default_mime))
    return url


def _normalize_url(text: str) -> str | None:
    """Return an http(s) URL without blanks around it and with its scheme in lower case."""
    bare = text.strip()
    scheme, colon, rest = bare[:8].partition("://")
    if colon and scheme.lower() in ("http", "https"):
        # `https://` fills all eight characters: whether a host follows shows only in the length.
        return f"{scheme.lower()}{bare[len(scheme) :]}" if rest or len(bare) > 8 else None
    return None


def _url_media(url: str, kind: str | None) -> Media:
    path = urllib.parse.unquote(urllib.parse.urlsplit(url).path)
    return Media(None, kind, name=path.rsplit("/", 1)[-1] or None, url=url)


def _open_media(source: object, kind: str | None) -> Media:
    """Return the source as checked media; may block."""
    # A class has the methods of its objects, such as read, and would pass for one of them below.
    if isinstance(source, type):
        raise errors.InputTypeError(
            f"{source.__name__} is a class: pass an object of it, or a path, a URL or bytes."
        )
    source = unwrap(source)
    if isinstance(source, Media):
        return source
    if isinstance(source, str):
        return _open_text(source, kind)
    if isinstance(source, os.PathLike) and (path := _local_path(source)) is not None:
        return _open_path(path, kind)
    return _open_content(source, kind) or _encode_object(source, kind)


def _local_path(source: os.PathLike[Any]) -> str | os.PathLike[str] | None:
    """Return the path of a file on this machine, None for one elsewhere, such as in a bucket."""
    try:
        path = os.fspath(source)
    except Exception:  # of a remote path, which has methods to read it in its place
        return None
    # Path objects stay as they are, for errors to show; others may hold a path as bytes.
    return source if isinstance(source, Path) else os.fsdecode(path)


def _open_content(source: object, kind: str | None) -> Media | None:
    """Return what holds the bytes of a file as media, None for anything else."""
    label = f"The {kind or 'file'}"
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _check_media(Media(MemorySource(bytes(source)), kind), label)
    if hasattr(source, "read"):
        name = _readers.reader_name(source)
        return _check_media(Media(_readers.open_reader(source), kind, name=name), "The file")
    if callable(read_bytes := getattr(source, "read_bytes", None)):  # a path inside an archive
        try:
            content: Any = read_bytes()
        except Exception as error:  # as many types as there are storages
            raise _readers.unreadable_error(f"{label} {source}", error) from error
        return _check_media(Media(MemorySource(content), kind), label)
    return None


def _encode_object(source: object, kind: str | None) -> Media:
    """Return an image of Pillow's, samples or an array as an encoded file."""
    if _images.is_pil_image(source) and kind in ("image", None):
        return _wrap_encoded(_images.encode_image(source), "image")
    if (samples := _arrays.parse_samples(source)) and kind in ("audio", None):
        return _wrap_encoded(_arrays.encode_wav(*samples), "audio")
    if _arrays.is_array(source):
        return _from_array(source, kind)
    if kind in ("audio", None):
        _arrays.check_rate(source)
    raise errors.InputTypeError(
        f"Cannot make {_NOUNS.get(kind or '', 'media')} from {type(source).__name__}. Pass bytes, "
        f"a binary file, a path, an http(s) or data URL{_EXTRA_SOURCES.get(kind or '', '')}."
    )


def _wrap_encoded(data: bytes, kind: str) -> Media:
    """Return bytes that were encoded here, which need no check, as media."""
    return Media(MemorySource(data), kind, sniff(data[:HEAD_SIZE], kind))


def _from_array(array: object, kind: str | None) -> Media:
    if kind == "audio":
        raise errors.InputError("An audio array needs its rate: pass (array, sampling_rate).")
    if kind == "video":
        raise errors.InputTypeError("Cannot make a video from an array: pass an encoded file.")
    return _wrap_encoded(_images.encode_image(_arrays.array_to_image(array)), "image")


def _open_text(text: str, kind: str | None) -> Media:
    """Return what a URL or a path in a str names."""
    # `load` checks only what was passed; an object may have been opened to a URL since.
    if url := _normalize_url(text):
        return _url_media(url, kind)
    bare = text.strip()
    scheme = bare[:5].lower()
    if scheme == "data:":
        url = f"{scheme}{bare[5:]}"
        return _check_media(
            Media(MemorySource(decode_data_url(url)), kind, url=url), "The data URL"
        )
    if scheme == "file:":
        return _open_path(_parse_file_url(bare), kind)
    return _open_path(text, kind)


def _open_path(source: str | os.PathLike[str], kind: str | None) -> Media:
    path = _find_file(source)
    return _check_media(Media(PathSource(path), kind, name=path.name), str(path))


def _parse_file_url(url: str) -> str:
    from urllib.request import url2pathname  # takes a quarter of the client's own import time

    parts = urllib.parse.urlsplit(url)
    if parts.netloc.lower() not in ("", "localhost"):
        raise errors.InputError(
            f"The file URL names another machine ({parts.netloc}): pass a path on this one."
        )
    return url2pathname(parts.path)


def _find_file(source: str | os.PathLike[str]) -> Path:
    text = str(source)
    if text == "":
        raise errors.InputError("An empty string is not a path: pass a path, a URL or bytes.")
    is_folder = False
    # Unchanged first, since a file's name may begin or end with a blank.
    for candidate in dict.fromkeys((source, text.strip())):
        try:
            path = Path(candidate).expanduser()
            if path.is_file():
                return path
            is_folder = path.is_dir()
        except (OSError, ValueError, RuntimeError):
            is_folder = False  # too long, a NUL inside, an unknown user: reported below
    shown = repr(text if len(text) <= 120 else f"{text[:120]}…")
    if "://" in text:
        raise errors.InputError(f"{shown}: only http, https, data and file URLs can be read.")
    if is_folder:
        raise errors.InputError(f"{shown} is a folder, not a file.")
    raise errors.MissingFileError(
        f"There is no file {shown}. A str is a path (relative ones start at the working folder) "
        "or a URL; pass a file's content as bytes."
    )


def decode_data_url(url: str) -> bytes:
    """Return the bytes of a data URL.

    Raises:
        InputError: it is damaged.
    """
    head, comma, text = url.partition(",")
    if not comma:
        raise errors.InputError(
            "The data URL has no comma: it should be data:<type>;base64,<text>."
        )
    if not head.lower().endswith(";base64"):
        return urllib.parse.unquote_to_bytes(text)
    try:
        # Only the start is searched: escapes occur throughout or not at all, and
        # texts may be very long.
        text = urllib.parse.unquote(text) if "%" in text[:CHUNK] else text
        # Browsers accept data URLs without the padding at their end.
        return decode_base64(text + "=" * (-len(text.translate(_BASE64_VARIANTS)) % 4))
    except ValueError as error:
        raise errors.InputError(f"The data URL's base64 is damaged: {error}.") from error


def decode_base64(text: str) -> bytes:
    """Return the bytes of base64 text; ValueError when it is damaged.

    Line ends are dropped, and the alphabet may be that of URLs. Decodes in pieces: one call for
    many megabytes would keep other threads, and with them a running event loop, from working
    meanwhile.
    """
    try:
        return _decode_pieces(text)
    except ValueError:
        plain = text.translate(_BASE64_VARIANTS)
        if plain == text:
            raise
        return _decode_pieces(plain)


_BASE64_VARIANTS = str.maketrans("-_", "+/", "\r\n\t")
"""Drops the line ends of MIME's base64, and turns the alphabet of URLs into the usual one."""


def _decode_pieces(text: str) -> bytes:
    pieces = range(0, len(text), PIECE)
    return b"".join(base64.b64decode(text[at : at + PIECE], validate=True) for at in pieces)


def _check_media(media: Media, label: str) -> Media:
    """Set the type of the media; InputError when it is empty, damaged or of another kind."""
    if not media.size:
        hint = " If it was just written or read, seek(0) first." if label == "The file" else ""
        raise errors.InputError(f"{label} is empty.{hint}")
    media.mime = _sniff_media(media, label)
    found = (media.mime or "").partition("/")[0]
    expected = _NOUNS.get(media.kind or "", "an image, audio or video")
    if found in ("text", "application") or media.mime == "image/svg+xml":
        raise errors.InputError(
            f"{label} is {_describe_type(media.mime)}, not {expected}.{_format_hint(media)}"
        )
    if found and media.kind and found != media.kind:
        raise errors.InputError(f"{label} is {media.mime}, not {expected}.")
    if (media.kind or found) == "image":
        _check.check_image(media, label)
    elif found == "audio":
        _check.check_audio(media, label)
    # After the check of images, since Pillow may know a type that has no signature here.
    if media.mime is None:
        raise errors.InputError(_check.unknown_type_message(label, media.kind))
    return media


def _sniff_media(media: Media, label: str) -> str | None:
    """Return the type by the first bytes, and by those after a long ID3 tag."""
    try:
        with media.open() as file:
            head = file.read(HEAD_SIZE)
            end = find_id3_end(head) if isinstance(head, bytes) else None
            if end is not None and end + 2 > len(head):  # a cover image fills the tag
                file.seek(end)
                # An empty tag stands in for the long one: that there was a tag
                # helps `sniff` to decide.
                head = b"ID3\x04\0\0\0\0\0\0" + file.read(HEAD_SIZE)
    except errors.HfWidgetsError:
        raise
    except Exception as error:  # a read() of someone else's may raise anything
        raise _readers.unreadable_error(label, error) from error
    if not isinstance(head, bytes):
        raise _readers.text_file_error()
    return sniff(head, media.kind)


def _describe_type(mime: str | None) -> str:
    known = {"text/html": "an HTML page", "application/json": "JSON", "text/plain": "text"}
    return known.get(mime or "", f"{mime}")


def _format_hint(media: Media) -> str:
    if media.mime == "text/html" and media.url:
        return " The URL may lead to a page about it, or require a login: use the file's own URL."
    if media.mime in ("application/pdf", "image/svg+xml"):
        return " Convert it to PNG first."
    return ""
