"""Holds what a run returns: its rows in order, in memory or on disk."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, overload

from hfwidgets import errors
from hfwidgets.batch import _journal
from hfwidgets.batch._journal import Journal
from hfwidgets.batch._progress import Progress, format_duration
from hfwidgets.batch._row_arguments import Arguments
from hfwidgets.batch._worker import Failure, rebuild_result
from hfwidgets.errors.secrets import mask_repr, redact_data
from hfwidgets.results import Elements, html_table, show
from hfwidgets.results.record import Record
from hfwidgets.results.table import flat_rows, import_pandas
from hfwidgets.tasks import BaseTask
from hfwidgets.tasks.tables import Table

if TYPE_CHECKING:
    import pandas as pd

MAX_SHOWN_ROWS = 20
"""The number of rows that a notebook shows."""


Retry = Callable[[], Any]
"""Processes unfinished rows again; returns a result, with the async client an awaitable of it."""


@mask_repr
@dataclass(slots=True)
class BatchRow:
    """One row.

    Attributes:
        index: Its position among the rows, from 0.
        arguments: The arguments of its call, None where the row holds none that the task accepts.
        state: `done`, `failed`, or `pending` when the run ended before it.
        result: The task's result, None for a row that is not done.
        error: Why a failed row has no result.
    """

    index: int
    arguments: Arguments | None
    state: str = "pending"
    result: Any = None
    error: Exception | None = None

    @property
    def inputs(self) -> Any:
        """Return the task's first input; `arguments` holds all of them."""
        return next(iter(self.arguments.values()), None) if self.arguments else None


class StoredRows(Sequence[BatchRow]):
    """Rows on disk, read when they are accessed.

    Args:
        journal: Where they are stored.
        task: What rebuilds their results.
        unstored: The rows that the disk did not accept, by their index.
        limit: The number of rows of the run, None where it is unknown.
    """

    def __init__(
        self, journal: Journal, task: BaseTask, unstored: Mapping[int, BatchRow], limit: int | None
    ) -> None:
        self._journal, self._task = journal, task
        self._unstored, self._limit = unstored, limit

    def __len__(self) -> int:
        # The file may hold rows beyond this run's limit, from a run with a higher one.
        known = max(len(self._journal), max(self._unstored, default=-1) + 1)
        return known if self._limit is None else min(known, self._limit)

    @overload
    def __getitem__(self, index: int) -> BatchRow: ...
    @overload
    def __getitem__(self, index: slice) -> list[BatchRow]: ...
    def __getitem__(self, index: int | slice) -> BatchRow | list[BatchRow]:
        # Each access reads the line and rebuilds the result: memory holds none of them.
        if isinstance(index, slice):
            return [self._read_row(i) for i in range(*index.indices(len(self)))]
        place = index + len(self) if index < 0 else index
        if not 0 <= place < len(self):
            raise IndexError(f"Row {index} does not exist: there are {len(self):,} rows.")
        return self._read_row(place)

    def _read_row(self, index: int) -> BatchRow:
        if index in self._unstored:
            return self._unstored[index]
        if self._journal.state(index) == "pending":
            return BatchRow(index, None)
        return read_row(index, self._journal, self._task)

    def states(self) -> Iterator[str]:
        """Yield the rows' states without reading the rows."""
        for index in range(len(self)):
            unstored = self._unstored.get(index)
            yield self._journal.state(index) if unstored is None else unstored.state


def read_row(
    index: int, journal: Journal, task: BaseTask, arguments: Arguments | None = None
) -> BatchRow:
    """Return a row from its line.

    Args:
        arguments: The row's arguments, None for those of the line. Of media the line has the hash
            only; the result of such a row is then the provider's answer as it came.

    Raises:
        HfWidgetsError: the answer's media files are missing, or the line was edited.
    """
    line = journal.read_line(index)
    if line.error is not None:
        return BatchRow(index, arguments or line.inputs, "failed", error=line.error.to_exception())
    raw, provenance = journal.files.unpack(line.answer), line.provenance
    try:
        arguments = arguments or _journal.restore_inputs(line.inputs)
    except KeyError:
        return BatchRow(index, line.inputs, "done", raw)
    return BatchRow(index, arguments, "done", rebuild_result(task, arguments, raw, provenance))


