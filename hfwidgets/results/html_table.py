"""The one writer of tables: as HTML for notebooks, as aligned columns for terminals.

Both take the same titles and rows. A column whose values are all numbers is aligned right, any
other left; a missing value leaves its cell empty.
"""

import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import repeat

from hfwidgets.core.missing import is_missing
from hfwidgets.results.show import escape_html, shorten

MARK_STYLE = "background:#ffe08a;color:#000;border-radius:3px"
"""The look of a highlighted cell or span."""

BAR_WIDTH = 120
"""The width of a score of 1, in pixels."""

MAX_ROWS = 50
"""The rows of a result that a notebook shows."""

_CELL_STYLE = "padding:2px 10px 2px 0;vertical-align:top"
_TEXT_STYLE = f"{_CELL_STYLE};text-align:left;white-space:pre-wrap"
_NUMBER_STYLE = f"{_CELL_STYLE};text-align:right;font-variant-numeric:tabular-nums"

Row = Sequence[object]


class SafeHtml(str):
    """Markup that is safe already, written into a cell unescaped."""

    __slots__ = ()


class FormattedNumber(str):
    """A number in a format of its own, such as a price; aligned as numbers are."""

    __slots__ = ()


def to_html_table(
    titles: Sequence[str],
    rows: Iterable[Row],
    *,
    limit: int | None = None,
    marked: Collection[tuple[int, int]] = (),
    has_bars: bool = False,
    has_row_titles: bool = False,
    is_full_width: bool = False,
) -> str:
    """Return a table as safe HTML.

    Args:
        titles: The columns' titles; none for a table without a head.
        rows: One value per column. Only `SafeHtml` is written unescaped.
        limit: The number of rows written; the others are counted below the table.
        marked: Cells to highlight, as (row, column) from 0.
        has_bars: Whether a number between 0 and 1 gets a bar of that share.
        has_row_titles: Whether a row's first value is its title.
        is_full_width: Whether the table fills the page, with equal columns after the first.
    """
    whole = list(rows)
    shown = whole[:limit]
    styles = [_NUMBER_STYLE if right else _TEXT_STYLE for right in _find_numbers(titles, shown)]
    if is_full_width:
        widths = (16, *[84 // max(len(styles) - 1, 1)] * (len(styles) - 1))
        styles = [f"{style};width:{width}%" for style, width in zip(styles, widths, strict=True)]
    head = "".join(map(_title_html, repeat("col"), titles, styles))
    lines = []
    for at, row in enumerate(shown):
        cells = [
            _title_html("row", format_cell(value), style)
            if has_row_titles and place == 0
            else _cell_html(value, style, is_marked=(at, place) in marked, has_bar=has_bars)
            for place, (value, style) in enumerate(zip(row, styles, strict=True))
        ]
        lines.append(f"<tr>{''.join(cells)}</tr>")
    width = ' style="width:100%"' if is_full_width else ""
    thead = f"<thead><tr>{head}</tr></thead>" if head else ""
    more = f"<p>{_count_more(whole, shown)}</p>" if len(whole) > len(shown) else ""
    return f"<table{width}>{thead}<tbody>{''.join(lines)}</tbody></table>{more}"


def records_to_html(items: Iterable[object]) -> str:
    """Return results as safe HTML: records as rows of a table, anything else as a list."""
    found = list(items)
    if not found:
        return "<p>Nothing found.</p>"
    if all(isinstance(item, Mapping) for item in found):
        titles, rows = to_rows(_drop_missing(item) for item in found if isinstance(item, Mapping))
        return to_html_table(titles, rows, limit=MAX_ROWS, has_bars=True)
    lines = "".join(f"<li>{escape_html(format_cell(item))}</li>" for item in found[:MAX_ROWS])
    more = _count_more(found, found[:MAX_ROWS]) if len(found) > MAX_ROWS else ""
    return f"<ol>{lines}</ol>{more}"


def fields_to_html(values: Mapping[str, object]) -> str:
    """Return names and values as safe HTML, one pair per row."""
    return to_html_table((), values.items(), has_bars=True, has_row_titles=True)


def to_text_table(titles: Sequence[str], rows: Iterable[Row], *, limit: int | None = None) -> str:
    """Return a table as lines of aligned columns, one line per row.

    Control characters, which could take over a terminal, and line breaks become blanks.
    """
    whole = list(rows)
    shown = whole[:limit]
    texts = [[_to_one_line(format_cell(value)) for value in row] for row in shown]
    table = [[_to_one_line(title) for title in titles], *texts]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    rights = _find_numbers(titles, shown)
    lines = [
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, rights, strict=True)
        ).rstrip()
        for line in table
    ]
    more = [_count_more(whole, shown)] if len(whole) > len(shown) else []
    return "\n".join([*lines, *more])


def to_rows(records: Iterable[Mapping[str, object]]) -> tuple[list[str], list[Row]]:
    """Return titles and rows of records that may differ in their fields."""
    found = list(records)
    names = list(dict.fromkeys(name for record in found for name in record))
    return list(map(str, names)), [[record.get(name) for name in names] for record in found]


def _drop_missing(record: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in record.items() if value is not None}


def format_cell(value: object) -> str:
    """Return a value as a cell's text: floats with three decimals, missing values empty."""
    if isinstance(value, str):
        return value
    if is_missing(value):
        return ""
    if isinstance(value, float):
        return f"{value:.2g}" if 0 < abs(value) < 0.0005 else f"{value:,.3f}"
    return f"<{len(value):,} bytes>" if isinstance(value, bytes) else shorten(str(value))


def bar_html(share: float) -> str:
    """Return a bar for a share between 0 and 1; the number itself stands next to it."""
    style = (
        f"display:inline-block;height:.6em;width:{round(BAR_WIDTH * share)}px;"
        "background:#5b8def;border-radius:2px"
    )
    return f'<span aria-hidden="true" style="{style}"></span>'


def _find_numbers(titles: Sequence[str], rows: Sequence[Row]) -> list[bool]:
    """For each column, whether its values are all numbers."""
    if not rows:
        return [False] * len(titles)
    return [_are_numbers(column) for column in zip(*rows, strict=True)]


# By column and not by cell: a number among texts would otherwise stand apart from them.
def _are_numbers(values: Sequence[object]) -> bool:
    known = [value for value in values if not is_missing(value) and not _is_empty_text(value)]
    return bool(known) and all(
        isinstance(value, (int, float, FormattedNumber)) and not isinstance(value, bool)
        for value in known
    )


def _is_empty_text(value: object) -> bool:
    return isinstance(value, str) and not value


def _title_html(scope: str, title: str, style: str) -> str:
    return f'<th scope="{scope}" style="{style}">{escape_html(title)}</th>'


def _cell_html(value: object, style: str, *, is_marked: bool, has_bar: bool) -> str:
    style = f"{style};{MARK_STYLE}" if is_marked else style
    text = value if isinstance(value, SafeHtml) else escape_html(format_cell(value))
    # Floats only: a count of 1 is not a share of 100 percent.
    bar = f" {bar_html(value)}" if has_bar and isinstance(value, float) and 0 <= value <= 1 else ""
    return f'<td style="{style}">{text}{bar}</td>'


def _to_one_line(text: str) -> str:
    return "".join(" " if unicodedata.category(c) == "Cc" else c for c in text)


def _count_more(whole: Sequence[object], shown: Sequence[object]) -> str:
    return f"… and {len(whole) - len(shown):,} more"
