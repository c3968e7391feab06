"""An evaluation for people: sentences, tables, interval bars, figures."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from hfwidgets.core.counts import format_count
from hfwidgets.errors import ConfigurationError
from hfwidgets.evaluation.judge import Ruling
from hfwidgets.evaluation.metrics import Metric
from hfwidgets.evaluation.row_table import ScoredRows
from hfwidgets.evaluation.scores import Score, ScoredRow
from hfwidgets.evaluation.statistics import Estimate, Pair
from hfwidgets.results import table
from hfwidgets.results.html_table import FormattedNumber, SafeHtml, to_html_table, to_text_table
from hfwidgets.results.show import escape_html
from hfwidgets.results.votes import Votes

if TYPE_CHECKING:
    from matplotlib.figure import Figure


MAX_DISAGREEMENTS = 5
"""Rows on which models differ that a saved notebook shows."""

BAR_WIDTH = 140
"""The width of the interval's scale, in pixels."""


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
    votes: Votes
    rulings: list[Ruling]

    @property
    def models(self) -> tuple[str, ...]: ...
    @property
    def has_labels(self) -> bool: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[ScoredRow]: ...
    def disagreements(self) -> ScoredRows: ...
    def count_confusions(self) -> tuple[str, list[str], list[str], list[list[int]]] | None: ...


def verdict(evaluation: ScoredEvaluation) -> str:
    """Say which model is best, and how sure that is."""
    scores = [score for score in evaluation.scores if score.n]
    if not scores:
        return "No model answered a row."
    if not evaluation.metrics:
        counts = "; ".join(one.verdict for one in evaluation.votes.tally())
        return f"No labels: {counts or 'agreement of the models only'}. {_rows(evaluation)}."
    if len(scores) == 1:
        only = scores[0]
        metric = evaluation.metrics[0].name
        return f"{only.model}: {metric} {only.metrics[metric]} on {format_count(only.n, 'row')}."
    blocked = next((pair for pair in evaluation.pairs if pair.no_verdict), None)
    if blocked is not None:
        return f"{blocked.verdict}"
    if len(evaluation.best) == 1:
        first = evaluation.best[0]
        wins = [pair for pair in evaluation.pairs if pair.winner == first]
        closest = min(wins, key=lambda pair: abs(pair.difference), default=None)
        detail = f" {closest.verdict}." if closest is not None else ""
        return f"{first} is the best of {len(scores)} models on {_rows(evaluation)}.{detail}"
    pair = next(p for p in evaluation.pairs if {p.a, p.b} == set(evaluation.best[:2]))
    if len(evaluation.best) == 2:
        return f"{pair.verdict}."
    return f"Not distinguishable on these rows: {', '.join(evaluation.best)}. {pair.verdict}."


def _rows(evaluation: ScoredEvaluation) -> str:
    return format_count(len(evaluation), "row")


def ranks(evaluation: ScoredEvaluation) -> dict[str, int]:
    """Return each model's rank; all that are not distinguishable from the first share rank 1."""
    found, rank = {}, 0
    for at, score in enumerate(evaluation.scores, 1):
        rank = 1 if score.model in evaluation.best else max(rank, at)
        found[score.model] = rank
    return found


def score_table(evaluation: ScoredEvaluation) -> list[dict[str, Any]]:
    """Return the table of models as rows of plain values."""
    place = ranks(evaluation) if evaluation.metrics else {}
    lines = [_score_row(score, place.get(score.model)) for score in evaluation.scores]
    if evaluation.baseline is not None:
        lines.append(_score_row(evaluation.baseline, None))
    return lines


def _score_row(score: Score, rank: int | None) -> dict[str, Any]:
    row: dict[str, Any] = {"rank": rank, "model": score.model}
    for name, estimate in score.metrics.items():
        row |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
    row |= {
        "n": score.n,
        "wrong": sum(score.wrong.values()),
        "failed": score.failed,
        "seconds_p50": score.seconds[0] if score.seconds else None,
        "seconds_p95": score.seconds[1] if score.seconds else None,
        "tokens": score.tokens,
        "dollars": score.dollars,
        "dollars_per_1000": score.dollars_per_1000,
        "error": score.error or None,
    }
    return row


