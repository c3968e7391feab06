"""Tokenize English text as en_core_web_sm does, by the rules in its own file.

The rules are regular expressions for what is split off a word's start, end and inside, and a table
of exceptions with normal forms ("don't" becomes "do" and "n't", the latter read as "not").
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

_ORTH, _NORM = 65, 67  # spaCy's numbers for a token's text and its normal form
# The file's expressions for addresses take far too long on longer words.
_MAX_MATCH_LETTERS = 200
_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class SpacyToken:
    """A token: its text, its normal form, and its offset in the text."""

    text: str
    norm: str
    start: int

    @property
    def end(self) -> int:
        """Return the offset of its end, exclusive."""
        return self.start + len(self.text)


TokenForms = tuple[str, str]
"""A token's text and normal form."""


class SpacyTokenizer:
    """The tokenizer's rules, loaded."""

    def __init__(self, path: Path) -> None:
        rules: dict[str, Any] = msgspec.msgpack.decode(path.read_bytes())
        self._prefix = re.compile(rules["prefix_search"])
        self._suffix = re.compile(rules["suffix_search"])
        self._infix = re.compile(rules["infix_finditer"])
        self._token_match = re.compile(rules["token_match"])
        self._exceptions: dict[str, list[TokenForms]] = {
            word: [(part[_ORTH], part.get(_NORM) or part[_ORTH].lower()) for part in parts]
            for word, parts in rules["exceptions"].items()
        }

    def tokenize(self, text: str) -> list[SpacyToken]:
        """Return the text's tokens, without white space."""
        words = []
        for match in _WORD.finditer(text):
            at = match.start()
            for piece, norm in self._split_word(match[0]):
                words.append(SpacyToken(piece, norm, at))
                at += len(piece)
        return words

    def _split_word(self, word: str) -> list[TokenForms]:
        # Prefixes are tried before suffixes, and both again on what is left: the order decides
        # between, say, a bracket and a closing quote at the ends of one word.
        before: list[TokenForms] = []
        after: list[TokenForms] = []
        while word and not self._is_single_token(word):
            prefix, suffix = self._prefix.search(word), self._suffix.search(word)
            if prefix and prefix.end():
                before.append(_token_forms(word[: prefix.end()]))
                word = word[prefix.end() :]
            elif suffix and suffix.end() > suffix.start():
                after.insert(0, _token_forms(word[suffix.start() :]))
                word = word[: suffix.start()]
            else:
                break
        return [*before, *self._split_infixes(word), *after]

    def _is_single_token(self, word: str) -> bool:
        return word in self._exceptions or (
            len(word) < _MAX_MATCH_LETTERS and bool(self._token_match.match(word))
        )

    def _split_infixes(self, word: str) -> list[TokenForms]:
        """Split what is left between a word's prefixes and suffixes."""
        if word in self._exceptions:
            return self._exceptions[word]
        if self._is_single_token(word):
            return [_token_forms(word)]
        cuts, at = [], 0
        for match in self._infix.finditer(word):
            # An infix at the very start would leave an empty token before it.
            if match.start() and match.end() > match.start():
                cuts += [word[at : match.start()], match[0]]
                at = match.end()
        return [_token_forms(part) for part in [*cuts, word[at:]] if part]


def _token_forms(text: str) -> TokenForms:
    return text, text.lower()
