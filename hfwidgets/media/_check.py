"""Whether a picture is whole and of a bearable size; decoded only where that cannot be avoided."""

import struct
from typing import IO, Any

from hfwidgets import errors
from hfwidgets.media._media import Media

DECODE_LIMIT = 16_000_000
"""Pictures of formats whose end cannot be seen are decoded as a test up to so many pixels."""

UNCHECKED_TYPES = frozenset({"image/heic", "image/heif", "image/jxl", "image/avif"})
"""Formats that some servers know and Pillow may not: sent unchecked where it does not."""


def check_image(media: Media, label: str) -> None:
    """InputError for a picture that is damaged, cut off or a decompression bomb; sets its type."""
    from PIL import Image, UnidentifiedImageError

    try:
        with media.open() as file, Image.open(file) as image:
            media.mime = media.mime or Image.MIME.get(image.format or "")
            if not _is_complete(file, media) and image.width * image.height <= DECODE_LIMIT:
                image.load()
    except Image.DecompressionBombError as error:
        raise errors.InputError(f"{label} has too many pixels to be safe: {error}") from error
    except UnidentifiedImageError as error:
        if media.mime in UNCHECKED_TYPES:
            return
        if media.mime is None:
            raise errors.InputError(unknown_type_message(label, "image")) from error
        raise errors.InputError(f"{label} says it is {media.mime}, but it is damaged.") from error
    except (OSError, SyntaxError, ValueError, struct.error) as error:
        raise errors.InputError(
            f"{label} ({media.mime}) is damaged or cut off: {error}. Fetch or save it again."
        ) from error


def unknown_type_message(label: str, kind: str | None) -> str:
    """The message for bytes that are of no known type."""
    known = {
        "image": "PNG, JPEG, WebP, GIF, BMP, TIFF and what else Pillow reads",
        "audio": "WAV, FLAC, MP3, Ogg, M4A, WebM, AIFF, AAC and AMR",
        "video": "MP4, WebM, QuickTime, AVI and Matroska",
    }
    possible = known.get(kind or "", "pictures, sounds and films")
    return f"{label} is of no known type. Possible are {possible}."


def open_upright(media: Media) -> Any:
    """The decoded picture, turned as its camera held it; InputError when it cannot be read."""
    from PIL import Image, ImageOps

    try:
        with media.open() as file:
            return ImageOps.exif_transpose(Image.open(file))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise errors.InputError(f"{media} cannot be read: {error}") from error


def _is_complete(file: IO[bytes], media: Media) -> bool:
    """Whether the file surely reaches its end; False is only a suspicion."""
    at = file.tell()
    test = {
        "image/png": _is_complete_png,
        "image/jpeg": _is_complete_jpeg,
        "image/webp": _is_complete_webp,
    }.get(media.mime or "")
    try:
        return bool(test and test(file, media.size or 0))
    finally:
        file.seek(at)


def _is_complete_png(file: IO[bytes], size: int) -> bool:
    at = file.seek(8)
    while at < size and len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind == b"IEND":
            return True
        at = file.seek(at + 12 + length)
    return False


def _is_complete_jpeg(file: IO[bytes], size: int) -> bool:
    """Walk the segments to the scan, then look for the end marker, which a scan cannot hold."""
    at = 2
    while at < size:
        file.seek(at)
        head = file.read(4)
        if head[:2] == b"\xff\xd9":
            return True
        if len(head) < 4 or head[0] != 0xFF:
            return False
        if head[1] == 0xDA:
            return _contains(file, b"\xff\xd9")
        at += 1 if head[1] == 0xFF else 2 + int.from_bytes(head[2:], "big")
    return False


def _contains(file: IO[bytes], wanted: bytes) -> bool:
    last = b""
    while data := file.read(1 << 16):
        if wanted in last + data:
            return True
        last = data[-1:]
    return False


def _is_complete_webp(file: IO[bytes], size: int) -> bool:
    file.seek(4)
    return size >= 8 + int.from_bytes(file.read(4), "little")
