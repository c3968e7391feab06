"""Pictures, sounds and films out of what servers send: bytes, or base64 in JSON; all sniffed."""

import io
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hfwidgets import errors
from hfwidgets.media import HEAD_SIZE, decode_base64, sniff

if TYPE_CHECKING:
    from PIL.Image import Image

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


def extract_image(raw: Any) -> "Image":
    """A decoded picture from bytes, base64 text, a data URL or JSON around it; may block."""
    from PIL import Image

    if isinstance(raw, Image.Image):
        return raw
    data = extract_file(raw, "image")
    try:
        picture = Image.open(io.BytesIO(data))
        picture.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise errors.OutputError(
            f"The server's picture ({len(data):,} bytes) cannot be read: {error}"
        ) from error
    return picture


def extract_file(raw: Any, kind: str) -> bytes:
    """The bytes of a file of this kind, out of bytes, base64 text, a data URL or JSON around it.

    Raises:
        OutputError: it is something else: an error in JSON, a page, a file of another kind.
    """
    if not isinstance(raw, (bytes, bytearray, memoryview)):
        return extract_file(_unwrap_file(raw, kind), kind)
    data = bytes(raw)
    mime = sniff(data[:HEAD_SIZE], kind)
    if mime is not None and mime.startswith(f"{kind}/"):
        return data
    if mime == "application/json" or data[:1] == b'"':
        return extract_file(_unwrap_file(_parse_json(data), kind), kind)
    if not data or (mime is None and kind == "image"):
        raise errors.OutputError(f"The server's answer ({len(data):,} bytes) is no {kind}.")
    if mime is not None:
        raise _wrong_type_error(mime, data, kind)
    return data


def _wrong_type_error(mime: str, data: bytes, kind: str) -> errors.OutputError:
    said = f": {data[:200].decode(errors='replace')!r}" if mime == "text/plain" else ""
    return errors.OutputError(
        f"The server should have answered with a file of type {kind}; it sent {mime}{said}. "
        "Check that the model serves this task."
    )


def _parse_json(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return {"error": data[:200].decode(errors="replace")}


def _unwrap_file(raw: Any, kind: str) -> bytes:
    """The file inside parsed JSON: base64 text, alone or under one of the usual keys."""
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
        raise errors.OutputError(f"The server sent no {kind}, but {str(raw)[:200]!r}.")
    text = raw.partition(",")[2] if raw.startswith("data:") else raw
    try:
        return decode_base64(text)
    except ValueError as error:
        raise errors.OutputError(f"The server sent no {kind}, but {raw[:200]!r}.") from error
