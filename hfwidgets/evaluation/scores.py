"""The lines of an evaluation: one per model, one per row."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hfwidgets.evaluation.answers import ModelAnswer
from hfwidgets.evaluation.statistics import Estimate


@dataclass(frozen=True, slots=True)
class Score:
    """One model's line of the table.

    Attributes:
        model: its name.
        metrics: each metric's value with its interval; the first decides.
        n: rows that were scored, wrong ones included.
        wrong: how many rows were wrong without a prediction, by kind.
        failed: rows that the network or a server lost; they are not scored.
        bounds: the deciding metric if all failed rows were wrong, and if all were right; None for
            metrics that are not shares.
        seconds: median and 95th percentile of fresh calls; None where all were recorded.
        tokens: the sum over rows; None without a count.
        dollars: the sum over rows; None where a price is not known.
        error: why no row was answered, for a model that failed all.
        labels: the model's words and the labels they became.
        note: a warning, such as labels that look exchanged.
    """

    model: str
    metrics: Mapping[str, Estimate]
    n: int
    wrong: Mapping[str, int]
    failed: int
    bounds: tuple[float, float] | None
    seconds: tuple[float, float] | None
    tokens: int | None
    dollars: float | None
    error: str = ""
    labels: Mapping[Any, Any] = field(default_factory=dict)
    note: str = ""

    @property
    def dollars_per_1000(self) -> float | None:
        """US dollars for a thousand rows."""
        answered = self.n
        return None if self.dollars is None or not answered else 1000 * self.dollars / answered


@dataclass(frozen=True, slots=True)
class ScoredRow:
    """One row with what each model made of it.

    Attributes:
        index: its place in the data.
        inputs: the task's inputs.
        label: the right answer; None without labels.
        predictions: each model's prediction; None for a failed row.
        right: True or False where rows are right or wrong; None for a failed row.
        answers: each model's whole answer.
    """

    index: int
    inputs: Mapping[str, Any]
    label: Any
    predictions: Mapping[str, Any]
    right: Mapping[str, bool | None]
    answers: Mapping[str, ModelAnswer]

    @property
    def is_split(self) -> bool:
        """True if two models differ, or one differs from the label."""
        known = [found for found in self.predictions.values() if found is not None]
        differ = any(not same(found, known[0]) for found in known[1:])
        return differ or any(right is False for right in self.right.values())


def same(a: object, b: object) -> bool:
    """True if two predictions are equal; arrays as a whole."""
    try:
        return bool(a == b)
    except ValueError:  # the truth of an array is that of each of its numbers
        import numpy as np

        return bool(np.array_equal(np.asarray(a, object), np.asarray(b, object)))
