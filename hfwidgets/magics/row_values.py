"""One row of `--each`: `{{ row }}`, `{{ row.column }}`, `{{ row["a column"] }}`."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sized
from pathlib import Path
from typing import Any

from IPython.core.error import UsageError

from hfwidgets.core.missing import is_missing
from hfwidgets.errors import did_you_mean


class RowValues:
    """A table's row, or a dict: its cells by name, as attributes and by index.

    Args:
        cells: the cells by the columns' names.
        chosen: the column that the row stands for as a whole, None for all of them.
    """

    def __init__(self, cells: Mapping[Any, Any], chosen: str | None = None) -> None:
        self._cells = {str(name): value for name, value in cells.items()}
        self.main_column = chosen

    @property
    def column_names(self) -> list[str]:
        """The columns' names."""
        return list(self._cells)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._get_cell(name)

    def __getitem__(self, name: str) -> Any:
        return self._get_cell(str(name))

    def _get_cell(self, name: str) -> Any:
        if name not in self._cells:
            known = f" There are: {', '.join(self._cells)}."
            raise UsageError(f"The row has no {name!r}.{did_you_mean(name, self._cells)}{known}")
        return require_value(self._cells[name], name)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._cells]

    def __llm__(self) -> str:
        if self.main_column is not None:
            return str(self._get_cell(self.main_column))
        return json.dumps(self._cells, ensure_ascii=False, default=str)

    def whole_value(self) -> Any:
        """What the row stands for as a whole: the chosen column's cell, else all as a dict."""
        return self._get_cell(self.main_column) if self.main_column is not None else self._cells


def require_value(value: Any, name: str) -> Any:
    """Return a cell's value; UsageError for a missing one."""
    if is_missing(value):
        raise UsageError(f"The row's {name} is empty.")
    return value


def to_rows(source: Any, column: str | None) -> Iterable[Any]:
    """The rows of a DataFrame, Series, list, folder or iterable; all but iterables have a size.

    Raises:
        UsageError: it is none of these, or has no such column.
    """
    if hasattr(source, "columns") and hasattr(source, "iloc"):
        return _FrameRows(source, column)
    if isinstance(source, Path) and source.is_dir():
        source = sorted(p for p in source.iterdir() if p.is_file() and p.name[0] != ".")
    if isinstance(source, str | bytes | Mapping | Path) or not isinstance(source, Iterable):
        raise UsageError(
            f"--each takes a DataFrame, a list or a folder's Path, not a {type(source).__name__}."
        )
    return _ListRows(source, column) if isinstance(source, Sized) else _iter_items(source, column)


class _FrameRows:
    """A DataFrame's rows; may be gone through more than once."""

    def __init__(self, frame: Any, column: str | None) -> None:
        self._frame, self._names = frame, [str(name) for name in frame.columns]
        if column is not None and column not in self._names:
            raise UsageError(
                f"The table has no column {column!r}.{did_you_mean(column, self._names)} "
                f"It has: {', '.join(self._names)}."
            )
        if repeated := [name for name in self._names if self._names.count(name) > 1]:
            raise UsageError(
                f"The table has {self._names.count(repeated[0])} columns {repeated[0]!r}; "
                "give them different names."
            )
        self._main_column = column or (self._names[0] if len(self._names) == 1 else None)

    def __len__(self) -> int:
        return len(self._frame)

    def __iter__(self) -> Iterator[RowValues]:
        columns = [self._frame.iloc[:, at] for at in range(len(self._names))]
        for cells in zip(*columns, strict=True):
            yield RowValues(dict(zip(self._names, cells, strict=True)), self._main_column)


class _ListRows:
    """A list's items; may be gone through more than once."""

    def __init__(self, source: Any, column: str | None) -> None:
        self._source, self._column = source, column

    def __len__(self) -> int:
        return len(self._source)

    def __iter__(self) -> Iterator[Any]:
        return _iter_items(self._source, self._column)


def _iter_items(source: Any, column: str | None) -> Iterator[Any]:
    for item in source:
        if isinstance(item, Mapping):
            yield RowValues(item, column)
        elif column is not None:
            yield RowValues({column: getattr(item, column, None)}, column)
        else:
            yield item
