"""What a run returns: its rows in order, in memory or on disk."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any, overload

from hfwidgets import errors
from hfwidgets.batch import _journal
from hfwidgets.batch._journal import Journal
from hfwidgets.batch._progress import Progress, format_duration
from hfwidgets.batch._worker import Failure, rebuild_result
from hfwidgets.errors.secrets import redact_data
from hfwidgets.results import Elements, html_table, show
from hfwidgets.results.record import Record
from hfwidgets.results.table import flat_rows as flat_rows
from hfwidgets.tasks import BaseTask

MAX_SHOWN_ROWS = 20
"""How many rows a notebook shows."""


@dataclass(slots=True)
class Row:
    """One row.

    Attributes:
        index: its place among the rows, from 0.
        arguments: what the task was called with, None where the row says nothing that it takes.
        state: `done`, `failed`, or `pending` when the run ended before it.
        result: the task's result, None without one.
        error: why there is none, for a row that failed.
    """

    index: int
    arguments: dict[str, Any] | None
    state: str = "pending"
    result: Any = None
    error: Exception | None = None

    @property
    def inputs(self) -> Any:
        """The task's first input; the arguments are all that the call was given."""
        return next(iter(self.arguments.values()), None) if self.arguments else None


class StoredRows(Sequence[Row]):
    """Rows on disk, read when they are looked at."""

    def __init__(self, journal: Journal, task: BaseTask, first: str, most: int | None) -> None:
        self._journal, self._task, self._first_input, self._max_rows = journal, task, first, most

    def __len__(self) -> int:
        known = len(self._journal)
        return known if self._max_rows is None else min(known, self._max_rows)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        if isinstance(index, slice):
            return [self._read_row(i) for i in range(*index.indices(len(self)))]
        place = index + len(self) if index < 0 else index
        if not 0 <= place < len(self):
            raise IndexError(f"There is no row {index}: there are {len(self):,}.")
        return self._read_row(place)

    def _read_row(self, index: int) -> Row:
        state = self._journal.state(index)
        if state == "pending":
            return Row(index, None)
        return read_row(index, self._journal, self._task)

    def states(self) -> Iterator[str]:
        """The rows' states, without reading them."""
        return (self._journal.state(index) for index in range(len(self)))


def read_row(
    index: int, journal: Journal, task: BaseTask, arguments: dict[str, Any] | None = None
) -> Row:
    """A row from its line.

    Without arguments those of the line are used. Media of which it has only the hash are gone: the
    result is then what the provider answered, as it came.
    """
    line = journal.read_line(index)
    if "error" in line:
        arguments = arguments or line["inputs"]
        return Row(index, arguments, "failed", error=_journal.parse_error(line))
    raw, served = journal.files.unpack(line["answer"]), _journal.parse_provenance(line)
    try:
        arguments = arguments or _journal.restore_inputs(line["inputs"])
    except KeyError:
        return Row(index, line["inputs"], "done", raw)
    return Row(index, arguments, "done", rebuild_result(task, arguments, raw, served))


