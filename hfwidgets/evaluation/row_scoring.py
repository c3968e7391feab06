"""From the answers of a row to predictions in the data's own labels, and whether they are right."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from hfwidgets.evaluation.answers import Answerer, ModelAnswer
from hfwidgets.evaluation.labels import OTHER, LabelMap
from hfwidgets.evaluation.metrics import Metric
from hfwidgets.evaluation.predictions import (
    BOXES,
    CLASSES,
    read_prediction,
    read_returned_value,
)
from hfwidgets.evaluation.retrieval_metrics import rank_documents
from hfwidgets.evaluation.rows import EvaluationRow
from hfwidgets.evaluation.scores import ScoredRow
from hfwidgets.evaluation.values import SETS

_EMPTY: Mapping[str, Any] = {
    **dict.fromkeys(CLASSES, OTHER),
    **{name: [] for name in (*BOXES, "token-classification", "fill-mask", "feature-extraction")},
    "image-segmentation": {},
    # A number that is not there has no distance from the right one: the row counts as failed.
    "tabular-regression": None,
}
"""What a wrong answer without a prediction counts as; a text is empty."""


class RowScorer:
    """Reads the answers of several models to the same rows.

    Args:
        task: the evaluation's task.
        answerers: the models with their answers.
        truth: the rows' right answers; empty without labels.
        metrics: the first one decides whether a row is right.
        labels: the user's names of labels, as for `evaluate`.
        id2label: the models' own names of their numbered labels.

    Attributes:
        maps: each model's words as the data's labels; None for tasks without classes.
    """

    def __init__(
        self,
        task: str,
        answerers: Sequence[Answerer],
        truth: Sequence[Any],
        metrics: Sequence[Metric],
        labels: Mapping[str, Any],
        id2label: Mapping[str, Mapping[str, str]],
    ) -> None:
        self._task, self._answerers, self._metrics = task, answerers, metrics
        self.maps: dict[str, LabelMap | None] = {
            one.candidate.name: _label_map(one.candidate.name, truth, labels, id2label)
            if task in CLASSES and truth
            else None
            for one in answerers
        }

    def score(self, rows: Sequence[EvaluationRow]) -> list[ScoredRow]:
        """Return the rows with each model's prediction."""
        answers = [
            {one.candidate.name: one.answers[row.index] for one in self._answerers} for row in rows
        ]
        predictions = {
            one.candidate.name: [
                self._predict(one, row, found[one.candidate.name])
                for row, found in zip(rows, answers, strict=True)
            ]
            for one in self._answerers
        }
        if self._task == "feature-extraction":
            truth = [row.label for row in rows]
            predictions = {name: _rank(found, truth) for name, found in predictions.items()}
        return [
            self._build_row(row, found, {name: own[at] for name, own in predictions.items()})
            for at, (row, found) in enumerate(zip(rows, answers, strict=True))
        ]

    def _build_row(
        self, row: EvaluationRow, answers: Mapping[str, ModelAnswer], found: Mapping[str, Any]
    ) -> ScoredRow:
        first = self._metrics[0] if self._metrics else None
        right = {
            name: None if first is None or one is None else first.is_right(one, row.label)
            for name, one in found.items()
        }
        return ScoredRow(row.index, row.arguments, row.label, found, right, answers)

    def _predict(self, answerer: Answerer, row: EvaluationRow, answer: ModelAnswer) -> Any:
        """Return the prediction of an answer; None for a failed row."""
        if answer.state == "failed":
            return None
        empty = _EMPTY.get(self._task, "")
        if answer.state != "scored":
            return empty
        several = isinstance(row.label, SETS)
        try:
            found = (
                read_prediction(answerer.task, answer.result, several)
                if answerer.candidate.function is None
                else read_returned_value(self._task, answer.result, several)
            )
        except Exception:  # an answer of another shape is a wrong one, not the run's end
            return empty
        label_map = self.maps.get(answerer.candidate.name)
        if label_map is None:
            return found
        # Chat models answer `Positive.` or `"positive"` where the label is `positive`.
        if isinstance(found, str) and answerer.task in ("chat-completion", "text-generation"):
            found = found.strip().strip(".\"'`")
        if several and isinstance(found, SETS):
            return [label_map.find(word) for word in found if not label_map.drops(word)]
        return label_map.find(found if isinstance(found, Hashable) else str(found))


def _label_map(
    name: str,
    truth: Sequence[Any],
    labels: Mapping[str, Any],
    id2label: Mapping[str, Mapping[str, str]],
) -> LabelMap:
    several = any(isinstance(label, SETS) for label in truth)
    classes = [word for label in truth for word in label] if several else truth
    own = labels.get(name)
    shared = {word: label for word, label in labels.items() if not isinstance(label, Mapping)}
    return LabelMap(name, classes, own if isinstance(own, Mapping) else shared, id2label.get(name))


def _rank(embeddings: Sequence[Any], truth: Sequence[Any]) -> list[Any]:
    """Return for each row the labels of all other rows, the most similar embedding first.

    A function may return rankings of its own, which stay as they are.
    """
    if any(found is not None and not hasattr(found, "ndim") for found in embeddings):
        return list(embeddings)
    known = [at for at, found in enumerate(embeddings) if found is not None]
    vectors = [embeddings[at].reshape(-1) for at in known]
    ranked: list[Any] = [None] * len(embeddings)
    for place, at in enumerate(known):
        order = rank_documents(vectors[place], vectors)
        ranked[at] = [truth[known[other]] for other in order if other != place]
    return ranked
