"""Rows of an evaluation as a table: the input, the right answer, what each model made of it."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from hfwidgets.evaluation.scores import ScoredRow
from hfwidgets.results import table
from hfwidgets.results.html_table import to_html_table, to_text_table
from hfwidgets.results.show import shorten

MAX_CELL_LENGTH = 120
MAX_SHOWN_ROWS = 50


class ScoredRows(list[ScoredRow]):
    """Rows of an evaluation; shown as a table."""

    def to_pandas(self) -> Any:
        """Return a DataFrame with each model's prediction per row."""
        return table.import_pandas().DataFrame(to_row_values(self))

    def to_cells(self) -> tuple[list[str], list[list[object]]]:
        """Return titles and cells; a right prediction begins with ✓, a wrong one with ✗."""
        models = list(self[0].predictions) if self else []
        has_labels = any(row.label is not None for row in self)
        titles = ["row", "input", *(["right answer"] if has_labels else []), *models]
        return titles, [_to_cells(row, models, has_labels) for row in self]

    def to_html(self, limit: int = MAX_SHOWN_ROWS) -> str:
        """Return the table as safe HTML."""
        return to_html_table(*self.to_cells(), limit=limit)

    def __repr__(self) -> str:
        return to_text_table(*self.to_cells(), limit=MAX_SHOWN_ROWS) if self else "No rows."

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        html = self.to_html() if self else "<p>No rows.</p>"
        return {"text/plain": repr(self), "text/html": html}


def to_row_values(rows: Iterable[ScoredRow]) -> list[dict[str, Any]]:
    """Return the rows with each model's prediction as plain values."""
    lines = []
    for row in rows:
        line: dict[str, Any] = {"index": row.index, **row.inputs, "label": row.label}
        for name, found in row.predictions.items():
            line |= {name: found, f"{name}_state": row.answers[name].state}
            if row.right[name] is not None:
                line[f"{name}_right"] = row.right[name]
        lines.append(line)
    return lines


def _to_cells(row: ScoredRow, models: Sequence[str], has_labels: bool) -> list[object]:
    marks = {True: "✓ ", False: "✗ ", None: ""}
    found = [
        f"{marks[row.right[name]]}{show_value(row.predictions[name])}"
        if row.predictions[name] is not None
        else f"failed: {show_value(row.answers[name].error)}"
        for name in models
    ]
    inputs = " | ".join(show_value(value) for value in row.inputs.values())
    return [str(row.index), inputs, *([show_value(row.label)] if has_labels else []), *found]


def show_value(value: object) -> str:
    """Return any value as a short text."""
    if isinstance(value, str):
        return shorten(value) if len(value) <= MAX_CELL_LENGTH else f"{value[:MAX_CELL_LENGTH]}…"
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError):
        text = str(value)
    return text if len(text) <= MAX_CELL_LENGTH else f"{text[:MAX_CELL_LENGTH]}…"
