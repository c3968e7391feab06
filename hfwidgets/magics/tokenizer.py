"""Splits a magic line into words: POSIX quoting, with positions.

`shlex` would do for the words, but not for what follows the options: a prompt reaches the model
verbatim, with its apostrophes and quotes, so each word knows where it begins and ends.
"""

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
        end: Index after its last character.
        is_quoted: True if any part of it was quoted or escaped.
        is_closed: True if every opened quote was closed.
    """

    text: str
    start: int
    end: int
    is_quoted: bool
    is_closed: bool


def skip_blanks(line: str, at: int) -> int:
    """Return the index of the first non-blank character at or after `at`."""
    while at < len(line) and line[at].isspace():
        at += 1
    return at


def read_word(line: str, at: int = 0) -> LineWord | None:
    """Read the next word; None where only blanks are left."""
    start = skip_blanks(line, at)
    if start == len(line):
        return None
    pieces: list[str] = []
    at, is_quoted, is_closed = start, False, True
    # A word may consist of several pieces without blanks between them, as in a shell: -m"a b"
    while at < len(line) and not line[at].isspace():
        if line[at] in "'\"\\":
            is_quoted = True
            piece, at, is_closed = _QUOTE_READERS[line[at]](line, at + 1)
        else:
            piece, at = line[at], at + 1
        pieces.append(piece)
    return LineWord("".join(pieces), start, at, is_quoted, is_closed)


def iter_words(line: str) -> Iterator[LineWord]:
    """Yield all words of a line; the last one may have an open quote."""
    at = 0
    while word := read_word(line, at):
        yield word
        at = word.end


def strip_quotes(text: str) -> str:
    """Return the text without the one pair of quotes around all of it, else unchanged."""
    text = text.strip()
    if len(text) < 2 or text[0] not in "'\"" or text[-1] != text[0]:
        return text
    inner = text[1:-1]
    # 'a' and 'b' begins and ends with a quote, but these are not a pair.
    return text if _has_quote(inner, text[0]) else inner


def quote_word(text: str) -> str:
    """Return the text as one word: bare where possible, else in quotes."""
    if text and not re.search(r"[\s'\"\\]", text):
        return text
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def _has_quote(inner: str, mark: str) -> bool:
    """True if an unescaped quote, or an escape of the closing one, is in the text."""
    bare = re.sub(r"\\.", "", inner, flags=re.DOTALL)
    return mark in bare or bare.endswith("\\")


def _read_single_quoted(line: str, at: int) -> tuple[str, int, bool]:
    end = line.find("'", at)
    return (line[at:], len(line), False) if end < 0 else (line[at:end], end + 1, True)


def _read_double_quoted(line: str, at: int) -> tuple[str, int, bool]:
    pieces: list[str] = []
    while at < len(line) and line[at] != '"':
        # A backslash escapes only a quote or itself; before anything else it is text (C:\new).
        # The length is checked too: at the line's end the slice is empty, and an empty text is in
        # any other.
        if line[at] == "\\" and line[at + 1 : at + 2] in _ESCAPED_IN_DOUBLE and at + 1 < len(line):
            at += 1
        pieces.append(line[at])
        at += 1
    is_closed = at < len(line)
    return "".join(pieces), at + is_closed, is_closed


def _read_escape(line: str, at: int) -> tuple[str, int, bool]:
    # A backslash at the line's end escapes nothing. shlex refuses it, but a prompt may end with
    # one, and completion reads lines that are not finished.
    return (line[at], at + 1, True) if at < len(line) else ("", at, False)


_QUOTE_READERS = {"'": _read_single_quoted, '"': _read_double_quoted, "\\": _read_escape}
