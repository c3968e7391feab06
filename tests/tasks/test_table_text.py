"""Tables as text: CSV files, and what spreadsheets copy."""

import pytest

from hfwidgets import errors
from hfwidgets.tasks.table_text import name_columns, parse_rows, paste_rows

TABLE = [["a", "b"], ["1", "2"]]


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "a;b\r\n1;2", "a\tb\n1\t2", "\ufeffa,b\n\n1,2"])
def test_commas_semicolons_and_tabs_separate_cells(text: str) -> None:
    assert parse_rows(text) == TABLE


def test_quotes_hold_separators_quotes_and_line_breaks() -> None:
    assert parse_rows('"x, y","say ""hi""","two\nlines"') == [["x, y", 'say "hi"', "two\nlines"]]
    assert parse_rows("a,,c\n") == [["a", "", "c"]]
    assert parse_rows("") == []


def test_the_first_row_names_the_columns() -> None:
    assert name_columns([["a", "", "a"], ["1"]]) == {"a": ["1"], "column 2": [""], "a 2": [""]}
    assert name_columns([]) == {}


def test_pasted_rows_with_names_replace_the_table() -> None:
    rows = [["x", "y"], ["7", "8"]]
    assert paste_rows(TABLE, rows, 0, 0) == rows
    assert paste_rows(TABLE, rows, 0, 1) == [["a", "b"], ["1", "x"], ["", "7"]]


def test_pasted_rows_without_names_go_into_the_cells() -> None:
    assert paste_rows(TABLE, [["7", "8", "9"], ["5", "6"]], 1, 0) == [
        *TABLE,
        ["7", "8"],
        ["5", "6"],
    ]
    assert paste_rows(TABLE, [["7"], ["8"]], 0, 0) == [["a", "b"], ["7", "2"], ["8", ""]]


def test_what_is_not_a_table_is_refused() -> None:
    with pytest.raises(errors.InputError, match="not a table"):
        parse_rows('"' + "x" * 200_000 + '"')
