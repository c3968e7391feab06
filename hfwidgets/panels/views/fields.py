"""How the fields of results are read: texts, spans, and cells of tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from hfwidgets.core.missing import is_missing

MAX_VALUE_LENGTH = 500
"""Characters of a value that are shown."""


def record_text(record: Mapping[str, Any]) -> str | None:
    """Return the text that a record stands for: a summary, a translation, a chat answer."""
    text = getattr(record, "text", None)
    return text if isinstance(text, str) else None


def find_span(text: str, item: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return where an item is in the text, as start and end in code points; None if it is not.

    The server's offsets count where the text there matches; some servers count bytes or tokens,
    so otherwise the first match of the words does.
    """
    word = next((item[n] for n in ("word", "answer") if isinstance(item.get(n), str)), None)
    start, end = item.get("start"), item.get("end")
    if not word:
        return None
    if isinstance(start, int) and isinstance(end, int) and 0 <= start < end <= len(text):
        matches = text[start:end].strip().casefold() == word.strip().casefold()
        # A token's word may be spelled by its tokenizer ("##ing"), so its offsets are trusted.
        if matches or "word" in item:
            return start, end
    at = text.casefold().find(word.strip().casefold())
    return (at, at + len(word.strip())) if at >= 0 else None


def columns_by_field(items: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return records as columns of texts, one per field."""
    names = dict.fromkeys(name for item in items for name in item)
    return {name: [shorten_value(item.get(name)) for item in items] for name in names}


def shorten_value(value: object) -> str:
    """Return a value as text of at most 500 characters; a missing one is empty."""
    text = value if isinstance(value, str) else "" if is_missing(value) else repr(value)
    if len(text) <= MAX_VALUE_LENGTH:
        return text
    return f"{text[:MAX_VALUE_LENGTH]}… ({len(text):,} characters)"
