"""Whatever holds rows, as the arguments of calls, one row after the other."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sized
from itertools import islice
from pathlib import Path
from typing import Any

from hfwidgets import errors
from hfwidgets.core.missing import is_missing
from hfwidgets.tasks import BaseTask, controls

Columns = str | int | Mapping[str, str] | None
Arguments = dict[str, Any]

_DICT_CONTROLS = (controls.TableInput, controls.Json, controls.MediaInput)
"""Inputs that may be dicts themselves."""


class RowSource:
    """The rows of a run.

    Attributes:
        total: how many there are, None where nobody knows before the end.
        table: the DataFrame or Series that they came from.

    Args:
        rows: a DataFrame, a Series, a list or another iterable, or the `Path` of a folder.
        column: the column that holds the task's first input, or a dict of parameter to column.
        parameters: what all rows share.
        limit: only so many rows, from the first.
    """

    def __init__(
        self,
        task: BaseTask,
        rows: Any,
        column: Columns,
        parameters: Mapping[str, Any],
        limit: int | None = None,
    ) -> None:
        if limit is not None and not is_count(limit):
            raise errors.ConfigurationError(
                f"limit is {limit!r}; it is a whole number of rows, or None for all."
            )
        self._task = task
        self._first_input = task.inputs[0]
        self.table = rows if hasattr(rows, "iloc") else None
        self._columns = _resolve_columns(task, rows, column)
        _check_parameters(
            task, parameters, {self._first_input, *(self._columns or ())} if column else set()
        )
        self._parameters = dict(parameters)
        self._rows = _to_items(task, rows, self._columns)
        known = len(self._rows) if isinstance(self._rows, Sized) else None
        self.total = known if limit is None or known is None else min(known, limit)
        self._limit = limit
        self._taken_count = 0
        self.rewind(0)

    def rewind(self, index: int) -> None:
        """Go on with this row, where the rows can be gone through again; else just go on."""
        if self._taken_count == 0 or self.is_repeatable:
            self._items = islice(iter(self._rows), index, self._limit)

    @property
    def is_repeatable(self) -> bool:
        """Whether the rows can be gone through again."""
        return not isinstance(self._rows, Iterator)

    def __iter__(self) -> Iterator[Arguments | errors.HfWidgetsError]:
        """Each row's arguments, or what is wrong with it."""
        return self

    def __next__(self) -> Arguments | errors.HfWidgetsError:
        item = next(self._items)
        self._taken_count += 1
        try:
            own = self._build_arguments(item)
            # The row's own stand first, and win.
            return _check_required(self._task, {**own, **self._parameters, **own})
        except errors.HfWidgetsError as error:
            return error

    def _build_arguments(self, item: Any) -> Arguments:
        if self._columns is not None:
            return {name: self._read_cell(item, key) for name, key in self._columns.items()}
        if isinstance(item, Mapping):
            return self._arguments_from_dict(item)
        if isinstance(item, Path) and _is_text_task(self._task):
            item = _read_text(item)
        return {self._first_input: _to_message(self._task, _require_value(item))}

    def _read_cell(self, item: Any, key: str) -> Any:
        try:
            value = item[key]
        except (KeyError, TypeError, IndexError) as error:
            known = f" It has: {', '.join(map(str, item))}." if isinstance(item, Mapping) else ""
            raise errors.InputError(f"The row has no {key!r}.{known}") from error
        return _to_message(self._task, _require_value(value))

    def _arguments_from_dict(self, item: Mapping[Any, Any]) -> Arguments:
        """A dict: the task's parameters by name, or one input that is a dict itself."""
        known = self._task.signature.parameters
        if item and all(name in known for name in item):
            return {**item}
        if isinstance(self._task.controls[self._first_input], _DICT_CONTROLS):
            return {self._first_input: item}
        raise errors.InputError(
            f"The row is a dict with {', '.join(map(repr, item)) or 'nothing in it'}; "
            f"{self._task.method} takes {', '.join(known)}. Name the columns with column=."
        )


def _check_required(task: BaseTask, arguments: Arguments) -> Arguments:
    """The arguments; InputError where one is missing that the task cannot do without."""
    if missing := [name for name in task.required_parameters if name not in arguments]:
        raise errors.InputError(
            f"The row has no {missing[0]!r}, which {task.method} needs. Name the columns with "
            f"column=, or pass {missing[0]}= for all rows."
        )
    return arguments


