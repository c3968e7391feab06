"""Turns whatever holds rows into the arguments of calls, one row after the other."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sized
from itertools import islice
from pathlib import Path
from typing import Any

from hfwidgets import errors
from hfwidgets.batch._options import Columns, Rows
from hfwidgets.core.missing import is_missing
from hfwidgets.errors.excerpt import name_type
from hfwidgets.tasks import BaseTask, controls
from hfwidgets.tasks.tables import (
    Table,
    TableRecords,
    as_row,
    is_table,
    open_table,
    to_python,
    to_rows,
)

Arguments = dict[str, Any]
"""A call's arguments by name, as the task's method takes them."""

_DICT_CONTROLS = (controls.TableInput, controls.Json, controls.MediaInput)
"""Inputs whose values may be dicts."""


class RowSource:
    """Iterates over the rows of a run.

    Args:
        task: The task that is called.
        rows: Where the rows come from.
        column: The column that holds the task's first input, or a dict of parameter to column.
        parameters: Arguments that all rows share.
        limit: Process only the first so many rows.

    Attributes:
        total: The number of rows, None for an iterator without a length.
        table: The table or pandas Series that the rows come from, None for others.
    """

    def __init__(
        self,
        task: BaseTask,
        rows: Rows,
        column: Columns,
        parameters: Mapping[str, Any],
        limit: int | None = None,
    ) -> None:
        self._task = task
        self._first_input = task.inputs[0]
        self.table = open_table(rows)
        # A column is a table to join results to, but its rows are its items.
        table = None if self.table is not None and self.table.is_column else self.table
        self._columns = _resolve_columns(task, table, column)
        # A named column and a shared parameter of one name contradict each other. Rows that are
        # dicts may override a shared parameter on purpose.
        shared = {self._first_input, *(self._columns or ())} if column is not None else set[str]()
        _check_parameters(task, parameters, shared)
        self._parameters = dict(parameters)
        if table is not None and self._columns is not None:
            self._rows: Iterable[Any] = TableRecords(table, map(str, self._columns.values()))
        else:
            self._rows = _to_items(rows)
        known = len(self._rows) if isinstance(self._rows, Sized) else None
        self.total = known if limit is None or known is None else min(known, limit)
        self._limit = limit
        self._taken_count = 0
        self.rewind(0)

    def rewind(self, index: int) -> None:
        """Continue with this row if the rows are repeatable; else continue where they are."""
        # An iterator cannot be restarted; untouched, it is still at its first row.
        if self._taken_count == 0 or self.is_repeatable:
            self._items = islice(iter(self._rows), index, self._limit)

    @property
    def is_repeatable(self) -> bool:
        """True if the rows can be iterated again."""
        return not isinstance(self._rows, Iterator)

    def __iter__(self) -> Iterator[Arguments | errors.HfWidgetsError]:
        """Yield each row's arguments, or the error of a row that gives none."""
        return self

    def __next__(self) -> Arguments | errors.HfWidgetsError:
        item = next(self._items)
        self._taken_count += 1
        try:
            own = self._build_arguments(item)
            # The row's own values come first in order, and win over the shared ones.
            return _check_required(self._task, {**own, **self._parameters, **own})
        # Returned, since an error raised here would end the loop over all rows.
        except errors.HfWidgetsError as error:
            return error

    def _build_arguments(self, item: Any) -> Arguments:
        if self._columns is not None:
            return {name: self._read_cell(item, key) for name, key in self._columns.items()}
        if isinstance(item, Mapping):
            return self._arguments_from_dict(item)
        # Other objects with fields may be inputs themselves, unless a field is called like one.
        if (row := as_row(item)) is not None and self._first_input in row:
            return self._arguments_from_dict(row)
        # For a task that takes media the file itself is the input.
        if isinstance(item, Path) and _is_text_task(self._task):
            item = _read_text(item)
        return {self._first_input: _to_message(self._task, require_value(item))}

    def _read_cell(self, item: Any, key: str | int) -> Any:
        if (row := as_row(item)) is not None and key in row:
            item = row
        try:
            value = item[key]
        except (KeyError, TypeError, IndexError) as error:
            known = f" It has: {', '.join(map(str, item))}." if isinstance(item, Mapping) else ""
            raise errors.InputError(f"The row has no {key!r}.{known}") from error
        return _to_message(self._task, require_value(value))

    def _arguments_from_dict(self, item: Mapping[Any, Any]) -> Arguments:
        """Return a dict's arguments: parameters by name, or one input that is a dict itself.

        A dict with the inputs and further keys is a table's row: as with a table, the other columns
        are ignored, unless one looks like a misspelled parameter.
        """
        known = self._task.signature.parameters
        if item and all(name in known for name in item):
            return {**item}
        if isinstance(self._task.controls[self._first_input], _DICT_CONTROLS):
            return {self._first_input: item}
        other = [name for name in item if name not in known]
        hints = [errors.did_you_mean(str(name), known) for name in other]
        if self._first_input in item and not any(hints):
            inputs = [name for name in self._task.inputs if name in item]
            return {name: self._read_cell(item, name) for name in inputs}
        raise errors.InputError(
            f"The row is a dict with {', '.join(map(repr, item)) or 'no keys'}."
            f"{next(filter(None, hints), '')} {self._task.method} accepts {', '.join(known)}. Name "
            "the columns with column=."
        )


