"""Take images, audio and video out of answers: bytes, or base64 in JSON; types are sniffed."""

import functools
import io
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from hfwidgets import errors
from hfwidgets.core.flow import Blocking
from hfwidgets.media import MAX_SIDE, declare_type, decode_base64, find_type, turn_upright

if TYPE_CHECKING:
    from PIL.Image import Image

_NOUNS = {"image": "an image", "audio": "audio", "video": "a video"}

_FILE_KEYS = (
    "image",
    "audio",
    "video",
    "blob",
    "mask",
    "data",
    "b64_json",
    "generated_image",
    "url",
)


def decode_image(raw: object, largest: tuple[int, int] | None = None) -> Blocking:
    """Return the step that decodes an image in an answer; see `extract_image`."""
    return Blocking(functools.partial(extract_image, raw, largest))


def extract_image(raw: object, largest: tuple[int, int] | None = None) -> "Image":
    """Decode an image from bytes, base64 text, a data URL or JSON around it; may block.

    Args:
        raw: the answer.
        largest: the width and height that it may have at most, in either order.

    Raises:
        OutputError: it is not an image, damaged, or larger than that.
    """
    from PIL import Image

    from hfwidgets.results.generated_image import GeneratedImage

    if isinstance(raw, Image.Image):
        return raw
    data = raw if isinstance(raw, bytes) else extract_file(raw, "image")
    try:
        with Image.open(io.BytesIO(data)) as image:
            if largest or max(image.size) > MAX_SIDE:
                _check_size(image.size, largest)
            found = turn_upright(image).copy() if image.info.get("exif") else image.copy()
            # Pillow builds plain images only; its classes differ in methods, not in layout.
            found.__class__ = GeneratedImage
            found.format = image.format
            return found
    except errors.OutputError:
        raise
    except Exception as error:  # Pillow's plugins raise nearly every type there is
        data = extract_file(raw, "image")  # says what came in place of an image
        raise errors.OutputError(
            f"The server's image ({len(data):,} bytes) cannot be read: {error}"
        ) from error


def _check_size(size: tuple[int, int], largest: tuple[int, int] | None) -> None:
    """Refuse an image by its header: a few kilobytes may stand for gigabytes of pixels."""
    if max(size) > MAX_SIDE:
        raise errors.OutputError(
            f"The server's image has {size[0]} x {size[1]} pixels; each side may have {MAX_SIDE:,}."
        )
    # An image may be turned by its orientation, so width and height compare in either order.
    if largest and (min(size) > min(largest) or max(size) > max(largest)):
        raise errors.OutputError(
            f"The server's mask has {size[0]} x {size[1]} pixels, more than the image, which has "
            f"{largest[0]} x {largest[1]}."
        )


def extract_file(raw: object, kind: str) -> bytes:
    """Return the bytes of a file, from bytes, base64 text, a data URL or JSON around it.

    Args:
        raw: the answer.
        kind: image, audio or video.

    Raises:
        OutputError: it is something else: an error in JSON, a page, a file of another kind.
    """
    if isinstance(raw, (bytearray, memoryview)):
        raw = bytes(raw)
    if not isinstance(raw, bytes):
        return extract_file(_unwrap_file(raw, kind), kind)
    noun = _NOUNS[kind]
    mime = find_type(raw, kind)
    if mime is not None and mime.startswith(f"{kind}/"):
        return raw
    if mime == "application/json" or raw[:1] == b'"':
        return extract_file(_unwrap_file(_parse_json(raw), kind), kind)
    # Audio and video are passed on in formats unknown here; an image has to be decoded.
    if not raw or (mime is None and kind == "image"):
        raise errors.OutputError(f"The server's answer ({len(raw):,} bytes) is not {noun}.")
    if mime is not None:
        raise _wrong_type_error(mime, raw, kind)
    return raw


def _wrong_type_error(mime: str, data: bytes, kind: str) -> errors.OutputError:
    start = f": {data[:200].decode(errors='replace')!r}" if mime == "text/plain" else ""
    return errors.OutputError(
        f"The server should have answered with {_NOUNS[kind]}; it sent {mime}{start}. "
        "Check that the model serves this task."
    )


def _parse_json(data: bytes) -> object:
    try:
        found: object = json.loads(data)
    except ValueError:
        return {"error": data[:200].decode(errors="replace")}
    return found


def _unwrap_file(raw: object, kind: str) -> bytes:
    """Return the file inside parsed JSON: base64 text, alone or under one of the usual keys."""
    while isinstance(raw, list) and raw:
        raw = raw[0]
    if isinstance(raw, Mapping):
        if raw.get("error"):
            raise errors.OutputError(f"The server answered with an error: {raw['error']}")
        inner = next((raw[key] for key in (kind, *_FILE_KEYS) if raw.get(key)), None)
        if inner is not None:
            return inner if isinstance(inner, bytes) else _unwrap_file(inner, kind)
    if isinstance(raw, bytes):
        return raw
    if not isinstance(raw, str):
        raise errors.OutputError(f"The server did not send {_NOUNS[kind]}: {str(raw)[:200]!r}.")
    head, _, text = raw.partition(",") if raw.startswith("data:") else ("", "", raw)
    try:
        return declare_type(decode_base64(text), head[5:])
    except ValueError as error:
        raise errors.OutputError(
            f"The server did not send {_NOUNS[kind]}: {raw[:200]!r}."
        ) from error
