"""English words as en_core_web_sm cuts them, by the rules in its own file.

The rules are regular expressions for what may be cut off a word's start and end and for where it
is cut inside, and a table of exceptions with normal forms ("don't" is "do", "n't" read as "not").
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

_ORTH, _NORM = 65, 67  # spaCy's numbers for a token's text and its normal form
_LONG = 200  # letters; the file's expressions for addresses take far too long on longer words
_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Word:
    """A token: its text, its normal form and where it starts in the text."""

    text: str
    norm: str
    start: int

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.start + len(self.text)


Piece = tuple[str, str]
"""A token's text and normal form."""


class Cutter:
    """The loaded rules."""

    def __init__(self, path: Path) -> None:
        rules: dict[str, Any] = msgspec.msgpack.decode(path.read_bytes())
        self._prefix = re.compile(rules["prefix_search"])
        self._suffix = re.compile(rules["suffix_search"])
        self._infix = re.compile(rules["infix_finditer"])
        self._whole = re.compile(rules["token_match"])
        self._special: dict[str, list[Piece]] = {
            word: [(part[_ORTH], part.get(_NORM) or part[_ORTH].lower()) for part in parts]
            for word, parts in rules["exceptions"].items()
        }

    def cut(self, text: str) -> list[Word]:
        """The text's tokens."""
        words = []
        for match in _WORD.finditer(text):
            at = match.start()
            for piece, norm in self._pieces(match[0]):
                words.append(Word(piece, norm, at))
                at += len(piece)
        return words

    def _pieces(self, word: str) -> list[Piece]:
        before: list[Piece] = []
        after: list[Piece] = []
        while word and not self._is_whole(word):
            prefix, suffix = self._prefix.search(word), self._suffix.search(word)
            if prefix and prefix.end():
                before.append(_piece(word[: prefix.end()]))
                word = word[prefix.end() :]
            elif suffix and suffix.end() > suffix.start():
                after.insert(0, _piece(word[suffix.start() :]))
                word = word[: suffix.start()]
            else:
                break
        return [*before, *self._middle(word), *after]

    def _is_whole(self, word: str) -> bool:
        return word in self._special or (len(word) < _LONG and bool(self._whole.match(word)))

    def _middle(self, word: str) -> list[Piece]:
        """What is left between a word's cut-off start and end."""
        if word in self._special:
            return self._special[word]
        if self._is_whole(word):
            return [_piece(word)]
        cuts, at = [], 0
        for match in self._infix.finditer(word):
            if match.start() and match.end() > match.start():
                cuts += [word[at : match.start()], match[0]]
                at = match.end()
        return [_piece(part) for part in [*cuts, word[at:]] if part]


def _piece(text: str) -> Piece:
    return text, text.lower()