class BatchResult(Sequence[BatchRow]):
    """The rows of a run, in order.

    Attributes:
        task: The task's name on the Hub.
        seconds: The run's duration.
        tokens: The tokens that servers counted in this run.
        cost: US dollars for this run, None where no price is known.
        stopped: Why the run ended before all rows did, None when it did not.
    """

    def __init__(
        self,
        task: BaseTask,
        rows: Sequence[BatchRow],
        progress: Progress,
        stopped: str | None,
        table: Table | None,
        retry: Retry,
    ) -> None:
        self.task = task.name
        self.seconds = progress.seconds
        self.tokens, self.cost = progress.tokens, progress.cost
        self.stopped = stopped
        self._rows = rows
        self._total = progress.total
        self._table = table
        self._retry: Retry | None = retry

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> BatchRow: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[BatchRow]: ...
    def __getitem__(self, index: int | slice) -> BatchRow | Sequence[BatchRow]:
        return self._rows[index]

    @property
    def results(self) -> list[Any]:
        """Return each row's result, None for rows that are not done."""
        return [row.result for row in self]

    @property
    def failed(self) -> list[BatchRow]:
        """Return the rows that failed."""
        return [self[index] for index, state in enumerate(self._states()) if state == "failed"]

    @property
    def errors(self) -> dict[int, Exception]:
        """Return why rows failed, by their index."""
        return {row.index: row.error for row in self.failed if row.error is not None}

    @property
    def counts(self) -> dict[str, int]:
        """Return how many rows are done, failed and pending."""
        found = {"done": 0, "failed": 0, "pending": 0}
        for state in self._states():
            found[state] += 1
        # Rows that the run never read have no entry.
        found["pending"] += max(0, (self._total or 0) - len(self))
        return found

    def _states(self) -> Iterator[str]:
        rows = self._rows
        return rows.states() if isinstance(rows, StoredRows) else (row.state for row in rows)

    def retry(self) -> Any:
        """Process the rows that are not done again and return the whole result.

        With the async client the result is to be awaited.
        """
        if self._retry is None:
            raise errors.ConfigurationError(
                "This result was unpickled and has no client: call map() again."
            )
        return self._retry()

    def attach_source(self, table: Table | None, wrap_retry: Callable[[Retry], Retry]) -> None:
        """Join results to another table, and change what `retry` does."""
        self._table = table if table is not None else self._table
        self._retry = wrap_retry(self._retry) if self._retry is not None else None

    def to_pandas(self) -> "pd.DataFrame":
        """Return a DataFrame: the columns of the input table, then the results' and `error`.

        Texts become `result`, labels with scores the best `label` and its `score`, flat objects
        their fields; anything else stays unchanged in `result`. A result that is a list of objects,
        such as the entities of a text or the boxes of an image, takes one line per object, each
        with the input's columns. A name that the input table has already gets `_result` appended,
        and a number where that exists too.
        """
        pandas = import_pandas()
        lines = [(at, cells) for at, row in enumerate(self) for cells in _row_lines(row)]
        # By position: a table may have more rows than were processed, and an index may repeat.
        left = self._input_columns(pandas).iloc[[at for at, _ in lines]]
        found = pandas.DataFrame([cells for _, cells in lines], index=left.index)
        # Columns come in the order of their first use, so `error` may stand before later fields.
        found = found[[*(name for name in found if name != "error"), "error"]] if lines else found
        found.columns = _rename_duplicates(found.columns, set(left.columns))
        frame: pd.DataFrame = pandas.concat([left, found], axis=1)
        return frame

    def _input_columns(self, pandas: Any) -> "pd.DataFrame":
        """Return the columns before the results': those of the input table, else the inputs."""
        if self._table is not None:
            return self._table.to_pandas(len(self))
        frame: pd.DataFrame = pandas.DataFrame({"inputs": [row.inputs for row in self]})
        return frame

    def __getstate__(self) -> dict[str, Any]:
        # Leaves out the client, which holds a token, and what servers sent along with errors.
        rows = self._rows
        plain = rows if isinstance(rows, StoredRows) else [_to_portable(row) for row in rows]
        return {**vars(self), "_retry": None, "_rows": plain}

    def __repr__(self) -> str:
        counts = [f"{count:,} {state}" for state, count in self.counts.items() if count]
        parts = [f"{self.task}: {', '.join(counts) or 'no rows'}", format_duration(self.seconds)]
        parts += [f"stopped: {self.stopped}"] if self.stopped else []
        return f"<BatchResult {', '.join(parts)}>"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        rows = [_preview_row(row) for row in self[:MAX_SHOWN_ROWS]]
        more = len(self) - len(rows)
        foot = f"<p>… and {more:,} more</p>" if more > 0 else ""
        table = html_table.records_to_html(rows) if rows else ""
        return show.mime_bundle(
            repr(self), f"<p>{show.escape_html(repr(self))}</p>{table}{foot}", None
        )


def _rename_duplicates(names: Iterable[str], known: set[Any]) -> list[str]:
    """Return the names, each changed where a table has a column of that name."""
    chosen = list[str]()
    for name in names:
        # More candidates than the table has names, so that one of them is always free.
        others = (f"{name}_result{number}" for number in ("", *range(2, len(known) + 3)))
        chosen.append(next(each for each in (name, *others) if each not in known))
    return chosen


def _to_portable(row: BatchRow) -> BatchRow:
    """Return the row with its error reduced to kind and message."""
    error = Failure.from_error(row.error).to_exception() if row.error is not None else None
    return replace(row, error=error)


def _preview_row(row: BatchRow) -> dict[str, str]:
    """Return a row's cells for a preview, shortened."""
    inputs = row.inputs
    cells = [f"{name} {_shorten(value)}" for name, value in _result_fields(row.result).items()]
    last = str(row.error) if row.error else "; ".join(cells) if row.state == "done" else row.state
    return {"row": str(row.index), "inputs": _shorten(inputs), "result": last[:300]}


def _shorten(value: Any) -> str:
    text = redact_data(value if isinstance(value, str) else show.short_repr(value))
    return text if len(text) <= 120 else f"{text[:120]}…"


def _row_lines(row: BatchRow) -> list[dict[str, Any]]:
    """Return a row's lines of a table: one, or one per object of a result that is a list."""
    error = None if row.error is None else str(row.error)
    if row.state != "done":
        return [{"error": error}]
    # An empty list is a result too: its row still needs a line.
    if isinstance(row.result, Elements) and not _is_labels(row.result):
        return [{**cells, "error": error} for cells in flat_rows(row.result) or [{}]]
    return [{**_result_fields(row.result), "error": error}]


def _result_fields(result: Any) -> dict[str, Any]:
    """Return a result as cells by column."""
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
    """True for a list of labels with scores, by what the task declares.

    A server may add fields of its own (an explanation), which do not make other objects of them.
    """
    declared = set(vars(type(result[0])).get("__annotations__", ())) if _is_list(result) else ()
    return declared == {"label", "score"}


def _is_list(result: Any) -> bool:
    return isinstance(result, Elements) and bool(result)
