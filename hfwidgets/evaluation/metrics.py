"""Metrics, each as sums over rows where it can be.

A metric turns each row into a few numbers and a value is computed from their sums over rows. So a
bootstrap is one matrix product, corpus metrics (WER, IoU, macro-F1) are those of the whole sample
and never means of rows, and a paired test swaps rows by swapping their numbers. scikit-learn,
jiwer and the rest compute one value from all rows at once, which ten thousand resamples cannot
afford; the tests hold our values against theirs.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hfwidgets.core.significance import sign_test
from hfwidgets.evaluation.statistics import (
    ROUNDS,
    SLOW_ROUNDS,
    Estimate,
    Floats,
    Pair,
    bootstrap_interval,
    group_rows,
    randomization_p,
    wilson_interval,
)
from hfwidgets.evaluation.values import Label, Prediction


class Metric(ABC):
    """A number for predictions against labels.

    Attributes:
        name: shown in tables, and taken by `metrics=`.
        higher_is_better: False for errors.
        is_share: True if a row is right (1) or wrong (0) and the value is their mean.
    """

    name: str = ""
    higher_is_better = True
    is_share = False
    rounds = ROUNDS

    @abstractmethod
    def statistic(
        self, predictions: Sequence[Any], labels: Sequence[Any]
    ) -> Callable[[Floats], Floats]:
        """Return the value as a function of the rows' weights, shape (rounds, rows)."""

    @abstractmethod
    def difference(
        self, a: Sequence[Any], b: Sequence[Any], labels: Sequence[Any]
    ) -> Callable[[Floats], Floats]:
        """Return a's value less b's as a function of which rows are swapped, (rounds, rows)."""

    def estimate(
        self,
        predictions: Sequence[Any],
        labels: Sequence[Any],
        *,
        groups: Sequence[object] | None = None,
        seed: int = 0,
    ) -> Estimate:
        """Return the value on these rows with its interval."""
        n = len(labels)
        if n == 0:
            return Estimate(math.nan, math.nan, math.nan, 0)
        statistic = self.statistic(predictions, labels)
        value = float(statistic(np.ones((1, n)))[0])
        # Wilson's formula takes rows as independent; grouped rows need a bootstrap of groups.
        if self.is_share and groups is None:
            return Estimate(value, *wilson_interval(value * n, n), n)
        low, high = bootstrap_interval(statistic, group_rows(groups, n), seed, self.rounds)
        return Estimate(value, low, high, n)

    def compare(
        self,
        names: tuple[str, str],
        a: Sequence[Any],
        b: Sequence[Any],
        labels: Sequence[Any],
        *,
        groups: Sequence[object] | None = None,
        seed: int = 0,
    ) -> Pair:
        """Return the paired difference of two models' predictions for the same rows."""
        n = len(labels)
        if n == 0:
            return Pair(*names, self.name, math.nan, math.nan, math.nan, None, None, 0, 1.0)
        units = group_rows(groups, n)
        of_a, of_b = self.statistic(a, labels), self.statistic(b, labels)
        ones = np.ones((1, n))
        observed = float((of_a(ones) - of_b(ones))[0])
        # Both models are weighted by the same draws, which makes the interval a paired one.
        low, high = bootstrap_interval(
            lambda weights: of_a(weights) - of_b(weights), units, seed, self.rounds
        )
        a_only = b_only = None
        if self.is_share:
            rights = [
                (self.is_right(one, label), self.is_right(other, label))
                for one, other, label in zip(a, b, labels, strict=True)
            ]
            a_only, b_only = rights.count((True, False)), rights.count((False, True))
        if a_only is not None and b_only is not None and groups is None:
            p = sign_test(a_only, b_only)
        else:
            p = randomization_p(self.difference(a, b, labels), observed, units, seed, self.rounds)
        better = self.higher_is_better
        return Pair(
            *names, self.name, observed, low, high, a_only, b_only, n, p, higher_is_better=better
        )

    def is_right(self, prediction: Prediction, label: Label) -> bool | None:
        """True or False for a metric whose rows are right or wrong, else None."""
        return None


