"""Pictures in a chat message, as data URLs or as the URL that was given."""

import base64
import io
from pathlib import Path
from typing import Any

from IPython.core.error import UsageError

from hfwidgets.magics.vars import root

_KINDS = ((b"\x89PNG", "png"), (b"\xff\xd8\xff", "jpeg"), (b"GIF8", "gif"), (b"RIFF", "webp"))


def image_part(value: Any) -> dict[str, Any]:
    """The part of a message that holds a picture.

    Args:
        value: an http(s) or data URL, a path, bytes, a PIL image, or an object with picture `data`.

    Raises:
        UsageError: it is no picture of a kind that servers take (PNG, JPEG, GIF, WebP).
    """
    return {"type": "image_url", "image_url": {"url": _url(value)}}


def _url(value: Any) -> str:
    if isinstance(value, str) and value.startswith(("https://", "http://", "data:image/")):
        return value
    data = _bytes(value)
    for start, kind in _KINDS:
        if data.startswith(start):
            return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    raise UsageError("An attached picture must be PNG, JPEG, GIF or WebP; this is none of them.")


def _bytes(value: Any) -> bytes:
    if isinstance(value, str | Path):
        return _file(Path(value).expanduser())
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if root(value) == "PIL":
        buffer = io.BytesIO()
        value.save(buffer, "PNG")
        return buffer.getvalue()
    if isinstance(data := getattr(value, "data", None), bytes):
        return data
    kind = type(value).__name__
    raise UsageError(f"A {kind} cannot be attached; a picture, a path or a URL can.")


def _file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path.name}: {error.strerror}.") from None
