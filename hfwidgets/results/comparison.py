"""The same input to several models: a row a model, shown side by side."""

from collections.abc import Iterable
from html import escape
from typing import Any

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
    """What one model made of the input; None where it is not known, `error` where it failed.

    `tokens` are those of the answer, `dollars` are by the prices that `%hf models` has fetched.
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
    """One row a model, in the order in which they were named."""

    def to_pandas(self) -> Any:
        """A DataFrame with a row a model; `result` holds the typed results as they are."""
        import pandas as pd

        return pd.DataFrame([dict(row) for row in self])

    def __repr__(self) -> str:
        listing = _align_columns([{"model": row.model, **_row_measures(row)} for row in self])
        said = (f"{row.model}:\n{row.error or row.answer or ''}" for row in self)
        return "\n\n".join([listing, *said])

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return {"text/plain": repr(self), "text/html": self._html_()}

    def _html_(self) -> str:
        return side_by_side_html(self, [_answer_html(row) for row in self])


def _align_columns(rows: list[dict[str, Any]]) -> str:
    """Rows as columns of text."""
    names = list(rows[0]) if rows else []
    table = [names, *([_format_value(row[name]) for name in names] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    pairs = (zip(line, widths, strict=True) for line in table)
    return "\n".join("  ".join(c.ljust(w) for c, w in each).rstrip() for each in pairs)


def _row_measures(row: ComparisonRow) -> dict[str, Any]:
    return {title: _format_measure(name, row[name]) for name, title in COLUMNS.items()}


def _format_measure(name: str, value: Any) -> Any:
    return f"{value:.6f}" if name == "dollars" and value is not None else value


def _answer_html(row: ComparisonRow) -> str:
    """One model's answer as safe HTML."""
    if row.error:
        return f"<p><b>failed</b>: {escape(row.error)}</p>"
    own = getattr(row.result, "_html_", None)
    return str(own()) if own else text_html(row.answer or "")


def text_html(text: str) -> str:
    """A plain text as HTML."""
    return f'<div style="white-space:pre-wrap">{escape(text)}</div>'


_CELL = "text-align:left;vertical-align:top;padding:2px 12px 2px 0"


def side_by_side_html(rows: Iterable[ComparisonRow], answers: list[str]) -> str:
    """A column a model: its name, its answer, what it took."""
    rows = list(rows)
    width = f"{_CELL};width:{84 // max(len(rows), 1)}%"
    head = "".join(f'<th scope="col" style="{width}">{escape(row.model)}</th>' for row in rows)
    body = "".join(f'<td style="{width}">{answer}</td>' for answer in answers)
    measures = [_row_measures(row) for row in rows]
    foot = "".join(
        _measure_html(title, [each[title] for each in measures]) for title in COLUMNS.values()
    )
    return (
        f'<table style="width:100%"><thead><tr><td style="width:16%"></td>{head}</tr></thead>'
        f'<tbody><tr><th scope="row" style="{_CELL}">answer</th>{body}</tr>{foot}</tbody></table>'
    )


def _measure_html(title: str, values: list[Any]) -> str:
    cells = (f'<td style="{_CELL}">{escape(_format_value(value))}</td>' for value in values)
    return f'<tr><th scope="row" style="{_CELL}">{title}</th>{"".join(cells)}</tr>'


def _format_value(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:,.2f}" if isinstance(value, float) else str(value)
