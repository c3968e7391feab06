"""Words of a magic line: POSIX quoting, with positions, so that the rest stays verbatim."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

_ESCAPED_IN_DOUBLE = '"\\'


@dataclass(frozen=True)
class LineWord:
    """One word of a line.

    Attributes:
        text: The word with its quoting removed.
        start: Index of its first character in the line, a quote included.
        end: Index behind its last character.
        quoted: Whether any part of it stood in quotes or behind a backslash.
        closed: Whether every quote that was opened was closed.
    """

    text: str
    start: int
    end: int
    is_quoted: bool = False
    is_closed: bool = True


def skip_blanks(line: str, at: int) -> int:
    """Index of the first character at or after `at` that is no blank."""
    while at < len(line) and line[at].isspace():
        at += 1
    return at


def read_word(line: str, at: int = 0) -> LineWord | None:
    """Read the next word, or None where only blanks are left."""
    start = skip_blanks(line, at)
    if start == len(line):
        return None
    pieces: list[str] = []
    at, quoted, closed = start, False, True
    while at < len(line) and not line[at].isspace():
        if line[at] in "'\"\\":
            quoted = True
            piece, at, closed = _QUOTE_READERS[line[at]](line, at + 1)
        else:
            piece, at = line[at], at + 1
        pieces.append(piece)
    return LineWord("".join(pieces), start, at, quoted, closed)


def iter_words(line: str) -> Iterator[LineWord]:
    """All words of a line, the last one perhaps with an open quote."""
    at = 0
    while word := read_word(line, at):
        yield word
        at = word.end


def strip_quotes(text: str) -> str:
    """The text without the one pair of quotes that surrounds all of it, else unchanged."""
    text = text.strip()
    if len(text) < 2 or text[0] not in "'\"" or text[-1] != text[0]:
        return text
    inner = text[1:-1]
    return text if _has_quote(inner, text[0]) else inner


def quote_word(text: str) -> str:
    """The text as one word: bare where that is enough, else in quotes."""
    if text and not re.search(r"[\s'\"\\]", text):
        return text
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def _has_quote(text: str, mark: str) -> bool:
    bare = re.sub(r"\\.", "", text, flags=re.DOTALL)
    return mark in bare or bare.endswith("\\")


def _read_single_quoted(line: str, at: int) -> tuple[str, int, bool]:
    end = line.find("'", at)
    return (line[at:], len(line), False) if end < 0 else (line[at:end], end + 1, True)


def _read_double_quoted(line: str, at: int) -> tuple[str, int, bool]:
    pieces: list[str] = []
    while at < len(line) and line[at] != '"':
        if line[at] == "\\" and line[at + 1 : at + 2] in _ESCAPED_IN_DOUBLE and at + 1 < len(line):
            at += 1
        pieces.append(line[at])
        at += 1
    closed = at < len(line)
    return "".join(pieces), at + closed, closed


def _read_escape(line: str, at: int) -> tuple[str, int, bool]:
    return (line[at], at + 1, True) if at < len(line) else ("", at, False)


_QUOTE_READERS = {"'": _read_single_quoted, '"': _read_double_quoted, "\\": _read_escape}
