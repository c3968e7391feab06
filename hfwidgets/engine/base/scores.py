"""Labels with scores, from a network's outputs."""

import math
from collections.abc import Sequence
from typing import Any, Literal

from hfwidgets.engine.text.minilm import softmax

Transform = Literal["sigmoid", "softmax", "none"]


def rank_labels(
    labels: Sequence[str], logits: Sequence[float], transform: Transform, top_k: int | None
) -> list[dict[str, Any]]:
    """The labels with the transformed outputs as scores, the best first."""
    pairs = sorted(
        zip(labels, apply_transform(logits, transform), strict=True), key=lambda pair: -pair[1]
    )
    return [{"label": label, "score": float(score)} for label, score in pairs[:top_k]]


def apply_transform(logits: Sequence[float], transform: Transform) -> list[float]:
    """A network's outputs as scores."""
    if transform == "softmax":
        return [float(share) for share in softmax(logits)]
    if transform == "sigmoid":
        return [1 / (1 + math.exp(-value)) for value in logits]
    return [float(value) for value in logits]
