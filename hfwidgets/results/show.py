"""Static, safe representations of results: plain text and HTML that need no kernel and no
script.
"""

from collections.abc import Iterable, Mapping
from typing import Any

MAX_REPR_LENGTH = 200
MAX_ROWS = 50

_CELL = "text-align:left;padding:2px 10px 2px 0;vertical-align:top;white-space:pre-wrap"


def escape_html(text: str) -> str:
    """The text with what HTML would read as markup made harmless."""
    import html  # brings all of HTML's entities, which are not needed before something is shown

    return html.escape(text)


def short_repr(value: Any) -> str:
    """A repr of at most 200 characters or so, with what was left out said."""
    if isinstance(value, bytes):
        return f"<{len(value):,} bytes>"
    text = repr(value)
    if not isinstance(value, str) or len(text) <= MAX_REPR_LENGTH:
        return text
    return f"{text[:MAX_REPR_LENGTH]}… ({len(value):,} characters)"


def mime_bundle(plain: str, html: str, meta: Any) -> dict[str, Any]:
    """What a notebook keeps of a result."""
    foot = (
        f'<div style="opacity:.7;font-size:90%">{escape_html(meta.summary())}</div>' if meta else ""
    )
    return {"text/plain": plain, "text/html": f'<div class="hfw-result">{html}{foot}</div>'}


def paragraph_html(text: str) -> str:
    """Text with its line breaks."""
    return f'<div style="white-space:pre-wrap">{escape_html(text)}</div>'


def fields_html(values: Mapping[str, Any]) -> str:
    """Names and values, one a row."""
    rows = (
        f'<tr><th scope="row" style="{_CELL}">{escape_html(name)}</th>'
        f'<td style="{_CELL}">{cell_html(value)}</td></tr>'
        for name, value in values.items()
    )
    return f"<table>{''.join(rows)}</table>"


def table_html(items: Iterable[Any]) -> str:
    """Records as rows, anything else as a list."""
    rows = list(items)
    if not rows:
        return "<p>Nothing found.</p>"
    if not all(isinstance(row, Mapping) for row in rows):
        return f"<ol>{''.join(f'<li>{cell_html(row)}</li>' for row in rows[:MAX_ROWS])}</ol>"
    names = list(dict.fromkeys(name for row in rows[:MAX_ROWS] for name in row))
    head = "".join(
        f'<th scope="col" style="{_CELL}">{escape_html(str(name))}</th>' for name in names
    )
    body = "".join(_row_html(row, names) for row in rows[:MAX_ROWS])
    more = f"<p>… and {len(rows) - MAX_ROWS:,} more</p>" if len(rows) > MAX_ROWS else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _row_html(row: Mapping[str, Any], names: list[str]) -> str:
    cells = (f'<td style="{_CELL}">{cell_html(row.get(name))}</td>' for name in names)
    return f"<tr>{''.join(cells)}</tr>"


def cell_html(value: Any) -> str:
    """One value; a score also as a bar, whose width is its share of 1."""
    if isinstance(value, float) and 0 <= value <= 1:
        return f"{value:.3f} {bar_html(value)}"
    if isinstance(value, str):
        return escape_html(value)
    return "" if value is None else escape_html(short_repr(value))


def bar_html(share: float) -> str:
    """A bar of up to 120 pixels for a share between 0 and 1; the number stands beside it."""
    width = round(120 * share)
    style = f"display:inline-block;height:.6em;width:{width}px;background:#5b8def;border-radius:2px"
    return f'<span aria-hidden="true" style="{style}"></span>'