class BatchResult(Sequence[Row]):
    """The rows of a run, in order.

    Attributes:
        task: the task's name on the Hub.
        seconds: how long the run took.
        tokens: what the servers counted in this run.
        cost: US dollars for this run, None where no price is known.
        stopped: why the run ended before the rows did, None when it did not.
    """

    def __init__(
        self,
        task: BaseTask,
        rows: Sequence[Row],
        progress: Progress,
        stopped: str | None,
        table: Any,
        again: Callable[[], Any],
    ) -> None:
        self.task = task.name
        self.seconds = progress.seconds
        self.tokens, self.cost = progress.tokens, progress.cost
        self.stopped = stopped
        self._rows = rows
        self._total = progress.total
        self._table = table
        self._rerun: Callable[[], Any] | None = again

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        return self._rows[index]

    @property
    def results(self) -> list[Any]:
        """Each row's result, None where there is none."""
        return [row.result for row in self]

    @property
    def failed(self) -> list[Row]:
        """The rows that failed."""
        return [self[index] for index, state in enumerate(self._states()) if state == "failed"]

    @property
    def errors(self) -> dict[int, Exception]:
        """Why rows failed, by their index."""
        return {row.index: row.error for row in self.failed if row.error is not None}

    @property
    def counts(self) -> dict[str, int]:
        """How many rows are done, failed and pending."""
        found = {"done": 0, "failed": 0, "pending": 0}
        for state in self._states():
            found[state] += 1
        found["pending"] += max(0, (self._total or 0) - len(self))
        return found

    def _states(self) -> Iterator[str]:
        rows = self._rows
        return rows.states() if isinstance(rows, StoredRows) else (row.state for row in rows)

    def retry(self) -> Any:
        """Ask the rows that are not done again; returns the whole result, to await with the
        async client.
        """
        if self._rerun is None:
            raise errors.ConfigurationError(
                "This result was unpickled and knows no client: call map() again."
            )
        return self._rerun()

    def to_pandas(self) -> Any:
        """A DataFrame with a row a row: the input table's columns, the results' and `error`.

        Texts become `result`, labels with scores the best `label` and its `score`, flat objects
        their fields; anything else stays as it is in `result`. A name that the input table has
        already gets `_result` appended, and a number where that is there too.
        """
        pandas = _import_pandas()
        rows = [_row_cells(row) for row in self]
        index = self._table.index[: len(rows)] if self._table is not None else None
        found = pandas.DataFrame(rows, index=index)
        found = found[[*(name for name in found if name != "error"), "error"]] if rows else found
        left = self._input_columns(pandas, index)
        found.columns = _rename_duplicates(found.columns, set(left.columns))
        return pandas.concat([left, found], axis=1)  # side by side: an index may repeat itself

    def _input_columns(self, pandas: Any, index: Any) -> Any:
        """The columns before the results': those of the input table, else the inputs."""
        if self._table is None:
            return pandas.DataFrame({"inputs": [row.inputs for row in self]})
        head = self._table.iloc[: len(index)]
        return head if hasattr(head, "columns") else head.to_frame(head.name or "inputs")

    def __getstate__(self) -> dict[str, Any]:
        # Neither the client, which holds a token, nor what servers sent along with errors.
        rows = self._rows
        plain = rows if isinstance(rows, StoredRows) else [_to_portable(row) for row in rows]
        return {**vars(self), "_rerun": None, "_rows": plain}

    def __repr__(self) -> str:
        told = [f"{count:,} {state}" for state, count in self.counts.items() if count]
        told = [f"{self.task}: {', '.join(told) or 'no rows'}", format_duration(self.seconds)]
        told += [f"stopped: {self.stopped}"] if self.stopped else []
        return f"<BatchResult {', '.join(told)}>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        rows = [_preview_row(row) for row in self[:MAX_SHOWN_ROWS]]
        more = len(self) - len(rows)
        foot = f"<p>… and {more:,} more</p>" if more > 0 else ""
        table = html_table.records_to_html(rows) if rows else ""
        return show.mime_bundle(repr(self), f"<p>{escape(repr(self))}</p>{table}{foot}", None)


def _rename_duplicates(names: Iterable[str], known: set[Any]) -> list[str]:
    """The names, each changed where a table's columns have it already."""
    chosen = list[str]()
    for name in names:
        others = (f"{name}_result{number}" for number in ("", *range(2, len(known) + 3)))
        chosen.append(next(each for each in (name, *others) if each not in known))
    return chosen


def _to_portable(row: Row) -> Row:
    """The row with its error as its kind and message."""
    error = Failure.from_error(row.error).to_exception() if row.error is not None else None
    return replace(row, error=error)


def _import_pandas() -> Any:
    try:
        import pandas
    except ImportError as error:
        raise ImportError("to_pandas() needs pandas: pip install pandas.") from error
    return pandas


def _preview_row(row: Row) -> dict[str, str]:
    """A row for people, cut short."""
    inputs = row.inputs
    cells = [f"{name} {_shorten(value)}" for name, value in _result_fields(row.result).items()]
    last = str(row.error) if row.error else "; ".join(cells) if row.state == "done" else row.state
    return {"row": str(row.index), "inputs": _shorten(inputs), "result": last[:300]}


def _shorten(value: Any) -> str:
    text = redact_data(value if isinstance(value, str) else show.short_repr(value))
    return text if len(text) <= 120 else f"{text[:120]}…"


def _row_cells(row: Row) -> dict[str, Any]:
    fields = _result_fields(row.result) if row.state == "done" else {}
    return {**fields, "error": None if row.error is None else str(row.error)}


def _result_fields(result: Any) -> dict[str, Any]:
    """A result as the columns of a table's row."""
    if result is None:
        return {}
    text = getattr(result, "text", None)
    if isinstance(result, Record) and not isinstance(text, str):
        return _flatten(result)
    if isinstance(result, Record):
        return {"result": text}
    if _is_labels(result):
        return {"label": result[0].label, "score": result[0].score}
    return {"result": str(result) if isinstance(result, str) else result}


def _flatten(result: Mapping[str, Any]) -> dict[str, Any]:
    return flat_rows([result])[0]


def _is_labels(result: Any) -> bool:
    """Whether this is a list of labels with scores, and nothing else."""
    return isinstance(result, Elements) and bool(result) and set(result[0]) == {"label", "score"}
