"""Classify text into any labels: the nearest label sentence in MiniLM's space wins."""

from typing import Annotated

import msgspec
import numpy as np

from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.base.scores import LabelScore, softmax
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
    check_template(hypothesis_template)
    sentences = [
        hypothesis_template.replace("{}", label) for label in [*candidate_labels, NEUTRAL_LABEL]
    ]
    # All sentences in one call: the label's neutral alternative is needed by multi_label only.
    vectors = models.get(MiniLM).embed([inputs, *sentences])
    similarity = vectors[1:] @ vectors[0]
    if multi_label:
        # Each label alone against "something else", as an entailment model weighs yes against no.
        scores = 1 / (1 + np.exp(SHARPNESS * (similarity[-1] - similarity[:-1].astype(np.float64))))
    else:
        scores = softmax(similarity[:-1], SHARPNESS)
    ranked = sorted(zip(candidate_labels, scores, strict=True), key=lambda pair: -pair[1])
    return [{"label": label, "score": float(score)} for label, score in ranked]


def check_template(hypothesis_template: str) -> None:
    """Refuse a hypothesis template without a place for the label."""
    if "{}" not in hypothesis_template:
        raise bad_request(
            "hypothesis_template must contain {} where the label goes.", "hypothesis_template"
        )


CAPABILITY = Capability(
    name="zero-shot",
    model=MODEL,
    serves={"zero-shot-classification": zero_shot_classification},
    weights=("minilm",),
    license="Apache-2.0",
    languages=LANGUAGES,
    is_derived=True,
    limits="English; good at topics, blind to negation and irony.",
)
