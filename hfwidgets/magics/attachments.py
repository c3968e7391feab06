"""Builds the parts of a chat message that `-i` attaches; the client loads and checks them."""

import mimetypes
from pathlib import Path
from typing import Any

from hfwidgets.magics.variables import root_package

ATTACHMENT_KINDS = ("image", "audio")


def build_attachment(value: Any, kind: str | None = None) -> Any:
    """Return the message part of an image or audio.

    Args:
        value: A path, an http(s) or data URL, bytes, a PIL image, an array, or an IPython display
            object that holds the file's bytes.
        kind: image or audio; None finds it by the content, or by the name in a URL.
    """
    if root_package(value) == "IPython" and isinstance(getattr(value, "data", None), bytes):
        value = value.data
    if isinstance(value, str):
        if not value.startswith(("https://", "http://", "data:")):
            value = Path(value).expanduser()
        else:
            kind = kind or _guess_kind(value)
    return value if kind is None else {"type": kind, kind: value}


def _guess_kind(url: str) -> str:
    """Return the kind that a URL names; image where it names none."""
    if url.startswith("data:audio/"):
        return "audio"
    # Signed addresses end in a query, which would hide the file's extension.
    guessed = mimetypes.guess_type(url.partition("?")[0])[0] or ""
    return "audio" if guessed.startswith("audio/") else "image"
