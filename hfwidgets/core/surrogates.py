"""Halves of characters: emoji that a server cut in two, or that never were whole.

JSON writes an emoji as two escapes, a high and a low surrogate. Servers that cut text by UTF-16
units send them in two pieces. Python holds a half as a character that cannot be encoded, so that
printing, saving and sending it fail.
"""

import re
from collections.abc import Hashable
from typing import Any

REPLACEMENT = "\ufffd"
"""What stands for a half whose other half never came."""

_HALF = re.compile("[\ud800-\udfff]")


def repair_text(text: str) -> str:
    """Return a text with its halves joined, and U+FFFD for those that are alone."""
    if text.isascii() or not _HALF.search(text):
        return text
    # In UTF-16 two halves in a row have the bytes of the whole character, so decoding joins them.
    # Only those that are alone are replaced.
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def repair_json(value: object) -> Any:
    """Return parsed JSON with all of its texts repaired, keys included."""
    if isinstance(value, str):
        return repair_text(value)
    if isinstance(value, list):
        return [repair_json(item) for item in value]
    if isinstance(value, dict):
        return {repair_text(name): repair_json(item) for name, item in value.items()}
    return value


class HalfJoiner:
    """Join halves across the pieces of streamed texts.

    A high half at a piece's end waits for the next piece of the same text.
    """

    def __init__(self) -> None:
        self._waiting: dict[Hashable, str] = {}

    def join(self, place: Hashable, piece: str) -> str:
        """Return what can be shown of a piece of the text at this place."""
        if piece.isascii() and not self._waiting:
            return piece  # as nearly always
        text = self._waiting.pop(place, "") + piece
        if text and "\ud800" <= text[-1] <= "\udbff":
            self._waiting[place] = text[-1]
            text = text[:-1]
        return repair_text(text)

    def finish(self) -> dict[Hashable, str]:
        """Return U+FFFD for each text that ends in a half."""
        waiting, self._waiting = self._waiting, {}
        return dict.fromkeys(waiting, REPLACEMENT)
