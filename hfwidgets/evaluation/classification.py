"""Metrics of classes and of numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from hfwidgets.evaluation.metrics import SumMetric, divide
from hfwidgets.evaluation.statistics import Floats
from hfwidgets.evaluation.values import Label, Prediction, as_set


class Accuracy(SumMetric):
    """The share of rows whose predicted label is the right one."""

    name = "accuracy"
    is_share = True

    def row_numbers(self, prediction: Prediction, label: Label) -> Sequence[float]:
        return (float(prediction == label),)


class _ClassMetric(SumMetric):
    """A metric of classes: for each class the rows right, predicted and labeled so.

    Args:
        classes: the labels that the sample has. A prediction outside them is wrong and belongs to
            no class: a stray word must not become a class of its own with an F1 of 0.
    """

    def __init__(self, classes: Sequence[Any]) -> None:
        self.classes = list(classes)
        self._at = {name: at for at, name in enumerate(self.classes)}

    def row_numbers(self, prediction: Prediction, label: Label) -> Sequence[float]:
        size = len(self.classes)
        numbers = [0.0] * (3 * size + 1)
        truth, found = self._at[label], self._at.get(prediction, size)
        numbers[truth] = float(truth == found)
        numbers[size + truth] = 1.0
        numbers[2 * size + found] = 1.0
        return numbers

    def _split(self, sums: Floats) -> tuple[Floats, Floats, Floats]:
        """The sums of right, labeled and predicted rows; the last has one more for strays."""
        size = len(self.classes)
        return sums[:, :size], sums[:, size : 2 * size], sums[:, 2 * size : 3 * size + 1]


class MacroF1(_ClassMetric):
    """The mean of the classes' F1, over the classes that the labels have."""

    name = "macro_f1"

    def combine(self, sums: Floats) -> Floats:
        right, labeled, predicted = self._split(sums)
        found = divide(2 * right, labeled + predicted[:, :-1])
        # A class that a resample lacks leaves the mean: as 0 it would pull the interval down.
        there = labeled > 0
        return divide((found * there).sum(1), there.sum(1).astype(float))


class BalancedAccuracy(_ClassMetric):
    """The mean of the classes' recall."""

    name = "balanced_accuracy"

    def combine(self, sums: Floats) -> Floats:
        right, labeled, _ = self._split(sums)
        there = labeled > 0
        return divide((divide(right, labeled) * there).sum(1), there.sum(1).astype(float))


class MatthewsCorrelation(_ClassMetric):
    """Matthews' correlation coefficient for any number of classes (Gorodkin, 2004)."""

    name = "mcc"

    def combine(self, sums: Floats) -> Floats:
        right, labeled, predicted = self._split(sums)
        total, correct = sums[:, -1], right.sum(1)
        covariance = correct * total - (labeled * predicted[:, :-1]).sum(1)
        spread = (total**2 - (predicted**2).sum(1)) * (total**2 - (labeled**2).sum(1))
        return divide(covariance, np.sqrt(np.maximum(spread, 0)))


class MicroF1(SumMetric):
    """F1 over all labels of rows that may have several."""

    name = "micro_f1"

    def row_numbers(self, prediction: Prediction, label: Label) -> Sequence[float]:
        found, truth = as_set(prediction), as_set(label)
        return float(len(found & truth)), float(len(found) + len(truth))

    def combine(self, sums: Floats) -> Floats:
        return divide(2 * sums[:, 0], sums[:, 1])


class SubsetAccuracy(SumMetric):
    """The share of rows with exactly the right set of labels."""

    name = "subset_accuracy"
    is_share = True

    def row_numbers(self, prediction: Prediction, label: Label) -> Sequence[float]:
        return (float(as_set(prediction) == as_set(label)),)


class TopAccuracy(SumMetric):
    """The share of rows whose right word is among the first k predictions.

    Args:
        k: how many predictions count.
    """

    is_share = True

    def __init__(self, k: int) -> None:
        self.k = k
        self.name = f"accuracy@{k}"

    def row_numbers(self, prediction: Prediction, label: Label) -> Sequence[float]:
        return (float(label in list(prediction)[: self.k]),)


class MeanAbsoluteError(SumMetric):
    """The mean distance from the right number."""

    name = "mae"
    higher_is_better = False

    def row_numbers(self, prediction: Prediction, label: Label) -> Sequence[float]:
        return (abs(float(prediction) - float(label)),)


class RootMeanSquaredError(SumMetric):
    """The root of the mean squared distance from the right number."""

    name = "rmse"
    higher_is_better = False

    def row_numbers(self, prediction: Prediction, label: Label) -> Sequence[float]:
        return ((float(prediction) - float(label)) ** 2,)

    def combine(self, sums: Floats) -> Floats:
        return np.sqrt(divide(sums[:, 0], sums[:, -1]))


class RSquared(SumMetric):
    """The share of the labels' variance that the predictions explain; below 0 if they add to it."""

    name = "r2"

    def row_numbers(self, prediction: Prediction, label: Label) -> Sequence[float]:
        truth = float(label)
        return (float(prediction) - truth) ** 2, truth, truth**2

    def combine(self, sums: Floats) -> Floats:
        # The labels' squared distances from their mean, by sums alone: Σy² - (Σy)² / n.
        squares = sums[:, 2] - divide(sums[:, 1] ** 2, sums[:, -1])
        return 1 - divide(sums[:, 0], squares)


def confusion_matrix(
    predictions: Sequence[Any], labels: Sequence[Any], classes: Sequence[Any]
) -> tuple[list[str], list[list[int]]]:
    """Count rows by right label (rows) and predicted one (columns).

    Returns:
        The column names, `(other)` last where a prediction is none of the classes, and the counts.
    """
    columns = [str(name) for name in classes]
    at = {name: index for index, name in enumerate(classes)}
    strays = any(found not in at for found in predictions)
    if strays:
        columns.append("(other)")
    counts = [[0] * len(columns) for _ in classes]
    for found, truth in zip(predictions, labels, strict=True):
        counts[at[truth]][at.get(found, len(at))] += 1
    return columns, counts
