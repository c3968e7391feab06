"""Choices of an evaluation's rows: where models differ or fail, and each confusion."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from hfwidgets.evaluation import Evaluation, ScoredRow

MAX_CELLS = 20
"""The most confusions that are offered."""


@dataclass(frozen=True)
class RowFilter:
    """A choice of rows, in words."""

    label: str
    accepts: Callable[[ScoredRow], bool]


def list_filters(evaluation: Evaluation) -> list[RowFilter]:
    """Return the filters that select any row; the last one selects all."""
    found = [RowFilter("models differ, or one is wrong", _is_split)]
    if evaluation.has_labels:
        found.append(RowFilter("all models are wrong", _is_always_wrong))
        found += [
            RowFilter(f"{name} is wrong", partial(_is_wrong, name)) for name in evaluation.models
        ]
        found += _list_confusions(evaluation)
    found.append(RowFilter("a call failed", _has_failed))
    useful = [one for one in found if any(map(one.accepts, evaluation))]
    return [*useful, RowFilter("all rows", _is_any)]


def _list_confusions(evaluation: Evaluation) -> list[RowFilter]:
    """Return a filter for each right label with a wrong prediction, the most frequent first."""
    counts = Counter(
        (name, str(row.label), str(row.predictions[name]))
        for row in evaluation
        for name in evaluation.models
        if _is_wrong(name, row) and isinstance(row.predictions[name], str | int)
    )
    return [
        RowFilter(f"{name}: {found} for {truth}", partial(_is_confused, name, truth, found))
        for (name, truth, found), _ in counts.most_common(MAX_CELLS)
    ]


def _is_any(row: ScoredRow) -> bool:
    return True


def _is_split(row: ScoredRow) -> bool:
    return row.is_split


def _is_wrong(name: str, row: ScoredRow) -> bool:
    return row.right[name] is False


def _is_always_wrong(row: ScoredRow) -> bool:
    return False in row.right.values() and not any(row.right.values())


def _is_confused(name: str, truth: str, found: str, row: ScoredRow) -> bool:
    return (str(row.label), str(row.predictions[name])) == (truth, found)


def _has_failed(row: ScoredRow) -> bool:
    return any(answer.state == "failed" for answer in row.answers.values())
