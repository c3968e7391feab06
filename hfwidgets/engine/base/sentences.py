"""Split text into sentences."""

import re
from dataclasses import dataclass

# A mark ends a sentence only before a capital or a digit, which spares most abbreviations; blank
# lines and list items always do.
_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]?[A-Z0-9])|\n\s*\n|\n(?=\s*[-*•])")
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|etc|Inc|Ltd|No|e\.g|i\.e)|\b[A-Z])\.$"
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence and its offset in the text."""

    text: str
    start: int


def split_sentences(text: str) -> list[Sentence]:
    """Return the sentences of a text; abbreviations and initials do not end one."""
    found: list[Sentence] = []
    start = 0
    # The closing None handles what follows the last boundary like any other sentence.
    for match in [*_END.finditer(text), None]:
        end = match.start() if match else len(text)
        if match and _ABBREVIATION.search(text[start:end]):
            continue
        part = text[start:end]
        if part.strip():
            found.append(Sentence(part.strip(), start + len(part) - len(part.lstrip())))
        start = match.end() if match else end
    return found
