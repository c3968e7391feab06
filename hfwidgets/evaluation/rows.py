"""The rows of an evaluation: inputs, right answers and groups, from whatever holds a table."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from hfwidgets.core.counts import check_count, format_count
from hfwidgets.core.missing import is_missing
from hfwidgets.errors import ConfigurationError, did_you_mean
from hfwidgets.errors.excerpt import name_type
from hfwidgets.evaluation.labels import class_names
from hfwidgets.evaluation.sampling import find_duplicates, row_rank, sample_rows
from hfwidgets.evaluation.values import Label, Table
from hfwidgets.tasks import BaseTask
from hfwidgets.tasks.tables import as_row, open_table, to_rows

Row: TypeAlias = Mapping[str, Any]
Arguments: TypeAlias = dict[str, Any]
LabelColumn: TypeAlias = "str | Callable[[Row], Any]"

LABEL = "label"


@dataclass(frozen=True, slots=True)
class EvaluationRow:
    """One row to ask.

    Attributes:
        index: its place in the data, from 0.
        arguments: the task's inputs.
        label: the right answer; None in data without labels.
        group: what it belongs to, such as its document; None where rows stand alone.
    """

    index: int
    arguments: Arguments
    label: Label
    group: Any = None


@dataclass(frozen=True, slots=True)
class Sample:
    """The rows to ask, and what was left out.

    Attributes:
        rows: the rows in their order.
        has_labels: False where the data has none: then agreement is all that can be measured.
        notes: sentences on rows that were left out.
    """

    rows: list[EvaluationRow]
    has_labels: bool
    notes: list[str]


def row_key(arguments: Mapping[str, Any]) -> str:
    """Return what tells a row from others by its inputs, whatever its index: 16 hex digits."""
    return row_rank(arguments, 0)[:16]


def read_table(data: Table, first_input: str) -> list[Row]:
    """Return a table's rows as dicts.

    Args:
        data: a DataFrame of pandas or polars, a pyarrow table, a data set, a dict of columns, a
            list of dicts, or a list or Series of inputs without labels.
        first_input: the name that such inputs get.

    Raises:
        ConfigurationError: it is none of these, or two of its columns have the same name.
    """
    rows = to_rows(data)
    if rows is None:
        rows = _read_inputs(data, first_input)
    if rows is None:
        raise ConfigurationError(
            f"data is {_describe_type(data)}. Pass a DataFrame, a data set, a dict of columns, "
            "a list of dicts, or a list of inputs."
        )
    return [*rows]


def _read_inputs(data: object, name: str) -> list[dict[str, Any]] | None:
    """Return inputs that stand alone as rows with one column; None for anything else."""
    column = None if isinstance(data, Mapping) else open_table(data)
    if column is not None and column.is_column:
        return [{name: item} for (item,) in column.iter_rows([0])]
    if isinstance(data, (list, tuple)) and not any(as_row(item) is not None for item in data):
        return [{name: item} for item in data]
    return None


def read_sample(
    task: BaseTask,
    data: Table,
    *,
    label: LabelColumn,
    column: "str | Mapping[str, str] | None",
    group: str | None,
    size: int | None,
    seed: int,
) -> Sample:
    """Return the rows to ask.

    Args:
        task: the evaluation's task.
        data: the table.
        label: the column of the right answer, or a function of the row.
        column: the column of the task's first input, or a dict of parameter to column.
        group: the column that tells which rows belong together.
        size: how many rows to take.
        seed: which rows those are.

    Raises:
        ConfigurationError: a column that is not there, no rows, or no row with a label.
    """
    table = read_table(data, task.inputs[0])
    if not table:
        raise ConfigurationError("data has no rows.")
    names = list(dict.fromkeys(str(name) for row in table for name in row))
    has_labels = _has_labels(label, names)
    inputs = _input_columns(task, names, column, {label, group})
    if group is not None:
        _require_column(group, names, "group")
    known = class_names(data, label) if isinstance(label, str) else {}
    rows, notes = [], list[str]()
    unlabeled = 0
    for index, row in enumerate(table):
        truth = _read_label(row, label, known) if has_labels else None
        if has_labels and truth is None:
            unlabeled += 1
            continue
        arguments = {parameter: row.get(name) for parameter, name in inputs.items()}
        rows.append(EvaluationRow(index, arguments, truth, row.get(group) if group else None))
    if has_labels and not rows:
        raise ConfigurationError(f"No row of data has a label in {label!r}.")
    if unlabeled:
        notes.append(f"Not asked: {format_count(unlabeled, 'row')} without a label.")
    # Copies are not independent rows: they would make every interval too narrow.
    copies = set(find_duplicates([row.arguments for row in rows]))
    if copies:
        notes.append(f"Left out: {format_count(len(copies), 'row')} equal to an earlier one.")
        rows = [row for at, row in enumerate(rows) if at not in copies]
    if size is not None:
        check_count("sample", size, least=1)
    chosen = sample_rows([row.arguments for row in rows], [row.label for row in rows], size, seed)
    return Sample([rows[at] for at in chosen], has_labels, notes)


def _describe_type(data: object) -> str:
    """Return a type's name with its article; of a list, the name of its first value's, too."""
    inner = f" of {type(data[0]).__name__}" if isinstance(data, list) and data else ""
    return f"{name_type(data)}{inner}"


def _has_labels(label: LabelColumn, names: Sequence[str]) -> bool:
    """True if there are labels; a default column that is not there means that there are none."""
    if callable(label) or label in names:
        return True
    if label == LABEL:
        return False
    _require_column(label, names, "label")
    return False


def _require_column(name: str, names: Sequence[str], argument: str) -> None:
    if name not in names:
        # Names are texts here, whatever the table has.
        hint = did_you_mean(str(name), names)
        raise ConfigurationError(
            f"{argument}={name!r} is not a column of data.{hint} Columns: {', '.join(names)}."
        )


def _input_columns(
    task: BaseTask,
    names: Sequence[str],
    column: "str | Mapping[str, str] | None",
    others: Iterable[object],
) -> dict[str, str]:
    """The column of each parameter."""
    if column is not None:
        if not isinstance(column, Mapping):
            column = {task.inputs[0]: column}
        for name in column.values():
            _require_column(name, names, "column")
        return dict(column)
    same = {name: name for name in task.inputs if name in names}
    if same:
        return same
    left = [name for name in names if name not in set(others)]
    if len(left) == 1:
        return {task.inputs[0]: left[0]}
    raise ConfigurationError(
        f"data has no column {task.inputs[0]!r}. Pass column= with the column of the task's input: "
        f"{', '.join(left)}."
    )


def _read_label(row: Row, label: LabelColumn, known: Mapping[int, str]) -> Any:
    value: Any = label(row) if callable(label) else row.get(label)
    if is_missing(value):
        return None
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        value = value.item()  # numpy's numbers, which are equal to Python's but print otherwise
    return known.get(value, value) if isinstance(value, int) and known else value
