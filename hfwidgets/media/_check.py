"""Tell whole files of a reasonable size from others; decode only where that cannot be avoided."""

import struct
from typing import IO, TYPE_CHECKING

from hfwidgets import errors
from hfwidgets.media._images import check_sides, to_eight_bits, turn_upright
from hfwidgets.media._media import Media

if TYPE_CHECKING:
    from PIL.Image import Image

DECODE_LIMIT = 16_000_000
"""Images whose format does not show where the file ends are decoded to check them, up to so many
pixels."""

UNCHECKED_TYPES = frozenset({"image/heic", "image/heif", "image/jxl", "image/avif"})
"""Formats that some servers read and Pillow may not: sent unchecked where it does not."""

_UNKNOWN_LENGTH = 0xFFFFFFFF
"""The length in a chunk of a WAV file that was written as a stream."""


def check_image(media: Media, label: str) -> None:
    """Refuse an image that is damaged, cut off or too large to decode safely; set its type.

    Raises:
        InputError: as above, naming the image by its label.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with media.open() as file, Image.open(file) as image:
            media.mime = media.mime or Image.MIME.get(image.format or "")
            check_sides(image.size, label)
            if not _is_complete(file, media) and image.width * image.height <= DECODE_LIMIT:
                image.load()
    except errors.InputError:
        raise
    except Image.DecompressionBombError as error:
        raise errors.InputError(f"{label} has too many pixels to be safe: {error}") from error
    except UnidentifiedImageError as error:
        if media.mime in UNCHECKED_TYPES:
            return
        if media.mime is None:
            raise errors.InputError(unknown_type_message(label, "image")) from error
        raise errors.InputError(f"{label} begins as {media.mime}, but it is damaged.") from error
    except Exception as error:  # Pillow's plugins raise nearly every type there is
        raise errors.InputError(
            f"{label} ({media.mime}) is damaged or cut off: {error}. Fetch or save it again."
        ) from error


def check_audio(media: Media, label: str) -> None:
    """Refuse a WAV file without samples; other formats are left to the server.

    Raises:
        InputError: the file has no samples.
    """
    if media.mime != "audio/wav":
        return
    with media.open() as file:
        if _has_samples(file, media.size or 0):
            return
    raise errors.InputError(f"{label} is a WAV file without samples: record or save it again.")


def unknown_type_message(label: str, kind: str | None) -> str:
    """Build the message for bytes of an unknown type, with the types that are possible."""
    known = {
        "image": "PNG, JPEG, WebP, GIF, BMP, TIFF and whatever else Pillow reads",
        "audio": "WAV, FLAC, MP3, Ogg, M4A, WebM, Matroska, AIFF, AAC and AMR",
        "video": "MP4, WebM, QuickTime, AVI and Matroska",
    }
    possible = known.get(kind or "", "images, audio and video")
    return f"{label} is of an unknown type. Possible are {possible}."


def open_upright(media: Media) -> "Image":
    """Return the decoded image, turned upright, with 8 bits per channel.

    Raises:
        InputError: it cannot be read.
    """
    from PIL import Image

    try:
        with media.open() as file, Image.open(file) as image:
            image.load()
            return to_eight_bits(turn_upright(image)).copy()
    except errors.InputError:
        raise
    except Exception as error:  # Pillow's plugins raise nearly every type there is
        raise errors.InputError(f"{media} cannot be read: {error}") from error


def _is_complete(file: IO[bytes], media: Media) -> bool:
    """True if the file surely reaches its end; False is only a suspicion."""
    at = file.tell()
    test = {
        "image/png": _is_complete_png,
        "image/jpeg": _is_complete_jpeg,
        "image/webp": _is_complete_webp,
    }.get(media.mime or "")
    try:
        return bool(test and test(file, media.size or 0))
    finally:
        # Pillow reads on from where it left off.
        file.seek(at)


def _is_complete_png(file: IO[bytes], size: int) -> bool:
    at = file.seek(8)
    while at < size and len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind == b"IEND":
            return True
        # Twelve bytes surround the data: length and type before it, a checksum after it.
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
        # Any number of 0xFF may fill the space before a marker. A length counts its own two
        # bytes, but not the marker's.
        at += 1 if head[1] == 0xFF else 2 + int.from_bytes(head[2:], "big")
    return False


def _contains(file: IO[bytes], wanted: bytes) -> bool:
    last = b""
    while data := file.read(1 << 16):
        if wanted in last + data:
            return True
        # The end of a piece may cut the two bytes of the mark apart.
        last = data[-1:]
    return False


def _is_complete_webp(file: IO[bytes], size: int) -> bool:
    file.seek(4)
    # The size in a RIFF header does not count the eight bytes that lead up to it and hold it.
    return size >= 8 + int.from_bytes(file.read(4), "little")


def _has_samples(file: IO[bytes], size: int) -> bool:
    """False if the chunks of a WAV file end without a sample; True where that is not sure."""
    at = file.seek(12)
    while len(head := file.read(8)) == 8:
        name, length = struct.unpack("<4sI", head)
        left = size - at - 8
        if name == b"data":
            if length not in (0, _UNKNOWN_LENGTH):
                return left > 0
            # A stream's writer cannot go back to note the length: what follows are its samples,
            # unless it begins like another chunk.
            return left > 0 and not (length == 0 and file.read(4).isascii())
        if length > left:
            return True  # damaged, which a server may still read
        # Chunks begin at even places, so a pad byte follows an odd length.
        at = file.seek(at + 8 + length + length % 2)
    return at < size
