"""Holds the state of one run: its rows, what is stored of them, and how the run ends."""

import asyncio
import concurrent.futures
import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from hfwidgets import errors
from hfwidgets.batch import _journal
from hfwidgets.batch._callers import (
    Answer,
    RowsCaller,
    build_loop_caller,
    build_thread_caller,
    build_worker_caller,
)
from hfwidgets.batch._concurrency import Limiter
from hfwidgets.batch._group_size import INITIAL_SIZE, MAX_SIZE, GroupSize
from hfwidgets.batch._journal import Journal
from hfwidgets.batch._options import MapOptions
from hfwidgets.batch._progress import FINISHED, Progress
from hfwidgets.batch._result import BatchResult, BatchRow, StoredRows, read_row
from hfwidgets.batch._row_arguments import Arguments, RowSource, can_share_request
from hfwidgets.batch._row_identity import row_key
from hfwidgets.batch._scheduler import Job, RowFeed, Scheduler
from hfwidgets.batch._worker import Failure
from hfwidgets.calls.caller import AsyncCaller, Caller
from hfwidgets.calls.known_secrets import collect_secrets
from hfwidgets.calls.routing import default_provider
from hfwidgets.core.counts import format_count
from hfwidgets.errors.secrets import redact_data
from hfwidgets.errors.user_warnings import warn
from hfwidgets.recorder import fingerprint

MAX_CONCURRENCY = 64
"""The maximum number of concurrent calls where the caller sets none."""

INITIAL_CONCURRENCY = 8
"""The number of concurrent calls that such a run begins with."""

MAX_ROWS = 1024
"""The maximum number of rows under way where the caller sets no number of calls."""

PREFETCH_ROWS = 256
"""How many rows are read from their source before their turn."""

FSYNC_INTERVAL = 1.0
"""The time between two synchronizations of the disk, in seconds."""

NO_KEY = "0" * 15 + "1"
"""The key of rows without arguments."""

Store = Callable[[Journal], None]
"""Writes one row's line."""