def _resolve_columns(task: BaseTask, rows: Any, column: Columns) -> dict[str, Any] | None:
    """Which parameter comes from which column; None when rows are no tables' rows."""
    named: dict[str, Any] | None = None
    if column is not None:
        named = dict(column) if isinstance(column, Mapping) else {task.inputs[0]: column}
        task.check_parameters(set(named))
    if not hasattr(rows, "columns"):
        return named
    if named is not None:
        named = {name: str(held) for name, held in named.items()}
    known = [str(name) for name in rows.columns]
    if named is None:
        named = {name: name for name in task.inputs if name in known}
        if not named and len(known) == 1:
            named = {task.inputs[0]: known[0]}
    missing = [name for name in named.values() if name not in known]
    if missing or not named:
        what = f"no column {missing[0]!r}" if missing else f"no column {task.inputs[0]!r}"
        near = errors.did_you_mean(missing[0], known) if missing else ""
        raise errors.ConfigurationError(
            f"The table has {what}.{near} It has: {', '.join(known)}. Pass column= with the name "
            f"of the one that holds {task.inputs[0]}, or a dict of parameter to column."
        )
    return dict(named)


def _check_parameters(task: BaseTask, parameters: Mapping[str, Any], taken: set[str]) -> None:
    task.check_parameters(parameters)
    if parameters.get("stream"):
        raise errors.ConfigurationError("Rows are answered as a whole: leave stream= out.")
    for name in taken & set(parameters):
        raise errors.ConfigurationError(
            f"{name} is given twice: by its column, and as a parameter for all rows."
        )


def _to_items(task: BaseTask, rows: Any, columns: dict[str, str] | None) -> Iterable[Any]:
    if hasattr(rows, "columns") and hasattr(rows, "iloc"):
        assert columns is not None
        return _FrameRecords(rows, list(columns.values()))
    if isinstance(rows, os.PathLike):
        return _list_files(Path(rows))
    if isinstance(rows, (str, bytes, Mapping)) or not isinstance(rows, Iterable):
        hint = " A folder is passed as pathlib.Path(...)." if isinstance(rows, str) else ""
        raise errors.InputTypeError(
            f"rows is a {type(rows).__name__}; it must be a DataFrame, a Series, a list, another "
            f"iterable or a folder.{hint}"
        )
    return rows


class _FrameRecords:
    """A DataFrame's rows as dicts of some of its columns, made one by one."""

    def __init__(self, frame: Any, names: list[str]) -> None:
        self._frame, self._names = frame, list(dict.fromkeys(names))
        self._positions = [column_position(frame, name) for name in self._names]

    def __len__(self) -> int:
        return len(self._frame)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        columns = [self._frame.iloc[:, at] for at in self._positions]
        for cells in zip(*columns, strict=True):
            yield dict(zip(self._names, cells, strict=True))


def is_count(value: object, least: int = 0) -> bool:
    """Whether a value is a whole number that is not below `least`."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def column_position(frame: Any, name: str) -> int:
    """Where a column stands, by its name as text; ConfigurationError where two have the name."""
    found = [at for at, known in enumerate(frame.columns) if str(known) == name]
    if len(found) > 1:
        raise errors.ConfigurationError(
            f"The table has {len(found)} columns {name!r}; give them different names."
        )
    return found[0]


def _list_files(folder: Path) -> list[Path]:
    """The files of a folder by name, without hidden ones and folders inside."""
    folder = folder.expanduser()
    if not folder.is_dir():
        raise errors.MissingFileError(f"There is no folder {folder}.")
    return sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))


def _is_text_task(task: BaseTask) -> bool:
    return not isinstance(task.controls[task.inputs[0]], controls.MediaInput)


def _read_text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, ValueError) as error:
        raise errors.InputError(f"{path.name} cannot be read as text: {error}") from error


def _require_value(value: Any) -> Any:
    """The value of a cell; InputError for a missing one."""
    if is_missing(value):
        raise errors.InputError("The cell is empty.")
    return value


def _to_message(task: BaseTask, value: Any) -> Any:
    """A text as the one message of a conversation."""
    if task.name == "chat-completion" and isinstance(value, str):
        return [{"role": "user", "content": value}]
    return value