def can_share_request(task: BaseTask, first: Arguments, other: Arguments) -> bool:
    """True if two rows are texts with the same parameters, which one request can be for."""
    name = task.inputs[0]
    return (
        isinstance(first.get(name), str)
        and isinstance(other.get(name), str)
        and first.keys() == other.keys()
        and all(key == name or _is_same(value, other[key]) for key, value in first.items())
    )


def _is_same(one: Any, other: Any) -> bool:
    if one is other:
        return True
    if isinstance(one, (list, tuple)) and type(one) is type(other) and len(one) == len(other):
        return all(map(_is_same, one, other))
    # Other objects, such as arrays, may have no equality that is true or false.
    return type(one) is type(other) and isinstance(one, (str, int, float)) and one == other


def _check_required(task: BaseTask, arguments: Arguments) -> Arguments:
    """Return the arguments; InputError where the task requires one that is missing."""
    if missing := [name for name in task.required_parameters if name not in arguments]:
        raise errors.InputError(
            f"The row has no {missing[0]!r}, which {task.method} needs. Name the columns with "
            f"column=, or pass {missing[0]}= for all rows."
        )
    return arguments


def _resolve_columns(
    task: BaseTask, table: Table | None, column: Columns
) -> dict[str, str | int] | None:
    """Return the column of each parameter; None where rows are not a table's rows.

    Raises:
        ConfigurationError: the table lacks a column, or has none that is plainly the input.
    """
    named: dict[str, str | int] | None = None
    if column is not None:
        named = dict(column) if isinstance(column, Mapping) else {task.inputs[0]: column}
        task.check_parameters(set(named))
    if table is None:
        return named
    known = table.names
    if named is None:
        named = {name: name for name in task.inputs if name in known}
        if not named and len(known) == 1:
            named = {task.inputs[0]: known[0]}
    found = {name: str(key) for name, key in named.items()}
    missing = [name for name in found.values() if name not in known]
    if missing or not found:
        wanted = missing[0] if missing else task.inputs[0]
        near = errors.did_you_mean(wanted, known) if missing else ""
        raise errors.ConfigurationError(
            f"The table has no column {wanted!r}.{near} It has: {', '.join(known)}. Pass column= "
            f"with the name of the one that holds {task.inputs[0]}, or a dict of parameter to "
            "column."
        )
    return {**found}


def _check_parameters(task: BaseTask, parameters: Mapping[str, Any], shared: set[str]) -> None:
    task.check_parameters(parameters)
    if parameters.get("stream"):
        raise errors.ConfigurationError("Rows are answered as a whole: leave stream= out.")
    for name in shared & set(parameters):
        raise errors.ConfigurationError(
            f"{name} is passed twice: by its column, and as a parameter for all rows."
        )


def _to_items(rows: Rows) -> Iterable[Any]:
    if isinstance(rows, os.PathLike):
        return _list_files(Path(rows))
    if isinstance(rows, Mapping) and is_table(rows):
        return to_rows(rows) or ()  # a dict of columns
    # All three can be iterated, but their characters and keys are hardly meant as rows.
    if isinstance(rows, (str, bytes, Mapping)) or not isinstance(rows, Iterable):
        hint = " A folder is passed as pathlib.Path(...)." if isinstance(rows, str) else ""
        raise errors.InputTypeError(
            f"rows is {name_type(rows)}; it must be a table (pandas, polars, pyarrow), a "
            f"column of one, a list, another iterable or a folder.{hint}"
        )
    return rows


def _list_files(folder: Path) -> list[Path]:
    """List the files of a folder by name, without hidden files and subfolders."""
    folder = folder.expanduser()
    if not folder.is_dir():
        raise errors.MissingFileError(f"The folder {folder} does not exist.")
    # Sorted, since the system's order varies and a row's number identifies it in later runs.
    return sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))


def _is_text_task(task: BaseTask) -> bool:
    return not isinstance(task.controls[task.inputs[0]], controls.MediaInput)


def _read_text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise errors.InputError(f"{path.name} cannot be read as text: {error}") from error


def require_value(value: object) -> Any:
    """Return the value of a cell; InputError for a missing one."""
    if is_missing(value):
        raise errors.InputError("The cell is empty.")
    return to_python(value)


def _to_message(task: BaseTask, value: Any) -> Any:
    """Return a text as the one message of a conversation; other values unchanged."""
    if task.name == "chat-completion" and isinstance(value, str):
        return [{"role": "user", "content": value}]
    return value
