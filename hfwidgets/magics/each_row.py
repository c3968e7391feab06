"""`--each $df:col`: one call per row, by the client's own `map`."""

import mimetypes
import re
from collections import ChainMap
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Sized
from dataclasses import replace
from functools import cache, partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

from IPython.core.error import UsageError

from hfwidgets.batch import BatchResult, Progress, Retry
from hfwidgets.errors import HfWidgetsError, InputError
from hfwidgets.magics.attachments import ATTACHMENT_KINDS
from hfwidgets.magics.build_call import CHAT, MagicCall
from hfwidgets.magics.inputs import resolve_input_name, split_parts
from hfwidgets.magics.options import SCORE_OPTIONS, Options
from hfwidgets.magics.row_values import RowValues, require_value, to_rows
from hfwidgets.magics.run import build_answer, remember_call, with_short_errors
from hfwidgets.magics.variables import Namespace, is_media, resolve_path
from hfwidgets.notebook import BackgroundRun, Session, background_loop, session_client
from hfwidgets.tasks import BaseTask
from hfwidgets.tasks.controls import LabelList, MediaInput, TextBox
from hfwidgets.tasks.tables import open_table

_SOURCE = re.compile(r"\$([^:\s]+)(?::(.+))?")
_ROW_MENTION = re.compile(r"\{\{\s*row\b|\$row\b")

CallBuilder = Callable[[Options, Namespace], MagicCall]


class RowCalls:
    """The arguments of each row's call, built at the row's turn.

    Args:
        task: The task that is called.
        options: The line's options, in which `{{ row }}` stands for the row.
        names: The variables that the options may name.
        build: Builds a call from options and names.

    Attributes:
        first_call: The call of the first row that yields one.
        table: The table that the rows come from, None for other sources.
        shared_parameters: The task's parameters that are the same for all rows.

    Raises:
        UsageError: the source has no rows, or none of them yields a call.
    """

    def __init__(
        self, task: BaseTask, options: Options, names: Namespace, build: CallBuilder
    ) -> None:
        self._task, self._options, self._names, self._build = task, options, names, build
        source, column = _resolve_source(options["each"], names)
        self.table = open_table(source)
        self._items = to_rows(source, column)
        # Built before anything is sent, so that a mistake in the line fails once and costs no call.
        self.first_call = self._find_first_call()
        self.shared_parameters = self._find_shared_parameters()

    def _find_shared_parameters(self) -> dict[str, Any]:
        """Return the parameters that do not depend on the row.

        `map` gets them for all rows at once, so that it refuses a `--resume` file whose rows were
        answered with others.
        """
        of_rows = {
            item.partition("=")[0].strip().replace("-", "_")
            for item in self._options["param"] or ()
            if _ROW_MENTION.search(item)
        }
        return {k: v for k, v in self.first_call.params.items() if k not in of_rows}

    def _find_first_call(self) -> MagicCall:
        """Return the first call; rows of an iterator that were read for it are put back."""
        first_error: Exception | None = None
        items, read_items = iter(self._items), list[Any]()
        for item in items:
            read_items.append(item)
            try:
                call = self._build_row_call(item)
            except (UsageError, HfWidgetsError) as error:
                first_error = first_error or error
                continue
            if not isinstance(self._items, Sized):
                self._items = chain(read_items, items)
            return call
        raise first_error or UsageError("--each has no rows.")

    def to_map_inputs(self) -> Iterable[dict[str, Any]]:
        """Return the rows for `map`: with their number, and repeatable, where possible."""
        return _SizedRows(self) if isinstance(self._items, Sized) else iter(self)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for _, call in self.iter_calls():
            yield (
                _InvalidRow(str(call)) if isinstance(call, Exception) else self.own_arguments(call)
            )

    def own_arguments(self, call: MagicCall) -> dict[str, Any]:
        """Return a row's inputs, and the parameters that depend on the row."""
        own = {k: v for k, v in call.params.items() if k not in self.shared_parameters}
        return {**call.inputs, **own}

    def build_first_call(self, options: Options) -> MagicCall:
        """Return the first row's call by other options, such as those of another model."""
        return RowCalls(self._task, options, self._names, self._build).first_call

    def iter_calls(self, limit: int | None = None) -> Iterator[tuple[Any, MagicCall | Exception]]:
        """Yield each row with its call, or with the error of a row that yields none."""
        for item in islice(self._items, limit):
            try:
                yield item, self._build_row_call(item)
            except (UsageError, HfWidgetsError) as error:
                yield item, error

    def _build_row_call(self, item: object) -> MagicCall:
        row = (
            item
            if isinstance(item, RowValues)
            else read_content(require_value(item, "value"), self._task)
        )
        # The row is a variable like any other, before the user's own of that name.
        options = place_row(self._options, self._task, row)
        call = self._build(options, ChainMap({"row": row}, self._names))  # type: ignore[arg-type]
        return replace(call, stream=False, counts_usage=False)


