"""`--each $df:col`: one call a row, through the client's own `map`."""

import mimetypes
import re
from collections import ChainMap
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Sized
from dataclasses import replace
from functools import cache, partial
from itertools import chain
from pathlib import Path
from typing import Any

from IPython.core.error import UsageError

from hfwidgets.batch import BatchResult, Progress
from hfwidgets.errors import HfWidgetsError, InputError
from hfwidgets.magics.attachments import ATTACHMENT_KINDS
from hfwidgets.magics.build_call import CHAT, MagicCall
from hfwidgets.magics.inputs import resolve_input_name, split_parts
from hfwidgets.magics.options import Options
from hfwidgets.magics.row_values import RowValues, require_value, to_rows
from hfwidgets.magics.run import build_answer, remember_call, with_short_errors
from hfwidgets.magics.variables import Namespace, is_media, resolve_path
from hfwidgets.notebook import BackgroundRun, Session, background_loop, session_client
from hfwidgets.tasks import BaseTask
from hfwidgets.tasks.controls import LabelList, MediaInput, TextBox

_SOURCE = re.compile(r"\$([^:\s]+)(?::(.+))?")
_ROW_MENTION = re.compile(r"\{\{\s*row\b|\$row\b")

CallBuilder = Callable[[Options, Namespace], MagicCall]


class RowCalls:
    """The arguments of a call for each row, made when it is the row's turn.

    Attributes:
        first: the call of the first row that makes one.
        table: the DataFrame that the rows come from, None for others.

    Args:
        task: what is asked.
        options: what the line says; `{{ row }}` in it stands for the row.
        build: makes a call of options and names.

    Raises:
        UsageError: there are no rows, or none of them makes a call.
    """

    def __init__(
        self, task: BaseTask, options: Options, names: Namespace, build: CallBuilder
    ) -> None:
        self._task, self._options, self._names, self._build = task, options, names, build
        source, column = _resolve_source(options["each"], names)
        self.table = source if hasattr(source, "iloc") else None
        self._items = to_rows(source, column)
        self.first_call = self._find_first_call()

    def _find_first_call(self) -> MagicCall:
        """The first call; rows that can be had only once are not lost by looking at them."""
        failed: Exception | None = None
        going, seen = iter(self._items), list[Any]()
        for item in going:
            seen.append(item)
            try:
                call = self._build_row_call(item)
            except (UsageError, HfWidgetsError) as error:
                failed = failed or error
                continue
            if not isinstance(self._items, Sized):
                self._items = chain(seen, going)
            return call
        raise failed or UsageError("--each has no rows.")

    def to_map_inputs(self) -> Iterable[dict[str, Any]]:
        """The rows as `map` takes them: with their number, and more than once, where possible."""
        return _SizedRows(self) if isinstance(self._items, Sized) else iter(self)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for item in self._items:
            try:
                call = self._build_row_call(item)
            except (UsageError, HfWidgetsError) as error:
                yield _InvalidRow(str(error))
            else:
                yield {**call.inputs, **call.params}

    def _build_row_call(self, item: Any) -> MagicCall:
        row = (
            item
            if isinstance(item, RowValues)
            else read_content(require_value(item, "value"), self._task)
        )
        options = place_row(self._options, self._task, row)
        call = self._build(options, ChainMap({"row": row}, self._names))  # type: ignore[arg-type]
        return replace(call, stream=False, counts_usage=False)


class _SizedRows:
    """Rows of a known number."""

    def __init__(self, rows: RowCalls) -> None:
        self._rows = rows

    def __len__(self) -> int:
        items = self._rows._items
        assert isinstance(items, Sized)
        return len(items)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._rows)


class _InvalidRow(dict[str, Any]):
    """A row that makes no call, and says why when it is looked at: `map` then fails it alone."""

    def __init__(self, why: str) -> None:
        super().__init__()
        self._reason = why

    def __len__(self) -> int:
        raise InputError(self._reason)


def _resolve_source(text: str, names: Namespace) -> tuple[Any, str | None]:
    """The object that `$df` or `$df:column` names, and the column."""
    found = _SOURCE.fullmatch(text.strip())
    if not found:
        raise UsageError(f"--each takes $df:column, $df or $list, not {text!r}.")
    return resolve_path(found[1], names), found[2]


def place_row(options: Options, task: BaseTask, row: Any) -> Options:
    """The options with the row in its place, where they do not say themselves where it goes.

    It then is the first input that nothing else fills; a table's columns fill the inputs of the
    same names.

    Raises:
        UsageError: there is no place for it.
    """
    own = replace(
        options, values={k: v for k, v in options.values.items() if k not in _EACH_OPTIONS}
    )
    own.values["no_history"] = True
    texts = [own.prompt, *(v for v in own.values.values() if isinstance(v, str))]
    texts += [item for key in ("input", "param") for item in own[key] or ()]
    if any(_ROW_MENTION.search(text) for text in texts):
        return own
    if task.name == CHAT:
        return _place_in_chat(own, row)
    own.values["input"] = [*(own["input"] or ()), *_build_row_sources(own, task, row)]
    return own


_EACH_OPTIONS = ("each", "concurrency", "limit", "resume", "bg", "compare")


