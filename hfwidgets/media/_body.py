"""Request JSON with media inside it, encoded while it is sent."""

import json
import os
from collections.abc import Iterator

from hfwidgets.core.arrays import SupportsToList
from hfwidgets.media._media import InlineDataUrl, Media

ONE_PIECE_LIMIT = 1 << 18
"""Bodies up to this size, in bytes, are built in one piece."""


class Body:
    """A body in pieces, iterable any number of times; `size` is its length in bytes."""

    def __init__(self, parts: list[bytes | Media]) -> None:
        self.parts = parts
        self.size = sum(_encoded_size(part) for part in parts)

    def __iter__(self) -> Iterator[bytes]:
        for part in self.parts:
            yield from part.base64_chunks() if isinstance(part, Media) else (part,) if part else ()

    @property
    def summary(self) -> str:
        """Return the body as text with each media file described in place of its base64."""
        shown = (
            _describe_media(part) if isinstance(part, Media) else part.decode()
            for part in self.parts
        )
        return "".join(shown)


def _describe_media(part: Media) -> str:
    return f"<{part.size or 0:,} bytes of {part.mime or 'media'} as base64>"


def _encoded_size(part: bytes | Media) -> int:
    # Base64 has four characters for each three bytes that are begun, hence the
    # division that rounds up.
    return len(part) if isinstance(part, bytes) else -(-(part.size or 0) // 3) * 4


def json_body(value: object) -> bytes | Body:
    """Return JSON in which `Media` and `InlineDataUrl` become the text of their base64.

    Numbers and arrays of numpy, and columns of pandas, are written as numbers and lists.

    Raises:
        TypeError, ValueError: something in it is neither JSON nor media.
    """
    # The media become one random mark in the text, which is then split at it: the JSON is
    # encoded in one fast pass, and no user's text can hold a mark that is drawn here.
    found: list[Media | InlineDataUrl] = []
    mark = os.urandom(16).hex()

    def stand_in(leaf: object) -> object:
        if hasattr(leaf, "dtype") and isinstance(leaf, SupportsToList):
            numbers: object = leaf.tolist()
            return numbers
        if not isinstance(leaf, (Media, InlineDataUrl)):
            raise TypeError(f"Object of type {type(leaf).__name__} is not JSON serializable")
        found.append(leaf)
        return mark

    text = json.dumps(
        value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=stand_in
    )
    body = Body(_interleave(text.split(mark), found))
    # Reading a file may block, so even a small one is read only while it is sent.
    at_once = body.size <= ONE_PIECE_LIMIT and all(leaf.is_in_memory for leaf in found)
    return b"".join(body) if at_once else body


def _interleave(texts: list[str], found: list[Media | InlineDataUrl]) -> list[bytes | Media]:
    """Return the pieces of text and the media between them, in order."""
    parts: list[bytes | Media] = [texts[0].encode()]
    for leaf, text in zip(found, texts[1:], strict=True):
        prefix = leaf.prefix if isinstance(leaf, InlineDataUrl) else ""
        parts += [
            prefix.encode(),
            leaf.media if isinstance(leaf, InlineDataUrl) else leaf,
            text.encode(),
        ]
    return parts