def _titles(evaluation: ScoredEvaluation) -> list[str]:
    metrics = [metric.name for metric in evaluation.metrics]
    ranked = ["rank"] if metrics else []
    shown = [*metrics[:1], "95% interval", *metrics[1:]] if metrics else []
    return [
        *ranked,
        "model",
        *shown,
        "rows",
        "wrong",
        "failed",
        "$/1,000",
        "p50 s",
        "p95 s",
        "tokens",
    ]


def _cells(
    evaluation: ScoredEvaluation, score: Score, rank: int | None, html: bool
) -> list[object]:
    metrics = [score.metrics[metric.name] for metric in evaluation.metrics]
    shown: list[object] = []
    if metrics:
        first = metrics[0]
        known = not math.isnan(first.value)
        span = f"{first.low:.3f} to {first.high:.3f}" if known else ""
        interval: object = SafeHtml(_interval_html(evaluation, first)) if html else span
        shown = [first.value, interval, *(estimate.value for estimate in metrics[1:])]
    wrong = ", ".join(f"{count} {kind}" for kind, count in score.wrong.items())
    failed = str(score.failed) if score.failed else ""
    if score.bounds is not None:
        failed += f" ({score.bounds[0]:.3f} to {score.bounds[1]:.3f})"
    price = score.dollars_per_1000
    return [
        *([rank] if evaluation.metrics else []),
        score.model,
        *shown,
        score.n,
        wrong,
        failed,
        None if price is None else FormattedNumber(f"{price:.2f}"),
        *map(_format_seconds, score.seconds or ()),
        *((None, None) if score.seconds is None else ()),
        score.tokens,
    ]


def _format_seconds(seconds: float) -> FormattedNumber:
    # A function of the user's takes next to nothing.
    return FormattedNumber("<0.001" if seconds < 0.001 else f"{seconds:.2g}")


def tabulate_scores(
    evaluation: ScoredEvaluation, html: bool = False
) -> tuple[list[str], list[list[object]]]:
    """Return the titles and lines of the table of models, with intervals as HTML where asked.

    A column that is empty for all models is left out.
    """
    place = ranks(evaluation) if evaluation.metrics else {}
    lines = [_cells(evaluation, one, place.get(one.model), html) for one in evaluation.scores]
    if evaluation.baseline is not None:
        lines.append(_cells(evaluation, evaluation.baseline, None, html))
    titles = _titles(evaluation)
    used = [at for at in range(len(titles)) if any(line[at] not in (None, "") for line in lines)]
    return [titles[at] for at in used], [[line[at] for at in used] for line in lines]


def _scale(evaluation: ScoredEvaluation) -> tuple[float, float]:
    """The ends of the one scale on which all intervals are drawn."""
    name = evaluation.metrics[0].name
    found = [score.metrics[name] for score in evaluation.scores]
    ends = [end for one in found for end in (one.low, one.high) if not math.isnan(end)]
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    # Shares use the whole scale, or a small lead would look like a large one.
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    return (low, high) if high > low else (low - 1, high + 1)


def _interval_html(evaluation: ScoredEvaluation, estimate: Estimate) -> str:
    """An interval as a bar on the scale that all models share, with its ends as text."""
    if math.isnan(estimate.value):
        return ""
    low, high = _scale(evaluation)

    def at(value: float) -> float:
        return BAR_WIDTH * min(1.0, max(0.0, (value - low) / (high - low)))

    left, width = at(estimate.low), max(2.0, at(estimate.high) - at(estimate.low))
    dot = at(estimate.value)
    # Drawn in the text's own color, so that it is seen in dark and light themes alike.
    return (
        f'<span style="display:inline-block;position:relative;width:{BAR_WIDTH}px;height:.9em;'
        'vertical-align:middle" aria-hidden="true">'
        f'<span style="position:absolute;left:{left:.0f}px;width:{width:.0f}px;top:40%;height:3px;'
        'background:currentColor;opacity:.45"></span>'
        f'<span style="position:absolute;left:{max(dot - 3, 0):.0f}px;top:20%;width:7px;height:7px;'
        'border-radius:50%;background:currentColor"></span></span> '
        f"{estimate.low:.3f} to {estimate.high:.3f}"
    )


