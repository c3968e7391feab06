"""Span F1 of token classification: strict, partial and by type.

The three follow SemEval-2013 task 9: strict wants boundaries and label, partial gives half for
spans that overlap and looks at no label, type wants an overlap with the right label. Two entities
side by side with one label are two: seqeval's default mode joins them where tags lack a B.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from hfwidgets.evaluation.metrics import SumMetric, divide
from hfwidgets.evaluation.statistics import Floats
from hfwidgets.evaluation.values import Label, Prediction


class LabeledSpan(NamedTuple):
    """A labeled stretch of text; start and end in characters (or tokens, for tags)."""

    start: int
    end: int
    label: str


def to_spans(value: Label) -> list[LabeledSpan]:
    """Return the spans of a label or a result.

    Args:
        value: rows with start, end and label (or entity_group), or IOB2 tags of tokens. An I tag
            whose entity no B tag opened starts none: under IOB2 that is a mistake, not a span.
    """
    items = list(value or ())
    if items and all(isinstance(item, str) for item in items):
        return _read_tags(items)
    # A set, so that a span that a model repeats counts once.
    return sorted({_read_span(item) for item in items})


def _read_span(item: object) -> LabeledSpan:
    row: Mapping[str, Any] = item if isinstance(item, Mapping) else vars(item)
    label = row.get("label") or row.get("entity_group") or row.get("entity") or ""
    return LabeledSpan(int(row["start"]), int(row["end"]), str(label))


def _read_tags(tags: Sequence[str]) -> list[LabeledSpan]:
    found: list[LabeledSpan] = []
    begun: tuple[int, str] | None = None
    # The extra tag closes an entity that reaches the end.
    for at, tag in enumerate([*tags, "O"]):
        kind, _, label = tag.partition("-")
        if begun is not None and (kind != "I" or label != begun[1]):
            found.append(LabeledSpan(begun[0], at, begun[1]))
            begun = None
        if kind == "B":
            begun = (at, label)
    return found


class SpanF1(SumMetric):
    """F1 over all spans of the sample.

    Args:
        mode: how much of a span must be right.
    """

    def __init__(self, mode: Literal["strict", "partial", "type"] = "strict") -> None:
        self.mode = mode
        self.name = f"{mode}_f1"

    def row_numbers(self, prediction: Prediction, label: Label) -> Sequence[float]:
        found, truth = to_spans(prediction), to_spans(label)
        return self._count_right(found, truth), float(len(found) + len(truth))

    def _count_right(self, found: list[LabeledSpan], truth: list[LabeledSpan]) -> float:
        if self.mode == "strict":
            return float(len(set(found) & set(truth)))
        # Each right span is credited once, by the found span that overlaps it most.
        right, used = 0.0, set[LabeledSpan]()
        for span in truth:
            near = [one for one in found if one not in used and _overlap(one, span) > 0]
            if self.mode == "type":
                near = [one for one in near if one.label == span.label]
            if not near:
                continue
            best = max(near, key=lambda one: (_overlap(one, span), one.label == span.label))
            used.add(best)
            whole = (best.start, best.end) == (span.start, span.end)
            right += 1.0 if self.mode == "type" or whole else 0.5
        return right

    def combine(self, sums: Floats) -> Floats:
        return divide(2 * sums[:, 0], sums[:, 1])


def _overlap(a: LabeledSpan, b: LabeledSpan) -> int:
    return min(a.end, b.end) - max(a.start, b.start)
