"""A run's rows: where they come from, what is kept of them, and how it ended."""

import asyncio
import concurrent.futures
import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from hfwidgets import errors
from hfwidgets.batch import _journal
from hfwidgets.batch._callers import (
    Answer,
    RowCaller,
    build_loop_caller,
    build_thread_caller,
    build_worker_caller,
)
from hfwidgets.batch._concurrency import Limiter
from hfwidgets.batch._journal import Journal
from hfwidgets.batch._progress import Progress
from hfwidgets.batch._result import BatchResult, Row, StoredRows, read_row
from hfwidgets.batch._scheduler import Job, RowFeed, Scheduler
from hfwidgets.batch._source import Columns, RowSource, is_count
from hfwidgets.batch._worker import Failure
from hfwidgets.calls.caller import AsyncCaller, Caller
from hfwidgets.calls.known_secrets import collect_secrets
from hfwidgets.calls.routing import default_provider
from hfwidgets.errors.secrets import redact_data
from hfwidgets.errors.user_warnings import warn
from hfwidgets.recorder import fingerprint
from hfwidgets.tasks import BaseTask, find

MAX_CONCURRENCY = 64
"""How many calls may be under way at once, where the caller sets no limit."""

INITIAL_CONCURRENCY = 8
"""How many a run begins with then."""

PREFETCH_ROWS = 256
"""How many rows are taken from their source before their turn."""

