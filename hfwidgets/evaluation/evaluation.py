"""What an evaluation returns: scores with intervals, paired verdicts, and the rows behind them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Any, overload

from hfwidgets.core.significance import holm
from hfwidgets.errors import ConfigurationError, did_you_mean
from hfwidgets.evaluation import report
from hfwidgets.evaluation.answers import WRONG, Answerer, ModelAnswer
from hfwidgets.evaluation.classification import confusion_matrix
from hfwidgets.evaluation.labels import OTHER, LabelMap, suspect_swap
from hfwidgets.evaluation.metrics import Metric
from hfwidgets.evaluation.predictions import BOXES, CLASSES, choose_metrics, read_prediction
from hfwidgets.evaluation.rows import EvaluationRow, Sample
from hfwidgets.evaluation.scores import Score, ScoredRow
from hfwidgets.evaluation.statistics import Estimate, Pair
from hfwidgets.evaluation.text_metrics import Normalizer, normalizer
from hfwidgets.evaluation.values import Label, Prediction
from hfwidgets.results import table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_FAILED_SHARE = 0.05
"""With more failed rows than this no model is called better: those rows may not fail by chance."""

_EMPTY: Mapping[str, Any] = {
    **dict.fromkeys(CLASSES, OTHER),
    **{name: [] for name in (*BOXES, "token-classification", "fill-mask", "feature-extraction")},
    "image-segmentation": {},
}
"""What a wrong answer without a prediction counts as; a text is empty."""


class Evaluation(Sequence[ScoredRow]):
    """The rows of an evaluation in order, with scores and verdicts.

    Attributes:
        task: the task's name.
        scores: a line per model, best first.
        baseline: the majority label (or mean) on the same rows; None without labels.
        pairs: each two models on the rows that both answered, with Holm's correction.
        best: the first model and all that are not distinguishable from it.
        agreement: for each two models the share of rows on which they answer alike.
        stopped: why not all rows were asked, such as the budget; None where all were.
        notes: sentences on rows that were left out.
    """

    def __init__(
        self,
        task: str,
        sample: Sample,
        answerers: Sequence[Answerer],
        *,
        metrics: Any = None,
        labels: Mapping[str, Any] | None = None,
        normalize: "str | Normalizer | None" = None,
        seed: int = 0,
        stopped: str | None = None,
        id2label: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self.task = task
        self.stopped = stopped
        self.notes = list(sample.notes)
        self._sample, self._answerers = sample, list(answerers)
        self._options = {"metrics": metrics, "labels": labels, "normalize": normalize}
        self._seed, self._id2label = seed, id2label or {}
        # Rows beyond a budget have no answer, nor have those that one model's run did not reach.
        # Only rows that every model had are compared.
        asked = [
            row for row in sample.rows if all(row.index in one.answers for one in self._answerers)
        ]
        truth = [row.label for row in asked]
        self.metrics: list[Metric] = (
            choose_metrics(task, truth, metrics, normalizer(normalize)) if sample.has_labels else []
        )
        self._maps = {
            one.candidate.name: self._label_map(one.candidate.name, truth, labels)
            for one in self._answerers
        }
        self._rows = [self._score_row(row) for row in asked]
        for name, label_map in self._maps.items():
            if label_map is not None:
                # Only after all rows: a mapping is missing if no word of any row matches.
                label_map.check(sum(row.predictions[name] is not None for row in self._rows))
        self.pairs = self._compare_pairs()
        self.scores = self._build_scores()
        self.baseline = self._build_baseline(truth)
        self.best = self._find_best()
        self.agreement = self._measure_agreement()

    # Rows

    @property
    def models(self) -> tuple[str, ...]:
        """The models' names, in the order in which they were given."""
        return tuple(one.candidate.name for one in self._answerers)

    @property
    def has_labels(self) -> bool:
        return self._sample.has_labels

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> ScoredRow: ...
    @overload
    def __getitem__(self, index: slice) -> list[ScoredRow]: ...
    def __getitem__(self, index: int | slice) -> ScoredRow | list[ScoredRow]:
        return self._rows[index]

    def _label_map(
        self, name: str, truth: Sequence[Any], labels: Mapping[str, Any] | None
    ) -> LabelMap | None:
        if self.task not in CLASSES or not self.has_labels:
            return None
        several = any(isinstance(label, (list, tuple, set, frozenset)) for label in truth)
        classes = [word for label in truth for word in label] if several else truth
        own = (labels or {}).get(name)
        names = (
            own
            if isinstance(own, Mapping)
            else {
                word: label
                for word, label in (labels or {}).items()
                if not isinstance(label, Mapping)
            }
        )
        return LabelMap(name, classes, names, self._id2label.get(name))

    def _score_row(self, row: EvaluationRow) -> ScoredRow:
        answers = {one.candidate.name: one.answers[row.index] for one in self._answerers}
        predictions = {
            one.candidate.name: self._predict(one, row, answers[one.candidate.name])
            for one in self._answerers
        }
        right = {name: self._is_right(found, row.label) for name, found in predictions.items()}
        return ScoredRow(row.index, row.arguments, row.label, predictions, right, answers)

    def _predict(self, answerer: Answerer, row: EvaluationRow, answer: ModelAnswer) -> Any:
        """The prediction of an answer; None for a failed row."""
        if answer.state == "failed":
            return None
        empty = _EMPTY.get(self.task, "")
        if answer.state != "scored":
            return empty
        several = isinstance(row.label, (list, tuple, set, frozenset))
        try:
            if answerer.candidate.function is not None:
                found = answer.result
            else:
                found = read_prediction(answerer.task, answer.result, several)
        except Exception:  # an answer of another shape is a wrong one, not the run's end
            return empty
        label_map = self._maps.get(answerer.candidate.name)
        if label_map is None:
            return found
        # Chat models answer `Positive.` or `"positive"` where the label is `positive`.
        if isinstance(found, str) and answerer.task in ("chat-completion", "text-generation"):
            found = found.strip().strip(".\"'`")
        if several and not isinstance(found, str):
            return [label_map.find(word) for word in found if not label_map.drops(word)]
        return label_map.find(found)

    def _is_right(self, found: Prediction, label: Label) -> bool | None:
        known = bool(self.metrics) and found is not None
        return self.metrics[0].is_right(found, label) if known else None

    # Scores

    def _scored(self, *names: str) -> list[ScoredRow]:
        """The rows that all of these models answered."""
        return [r for r in self._rows if all(r.predictions[name] is not None for name in names)]

    def _groups(self, rows: Sequence[ScoredRow]) -> list[Any] | None:
        groups = {row.index: row.group for row in self._sample.rows}
        found = [groups[row.index] for row in rows]
        return found if any(group is not None for group in found) else None

    def _build_scores(self) -> list[Score]:
        scores = [self._build_score(one) for one in self._answerers]
        if not self.metrics:
            return scores
        first = self.metrics[0]
        sign = -1 if first.higher_is_better else 1

        def place(score: Score) -> tuple[bool, float]:
            value = score.metrics[first.name].value
            # NaN compares as false with every number and would leave the order to chance.
            return math.isnan(value), 0.0 if math.isnan(value) else sign * value

        return sorted(scores, key=place)

    def _build_score(self, answerer: Answerer) -> Score:
        name = answerer.candidate.name
        rows = self._scored(name)
        found = [row.predictions[name] for row in rows]
        truth = [row.label for row in rows]
        groups = self._groups(rows)
        values = {
            metric.name: metric.estimate(found, truth, groups=groups, seed=self._seed)
            for metric in self.metrics
        }
        answers = [row.answers[name] for row in self._rows]
        failed = sum(answer.state == "failed" for answer in answers)
        label_map = self._maps.get(name)
        error = answers[0].error if answers and failed == len(answers) else ""
        classes = list(dict.fromkeys(truth)) if label_map is not None and _hashable(truth) else []
        return Score(
            name,
            values,
            n=len(rows),
            wrong={kind: n for kind in WRONG if (n := sum(a.state == kind for a in answers))},
            failed=failed,
            bounds=self._bounds(values, len(rows), failed),
            seconds=_percentiles([a.seconds for a in answers if a.seconds is not None]),
            tokens=_sum_known([a.tokens for a in answers if a.state != "failed"]),
            dollars=_sum_known([a.dollars for a in answers if a.state != "failed"]),
            error=error,
            labels=dict(label_map.used) if label_map is not None else {},
            note=suspect_swap(found, truth, classes) if classes else "",
        )

    def _bounds(
        self, values: Mapping[str, Estimate], n: int, failed: int
    ) -> tuple[float, float] | None:
        if not self.metrics or not self.metrics[0].is_share or not failed:
            return None
        right = values[self.metrics[0].name].value * n if n else 0.0
        return right / (n + failed), (right + failed) / (n + failed)

    def _build_baseline(self, truth: Sequence[Any]) -> Score | None:
        """The most frequent label, or the mean, for each row."""
        if not self.metrics or not truth:
            return None
        if self.task == "tabular-regression":
            guess: Any = sum(map(float, truth)) / len(truth)
            name = "(mean)"
        elif self.task in CLASSES and _hashable(truth):
            # Among equally frequent labels the first one in the data wins, the same on each run.
            guess = max(dict.fromkeys(truth), key=list(truth).count)
            name = f"(always {guess})"
        else:
            return None
        found = [guess] * len(truth)
        values = {m.name: m.estimate(found, truth, seed=self._seed) for m in self.metrics}
        return Score(name, values, len(truth), {}, 0, None, None, None, 0.0)

    def _compare_pairs(self) -> list[Pair]:
        if not self.metrics:
            return []
        metric, pairs = self.metrics[0], []
        for a, b in combinations(self.models, 2):
            rows = self._scored(a, b)
            pair = metric.compare(
                (a, b),
                [row.predictions[a] for row in rows],
                [row.predictions[b] for row in rows],
                [row.label for row in rows],
                groups=self._groups(rows),
                seed=self._seed,
            )
            pairs.append(replace(pair, no_verdict=self._why_no_verdict(a, b)))
        # The correction needs the p-values of all pairs, so the pairs are completed at the end.
        adjusted = holm([pair.p for pair in pairs])
        return [replace(pair, p_adjusted=p) for pair, p in zip(pairs, adjusted, strict=True)]

    def _why_no_verdict(self, a: str, b: str) -> str:
        for name in (a, b):
            failed = sum(row.predictions[name] is None for row in self._rows)
            if self._rows and failed / len(self._rows) > MAX_FAILED_SHARE:
                return (
                    f"{failed} of {len(self._rows)} rows of {name} failed: call retry() on this "
                    "evaluation."
                )
        return ""

    def _find_best(self) -> tuple[str, ...]:
        ranked = [score.model for score in self.scores if score.n]
        if not ranked or not self.metrics:
            return ()
        # Only wins of the first model count: `not distinguishable` is not transitive.
        first = ranked[0]
        beaten = {
            pair.b if pair.winner == pair.a else pair.a
            for pair in self.pairs
            if pair.winner == first
        }
        return tuple(name for name in ranked if name not in beaten)

    def _measure_agreement(self) -> dict[tuple[str, str], float]:
        found = {}
        for a, b in combinations(self.models, 2):
            rows = self._scored(a, b)
            same = sum(row.predictions[a] == row.predictions[b] for row in rows)
            found[a, b] = same / len(rows) if rows else math.nan
        return found

    # What users ask of it

    @property
    def verdict(self) -> str:
        """Say which model is best, in one or two sentences."""
        return report.verdict(self)

    def disagreements(self, a: str | None = None, b: str | None = None) -> list[ScoredRow]:
        """Return the rows on which models differ.

        Args:
            a, b: two models; left out, rows on which any two differ, or one differs from the label.

        Raises:
            ConfigurationError: an unknown name.
        """
        if a is None or b is None:
            return [row for row in self._rows if row.is_split]
        for name in (a, b):
            self._require_model(name)
        return [row for row in self._scored(a, b) if row.predictions[a] != row.predictions[b]]

    def confusion(self, model: str | None = None) -> report.Confusion:
        """Return how often each label was predicted as each; the best model's where left out.

        Raises:
            ConfigurationError: an unknown model, or a task without classes.
        """
        if model is not None:
            self._require_model(model)
        found = self.count_confusions(model)
        if found is None:
            raise ConfigurationError(f"{self.task} has no confusion matrix for these labels.")
        return report.Confusion(*found)

    def count_confusions(
        self, model: str | None = None
    ) -> tuple[str, list[str], list[str], list[list[int]]] | None:
        """Return a model's name, the labels, the predicted labels and counts; None without any."""
        name = model or (self.scores[0].model if self.scores else "")
        rows = self._scored(name) if name else []
        truth = [row.label for row in rows]
        if self.task not in CLASSES or not self.has_labels or not _hashable(truth):
            return None
        classes = list(dict.fromkeys(truth))
        columns, counts = confusion_matrix([row.predictions[name] for row in rows], truth, classes)
        return name, [str(one) for one in classes], columns, counts

    def rescore(
        self,
        *,
        metrics: Any = None,
        labels: Mapping[str, Any] | None = None,
        normalize: "str | Normalizer | None" = None,
        corrections: Mapping[int, Any] | None = None,
    ) -> "Evaluation":
        """Score the same answers again; nothing is asked.

        Args:
            metrics, labels, normalize: as for `evaluate`; what is left out stays as it was.
            corrections: right labels by row index, for rows whose label was wrong.
        """
        given = {"metrics": metrics, "labels": labels, "normalize": normalize}
        options = {n: given[n] if given[n] is not None else old for n, old in self._options.items()}
        fixed = corrections or {}
        rows = [
            replace(row, label=fixed[row.index]) if row.index in fixed else row
            for row in self._sample.rows
        ]
        return Evaluation(
            self.task,
            replace(self._sample, rows=rows),
            self._answerers,
            seed=self._seed,
            stopped=self.stopped,
            id2label=self._id2label,
            **options,
        )

    def retry(self) -> "Evaluation":
        """Ask for the failed rows again and return the evaluation with their answers."""
        asked = [row for row in self._sample.rows if row.index in {r.index for r in self._rows}]
        for answerer in self._answerers:
            answerer.retry(asked)
        return self.rescore()

    def to_pandas(self, rows: bool = False) -> Any:
        """Return the scores as a DataFrame, or the rows with each model's prediction."""
        lines = report.row_table(self) if rows else report.score_table(self)
        return table.import_pandas().DataFrame(lines)

    def plot(self) -> "Figure":
        """Draw quality against cost and against latency, with intervals."""
        return report.plot(self)

    def _require_model(self, name: str) -> None:
        if name not in self.models:
            raise ConfigurationError(
                f"{name!r} is not one of the models.{did_you_mean(name, self.models)} Models: "
                f"{', '.join(self.models)}."
            )

    def __repr__(self) -> str:
        return report.to_text(self)

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return {"text/plain": report.to_text(self), "text/html": report.to_html(self)}


def _hashable(values: Sequence[Any]) -> bool:
    return all(not isinstance(value, (list, dict, set)) for value in values)


def _percentiles(seconds: Sequence[float]) -> tuple[float, float] | None:
    if not seconds:
        return None
    ordered = sorted(seconds)

    def at(share: float) -> float:
        # The nearest rank: an interpolated value would be a time that no call took.
        return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)]

    return at(0.5), at(0.95)


def _sum_known(values: Sequence[Any]) -> Any:
    """The sum; None if one of them is not known."""
    return None if not values or any(value is None for value in values) else sum(values)