def _place_in_chat(options: Options, row: Any) -> Options:
    """A row as what is said to a chat: alone, or a picture or sound beside the text."""
    whole = row.whole_value() if isinstance(row, RowValues) else row
    if isinstance(whole, str) and not options.prompt.strip():
        options.prompt = "{{ row }}"
    elif is_media(whole) or isinstance(whole, Path):
        options.values["input"] = [*(options["input"] or ()), _row_path(row)]
    else:
        raise UsageError(
            "The text says nothing of the rows: write {{ row }} or {{ row.column }} where their "
            "values go."
        )
    return options


def _build_row_sources(options: Options, task: BaseTask, row: Any) -> list[str]:
    """What `-i` would have to say for the row to be the task's inputs."""
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


def _row_path(row: Any) -> str:
    """What names the row as a whole."""
    if not isinstance(row, RowValues):
        return "$row"
    if row.main_column is None:
        raise UsageError(
            "A row has several columns; name the one that is meant: --each $df:column."
        )
    return f"$row[{row.main_column!r}]"


def _find_free_inputs(options: Options, task: BaseTask) -> list[str]:
    """The inputs that nothing on the line fills, those that are needed first."""
    taken = {resolve_input_name(task, item.partition("=")[0]) for item in options["input"] or ()}
    if "labels" in options:
        taken |= {name for name in task.inputs if isinstance(task.controls[name], LabelList)}
    if options.prompt.strip():
        headed = split_parts(task, options.prompt) if len(task.inputs) > 1 else None
        lines = (n for n in task.inputs if isinstance(task.controls[n], TextBox) and n not in taken)
        taken |= set(headed or [next(lines, None)])
    rest = [name for name in task.inputs if name not in taken]
    return sorted(rest, key=lambda name: name not in task.required_parameters)


def read_content(item: Any, task: BaseTask) -> Any:
    """What a file stands for: its text, where the task takes that; pictures and sounds stay files.

    Raises:
        UsageError: the file holds no text.
    """
    if not isinstance(item, Path) or isinstance(task.controls[task.inputs[0]], MediaInput):
        return item
    if task.name == CHAT and _is_media_file(item):
        return item
    try:
        return item.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise UsageError(f"{item.name} cannot be read as text: {why}.") from None


def _is_media_file(path: Path) -> bool:
    """Whether a file's name says that it is a picture or a sound."""
    return (mimetypes.guess_type(path.name)[0] or "").partition("/")[0] in ATTACHMENT_KINDS


def finish_batch(
    result: BatchResult,
    call: MagicCall,
    rows: RowCalls,
    session: Session,
    before: Collection[int] = (),
) -> BatchResult:
    """Count what the rows took, make their objects where `--schema` says so, add their table.

    Args:
        before: the rows for which that has been done; a retry asks the others.
    """
    for row in result:
        if row.state != "done" or row.index in before:
            continue
        session.count_usage(getattr(row.result, "meta", None), call.started_at)
        try:
            row.result = build_answer(call, row.result)
        except HfWidgetsError as error:
            row.state, row.error, row.result = "failed", error, None
    done = {row.index for row in result if row.state == "done"}
    finish = partial(_finish_retry, call, rows, session, done)
    result.attach_source(rows.table, lambda retry: partial(_retry_rows, retry, finish))
    return result


def _finish_retry(
    call: MagicCall, rows: RowCalls, session: Session, before: Collection[int], result: BatchResult
) -> BatchResult:
    return finish_batch(result, call, rows, session, before)


def _retry_rows(again: Callable[[], Any], end: Callable[[BatchResult], BatchResult]) -> Any:
    """The rows that were not done, asked again; to await where they ran in the background."""
    made = again()
    return end(made) if isinstance(made, BatchResult) else _await_batch(made, end)


async def _await_batch(
    made: Awaitable[BatchResult], end: Callable[[BatchResult], BatchResult]
) -> BatchResult:
    return end(await made)


def map_rows(rows: RowCalls, options: Options, session: Session) -> BatchResult:
    """All rows' results, waited for; an interrupt ends the run and leaves what is done."""
    call = rows.first_call
    remember_call(call, session)
    asking = session_client(**call.settings)
    found = asking.map(
        call.task.name,
        rows.to_map_inputs(),
        **_build_map_options(call, options, not options["quiet"]),
    )
    return finish_batch(found, call, rows, session)


def map_in_background(rows: RowCalls, options: Options, session: Session) -> BackgroundRun:
    """Start on the rows and return the handle, whose label says how far they are."""
    call = rows.first_call
    remember_call(call, session)
    label = f"each row, {call.label()}"

    def told(progress: Progress) -> None:
        made.label = f"{label}: {progress}"

    batch = background_loop.shared_client(**call.settings).map(
        call.task.name, rows.to_map_inputs(), **_build_map_options(call, options, told)
    )

    async def work() -> BatchResult:
        return finish_batch(await batch, call, rows, session)

    @cache
    def so_far() -> BatchResult:
        return finish_batch(batch.so_far(), call, rows, session)

    made = session.add_run(label, background_loop.submit(with_short_errors(work())), so_far)
    return made


def _build_map_options(call: MagicCall, options: Options, progress: Any) -> dict[str, Any]:
    """The arguments of `map` beside the task and the rows."""
    named = {"model": call.model} if call.model else {}
    chosen = {key: options[key] for key in ("concurrency", "limit", "resume") if key in options}
    return {"progress": progress, **chosen, **named}
