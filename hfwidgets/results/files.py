"""Take images, audio and video out of answers: bytes, or base64 in JSON; types are sniffed."""

import functools
import io
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from hfwidgets import errors
from hfwidgets.core.flow import Blocking
from hfwidgets.media import HEAD_SIZE, decode_base64, sniff

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


def decode_image(raw: object) -> Blocking:
    """Return the step that decodes an image in an answer; see `extract_image`."""
    return Blocking(functools.partial(extract_image, raw))


def extract_image(raw: object) -> "Image":
    """Decode an image from bytes, base64 text, a data URL or JSON around it; may block.

    Raises:
        OutputError: it is not an image, or damaged.
    """
    from PIL import Image

    if isinstance(raw, Image.Image):
        return raw
    data = raw if isinstance(raw, bytes) else extract_file(raw, "image")
    try:
        image = Image.open(io.BytesIO(data))
        image.load()
    except Exception as error:  # Pillow's plugins raise nearly every type there is
        data = extract_file(raw, "image")  # says what came in place of an image
        raise errors.OutputError(
            f"The server's image ({len(data):,} bytes) cannot be read: {error}"
        ) from error
    return image


def extract_file(raw: object, kind: str) -> bytes:
    """Return the bytes of a file, from bytes, base64 text, a data URL or JSON around it.

    Args:
        raw: the answer.
        kind: image, audio or video.

    Raises:
        OutputError: it is something else: an error in JSON, a page, a file of another kind.
    """
    if not isinstance(raw, (bytes, bytearray, memoryview)):
        return extract_file(_unwrap_file(raw, kind), kind)
    data, noun = bytes(raw), _NOUNS[kind]
    mime = sniff(data[:HEAD_SIZE], kind)
    if mime is not None and mime.startswith(f"{kind}/"):
        return data
    if mime == "application/json" or data[:1] == b'"':
        return extract_file(_unwrap_file(_parse_json(data), kind), kind)
    if not data or (mime is None and kind == "image"):
        raise errors.OutputError(f"The server's answer ({len(data):,} bytes) is not {noun}.")
    if mime is not None:
        raise _wrong_type_error(mime, data, kind)
    return data


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
    text = raw.partition(",")[2] if raw.startswith("data:") else raw
    try:
        return decode_base64(text)
    except ValueError as error:
        raise errors.OutputError(
            f"The server did not send {_NOUNS[kind]}: {raw[:200]!r}."
        ) from error