class SumMetric(Metric):
    """A metric whose value follows from sums of numbers that belong to rows."""

    @abstractmethod
    def row_numbers(self, prediction: Prediction, label: Label) -> Sequence[float]:
        """Return the numbers of one row."""

    def combine(self, sums: Floats) -> Floats:
        """Return the values for sums of shape (rounds, numbers).

        Left as it is, the first number's mean over rows, with the count of rows in the last.
        """
        return divide(sums[:, 0], sums[:, -1])

    def is_right(self, prediction: Prediction, label: Label) -> bool | None:
        return self.row_numbers(prediction, label)[0] > 0.5 if self.is_share else None

    def _table(self, predictions: Sequence[Any], labels: Sequence[Any]) -> Floats:
        """The rows' numbers, with 1 at the end of each row so that sums know how many there are."""
        pairs = zip(predictions, labels, strict=True)
        return np.array([[*self.row_numbers(p, y), 1.0] for p, y in pairs], dtype=float)

    def statistic(
        self, predictions: Sequence[Any], labels: Sequence[Any]
    ) -> Callable[[Floats], Floats]:
        table = self._table(predictions, labels)
        return lambda weights: self.combine(weights @ table)

    def difference(
        self, a: Sequence[Any], b: Sequence[Any], labels: Sequence[Any]
    ) -> Callable[[Floats], Floats]:
        of_a, of_b = self._table(a, labels), self._table(b, labels)
        # Swapping a row moves its gap from one sum to the other.
        whole_a, whole_b, gap = of_a.sum(0), of_b.sum(0), of_a - of_b

        def swapped(which: Floats) -> Floats:
            moved = which @ gap
            return self.combine(whole_a - moved) - self.combine(whole_b + moved)

        return swapped


class WholeMetric(Metric):
    """A metric that must see all rows at once, such as average precision or a rank correlation."""

    rounds = SLOW_ROUNDS

    @abstractmethod
    def value(self, predictions: Sequence[Any], labels: Sequence[Any]) -> float:
        """Return the metric of these rows."""

    def statistic(
        self, predictions: Sequence[Any], labels: Sequence[Any]
    ) -> Callable[[Floats], Floats]:
        def of_weights(weights: Floats) -> Floats:
            found = []
            for row in weights:
                # A weight says how often a row was drawn, so the row is repeated that often.
                at = [int(i) for i in np.repeat(np.arange(len(row)), row.astype(int))]
                found.append(self.value([predictions[i] for i in at], [labels[i] for i in at]))
            return np.array(found)

        return of_weights

    def difference(
        self, a: Sequence[Any], b: Sequence[Any], labels: Sequence[Any]
    ) -> Callable[[Floats], Floats]:
        def swapped(which: Floats) -> Floats:
            found = []
            for row in which:
                one = [y if s else x for x, y, s in zip(a, b, row, strict=True)]
                other = [x if s else y for x, y, s in zip(a, b, row, strict=True)]
                found.append(self.value(one, labels) - self.value(other, labels))
            return np.array(found)

        return swapped


class MeanMetric(SumMetric):
    """The mean over rows of a function of prediction and label, such as one of the user's own.

    Args:
        name: what tables call it.
        function: takes a prediction and a label, returns a number or a bool.
        is_share: True if it only returns 0 and 1.
        higher_is_better: False for errors.
    """

    def __init__(
        self,
        name: str,
        function: Callable[[Any, Any], float],
        *,
        is_share: bool = False,
        higher_is_better: bool = True,
    ) -> None:
        self.name, self._function = name, function
        self.is_share, self.higher_is_better = is_share, higher_is_better

    def row_numbers(self, prediction: Prediction, label: Label) -> Sequence[float]:
        return (float(self._function(prediction, label)),)


class RatioMetric(SumMetric):
    """A ratio of sums over the whole sample, such as errors per word.

    Args:
        name: what tables call it.
        counts: takes a prediction and a label, returns the row's part above and below the line.
        higher_is_better: False for errors.
    """

    def __init__(
        self,
        name: str,
        counts: Callable[[Any, Any], tuple[float, float]],
        *,
        higher_is_better: bool = True,
    ) -> None:
        self.name, self._counts, self.higher_is_better = name, counts, higher_is_better

    def row_numbers(self, prediction: Prediction, label: Label) -> Sequence[float]:
        return self._counts(prediction, label)

    def combine(self, sums: Floats) -> Floats:
        # An empty reference counts as one word: a model that hears words in silence is wrong.
        return sums[:, 0] / np.maximum(sums[:, 1], 1)


def divide(above: Floats, below: Floats) -> Floats:
    """Divide, with 0 where there is nothing below the line."""
    found: Floats = np.zeros_like(above, dtype=float)
    return np.divide(above, below, out=found, where=below != 0)