class _SizedRows:
    """Rows of a known number, which can be iterated more than once."""

    def __init__(self, rows: RowCalls) -> None:
        self._rows = rows

    def __len__(self) -> int:
        items = self._rows._items
        assert isinstance(items, Sized)
        return len(items)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._rows)


class _InvalidRow(dict[str, Any]):
    """A row that yields no call.

    `map` knows rows as dicts and no errors: this one raises when it is read, which fails it alone.
    """

    def __init__(self, reason: str) -> None:
        super().__init__()
        self._reason = reason

    def __len__(self) -> int:
        # `map` tests whether a dict is empty before it reads a key, inside the block that turns an
        # error into that row's failure.
        raise InputError(self._reason)


def _resolve_source(text: str, names: Namespace) -> tuple[Any, str | None]:
    """Return the object that `$df` or `$df:column` names, and the column."""
    found = _SOURCE.fullmatch(text.strip())
    if not found:
        raise UsageError(f"--each accepts $df:column, $df or $list, not {text!r}.")
    return resolve_path(found[1], names), found[2]


def place_row(options: Options, task: BaseTask, row: object) -> Options:
    """Return the options of one row's call, with the row as input unless they mention it.

    An unmentioned row is the first input that nothing else fills; a table's columns fill the inputs
    of the same names.

    Raises:
        UsageError: no input is left for the row.
    """
    # Rows run at the same time, so they cannot share a history.
    own = options.copy_without(*_EACH_OPTIONS, no_history=True)
    # Wherever the line mentions the row, the user has decided where it goes.
    texts = [own.prompt, *(v for v in own.values.values() if isinstance(v, str))]
    texts += [item for key in ("input", "param") for item in own[key] or ()]
    if any(_ROW_MENTION.search(text) for text in texts):
        return own
    if task.name == CHAT:
        return _place_in_chat(own, row)
    # A new list: the copied options share the old one with the line, and each row would add to it.
    own.values["input"] = [*(own["input"] or ()), *_build_row_sources(own, task, row)]
    return own


_MAP_OPTIONS = ("concurrency", "batch_size", "limit", "resume")
"""Options that are arguments of `map`."""

_EACH_OPTIONS = ("each", *_MAP_OPTIONS, "bg", "compare", *SCORE_OPTIONS)


def _place_in_chat(options: Options, row: object) -> Options:
    """Put the row into a chat message: as its text, or as an image or audio next to the text."""
    whole = row.whole_value() if isinstance(row, RowValues) else row
    if isinstance(whole, str) and not options.prompt.strip():
        options.prompt = "{{ row }}"
    elif is_media(whole) or isinstance(whole, Path):
        options.values["input"] = [*(options["input"] or ()), _row_path(row)]
    else:
        raise UsageError(
            "The prompt does not mention the rows: write {{ row }} or {{ row.column }} where their "
            "values go."
        )
    return options


def _build_row_sources(options: Options, task: BaseTask, row: object) -> list[str]:
    """Return the values of `-i` that make the row the task's inputs."""
    free = _find_free_inputs(options, task)
    if isinstance(row, RowValues) and (
        named := [name for name in free if name in row.column_names]
    ):
        return [f"{name}=$row.{name}" for name in named]
    if not free:
        raise UsageError(
            f"{task.name} has all its inputs without the rows: write {{{{ row }}}} or "
            "{{ row.column }} where their values go."
        )
    return [f"{free[0]}={_row_path(row)}"]


def _row_path(row: object) -> str:
    """Return the expression for the row as a whole."""
    if not isinstance(row, RowValues):
        return "$row"
    if row.main_column is None:
        raise UsageError("A row has several columns; name one of them: --each $df:column.")
    return f"$row[{row.main_column!r}]"


