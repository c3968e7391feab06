"""Read tables from text: CSV files, and what spreadsheets copy."""

import csv
import io
from collections.abc import Collection, Sequence

from hfwidgets import errors

Rows = list[list[str]]


def parse_rows(text: str) -> Rows:
    """Return the cells of a text by row, without empty lines.

    Tabs separate the cells if the first line has any, else commas, or semicolons where it has no
    comma. Quotes are those of RFC 4180.

    Raises:
        InputError: the text cannot be read as a table.
    """
    text = text.removeprefix("\ufeff")
    line = text.partition("\n")[0]
    separator = "\t" if "\t" in line else ";" if ";" in line and "," not in line else ","
    try:
        found = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        return [row for row in found if row]
    except csv.Error as error:
        raise errors.InputError(f"This is not a table: {error}.") from error


def name_columns(rows: Sequence[Sequence[str]]) -> dict[str, list[str]]:
    """Return rows by column: the first one has the names, and short rows are filled up."""
    head, *body = rows or [[]]
    found: dict[str, list[str]] = {}
    for at, name in enumerate(head):
        found[_unique_name(name.strip() or f"column {at + 1}", found)] = [
            row[at] if at < len(row) else "" for row in body
        ]
    return found


def _unique_name(name: str, taken: Collection[str]) -> str:
    number, found = 2, name
    while found in taken:
        found, number = f"{name} {number}", number + 1
    return found


def paste_rows(table: Rows, rows: Rows, row: int, column: int) -> Rows:
    """Return a table, names first, with rows put into it from a cell on.

    In the first cell they replace the table if their first row names columns. Rows are added where
    there are too few; what exceeds the last column is left out.

    Args:
        table: the table.
        rows: the rows that are put into it.
        row: the place of the first row below the names.
        column: the place of the first column.
    """
    if row == column == 0 and len(rows) > 1 and _has_names(rows):
        return rows
    names, *cells = [list(line) for line in table]
    for at, texts in enumerate(rows, row):
        if at >= len(cells):
            cells.append([""] * len(names))
        fitting = texts[: len(names) - column]
        cells[at][column : column + len(fitting)] = fitting
    return [names, *cells]


def _has_names(rows: Rows) -> bool:
    """True if the first row names columns: it has no number, and others have, or it has no gap."""
    head, *body = rows
    if any(map(_is_number, head)):
        return False
    return any(_is_number(cell) for row in body for cell in row) or all(map(str.strip, head))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
