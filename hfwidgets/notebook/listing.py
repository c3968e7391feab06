"""Rows that are displayed as a table, in text and in HTML."""

from collections.abc import Iterable
from typing import Any

from hfwidgets.results import html_table, show


class Listing(list[dict[str, Any]]):
    """Rows with the same columns, displayed as a table and usable as a list of dicts.

    Args:
        rows: the rows.
        empty: the text for no rows.
    """

    def __init__(self, rows: Iterable[dict[str, Any]], empty: str = "Nothing yet.") -> None:
        super().__init__(rows)
        self.empty_text = empty

    def __str__(self) -> str:
        return html_table.to_text_table(*html_table.to_rows(self)) if self else self.empty_text

    __repr__ = __str__

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        if not self:
            text = show.escape_html(self.empty_text)
            return {"text/plain": self.empty_text, "text/html": f"<p>{text}</p>"}
        html = html_table.to_html_table(*html_table.to_rows(self))
        return {"text/plain": str(self), "text/html": html}