class Batch:
    """The rows of one run on their way through a task.

    Rows change on the event loop only, apart from those that need no call: these are settled where
    the source is read.

    Args:
        caller: The settings and connections of the calls.
        options: The arguments of `map`.
        earlier: The run that this one repeats: its answered rows are not processed again.
    """

    def __init__(self, caller: Caller, options: MapOptions, earlier: "Batch | None" = None) -> None:
        self.caller, self.options = caller, options
        self.source: RowSource = earlier.source if earlier is not None else _open_source(options)
        self.rows = _copy_rows(earlier) if earlier is not None else {}
        self.keeps_rows = options.collect
        # Lines that the disk did not accept: written as soon as it does. Their rows stay in memory.
        self._unstored: dict[int, Store] = {
            index: store
            for index, store in (earlier._unstored if earlier is not None else {}).items()
            if index in self.rows
        }
        self.journal = self._open_journal()
        self.progress = Progress(self.source.total)
        states = [row.state for row in self.rows.values()]
        self.progress.done = self.progress.stored = states.count("done")
        # A failed row with arguments is called again; one without can only fail once more.
        self.progress.failed = sum(row.arguments is None for row in self.rows.values())
        self.scheduler = Scheduler(
            feed=RowFeed(self._iter_jobs(), prefetch=PREFETCH_ROWS),
            # How rows are called depends on the loop, so `drive` replaces this.
            call_rows=_raise_not_started,
            can_share=self._can_share,
            limiter=Limiter(
                options.concurrency or MAX_CONCURRENCY, options.concurrency or INITIAL_CONCURRENCY
            ),
            group_size=GroupSize(
                options.batch_size or INITIAL_SIZE, options.batch_size or MAX_SIZE
            ),
            # In memory are the rows of all calls under way: a bound where the user sets none.
            max_rows=MAX_ROWS if options.concurrency is None else None,
            progress=self.progress,
            on_answer=self._save_answer,
            on_failure=self._save_failure,
        )
        self.on_change: Callable[[], None] = _ignore_change
        self._first_error: Exception | None = None
        # Without collected rows a repeated run reads its source from the start again.
        self.next_index = len(self.rows) if options.collect else 0
        self.stop_reason: str | None = None

    def _open_journal(self) -> Journal | None:
        path = self.options.resume
        if path is None:
            return None
        settings = self.caller.settings
        journal = Journal(path, self._build_header(), collect_secrets(settings))
        if journal.storage_error is not None and not self.options.collect:
            journal.close()
            raise errors.ConfigurationError(
                f"Rows cannot be stored in {path}: {journal.storage_error.strerror}. Pass resume= "
                "another path, or leave collect=False out to keep the rows in memory."
            )
        return journal

    def _build_header(self) -> dict[str, Any]:
        """Return what a stored answer depends on besides its row."""
        settings, parameters = self.caller.settings, self.options.parameters
        model = parameters.get("model") or settings.model
        own = {name: value for name, value in parameters.items() if name != "model"}
        hidden = collect_secrets(settings)
        return {
            "task": self.options.task.name,
            # The user part and the query of an endpoint's URL may hold keys.
            "model": fingerprint.bare_url(model) if model and "://" in model else model,
            "provider": default_provider(settings),
            # The file holds redacted text, so a later run must compare redacted text with it.
            "parameters": redact_data(fingerprint.to_plain(own), hidden),
        }

    def _iter_jobs(self) -> Iterator[Job | None]:
        """Yield the rows that need a call, and None for each row that is settled without one."""
        # A copy: while this generator waits between two rows, answers add and delete rows.
        for row in [row for row in self.rows.values() if row.state != "done"]:
            if row.arguments is not None:
                row.state, row.error = "pending", None
                yield Job(row.index, row.arguments, self._row_key(row.arguments))
        for arguments in self.source:
            index, self.next_index = self.next_index, self.next_index + 1
            yield self._make_job(index, arguments)

    def _make_job(self, index: int, arguments: Arguments | errors.HfWidgetsError) -> Job | None:
        """Return a row's job; None where the row needs no call."""
        # The source is read from its start again, and this row only waits for the disk.
        if not self.options.collect and index in self._unstored:
            return None
        if isinstance(arguments, errors.HfWidgetsError):
            self._reject_row(index, arguments)
            return None
        try:
            key = self._row_key(arguments)
        except errors.InputError as error:  # a value that has no hash is the row's error
            self._reject_row(index, error)
            return None
        if (row := self._find_saved_row(index, key, arguments)) is not None:
            self.progress.done += 1
            self.progress.stored += 1
            self._store_row(row)
            self.on_change()
            return None
        self._store_row(BatchRow(index, arguments))
        return Job(index, arguments, key)

    def _reject_row(self, index: int, error: errors.HfWidgetsError) -> None:
        # Saving the failure updates a row, which must exist before.
        self._store_row(BatchRow(index, None))
        self._save_failure(Job(index, {}, NO_KEY), error)

    def _find_saved_row(self, index: int, key: str, arguments: Arguments) -> BatchRow | None:
        """Return the row as an earlier run answered it; None without a readable answer."""
        if self.journal is None or not self.journal.claim_answer(index, key):
            return None
        # Nothing would hold the row's result, so its line is not even read.
        if not self.keeps_rows:
            return BatchRow(index, arguments, "done")
        try:
            return read_row(index, self.journal, self.options.task, arguments)
        except errors.HfWidgetsError:  # its media files are gone, or the line was edited
            return None

    def _can_share(self, first: Job, other: Job) -> bool:
        return can_share_request(self.options.task, first.arguments, other.arguments)

    def _row_key(self, arguments: Arguments) -> str:
        return row_key(arguments) if self.journal is not None else ""

    def _store_row(self, row: BatchRow) -> None:
        if self.keeps_rows:
            self.rows[row.index] = row

    def _save_answer(self, job: Job, answer: Answer) -> None:
        """Keep an answer; called on the loop."""
        done = BatchRow(job.index, job.arguments, "done", answer.result)
        # On disk before it counts as done: a row that is shown as done survives a kill.
        if self.journal is not None:
            # Before the row is written, which may be long after the user has changed its objects.
            inputs = _journal.serialize_inputs(job.arguments)

            def store(journal: Journal) -> None:
                journal.write_answer(job.index, job.key, inputs, answer.raw, answer.provenance)

            self._write(done, store)
        self._settle(done)
        self.progress.count_answer(getattr(answer.result, "meta", None))
        self.on_change()

    def _save_failure(self, job: Job, error: Exception) -> None:
        """Keep an error; called on the loop, or while rows are read."""
        failed = BatchRow(job.index, job.arguments, "failed", error=error)
        if self.journal is not None:
            inputs = _journal.serialize_inputs(job.arguments)

            def store(journal: Journal) -> None:
                journal.write_failure(job.index, job.key, inputs, Failure.from_error(error))

            self._write(failed, store)
        self._settle(failed)
        self.progress.failed += 1
        if self.options.on_error == "raise" and self._first_error is None:
            self._first_error = error
            self.scheduler.stop_requested = True  # rows under way are canceled
        self.on_change()

    def _settle(self, row: BatchRow) -> None:
        """Update a collected row in place: a consumer may hold it already."""
        if self.keeps_rows:
            stored = self.rows[row.index]
            stored.result, stored.error, stored.state = row.result, row.error, row.state

    def _write(self, row: BatchRow, store: Store) -> None:
        """Write a row's line; where the disk refuses it, keep the row and its line in memory."""
        assert self.journal is not None
        try:
            store(self.journal)
        except OSError:
            self._unstored[row.index] = store
            # With collected rows the entry exists, and a consumer may hold it already.
            self.rows.setdefault(row.index, row)
        else:
            self._unstored.pop(row.index, None)
            self._write_unstored()
        self.progress.unstored = len(self._unstored)

    def _write_unstored(self) -> None:
        """Write the lines that the disk did not accept earlier, up to the first it refuses."""
        if self.journal is None:
            return
        for index, store in list(self._unstored.items()):
            try:
                store(self.journal)
            except OSError:
                return
            del self._unstored[index]
            if not self.keeps_rows:
                del self.rows[index]

    async def drive(self, on_ready: Callable[[], None] | None = None) -> None:
        """Process all rows on the running loop; call `on_ready` once rows can be fed."""
        async with contextlib.AsyncExitStack() as stack:
            # Callbacks run in reverse: the last fsync ends before the file is closed.
            if self.journal is not None:
                stack.callback(self._close_journal)
                ended = asyncio.Event()
                syncing = asyncio.create_task(self._sync_periodically(self.journal, ended))
                stack.push_async_callback(asyncio.wait, {syncing})
                stack.callback(ended.set)
            self.scheduler.call_rows = await self._build_caller(stack)
            # Once rows can be fed, another thread wakes the scheduler through its loop.
            self.scheduler.bind_loop()
            if on_ready is not None:
                on_ready()
            await self.scheduler.drive()

    def _close_journal(self) -> None:
        assert self.journal is not None
        self._write_unstored()
        self.progress.unstored = len(self._unstored)
        self.journal.close()

    async def _build_caller(self, stack: contextlib.AsyncExitStack) -> RowsCaller:
        options, caller = self.options, self.caller
        if options.executor is not None:
            return build_worker_caller(caller.settings, options.executor, options.task)
        if isinstance(caller, AsyncCaller):
            return build_loop_caller(caller, options.task)
        if caller.driver.user_http is not None:
            # The user's HTTP client blocks and belongs to no loop, so its calls run in threads.
            pool = concurrent.futures.ThreadPoolExecutor(self.scheduler.limiter.max_size)
            # Blocking calls cannot be canceled, and an interrupted run must not wait for them.
            stack.callback(pool.shutdown, wait=False)
            return build_thread_caller(caller, pool, options.task)
        # The blocking client's connections belong to threads; this loop needs its own.
        on_loop = AsyncCaller.create(caller.settings)
        stack.push_async_callback(on_loop.driver.close)
        return build_loop_caller(on_loop, options.task)

    async def _sync_periodically(self, journal: Journal, ended: asyncio.Event) -> None:
        while not ended.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), FSYNC_INTERVAL)
            await asyncio.to_thread(journal.sync)  # an fsync can take longer than a call

    def build_result(self, retry: Callable[[], Any]) -> BatchResult:
        """Return the rows so far; `retry` processes again those that are not done."""
        task, journal = self.options.task, self.journal
        rows = [self.rows[index] for index in sorted(self.rows)]
        return BatchResult(
            task,
            rows
            if self.options.collect or journal is None
            else StoredRows(journal, task, self.rows, self.source.total),
            self.progress,
            self.stop_reason,
            self.source.table,
            retry,
        )

    def prepare_rerun(self) -> "Batch":
        """Return a run over the same rows that processes only those that are not done.

        Raises:
            ConfigurationError: the rows came from an iterator and were not collected.
        """
        if not (self.options.collect or self.source.is_repeatable):
            raise errors.ConfigurationError(
                "The rows came from an iterator that is used up: call map() with new ones and the "
                "same resume=."
            )
        self.source.rewind(self.next_index if self.options.collect else 0)
        return Batch(self.caller, self.options, self)

    def conclude(self) -> str:
        """Return how the run ended, in a few words; warn where it ended early.

        Raises:
            Exception: the first row's error with `on_error="raise"`; the reason that the run ended
                where no row is done.
        """
        # Before the errors below, which would hide that finished rows are not on disk.
        self._warn_unstored()
        reason = self.scheduler.end_reason
        if self._first_error is not None:
            raise self._first_error
        if reason is not None and not self.progress.done:
            raise reason
        if reason is not None or self.scheduler.stop_requested:
            self.stop_reason = str(reason) if reason is not None else "interrupted"
            rerun = "retry()" if self.options.resume is None else "the same call"
            rows = format_count(self.progress.done + self.progress.failed, "row")
            warn(
                f"The run ended after {rows}: {self.stop_reason.removesuffix('.')}. "
                f"Finished rows are kept; {rerun} processes the rest.",
            )
        return f"stopped: {self.stop_reason}" if self.stop_reason else FINISHED

    def _warn_unstored(self) -> None:
        """Warn once of rows that are in memory only."""
        if self.journal is None or not self._unstored:
            return
        error = self.journal.storage_error
        reason = (error.strerror if error is not None else None) or "the disk refused them"
        count = len(self._unstored)
        warn(
            f"{count:,} {'row is' if count == 1 else 'rows are'} not stored in "
            f"{self.journal.path}: {reason}. This result is the only place that has them; its "
            "retry() stores them once the disk accepts them.",
        )


def _open_source(options: MapOptions) -> RowSource:
    return RowSource(options.task, options.rows, options.column, options.parameters, options.limit)


def _copy_rows(earlier: Batch) -> dict[int, BatchRow]:
    """Copy the rows of a run for its repetition, so that its result stays unchanged.

    Without collected rows, memory holds the few that the disk did not accept. Of these only the
    answered ones are copied; the failed ones come again with the source.
    """
    return {
        index: dataclasses.replace(row)
        for index, row in sorted(earlier.rows.items())
        if earlier.options.collect or row.state == "done"
    }


async def _raise_not_started(rows: list[Arguments]) -> list[Answer | Exception]:
    raise RuntimeError("The run has not begun.")


def _ignore_change() -> None:
    """Do nothing: rows are collected, so that nothing waits for them one by one."""
