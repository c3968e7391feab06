"""The answers of several models to the same input, side by side."""

from collections.abc import Iterable, Sequence
from typing import Any

from hfwidgets import errors
from hfwidgets.results import html_table, show, table
from hfwidgets.results.differences import Differences, find_differences, read_text
from hfwidgets.results.record import Elements, Record
from hfwidgets.results.votes import SAME

COLUMNS = {
    "provider": "provider",
    "first_token_seconds": "first token, s",
    "tokens_per_second": "tokens/s",
    "seconds": "total, s",
    "tokens": "tokens",
    "dollars": "price, $",
}

REFERENCE = "the right answer"
"""What texts are compared with where a right answer is known."""


class ComparisonRow(Record):
    """One model's answer, with None for what is not known, and `error` where it failed.

    `tokens` are those of the answer, `dollars` follow the prices that `%hf models` has fetched, and
    `vote` is "better" or "same" after a vote.
    """

    model: str
    provider: str | None
    answer: str | None
    first_token_seconds: float | None
    tokens_per_second: float | None
    seconds: float | None
    tokens: int | None
    dollars: float | None
    error: str | None
    result: Any
    vote: str | None


class Comparison(Elements[ComparisonRow]):
    """One row per model, in the order in which they were named.

    Attributes:
        preferred: the model that was voted for, or "same"; None without a vote.
        reference: a right answer that texts are compared with; None compares them with the first.
    """

    preferred: str | None = None
    reference: str | None = None

    def vote(self, winner: str) -> None:
        """Keep which model's answer is better, or "same"; tables and files show it.

        Raises:
            ConfigurationError: it is neither one of the models nor "same".
        """
        names = [row.model for row in self]
        if winner not in (*names, SAME):
            raise errors.ConfigurationError(
                f"A vote is {SAME!r} or one of the models, not {winner!r}."
                f"{errors.did_you_mean(winner, names)} Models: {', '.join(names)}."
            )
        self.preferred = winner
        for row in self:
            row["vote"] = SAME if winner == SAME else "better" if row.model == winner else None

    def differences(self) -> Differences | None:
        """Return where the results differ; None where fewer than two can be compared."""
        names, results = [row.model for row in self], [row.result for row in self]
        if self.reference is not None:
            found = find_differences([REFERENCE, *names], [self.reference, *results])
            if found is not None:
                return found
        return find_differences(names, results)

    def to_pandas(self) -> Any:
        """Return a DataFrame with one row per model; `result` holds the typed results."""
        return table.import_pandas().DataFrame([dict(row) for row in self])

    def __repr__(self) -> str:
        rows = [[row.model, *_row_measures(row)] for row in self]
        lines = html_table.to_text_table(["model", *COLUMNS.values()], rows)
        answers = (f"{row.model}:\n{row.error or row.answer or ''}" for row in self)
        found = self.differences()
        vote = f"Vote: {self.preferred}" if self.preferred else ""
        return "\n\n".join(filter(None, [lines, *answers, found.summary if found else "", vote]))

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return {"text/plain": repr(self), "text/html": self._html_()}

    def _html_(self) -> str:
        answers = side_by_side_html(self, [_answer_html(row) for row in self])
        vote = f"<p>Vote: {show.escape_html(self.preferred)}</p>" if self.preferred else ""
        return answers + self.differences_html() + vote

    def differences_html(self) -> str:
        """Return where the results differ as safe HTML; texts as a whole, with changes marked."""
        found = self.differences()
        return found.to_html() if found is not None else ""


def measure_result(result: object) -> dict[str, Any]:
    """Return a result as a row's fields: its answer as text, and its times, tokens and cost.

    What the result does not know is None; times are in seconds, costs in US dollars.
    """
    meta = getattr(result, "meta", None)
    tokens = getattr(getattr(meta, "usage", None), "completion_tokens", None) or None
    first = meta.first_token_seconds if meta else None
    # The first token ends the wait, so the rate counts the time after it.
    writing = meta.seconds - (first or 0.0) if meta else 0.0
    text = read_text(result)
    return {
        "provider": meta.provider if meta else None,
        "answer": text if text is not None or result is None else repr(result),
        "first_token_seconds": first,
        "tokens_per_second": tokens / writing if tokens and writing > 0 else None,
        "seconds": meta.seconds if meta else None,
        "tokens": tokens,
        "dollars": meta.cost if meta else None,
    }


def _row_measures(row: ComparisonRow) -> list[object]:
    return [_format_measure(name, row[name]) for name in COLUMNS]


def _format_measure(name: str, value: object) -> object:
    if isinstance(value, float) and name == "dollars":
        return html_table.FormattedNumber(f"{value:.6f}")
    return value


def _answer_html(row: ComparisonRow) -> str:
    """Return one model's answer as safe HTML."""
    if row.error:
        return f"<p><b>failed</b>: {show.escape_html(row.error)}</p>"
    if hasattr(row.result, "getbbox"):  # a Pillow image, which shows itself as PNG only
        from hfwidgets.results import overlay

        image: Any = row.result
        alt = f"image, {image.width} by {image.height} pixels"
        return overlay.image_html(overlay.fit_image(image)[0], alt)
    own = getattr(row.result, "_html_", None)
    return str(own()) if own else show.paragraph_html(row.answer or "")


def side_by_side_html(rows: Iterable[ComparisonRow], answers: Sequence[str]) -> str:
    """Return a table with a column per model: its name, its answer in safe HTML, its figures."""
    rows = list(rows)
    measures = zip(COLUMNS.values(), *map(_row_measures, rows), strict=True)
    return html_table.to_html_table(
        ["", *(row.model for row in rows)],
        [["answer", *map(html_table.SafeHtml, answers)], *measures],
        has_row_titles=True,
        is_full_width=True,
    )
