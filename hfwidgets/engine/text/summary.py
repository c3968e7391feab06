"""Summarize a text by its own most central sentences.

LexRank's idea (Erkan and Radev 2004): a sentence that resembles many others states what the text is
about. Those that repeat one already taken are skipped (maximal marginal relevance). The chat
model's own summaries invent facts, so they are not offered.
"""

from typing import Annotated, TypedDict

import msgspec
import numpy as np
from numpy.typing import NDArray

from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.base.limits import check_text_length
from hfwidgets.engine.base.sentences import split_sentences
from hfwidgets.engine.text.minilm import LANGUAGES, MODEL, Array, MiniLM

MAX_SENTENCES = 512
_DEFAULT_SHARE = 0.35  # of the text's words, when the request sets no length
_DAMPING = 0.85
_REPETITION_WEIGHT = 0.6
_FIRST_SENTENCE_BONUS = 0.15  # texts tend to open with their topic

WordCount = Annotated[int, msgspec.Meta(ge=1)]


class SummaryLengths(msgspec.Struct, forbid_unknown_fields=True):
    """Limits of the summary's length, in words."""

    max_length: WordCount | None = None
    max_new_tokens: WordCount | None = None
    min_length: Annotated[int, msgspec.Meta(ge=0)] = 0
    min_new_tokens: Annotated[int, msgspec.Meta(ge=0)] = 0


class Summary(TypedDict):
    """A summary, as the Hub's wire has it."""

    summary_text: str


def summarization(
    models: LoadedModels, inputs: str, *, generate_parameters: SummaryLengths | None = None
) -> list[Summary]:
    """Return the most central sentences, in the order of the text."""
    lengths = generate_parameters or SummaryLengths()
    [inputs] = check_text_length([inputs])
    parts = [sentence.text for sentence in split_sentences(inputs)]
    if not parts:
        raise bad_request("The text to summarize is empty.", "inputs")
    if len(parts) > MAX_SENTENCES:
        raise bad_request(
            f"The text has {len(parts)} sentences; the limit is {MAX_SENTENCES}.", "inputs"
        )
    words = [len(part.split()) for part in parts]
    most = (
        lengths.max_length or lengths.max_new_tokens or max(30, round(sum(words) * _DEFAULT_SHARE))
    )
    least = min(max(lengths.min_length, lengths.min_new_tokens), most)
    taken = _select_sentences(models.get(MiniLM).embed(parts), words, most, least)
    return [{"summary_text": " ".join(parts[index] for index in sorted(taken))}]


def _select_sentences(vectors: Array, words: list[int], most: int, least: int) -> list[int]:
    """Take sentences by falling value while they fit: always the best, and enough for `least`."""
    worth, taken = _centrality(vectors), list[int]()
    left = set(range(len(words)))
    while left:
        best = max(
            left, key=lambda index: worth[index] - _repetition_penalty(vectors, index, taken)
        )
        left.remove(best)
        used = sum(words[index] for index in taken)
        # The first is always taken, even if it alone is longer than the limit.
        if not taken or used + words[best] <= most or used < least:
            taken.append(best)
    return taken


def _centrality(vectors: Array) -> NDArray[np.float64]:
    """Return how central each sentence is: by LexRank, nearness to the mean, and position."""
    count = len(vectors)
    links = np.maximum(vectors @ vectors.T, 0).astype(np.float64)
    # A sentence must not vote for itself.
    np.fill_diagonal(links, 0)
    steps = links / np.maximum(links.sum(1, keepdims=True), 1e-9)
    # A random walk along similarities rests on sentences that resemble many others; 50 steps are
    # enough for it to settle.
    rank = np.full(count, 1 / count)
    for _ in range(50):
        rank = (1 - _DAMPING) / count + _DAMPING * steps.T @ rank
    centre = vectors.mean(0)
    near = vectors @ centre / np.linalg.norm(centre)
    return np.asarray(
        rank * count + near + _FIRST_SENTENCE_BONUS / np.arange(1, count + 1), np.float64
    )


def _repetition_penalty(vectors: Array, index: int, taken: list[int]) -> float:
    """Return the reduction for a sentence's similarity to one already taken."""
    return _REPETITION_WEIGHT * max(
        (float(vectors[index] @ vectors[one]) for one in taken), default=0.0
    )


CAPABILITY = Capability(
    name="summary",
    model=MODEL,
    serves={"summarization": summarization},
    weights=("minilm",),
    measured={"summarization": (28, 30)},
    license="Apache-2.0",
    languages=LANGUAGES,
    is_derived=True,
    limits="English; extractive: it picks the text's own sentences and writes none.",
)
