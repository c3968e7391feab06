"""Metrics of embeddings: what a search finds, and whether similarity follows people's scores."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from hfwidgets.evaluation.metrics import MeanMetric, WholeMetric
from hfwidgets.evaluation.statistics import Floats
from hfwidgets.evaluation.values import Label, as_set


def rank_documents(query: Any, documents: Any) -> list[int]:
    """Return the documents' places, nearest first by cosine similarity."""
    matrix, vector = np.asarray(documents, float), np.asarray(query, float).reshape(-1)
    lengths = np.linalg.norm(matrix, axis=1) * np.linalg.norm(vector)
    # A vector of zeros has no direction: it scores 0 in place of NaN.
    scores: Floats = matrix @ vector / np.where(lengths == 0, 1, lengths)
    return [int(at) for at in np.argsort(-scores, kind="stable")]


def recall_at(k: int) -> MeanMetric:
    """Return the mean share of a query's relevant documents among its first k.

    Predictions are rankings (document ids, best first); labels the relevant ids.
    """

    def found(ranking: Sequence[Any], label: Label) -> float:
        relevant = as_set(label)
        return len(relevant & set(ranking[:k])) / len(relevant) if relevant else 0.0

    return MeanMetric(f"recall@{k}", found)


def mean_reciprocal_rank() -> MeanMetric:
    """Return the mean of one over the place of the first relevant document."""

    def reciprocal(ranking: Sequence[Any], label: Label) -> float:
        relevant = as_set(label)
        return next((1 / at for at, name in enumerate(ranking, 1) if name in relevant), 0.0)

    return MeanMetric("mrr", reciprocal)


class Spearman(WholeMetric):
    """The rank correlation of predicted scores with the labels."""

    name = "spearman"
    rounds = 1_000

    def value(self, predictions: Sequence[Any], labels: Sequence[Any]) -> float:
        from scipy.stats import spearmanr

        if len(set(map(float, predictions))) < 2 or len(set(map(float, labels))) < 2:
            return 0.0  # a constant has no ranks to correlate
        found: Any = spearmanr(predictions, labels)
        return float(found.statistic)
