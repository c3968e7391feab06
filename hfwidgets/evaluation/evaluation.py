"""What an evaluation returns: scores with intervals, paired verdicts, and the rows behind them."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from os import PathLike
from typing import TYPE_CHECKING, Any, overload

from hfwidgets.client import InferenceClient
from hfwidgets.core.counts import format_count
from hfwidgets.core.paths import to_path
from hfwidgets.core.significance import holm
from hfwidgets.errors import ConfigurationError, did_you_mean
from hfwidgets.evaluation import report
from hfwidgets.evaluation.answers import WRONG, Answerer
from hfwidgets.evaluation.ask_rows import INTERRUPTED, ProgressChoice, ask_all
from hfwidgets.evaluation.budget import Budget
from hfwidgets.evaluation.classification import confusion_matrix
from hfwidgets.evaluation.judge import (
    MAX_INPUT_LENGTH,
    JudgeLike,
    Ruling,
    describe_inputs,
    find_judge,
    list_questions,
    read_votes,
    to_judge_rows,
)
from hfwidgets.evaluation.labels import PATIENCE_ROWS, describe_unknown, suspect_swap
from hfwidgets.evaluation.metrics import Metric
from hfwidgets.evaluation.predictions import CLASSES, choose_metrics, find_classes
from hfwidgets.evaluation.row_scoring import RowScorer
from hfwidgets.evaluation.row_table import ScoredRows, to_row_values
from hfwidgets.evaluation.rows import Sample, row_key
from hfwidgets.evaluation.scores import Score, ScoredRow, same
from hfwidgets.evaluation.statistics import Estimate, Pair
from hfwidgets.evaluation.text_metrics import Normalizer, normalizer
from hfwidgets.results import table
from hfwidgets.results.votes import PERSON, Vote, Votes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_FAILED_SHARE = 0.05
"""With more failed rows than this no model is called better: those rows may not fail by chance."""


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
        label_maps: each model's words as the data's labels; None for tasks without classes.
        votes: those of people and judges, on results of the same rows.
        rulings: what each judge was asked, and how often it was of use.
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
        votes: Iterable[Vote] = (),
        rulings: Iterable[Ruling] = (),
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
        scorer = RowScorer(
            task,
            self._answerers,
            truth if self.metrics else (),
            self.metrics,
            labels or {},
            self._id2label,
        )
        self._rows = scorer.score(asked)
        self.label_maps = scorer.maps
        self._faults = {
            name: label_map.find_fault()
            for name, label_map in self.label_maps.items()
            if label_map is not None
        }
        if self.metrics and task in CLASSES and len(kinds := find_classes(truth)) == 1:
            self.notes.append(
                f"All rows have the label {kinds[0]!r}, so a model that always answers it is right."
            )
        self.notes += describe_unknown(filter(None, self.label_maps.values()))
        self.votes, self.rulings = Votes(votes), list(rulings)
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
    def is_interrupted(self) -> bool:
        """True if you ended the run; `retry()` asks for the rest."""
        return self.stopped == INTERRUPTED

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
        label_map = self.label_maps.get(name)
        error = answers[0].error if answers and failed == len(answers) else ""
        classes = find_classes(truth) if label_map is not None else []
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
            note=self._faults.get(name) or suspect_swap(found, truth, classes),
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
        elif self.task in CLASSES and find_classes(truth):
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
            fault = self._faults.get(name)
            if fault and len(self._scored(name)) >= PATIENCE_ROWS:
                return fault
            failed = sum(row.predictions[name] is None for row in self._rows)
            if self._rows and failed / len(self._rows) > MAX_FAILED_SHARE:
                return (
                    f"{failed} of {format_count(len(self._rows), 'row')} of {name} failed: call "
                    "retry() on this evaluation."
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
            alike = sum(same(row.predictions[a], row.predictions[b]) for row in rows)
            found[a, b] = alike / len(rows) if rows else math.nan
        return found

    # What users ask of it

    @property
    def verdict(self) -> str:
        """Say which model is best, in one or two sentences."""
        return report.verdict(self)

    def disagreements(self, a: str | None = None, b: str | None = None) -> ScoredRows:
        """Return the rows on which models differ; shown as a table, with `to_pandas`.

        Args:
            a, b: two models; left out, rows on which any two differ, or one differs from the label.

        Raises:
            ConfigurationError: an unknown name.
        """
        if a is None or b is None:
            return ScoredRows(row for row in self._rows if row.is_split)
        for name in (a, b):
            self._require_model(name)
        rows = self._scored(a, b)
        return ScoredRows(row for row in rows if not same(row.predictions[a], row.predictions[b]))

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
        if self.task not in CLASSES or not self.metrics or not (classes := find_classes(truth)):
            return None
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
            votes=self.votes,
            rulings=self.rulings,
            **options,
        )

    def retry(self) -> "Evaluation":
        """Ask for the failed rows again and return the evaluation with their answers.

        After an interrupt it asks for the rows that were not reached, too.
        """
        rows, indexes = self._sample.rows, {row.index for row in self._rows}
        if not self.is_interrupted:
            rows = [row for row in rows if row.index in indexes]
        for answerer in self._answerers:
            answerer.retry(rows)
        again = self.rescore()
        again.stopped = None if len(again) == len(self._sample.rows) else self.stopped
        return again

    def find_vote(self, index: int) -> str | None:
        """Return your choice on a row: a model's name, "same", or None."""
        row = next(row for row in self._rows if row.index == index)
        found = self.votes.find(row_key(row.inputs), self.models)
        return found.winner if found is not None else None

    def vote(self, index: int, winner: str) -> None:
        """Keep your own choice on a row: a model's name, or "same".

        Raises:
            ConfigurationError: no such row was asked, or no such model.
        """
        row = next((row for row in self._rows if row.index == index), None)
        if row is None:
            raise ConfigurationError(f"Row {index} is not one of the rows that were asked.")
        self.votes.add(
            Vote(
                task=self.task,
                key=row_key(row.inputs),
                input=describe_inputs(row.inputs)[:MAX_INPUT_LENGTH],
                models=list(self.models),
                winner=winner,
                voter=PERSON,
            )
        )

    def judge(
        self,
        judge: JudgeLike,
        *,
        resume: str | PathLike[str] | None = None,
        budget: Budget | float | None = None,
        concurrency: int | None = None,
        executor: Any = None,
        client: InferenceClient | None = None,
        progress: ProgressChoice = True,
    ) -> Votes:
        """Let a chat model choose between each two models' answers; its votes join `votes`.

        Rows on which two models answer the same are not asked.

        Args:
            judge: a model's name, a function of the prompt, or a `Judge` with its own prompt.
            resume: a folder of answers, which may be that of `evaluate`.
            budget: US dollars for this call.
            concurrency, executor, client, progress: as for `evaluate`.

        Raises:
            ConfigurationError: the judge is one of the models, or it could see neither input nor
                right answer, since it reads texts only.
        """
        referee = find_judge(judge, [one.candidate for one in self._answerers])
        if not self.metrics and not any(
            isinstance(value, str | list) for row in self._rows[:1] for value in row.inputs.values()
        ):
            raise ConfigurationError(
                f"A judge reads texts, not the inputs of {self.task}. Pass labels, or vote "
                "yourself in hf.browse(evaluation)."
            )
        limit = budget if isinstance(budget, Budget) else Budget(budget)
        questions = list_questions(self._rows, self.models)
        folder = None if resume is None else to_path("resume", resume)
        asked = Answerer(
            *(referee.candidate, "chat-completion", {}, client, folder),
            {"concurrency": concurrency, "executor": executor},
        )
        limit.check_prices([asked])
        ask_all([asked], to_judge_rows(referee, questions), limit, progress)
        dollars = _sum_known([one.dollars for one in asked.answers.values()])
        votes, ruling = read_votes(referee, self.task, questions, asked.answers, dollars)
        for vote in votes:
            self.votes.add(vote)
        self.rulings = [*(old for old in self.rulings if old.judge != ruling.judge), ruling]
        return self.votes

    def to_pandas(self, rows: bool = False) -> Any:
        """Return the scores as a DataFrame, or the rows with each model's prediction."""
        lines = to_row_values(self) if rows else report.score_table(self)
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
