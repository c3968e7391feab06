"""Turn a network's outputs into labels with scores, and labels into sentences."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hfwidgets.engine.base.http_errors import bad_request

Transform = Literal["sigmoid", "softmax", "none"]


class LabelScore(TypedDict):
    """A label with its score, as the Hub's wire has it."""

    label: str
    score: float


def softmax(values: ArrayLike, sharpness: float = 1.0, axis: int = -1) -> NDArray[np.float64]:
    """Return shares that sum to 1 along an axis; the values are first multiplied by `sharpness`."""
    scaled = np.asarray(values, np.float64) * sharpness
    # The largest exponent is 0, so nothing overflows.
    raised = np.exp(scaled - scaled.max(axis, keepdims=True))
    return np.asarray(raised / raised.sum(axis, keepdims=True), np.float64)


def sigmoid(values: ArrayLike) -> NDArray[np.float64]:
    """Return each value's own share, between 0 and 1."""
    # By way of the hyperbolic tangent, since exp() overflows for large negative values.
    return np.asarray((1 + np.tanh(np.asarray(values, np.float64) / 2)) / 2, np.float64)


def rank_labels(
    labels: Sequence[str], logits: ArrayLike, transform: Transform, top_k: int | None = None
) -> list[LabelScore]:
    """Return the labels with their transformed outputs as scores, best first."""
    return rank_scores(labels, apply_transform(logits, transform), top_k)


def rank_scores(
    labels: Sequence[str], scores: Iterable[Any], top_k: int | None = None
) -> list[LabelScore]:
    """Return the labels with their scores, best first; all of them, or `top_k`."""
    pairs = sorted(zip(labels, scores, strict=True), key=lambda pair: -pair[1])
    return [{"label": label, "score": float(score)} for label, score in pairs[:top_k]]


def apply_transform(logits: ArrayLike, transform: Transform) -> NDArray[np.float64]:
    """Return a network's outputs as scores."""
    if transform == "softmax":
        return softmax(logits)
    return sigmoid(logits) if transform == "sigmoid" else np.asarray(logits, np.float64)


def fill_template(hypothesis_template: str, labels: Iterable[str]) -> list[str]:
    """Return the template with each label in it; a 400 if it has no place for the label."""
    if "{}" not in hypothesis_template:
        raise bad_request(
            "hypothesis_template must contain {} where the label goes.", "hypothesis_template"
        )
    return [hypothesis_template.replace("{}", label) for label in labels]