def to_text(evaluation: ScoredEvaluation) -> str:
    """Return the evaluation as text: the verdict, the table, the pairs."""
    prompts = (f"The prompt of {one.judge}:\n{one.prompt}" for one in evaluation.rulings)
    parts = [
        f"{evaluation.task}, {_rows(evaluation)}. {verdict(evaluation)}",
        to_text_table(*tabulate_scores(evaluation)),
        *_remarks(evaluation),
        *prompts,
    ]
    return "\n\n".join(part for part in parts if part)


def _remarks(evaluation: ScoredEvaluation) -> list[str]:
    # Why there is no verdict stands in the verdict, or with the model.
    pairs = "\n".join(
        f"{pair.verdict} (adjusted p {pair.p_adjusted:.3f})."
        for pair in evaluation.pairs
        if not pair.no_verdict
    )
    agreement = "\n".join(
        f"{a} and {b} answer alike on {share:.0%} of the rows."
        for (a, b), share in evaluation.agreement.items()
        if not evaluation.metrics and not math.isnan(share)
    )
    notes = "\n".join(
        [
            *evaluation.notes,
            *([f"Stopped: {evaluation.stopped}"] if evaluation.stopped else []),
            *(f"{score.model}: {score.note}" for score in evaluation.scores if score.note),
            *(f"{score.model} failed: {score.error}" for score in evaluation.scores if score.error),
            *_mapping_lines(evaluation),
        ]
    )
    votes = "\n".join(f"Votes: {one.verdict}." for one in evaluation.votes.tally())
    rulings = "\n".join(map(_describe_ruling, evaluation.rulings))
    return [pairs, agreement, votes, rulings, notes]


def _describe_ruling(ruling: Ruling) -> str:
    cost = "" if ruling.dollars is None else f", ${ruling.dollars:.4f}"
    return (
        f"{ruling.judge} compared {ruling.compared} pairs of answers in both orders: "
        f"{ruling.flipped} changed with the order (counted as same), {ruling.failed} had no "
        f"readable verdict (not counted){cost}."
    )


def _mapping_lines(evaluation: ScoredEvaluation) -> list[str]:
    """Where a model's words are not the data's, which label each became."""
    lines = []
    for score in evaluation.scores:
        changed = {word: label for word, label in score.labels.items() if word != label}
        if changed:
            shown = ", ".join(
                f"{word} → {'(other)' if label is None else label}"
                for word, label in changed.items()
            )
            lines.append(f"Labels of {score.model}: {shown}")
    return lines


def to_html(evaluation: ScoredEvaluation) -> str:
    """Return the evaluation as safe HTML: verdict, table, pairs, confusion, disagreements."""
    parts = [
        f"<p><strong>{escape_html(verdict(evaluation))}</strong></p>",
        to_html_table(*tabulate_scores(evaluation, html=True)),
        *(
            f"<p style='white-space:pre-line'>{escape_html(text)}</p>"
            for text in _remarks(evaluation)
            if text
        ),
        _confusion_html(evaluation),
        _disagreements_html(evaluation),
        _rulings_html(evaluation),
    ]
    return "\n".join(filter(None, parts))


def _confusion_html(evaluation: ScoredEvaluation) -> str:
    counted = evaluation.count_confusions()
    if counted is None:
        return ""
    found = Confusion(*counted)
    return f"<p>{escape_html(found.title)}</p>{found.to_html()}"


def _disagreements_html(evaluation: ScoredEvaluation) -> str:
    rows = evaluation.disagreements()
    if not rows:
        return ""
    count = format_count(len(rows), "row")
    head = f"<p>{count} on which models differ from the label or from each other:</p>"
    return head + rows.to_html(MAX_DISAGREEMENTS)