def _find_free_inputs(options: Options, task: BaseTask) -> list[str]:
    """Return the inputs that nothing on the line fills, required ones first."""
    taken = {resolve_input_name(task, item.partition("=")[0]) for item in options["input"] or ()}
    if "labels" in options:
        taken |= {name for name in task.inputs if isinstance(task.controls[name], LabelList)}
    # The prompt fills its headed parts, or else the first text input that is free.
    if options.prompt.strip():
        headed = split_parts(task, options.prompt) if len(task.inputs) > 1 else None
        lines = (n for n in task.inputs if isinstance(task.controls[n], TextBox) and n not in taken)
        taken |= set(headed or [next(lines, None)])
    rest = [name for name in task.inputs if name not in taken]
    return sorted(rest, key=lambda name: name not in task.required_parameters)


def read_content(item: object, task: BaseTask) -> Any:
    """Return a file's text where the task accepts text; images and audio stay files.

    Raises:
        UsageError: the file is not a text file.
    """
    if not isinstance(item, Path) or isinstance(task.controls[task.inputs[0]], MediaInput):
        return item
    if task.name == CHAT and _is_media_file(item):
        return item
    try:
        return item.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not a text file"
        raise UsageError(f"{item.name} cannot be read as text: {why}.") from None


def _is_media_file(path: Path) -> bool:
    """True if a file's name is that of an image or audio file."""
    return (mimetypes.guess_type(path.name)[0] or "").partition("/")[0] in ATTACHMENT_KINDS


def finish_batch(
    result: BatchResult,
    call: MagicCall,
    rows: RowCalls,
    session: Session,
    before: Collection[int] = (),
) -> BatchResult:
    """Count the rows' usage, build their objects with `--schema`, and attach their table.

    Args:
        before: The rows that are finished already, when a retry processed the others.
    """
    for row in result:
        if row.state != "done" or row.index in before:
            continue
        # Counted first: a reply that does not fit the schema was paid for as well.
        session.count_usage(getattr(row.result, "meta", None), call.started_at)
        try:
            row.result = build_answer(call, row.result)
        except HfWidgetsError as error:
            row.state, row.error, row.result = "failed", error, None
    # A retry returns all rows again: those of this run are counted already.
    done = {row.index for row in result if row.state == "done"}
    finish = partial(_finish_retry, call, rows, session, done)
    result.attach_source(rows.table, lambda retry: partial(_retry_rows, retry, finish))
    return result


def _finish_retry(
    call: MagicCall, rows: RowCalls, session: Session, before: Collection[int], result: BatchResult
) -> BatchResult:
    return finish_batch(result, call, rows, session, before)


def _retry_rows(retry: Retry, finish: Callable[[BatchResult], BatchResult]) -> Any:
    """Process unfinished rows again; return an awaitable where they run in the background."""
    result = retry()
    return finish(result) if isinstance(result, BatchResult) else _await_batch(result, finish)


async def _await_batch(
    batch: Awaitable[BatchResult], finish: Callable[[BatchResult], BatchResult]
) -> BatchResult:
    return finish(await batch)


def map_rows(rows: RowCalls, options: Options, session: Session) -> BatchResult:
    """Return all rows' results; an interrupt ends the run and keeps finished rows."""
    call = rows.first_call
    remember_call(call, session)
    client = session_client(**call.settings)
    result = client.map(
        call.task.name,
        rows.to_map_inputs(),
        **_build_map_options(rows, options, not options["quiet"]),
    )
    return finish_batch(result, call, rows, session)


def map_in_background(rows: RowCalls, options: Options, session: Session) -> BackgroundRun:
    """Start the rows and return the handle, whose label shows their progress."""
    call = rows.first_call
    remember_call(call, session)
    label = f"each row, {call.label()}"

    def show(progress: Progress) -> None:
        run.label = f"{label}: {progress}"

    batch = background_loop.shared_client(**call.settings).map(
        call.task.name, rows.to_map_inputs(), **_build_map_options(rows, options, show)
    )

    async def run_batch() -> BatchResult:
        return finish_batch(await batch, call, rows, session)

    @cache  # the result changes its rows (their objects, their usage), which must happen once
    def so_far() -> BatchResult:
        return finish_batch(batch.so_far(), call, rows, session)

    run = session.add_run(label, background_loop.submit(with_short_errors(run_batch())), so_far)
    return run


def _build_map_options(
    rows: RowCalls, options: Options, progress: bool | Callable[[Progress], None]
) -> dict[str, Any]:
    """Return the arguments of `map` other than the task and the rows."""
    model = rows.first_call.model
    chosen = {key: options[key] for key in _MAP_OPTIONS if key in options}
    named = {"model": model} if model else {}
    return {"progress": progress, **chosen, **rows.shared_parameters, **named}
