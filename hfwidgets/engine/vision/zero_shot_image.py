"""Zero-shot image classification by way of words: ConSE (Norouzi et al., 2013).

The classifier's likeliest classes are mixed as the vectors of their names, by their probability,
and the label whose sentence lies nearest to the mixture wins.
"""

from typing import Annotated, Any

import msgspec
import numpy as np

from hfwidgets.engine.base import images
from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.text.minilm import LANGUAGES, MiniLM, softmax
from hfwidgets.engine.text.zero_shot import SHARPNESS, CandidateLabels
from hfwidgets.engine.vision.efficientnet import EfficientNet

_MAX_CLASSES = 10
"""So many classes are mixed."""


def zero_shot_image_classification(
    kit: LoadedModels,
    inputs: bytes,
    *,
    candidate_labels: CandidateLabels,
    hypothesis_template: Annotated[str, msgspec.Meta(min_length=2)] = "a photo of a {}",
) -> list[dict[str, Any]]:
    """Labels with scores that sum to 1, the best first."""
    if "{}" not in hypothesis_template:
        raise bad_request(
            "hypothesis_template must hold {} where the label goes.", "hypothesis_template"
        )
    model = kit.get(EfficientNet)
    shares = softmax(model.logits(images.open_image(inputs)))
    best = np.argsort(-shares)[:_MAX_CLASSES]
    texts = [*(model.names[index] for index in best), *candidate_labels]
    vectors = kit.get(MiniLM).embed(hypothesis_template.replace("{}", text) for text in texts)
    mixed = shares[best] @ vectors[: len(best)]
    likeness = vectors[len(best) :] @ (mixed / np.linalg.norm(mixed))
    scores = softmax(likeness, SHARPNESS)
    ranked = sorted(zip(candidate_labels, scores, strict=True), key=lambda pair: -pair[1])
    return [{"label": label, "score": float(score)} for label, score in ranked]


CAPABILITY = Capability(
    name="zero-shot-image",
    model="google/efficientnet-lite0+all-MiniLM-L6-v2",
    serves={"zero-shot-image-classification": zero_shot_image_classification},
    weights=("efficientnet", "imagenet", "minilm"),
    license="Apache-2.0",
    languages=LANGUAGES,
    limits=(
        "Weak: it knows a picture by ImageNet's 1,000 classes alone and compares words; about two "
        "of three are right among a dozen labels."
    ),
)
