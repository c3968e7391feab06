"""Rate the sentiment of English text by VADER: a lexicon and rules made for short informal texts.

VADER is an ordinary dependency, not a weight package: its rules are code as much as a word list,
and it is a small, widely used library.
"""

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

_LABELS = ("POSITIVE", "NEGATIVE", "NEUTRAL")

# VADER's authors call a text neutral up to this distance from 0, which is also what it gives for
# texts without a word that it knows.
_NEUTRAL_BOUND = 0.05

_SHARPNESS = 10.0
"""Turns VADER's numbers into shares: at this one a compound of 0.3 has a share of about 0.9."""


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
    """Return POSITIVE, NEGATIVE and NEUTRAL, the likeliest first."""
    compound = models.get(Vader).compound_score(inputs)
    # At the bound two labels have the same logit, so that the likelier one changes there.
    logits = [_SHARPNESS * value for value in (compound, -compound, _NEUTRAL_BOUND)]
    return [rank_labels(_LABELS, logits, function_to_apply, top_k)]


CAPABILITY = Capability(
    name="sentiment",
    model="cjhutto/vaderSentiment",
    serves={"text-classification": text_classification},
    weights=(),
    license="MIT",
    measured={"text-classification": (27, 40)},
    languages=("English",),
    limits=(
        "English sentiment only, by a lexicon and rules; best on short informal texts. A text "
        "without a word that it knows is neutral."
    ),
)
