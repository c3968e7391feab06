"""The most likely spans of a text, by the shares of its tokens to start and to end an answer."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from hfwidgets.engine.base.http_errors import bad_request

Shares = NDArray[np.floating[Any]]
DEFAULT_OVERLAP = 128
"""Tokens by which windows of a long context overlap, as in transformers' pipeline."""

Text = Annotated[str, msgspec.Meta(min_length=1)]


class ContextQuestion(msgspec.Struct):
    """A question and the text that holds its answer, as a request has them."""

    question: Text
    context: Text


@dataclass(frozen=True, slots=True)
class ScoredSpan:
    """A candidate answer: its probability and its characters, context[start:end]."""

    score: float
    start: int
    end: int


def choose_overlap(window: int, room: int, overlap: int | None) -> int:
    """Return by how many tokens the windows of a long context overlap.

    Args:
        window: a window's tokens.
        room: how many of them are left for the context.
        overlap: what the request has for `doc_stride`.

    Raises:
        RefusedError: windows of this kind would not advance.
    """
    chosen = min(DEFAULT_OVERLAP, room // 2) if overlap is None else overlap
    if room < 1 or chosen >= room:
        raise bad_request(
            f"A window of {window} tokens has {max(0, room)} left for the context, and windows "
            "must overlap by less. Shorten the question, or change max_seq_len.",
            "max_seq_len" if room < 1 else "doc_stride",
        )
    return chosen


def find_spans(
    start: Shares, end: Shares, offsets: Sequence[tuple[int, int]], longest: int, count: int
) -> Iterator[ScoredSpan]:
    """Yield the `count` most likely spans of at most `longest` tokens.

    Args:
        start, end: each token's share to start and to end the answer, shape (tokens,).
        offsets: each token's characters.
        longest: the most tokens of an answer.
        count: how many spans to yield.
    """
    # scores[first, last]: zero below the diagonal (last before first) and `longest` above it.
    scores = np.triu(np.outer(start, end)) * np.tri(len(start), k=longest - 1).T[::-1, ::-1]
    for flat in np.argsort(-scores, axis=None)[:count]:
        first, last = np.unravel_index(flat, scores.shape)
        # With fewer valid spans than `count`, the order goes on with pairs that were set to zero.
        if scores[first, last] > 0:
            yield ScoredSpan(float(scores[first, last]), offsets[first][0], offsets[last][1])


def widen_to_words(span: ScoredSpan, context: str) -> ScoredSpan:
    """Extend a span to whole words at both ends."""
    start, end = span.start, span.end
    while start > 0 and _is_inside_word(context, start):
        start -= 1
    while end < len(context) and _is_inside_word(context, end):
        end += 1
    return replace(span, start=start, end=end)


def _is_inside_word(text: str, position: int) -> bool:
    """True if the characters on both sides of a position belong to one word."""
    return text[position - 1].isalnum() and text[position].isalnum()


def select_answers(spans: Iterable[ScoredSpan], context: str, count: int) -> list[dict[str, Any]]:
    """Return the `count` most likely answers, with the spans that windows share only once."""
    unique: dict[tuple[int, int], ScoredSpan] = {}
    # Best first, so that a span which several windows found enters with its highest score.
    for span in sorted(spans, key=lambda span: -span.score):
        unique.setdefault((span.start, span.end), span)
    return [
        {
            "score": span.score,
            "start": span.start,
            "end": span.end,
            "answer": context[span.start : span.end],
        }
        for span in list(unique.values())[:count]
    ]
