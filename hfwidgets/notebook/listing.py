"""Rows shown as a table, in text and in HTML."""

import unicodedata
from collections.abc import Iterable
from html import escape
from typing import Any


class Listing(list[dict[str, Any]]):
    """Rows of the same columns; shown as a table, usable as a list of dicts."""

    def __init__(self, rows: Iterable[dict[str, Any]], empty: str = "Nothing yet.") -> None:
        super().__init__(rows)
        self.empty_text = empty

    def __str__(self) -> str:
        if not self:
            return self.empty_text
        rows = [list(self[0]), *([_to_one_line(value) for value in row.values()] for row in self)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        if not self:
            return {"text/plain": self.empty_text, "text/html": f"<p>{escape(self.empty_text)}</p>"}
        head = "".join(f'<th style="{_CELL_STYLE}">{escape(name)}</th>' for name in self[0])
        rows = "".join(f"<tr>{''.join(map(_html_cell, row.values()))}</tr>" for row in self)
        return {"text/plain": str(self), "text/html": f"<table><tr>{head}</tr>{rows}</table>"}


_CELL_STYLE = "text-align:left;vertical-align:top;white-space:pre-wrap"


def _format_cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:,.2f}" if isinstance(value, float) else str(value)


def _to_one_line(value: Any) -> str:
    """A value as text without control characters, which could take over a terminal."""
    text = _format_cell(value)
    return "".join(" " if unicodedata.category(c) == "Cc" else c for c in text)


def _html_cell(value: Any) -> str:
    return f'<td style="{_CELL_STYLE}">{escape(_format_cell(value))}</td>'
