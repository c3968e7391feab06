"""Classify text into any labels: the nearest label sentence in MiniLM's space wins."""

from typing import Annotated

import msgspec

from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.limits import check_not_blank
from hfwidgets.engine.base.scores import (
    LabelScore,
    fill_template,
    rank_scores,
    sigmoid,
    softmax,
)
from hfwidgets.engine.text.minilm import LANGUAGES, MODEL, MiniLM

SHARPNESS = 20.0
"""Turns differences between cosines, a few hundredths, into differences of shares; by trial."""

NEUTRAL_LABEL = "something else"

CandidateLabels = Annotated[list[str], msgspec.Meta(min_length=1, max_length=256)]


def zero_shot_classification(
    models: LoadedModels,
    inputs: str,
    *,
    candidate_labels: CandidateLabels,
    multi_label: bool = False,
    hypothesis_template: str = "This text is about {}.",
) -> list[LabelScore]:
    """Return labels with scores, best first; they sum to 1 unless several labels may apply."""
    check_not_blank(inputs)
    sentences = fill_template(hypothesis_template, [*candidate_labels, NEUTRAL_LABEL])
    # All sentences in one call: the label's neutral alternative is needed by multi_label only.
    vectors = models.get(MiniLM).embed([inputs, *sentences])
    similarity = vectors[1:] @ vectors[0]
    if multi_label:
        # Each label alone against "something else", as an entailment model weighs yes against no.
        scores = sigmoid(SHARPNESS * (similarity[:-1] - similarity[-1]))
    else:
        scores = softmax(similarity[:-1], SHARPNESS)
    return rank_scores(candidate_labels, scores)


CAPABILITY = Capability(
    name="zero-shot",
    model=MODEL,
    serves={"zero-shot-classification": zero_shot_classification},
    weights=("minilm",),
    measured={"zero-shot-classification": (27, 32)},
    license="Apache-2.0",
    languages=LANGUAGES,
    is_derived=True,
    limits="English; good at topics, blind to negation and irony.",
)
