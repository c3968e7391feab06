"""Represents one row of `--each`: `{{ row }}`, `{{ row.column }}`, `{{ row["a column"] }}`."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sized
from pathlib import Path
from typing import Any

from IPython.core.error import UsageError

from hfwidgets.core.missing import is_missing
from hfwidgets.errors import did_you_mean
from hfwidgets.errors.excerpt import name_type
from hfwidgets.tasks.tables import Table, open_table, to_python


class RowValues:
    """A table's row, or a dict: its cells by name, as attributes and by index.

    Args:
        cells: The cells by column name.
        main_column: The column whose cell `{{ row }}` stands for, None for all of them.
    """

    def __init__(self, cells: Mapping[Any, Any], main_column: str | None = None) -> None:
        self._cells = {str(name): value for name, value in cells.items()}
        self.main_column = main_column

    @property
    def column_names(self) -> list[str]:
        """Return the columns' names."""
        return list(self._cells)

    def __getattr__(self, name: str) -> Any:
        # Protocols that Python looks up (pickling, arrays) are not columns.
        if name.startswith("__"):
            raise AttributeError(name)
        return self._get_cell(name)

    def __getitem__(self, name: str) -> Any:
        return self._get_cell(str(name))

    def _get_cell(self, name: str) -> Any:
        return require_value(read_cell(self, name), name)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._cells]

    def __llm__(self) -> str:
        if self.main_column is not None:
            return str(self._get_cell(self.main_column))
        return json.dumps(self._cells, ensure_ascii=False, default=str)

    def whole_value(self) -> Any:
        """Return what the row stands for as a whole: the main column's cell, else all as a dict."""
        return self._get_cell(self.main_column) if self.main_column is not None else self._cells


def read_cell(row: RowValues, name: str) -> Any:
    """Return a cell of a row, which may be empty; UsageError for an unknown column."""
    # Not a method, whose name would hide a column.
    cells = row._cells
    if name not in cells:
        # Not AttributeError or KeyError: the resolver of variables would replace those by hints
        # about Python attributes.
        known = f" It has: {', '.join(cells)}."
        raise UsageError(f"The row has no {name!r}.{did_you_mean(name, cells)}{known}")
    return cells[name]


def require_value(value: object, name: str) -> Any:
    """Return a cell's value; UsageError for an empty one (None, NaN, pandas' NA)."""
    if is_missing(value):
        raise UsageError(f"The row's {name} is empty.")
    return to_python(value)


def to_rows(source: Any, column: str | None) -> Iterable[Any]:
    """Return the rows of a table, column, list, folder or iterable; all but iterables have a size.

    Raises:
        UsageError: the object is none of these, or has no such column.
    """
    table = open_table(source)
    if table is not None and not table.is_column:
        return _TableRows(table, column)
    if isinstance(source, Path) and source.is_dir():
        # Sorted, as folders list files in any order: a row's number stays the same from run to run.
        source = sorted(p for p in source.iterdir() if p.is_file() and p.name[0] != ".")
    if isinstance(source, str | bytes | Mapping | Path) or not isinstance(source, Iterable):
        raise UsageError(
            "--each accepts a table (pandas, polars, pyarrow), a list or a folder's Path, not "
            f"{name_type(source)}."
        )
    return _ListRows(source, column) if isinstance(source, Sized) else _iter_items(source, column)


class _TableRows:
    """A table's rows; can be iterated more than once."""

    def __init__(self, table: Table, column: str | None) -> None:
        self._table, names = table, table.names
        if column is not None and column not in names:
            raise UsageError(
                f"The table has no column {column!r}.{did_you_mean(column, names)} "
                f"It has: {', '.join(names)}."
            )
        # Cells are found by name, so all but one of the columns would be lost without a word.
        if repeated := [name for name in names if names.count(name) > 1]:
            raise UsageError(
                f"The table has {names.count(repeated[0])} columns {repeated[0]!r}; "
                "give them different names."
            )
        self._main_column = column or (names[0] if len(names) == 1 else None)

    def __len__(self) -> int:
        return len(self._table)

    def __iter__(self) -> Iterator[RowValues]:
        names = self._table.names
        for cells in self._table.iter_rows(range(len(names))):
            yield RowValues(dict(zip(names, cells, strict=True)), self._main_column)


class _ListRows:
    """A list's items; can be iterated more than once."""

    def __init__(self, source: Any, column: str | None) -> None:
        self._source, self._column = source, column

    def __len__(self) -> int:
        return len(self._source)

    def __iter__(self) -> Iterator[Any]:
        return _iter_items(self._source, self._column)


def _iter_items(source: Iterable[Any], column: str | None) -> Iterator[Any]:
    for item in source:
        if isinstance(item, Mapping):
            yield RowValues(item, column)
        elif column is not None:
            yield RowValues({column: getattr(item, column, None)}, column)
        else:
            yield item
