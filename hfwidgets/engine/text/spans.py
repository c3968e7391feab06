"""Find the spans of a text that may answer a question, by the kind that the question asks for."""

import re
from dataclasses import dataclass

from hfwidgets.engine.base.sentences import Sentence

_STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        """a an the of in on at to for and or but is are was were be been it its he she they his her
        their i me my you your we us our this that these those by with from as about into up who
        what when where which how many much do does did has have had will can may there than so
        not no""",
    )
)
_NUMBER_WORDS = (
    "one two three four five six seven eight nine ten eleven twelve dozen hundred thousand"
)
_NUMBER = re.compile(rf"\d|\b({'|'.join(_NUMBER_WORDS.split())}|million|billion)\b", re.IGNORECASE)
_DATE = re.compile(
    r"\d|\b(morning|evening|noon|night|day|week|month|year|century|january|february|march|april|may|"
    r"june|july|august|september|october|november|december|spring|summer|autumn|winter)s?\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"[\"'(]?[A-Z]")
_ANSWER_KINDS: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = (
    (re.compile(r"\bhow (many|much|tall|old|long|large|far|high|big)\b|\bpercentage\b"), _NUMBER),
    (re.compile(r"^\W*(when\b|(in |on |at )?(what|which) (year|day|time|month|date)\b)"), _DATE),
    (re.compile(r"^\W*(who|whose|whom|where)\b"), _NAME),
)
_WORD = re.compile(r"\S+")
_EDGES = "\"'`()[]{}.,;:!?"


@dataclass(frozen=True, slots=True)
class AnswerSpan:
    """A span of the text, [start, end) in characters, and the index of its sentence."""

    text: str
    start: int
    end: int
    sentence: int


def find_spans(parts: list[Sentence], question: str, longest: int) -> list[AnswerSpan]:
    """Return the spans that may answer the question: of its kind where it has one, else all."""
    repeated = {_stem(word) for word in question.split()} - _STOP_WORDS
    found = [
        span
        for index, part in enumerate(parts)
        for span in _spans_in_sentence(part, index, repeated, longest)
    ]
    lowered = question.lower()
    for pattern, kind in _ANSWER_KINDS:
        if pattern.search(lowered):
            # If no span has the question's kind, a wrong kind still beats no answer.
            return [span for span in found if kind.search(span.text)] or found
    return found


def _spans_in_sentence(
    part: Sentence, index: int, repeated: set[str], longest: int
) -> list[AnswerSpan]:
    """Return runs of up to `longest` words without the question's words, not ending in a stop
    word."""
    words = list(_WORD.finditer(part.text))
    found = []
    for first, opening in enumerate(words):
        if _stem(opening[0]) in _STOP_WORDS:
            continue
        # Spans grow word by word; one that meets a word of the question would only repeat it.
        for last, closing in enumerate(words[first : first + longest], first):
            if _stem(closing[0]) in repeated or _has_break(words, first, last):
                break
            if _stem(closing[0]) not in _STOP_WORDS:
                found.append(_trim_span(part, opening.start(), closing.end(), index))
    return [span for span in found if span.text]


def _has_break(words: list[re.Match[str]], first: int, last: int) -> bool:
    """True if a comma or the like precedes the last word; inside names and dates it may."""
    if last == first or words[last - 1][0][-1] not in ",;:":
        return False
    return not (words[last][0][0].isupper() or words[last][0][0].isdigit())


def _trim_span(part: Sentence, start: int, end: int, index: int) -> AnswerSpan:
    """Return the span without the punctuation around it."""
    raw = part.text[start:end]
    text = raw.strip(_EDGES)
    # The offset counts in the whole text, after the punctuation that was stripped.
    begin = part.start + start + (len(raw) - len(raw.lstrip(_EDGES)))
    return AnswerSpan(text, begin, begin + len(text), index)


def _stem(word: str) -> str:
    """Return a word without its punctuation and its most common endings."""
    bare = re.sub(r"\W", "", word.lower())
    for ending in ("ing", "ed", "es", "s"):
        if len(bare) > 4 and bare.endswith(ending):
            return bare.removesuffix(ending)
    return bare
