"""Zero-shot classification: the label whose sentence means most nearly what the text means."""

from typing import Annotated, Any

import msgspec
import numpy as np

from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.text.minilm import LANGUAGES, MODEL, MiniLM, softmax

SHARPNESS = 20.0
"""Turns differences of cosines, a few hundredths, into differences of shares; found by trial."""

NEUTRAL_LABEL = "something else"

CandidateLabels = Annotated[list[str], msgspec.Meta(min_length=1, max_length=256)]


def zero_shot_classification(
    kit: LoadedModels,
    inputs: str,
    *,
    candidate_labels: CandidateLabels,
    multi_label: bool = False,
    hypothesis_template: str = "This text is about {}.",
) -> list[dict[str, Any]]:
    """Labels with scores, the best first; the scores sum to 1 unless several labels may hold."""
    if "{}" not in hypothesis_template:
        raise bad_request(
            "hypothesis_template must hold {} where the label goes.", "hypothesis_template"
        )
    named = [
        hypothesis_template.replace("{}", label) for label in [*candidate_labels, NEUTRAL_LABEL]
    ]
    vectors = kit.get(MiniLM).embed([inputs, *named])
    likeness = vectors[1:] @ vectors[0]
    if multi_label:
        # Each label alone against "something else", as an entailment model weighs yes against no.
        scores = 1 / (1 + np.exp(SHARPNESS * (likeness[-1] - likeness[:-1].astype(np.float64))))
    else:
        scores = softmax(likeness[:-1], SHARPNESS)
    ranked = sorted(zip(candidate_labels, scores, strict=True), key=lambda pair: -pair[1])
    return [{"label": label, "score": float(score)} for label, score in ranked]


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
