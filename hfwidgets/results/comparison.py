"""The answers of several models to the same input, side by side."""

from collections.abc import Iterable, Sequence
from typing import Any

from hfwidgets.results import html_table, show
from hfwidgets.results.record import Elements, Record

COLUMNS = {
    "provider": "provider",
    "first_token_seconds": "first token, s",
    "tokens_per_second": "tokens/s",
    "seconds": "total, s",
    "tokens": "tokens",
    "dollars": "price, $",
}


class ComparisonRow(Record):
    """One model's answer, with None for what is not known, and `error` where it failed.

    `tokens` are those of the answer, `dollars` follow the prices that `%hf models` has fetched.
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


class Comparison(Elements[ComparisonRow]):
    """One row per model, in the order in which they were named."""

    def to_pandas(self) -> Any:
        """Return a DataFrame with one row per model; `result` holds the typed results."""
        import pandas as pd

        return pd.DataFrame([dict(row) for row in self])

    def __repr__(self) -> str:
        rows = [[row.model, *_row_measures(row)] for row in self]
        table = html_table.to_text_table(["model", *COLUMNS.values()], rows)
        answers = (f"{row.model}:\n{row.error or row.answer or ''}" for row in self)
        return "\n\n".join([table, *answers])

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        return {"text/plain": repr(self), "text/html": self._html_()}

    def _html_(self) -> str:
        return side_by_side_html(self, [_answer_html(row) for row in self])


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