def _rulings_html(evaluation: ScoredEvaluation) -> str:
    """Each judge's prompt, folded."""
    return "".join(
        f"<details><summary>The prompt of {escape_html(ruling.judge)}</summary>"
        f"<pre style='white-space:pre-wrap'>{escape_html(ruling.prompt)}</pre></details>"
        for ruling in evaluation.rulings
    )


@dataclass(frozen=True, slots=True)
class Confusion:
    """How often each label was predicted as each.

    Attributes:
        model: whose predictions.
        classes: the right labels, one per row.
        columns: the predicted labels; `(other)` last where a prediction was none of them.
        counts: rows of counts.
    """

    model: str
    classes: list[str]
    columns: list[str]
    counts: list[list[int]]

    @property
    def title(self) -> str:
        return f"{self.model}: right labels in rows, predicted ones in columns"

    def to_html(self) -> str:
        """Return the matrix as safe HTML, the right predictions marked."""
        lines = [[name, *row] for name, row in zip(self.classes, self.counts, strict=True)]
        marked = {(at, at + 1) for at in range(len(self.classes))}
        return to_html_table(["", *self.columns], lines, marked=marked, has_row_titles=True)

    def plot(self) -> "Figure":
        """Draw the matrix."""
        from hfwidgets.results.plot import NotebookFigure

        figure = NotebookFigure(
            figsize=(1.5 + 0.7 * len(self.columns), 1.5 + 0.6 * len(self.classes))
        )
        axes = figure.subplots()
        most = max((count for row in self.counts for count in row), default=1) or 1
        axes.imshow(self.counts, cmap="Blues", vmin=0, vmax=most)
        axes.set_xticks(range(len(self.columns)), self.columns, rotation=45, ha="right")
        axes.set_yticks(range(len(self.classes)), self.classes)
        axes.set_xlabel("predicted")
        axes.set_ylabel("right")
        axes.set_title(self.model)
        for y, row in enumerate(self.counts):
            for x, count in enumerate(row):
                color = "white" if count > most / 2 else "black"
                axes.text(x, y, str(count), ha="center", va="center", color=color)
        figure.tight_layout()
        return figure

    def to_pandas(self) -> Any:
        """Return the matrix as a DataFrame."""
        pandas = table.import_pandas()
        return pandas.DataFrame(self.counts, index=self.classes, columns=self.columns)

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return {
            "text/plain": repr(self),
            "text/html": f"<p>{escape_html(self.title)}</p>{self.to_html()}",
        }


def plot(evaluation: ScoredEvaluation) -> "Figure":
    """Draw quality with its interval against cost and against latency, one mark per model."""
    from hfwidgets.results.plot import NotebookFigure

    if not evaluation.metrics:
        raise ConfigurationError("Without labels there is no quality to plot.")
    scores = [score for score in evaluation.scores if score.n]
    metric = evaluation.metrics[0].name
    figure = NotebookFigure(figsize=(9, 4))
    axes = figure.subplots(1, 2, sharey=True)
    costs = {score.model: score.dollars_per_1000 for score in scores}
    times = {score.model: score.seconds[0] if score.seconds else None for score in scores}
    panes: Sequence[tuple[Any, Mapping[str, float | None], str]] = (
        (axes[0], costs, "US dollars per 1,000 rows"),
        (axes[1], times, "median seconds"),
    )
    markers = "osD^vPX*"
    for pane, values, label in panes:
        for at, score in enumerate(scores):
            where, estimate = values[score.model], score.metrics[metric]
            if where is None:
                continue
            spread = [[estimate.value - estimate.low], [estimate.high - estimate.value]]
            pane.errorbar(
                where,
                estimate.value,
                yerr=spread,
                fmt=markers[at % len(markers)],
                capsize=4,
                label=score.model,
            )
        pane.set_xlabel(label)
        pane.set_xlim(left=0)  # neither costs nor times are below it
    axes[0].set_ylabel(metric)
    if scores:
        axes[1].legend(loc="best", fontsize="small")
    figure.suptitle(f"{evaluation.task}, {_rows(evaluation)}, 95 % intervals")
    figure.tight_layout()
    return figure
