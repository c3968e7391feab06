"""Rate the sentiment of English text by VADER: a lexicon and rules made for short informal texts.

VADER is an ordinary dependency, not a weight package: its rules are code as much as a word list,
and it is a small, widely used library.
"""

import math
from typing import TYPE_CHECKING, Annotated

import msgspec

from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.scores import LabelScore, Transform, rank_labels

if TYPE_CHECKING:
    from vaderSentiment.vaderSentiment import (  # type: ignore[import-untyped]
        SentimentIntensityAnalyzer,
    )

Text = Annotated[str, msgspec.Meta(max_length=20_000)]
"""VADER's time grows with the square of the length: 0.3 s for the longest, 10 s for five times
it."""

_CERTAIN = 0.9999  # VADER rounds scores near 1 up to it, where the logit would be infinite


class Vader:
    """The loaded lexicon."""

    def __init__(self, analyzer: "SentimentIntensityAnalyzer") -> None:
        self._analyzer = analyzer

    @classmethod
    def load(cls) -> "Vader":
        """Open it; about 0.1 s."""
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

        return cls(SentimentIntensityAnalyzer())

    def compound_score(self, text: str) -> float:
        """Return the sentiment from -1 (most negative) to 1 (most positive)."""
        return float(self._analyzer.polarity_scores(text)["compound"])


def text_classification(
    models: LoadedModels,
    inputs: Text,
    *,
    function_to_apply: Transform = "softmax",
    top_k: Annotated[int, msgspec.Meta(ge=1)] | None = None,
) -> list[list[LabelScore]]:
    """Return POSITIVE and NEGATIVE, the likelier first; POSITIVE's share is (1 + compound) / 2."""
    share = (1 + max(-_CERTAIN, min(_CERTAIN, models.get(Vader).compound_score(inputs)))) / 2
    # VADER gives one number; two opposite logits with this distance softmax to its share.
    logit = math.log(share / (1 - share)) / 2
    return [rank_labels(("POSITIVE", "NEGATIVE"), (logit, -logit), function_to_apply, top_k)]


CAPABILITY = Capability(
    name="sentiment",
    model="cjhutto/vaderSentiment",
    serves={"text-classification": text_classification},
    weights=(),
    license="MIT",
    languages=("English",),
    limits="English sentiment only, by a lexicon and rules; best on short informal texts.",
)
