"""Classify images into any labels, by way of words: ConSE (Norouzi et al., 2013).

The classifier's likeliest classes are averaged as the vectors of their names, weighted by their
probability; the label whose sentence lies nearest to that average wins.
"""

from typing import Annotated

import msgspec
import numpy as np

from hfwidgets.engine.base import images
from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.scores import LabelScore, fill_template, rank_scores, softmax
from hfwidgets.engine.text.minilm import LANGUAGES, MiniLM
from hfwidgets.engine.text.zero_shot import SHARPNESS, CandidateLabels
from hfwidgets.engine.vision.efficientnet import EfficientNet

_MAX_CLASSES = 10
"""The number of classes that are averaged."""


def zero_shot_image_classification(
    models: LoadedModels,
    inputs: bytes,
    *,
    candidate_labels: CandidateLabels,
    hypothesis_template: Annotated[str, msgspec.Meta(min_length=2)] = "a photo of a {}",
) -> list[LabelScore]:
    """Return labels with scores that sum to 1, best first."""
    model = models.get(EfficientNet)
    shares = softmax(model.logits(images.open_image(inputs)))
    best = np.argsort(-shares)[:_MAX_CLASSES]
    names = [*(model.names[index] for index in best), *candidate_labels]
    vectors = models.get(MiniLM).embed(fill_template(hypothesis_template, names))
    mixed = shares[best] @ vectors[: len(best)]
    similarity = vectors[len(best) :] @ (mixed / np.linalg.norm(mixed))
    return rank_scores(candidate_labels, softmax(similarity, SHARPNESS))


CAPABILITY = Capability(
    name="zero-shot-image",
    model="google/efficientnet-lite0+all-MiniLM-L6-v2",
    serves={"zero-shot-image-classification": zero_shot_image_classification},
    weights=("efficientnet", "imagenet", "minilm"),
    measured={"zero-shot-image-classification": (28, 32)},
    license="Apache-2.0",
    languages=LANGUAGES,
    limits=(
        "Weak: it describes an image only by ImageNet's 1,000 classes and compares words; fewer "
        "are right among a dozen labels than among four."
    ),
)
