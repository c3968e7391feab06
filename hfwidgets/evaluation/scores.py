"""The lines of an evaluation: one per model, one per row."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from hfwidgets.evaluation.answers import ModelAnswer
from hfwidgets.evaluation.metrics import Metric
from hfwidgets.evaluation.statistics import Estimate, Pair


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
        differ = any(found != known[0] for found in known[1:])
        return differ or any(right is False for right in self.right.values())


class ScoredEvaluation(Protocol):
    """What a report reads of an evaluation."""

    task: str
    metrics: list[Metric]
    scores: list[Score]
    baseline: Score | None
    pairs: list[Pair]
    best: tuple[str, ...]
    agreement: dict[tuple[str, str], float]
    stopped: str | None
    notes: list[str]

    @property
    def models(self) -> tuple[str, ...]: ...
    @property
    def has_labels(self) -> bool: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[ScoredRow]: ...
    def disagreements(self) -> list[ScoredRow]: ...
    def count_confusions(self) -> tuple[str, list[str], list[str], list[list[int]]] | None: ...
