"""Turn a network's outputs into labels with scores."""

import math
from collections.abc import Sequence
from typing import Literal, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

Transform = Literal["sigmoid", "softmax", "none"]


class LabelScore(TypedDict):
    """A label with its score, as the Hub's wire has it."""

    label: str
    score: float


def softmax(values: ArrayLike, sharpness: float = 1.0) -> NDArray[np.float64]:
    """Return shares that sum to 1; the values are first multiplied by `sharpness`."""
    scaled = np.asarray(values, np.float64) * sharpness
    raised = np.exp(scaled - scaled.max())  # the largest exponent is 0, so nothing overflows
    return np.asarray(raised / raised.sum(), np.float64)


def rank_labels(
    labels: Sequence[str], logits: Sequence[float], transform: Transform, top_k: int | None
) -> list[LabelScore]:
    """Return the labels with their transformed outputs as scores, best first."""
    pairs = sorted(
        zip(labels, apply_transform(logits, transform), strict=True), key=lambda pair: -pair[1]
    )
    return [{"label": label, "score": float(score)} for label, score in pairs[:top_k]]


def apply_transform(logits: Sequence[float], transform: Transform) -> list[float]:
    """Return a network's outputs as scores."""
    if transform == "softmax":
        return [float(share) for share in softmax(logits)]
    if transform == "sigmoid":
        return [1 / (1 + math.exp(-value)) for value in logits]
    return [float(value) for value in logits]