FSYNC_INTERVAL = 1.0
"""How often the disk is waited for, in seconds."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """How rows are run; see `hfwidgets.map` for what the fields mean."""

    caller: Caller
    task: BaseTask
    parameters: Mapping[str, Any]
    resume: Path | None
    concurrency: int | None
    executor: Any
    on_error: str
    progress: bool | Callable[[Progress], object]
    collect: bool

    def __post_init__(self) -> None:
        if self.on_error not in ("keep", "raise"):
            raise errors.ConfigurationError(
                f"on_error is {self.on_error!r}; it is 'keep' or 'raise'."
            )
        if self.concurrency is not None and not is_count(self.concurrency, least=1):
            raise errors.ConfigurationError(
                f"concurrency is {self.concurrency!r}; it is a whole number, at least 1, or None "
                "to find out."
            )
        if not self.collect and self.resume is None:
            raise errors.ConfigurationError(
                "collect=False keeps no row in memory: pass resume= with the file to keep them in, "
                "or go through the rows of the async client with 'async for'."
            )

    def header(self) -> dict[str, Any]:
        """What a file of rows says of them."""
        settings = self.caller.settings
        model = self.parameters.get("model") or settings.model
        own = {name: value for name, value in self.parameters.items() if name != "model"}
        hidden = collect_secrets(settings)
        return {
            "task": self.task.name,
            "model": fingerprint.bare_url(model) if model and "://" in model else model,
            "provider": default_provider(settings),
            "parameters": redact_data(fingerprint.to_plain(own), hidden),
        }


class Batch:
    """Rows on their way through a task.

    Args:
        plan: how they are run.
        source: where they come from.
        known: the rows of an earlier run, of which those that are not done are asked again.
    """

    def __init__(self, plan: Plan, source: RowSource, known: list[Row] | None = None) -> None:
        self.plan = plan
        self.source = source
        self.rows: dict[int, Row] = {row.index: row for row in known or ()}
        self.keeps_rows = plan.collect
        self.journal = self._open_journal()
        self.progress = Progress(source.total)
        self.progress.done = self.progress.kept = sum(r.state == "done" for r in known or ())
        self.progress.failed = sum(r.arguments is None for r in known or ())
        most = plan.concurrency or MAX_CONCURRENCY
        self.scheduler = Scheduler(
            feed=RowFeed(self._iter_jobs(), prefetch=PREFETCH_ROWS),
            call_row=_raise_not_started,
            limiter=Limiter(most, plan.concurrency or INITIAL_CONCURRENCY),
            progress=self.progress,
            on_answer=self._save_answer,
            on_failure=self._save_failure,
        )
        self.on_change: Callable[[], None] = _do_nothing
        self.restart: Callable[[Batch], Any]
        self._first_error: Exception | None = None
        self._next_index = len(self.rows)
        self.stop_reason: str | None = None

    def _open_journal(self) -> Journal | None:
        if self.plan.resume is None:
            return None
        hidden = collect_secrets(self.plan.caller.settings)
        return Journal(self.plan.resume, self.plan.header(), hidden)

    def _iter_jobs(self) -> Iterator[Job | None]:
        """The rows that are to be asked; the others find their place on the way."""
        for row in [row for row in self.rows.values() if row.state != "done"]:
            if row.arguments is not None:
                row.state, row.error = "pending", None
                yield Job(row.index, row.arguments, self._row_key(row.arguments))
        for arguments in self.source:
            index, self._next_index = self._next_index, self._next_index + 1
            yield self._make_job(index, arguments)

    def _make_job(
        self, index: int, arguments: dict[str, Any] | errors.HfWidgetsError
    ) -> Job | None:
        """A row's job; None where the row needs no call."""
        if isinstance(arguments, Exception):
            self._store_row(Row(index, None))
            self._save_failure(Job(index, {}, "1"), arguments)
            return None
        key = self._row_key(arguments)
        if (row := self._find_saved_row(index, key, arguments)) is not None:
            self.progress.done += 1
            self.progress.kept += 1
            self._store_row(row)
            self.on_change()
            return None
        self._store_row(Row(index, arguments))
        return Job(index, arguments, key)

    def _find_saved_row(self, index: int, key: str, arguments: dict[str, Any]) -> Row | None:
        """The row as an earlier run answered it; None where it has no answer that can be read."""
        if self.journal is None or not self.journal.claim_answer(index, key):
            return None
        if not self.keeps_rows:
            return Row(index, arguments, "done")
        try:
            return read_row(index, self.journal, self.plan.task, arguments)
        except errors.OutputError:  # its files are gone
            return None

    def _row_key(self, arguments: dict[str, Any]) -> str:
        return _journal.row_key(arguments) if self.journal is not None else ""

    def _store_row(self, row: Row) -> None:
        if self.keeps_rows:
            self.rows[row.index] = row

    def _save_answer(self, job: Job, answer: Answer) -> None:
        """Keep an answer; called on the loop."""
        if self.journal is not None:
            inputs = _journal.serialize_inputs(job.arguments)
            self.journal.write_answer(job.index, job.key, inputs, answer.raw, answer.provenance)
        if self.keeps_rows:
            row = self.rows[job.index]
            row.result, row.state = answer.result, "done"
        self.progress.count_answer(getattr(answer.result, "meta", None))
        self.on_change()

    def _save_failure(self, job: Job, error: Exception) -> None:
        """Keep an error; called on the loop, or while rows are taken."""
        if self.journal is not None:
            inputs = _journal.serialize_inputs(job.arguments)
            self.journal.write_failure(job.index, job.key, inputs, Failure.from_error(error))
        if self.keeps_rows:
            row = self.rows[job.index]
            row.error, row.state = error, "failed"
        self.progress.failed += 1
        if self.plan.on_error == "raise" and self._first_error is None:
            self._first_error = error
            self.scheduler.stop_requested = True
        self.on_change()

    async def drive(self, ready: Callable[[], None] | None = None) -> None:
        """Ask all rows on the running loop."""
        async with contextlib.AsyncExitStack() as stack:
            if self.journal is not None:
                stack.callback(self.journal.close)
                over = asyncio.Event()
                syncing = asyncio.create_task(self._sync_periodically(over))
                stack.push_async_callback(asyncio.wait, {syncing})
                stack.callback(over.set)
            self.scheduler.call_row = await self._build_caller(stack)
            self.scheduler.bind_loop()
            if ready is not None:
                ready()
            await self.scheduler.drive()

    async def _build_caller(self, stack: contextlib.AsyncExitStack) -> RowCaller:
        plan, caller = self.plan, self.plan.caller
        if plan.executor is not None:
            return build_worker_caller(caller.settings, plan.executor, plan.task)
        if isinstance(caller, AsyncCaller):
            return build_loop_caller(caller, plan.task)
        if caller.driver.user_http is not None:
            pool = concurrent.futures.ThreadPoolExecutor(self.scheduler.limiter.max_size)
            stack.callback(pool.shutdown, wait=False)
            return build_thread_caller(caller, pool, plan.task)
        on_loop = AsyncCaller.create(caller.settings)
        stack.push_async_callback(on_loop.driver.close)
        return build_loop_caller(on_loop, plan.task)

    async def _sync_periodically(self, over: asyncio.Event) -> None:
        assert self.journal is not None
        while not over.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), FSYNC_INTERVAL)
            await asyncio.to_thread(self.journal.sync)

    def result(self) -> BatchResult:
        """The rows so far."""
        rows = [self.rows[index] for index in sorted(self.rows)]
        task, journal = self.plan.task, self.journal
        stored = (
            None
            if self.plan.collect or journal is None
            else StoredRows(journal, task, task.inputs[0], self.source.total)
        )
        return BatchResult(
            task,
            rows if stored is None else stored,
            self.progress,
            self.stop_reason,
            self.source.table,
            self._rerun,
        )

    def _rerun(self) -> Any:
        """The same rows, where those that are done are not asked again."""
        if not (self.plan.collect or self.source.is_repeatable):
            raise errors.ConfigurationError(
                "The rows came from an iterator that is used up: call map() with new ones and the "
                "same resume=."
            )
        self.source.rewind(self._next_index if self.plan.collect else 0)
        known = [dataclasses.replace(self.rows[index]) for index in sorted(self.rows)]
        batch = Batch(self.plan, self.source, known)
        return self.restart(batch)

    def conclude(self) -> str:
        """Say how the run ended.

        Raises:
            Exception: the first error, where rows' errors are raised; what ended the run, where no
                row is done.
        """
        reason = self.scheduler.end_reason
        if self._first_error is not None:
            raise self._first_error
        if reason is not None and not self.progress.done:
            raise reason
        if reason is not None or self.scheduler.stop_requested:
            self.stop_reason = str(reason) if reason is not None else "interrupted"
            how = "retry() goes on" if self.plan.resume is None else "the same call goes on"
            warn(
                f"The run ended after {self.progress.done + self.progress.failed:,} rows: "
                f"{self.stop_reason} What is done is kept; {how}.",
            )
        return f"stopped: {self.stop_reason}" if self.stop_reason else "finished"


def prepare(
    caller: Caller,
    task: str,
    rows: Any,
    *,
    column: Columns = None,
    resume: str | os.PathLike[str] | None = None,
    concurrency: int | None = None,
    executor: Any = None,
    on_error: str = "keep",
    progress: bool | Callable[[Progress], object] = True,
    limit: int | None = None,
    collect: bool = True,
    **parameters: Any,
) -> Batch:
    """A run that is ready to be driven; see `hfwidgets.map`."""
    found = find(task)
    plan = Plan(
        caller,
        found,
        parameters,
        Path(resume).expanduser() if resume is not None else None,
        concurrency,
        executor,
        on_error,
        progress,
        collect,
    )
    return Batch(plan, RowSource(found, rows, column, parameters, limit))


async def _raise_not_started(arguments: dict[str, Any]) -> Answer:
    raise RuntimeError("The run has not begun.")


def _do_nothing() -> None:
    """Nobody wants to know."""
