"""A run's rows: where they come from, what is kept of them, and how it ended."""

import asyncio
import concurrent.futures
import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hfwidgets import errors
from hfwidgets.batch import _journal
from hfwidgets.batch._callers import Answer, Ask, by_workers, in_threads, on_loop
from hfwidgets.batch._concurrency import Limiter
from hfwidgets.batch._journal import Journal
from hfwidgets.batch._progress import Progress
from hfwidgets.batch._result import BatchResult, Row, Stored, row_of
from hfwidgets.batch._scheduler import Feed, Job, Run
from hfwidgets.batch._source import Columns, Source, is_count
from hfwidgets.batch._worker import Failure
from hfwidgets.calls.drivers import AsyncDriver
from hfwidgets.calls.routing import default_provider
from hfwidgets.errors.user_warnings import warn
from hfwidgets.recorder import fingerprint
from hfwidgets.tasks import Async, BaseTask, find

if TYPE_CHECKING:
    from hfwidgets.client import AsyncInferenceClient, InferenceClient

MOST = 64
"""How many calls may be under way at once, where the caller sets no limit."""

START = 8
"""How many a run begins with then."""

AHEAD = 256
"""How many rows are taken from their source before their turn."""

FSYNC = 1.0
"""How often the disk is waited for, in seconds."""


@dataclasses.dataclass(frozen=True)
class Plan:
    """How rows are run; see `hfwidgets.batch.map` for what the fields mean."""

    client: "InferenceClient | AsyncInferenceClient"
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
        settings = self.client._settings
        model = self.parameters.get("model") or settings.model
        own = {name: value for name, value in self.parameters.items() if name != "model"}
        hidden = fingerprint.secrets(settings)
        return {
            "task": self.task.name,
            "model": fingerprint.bare_url(model) if model and "://" in model else model,
            "provider": default_provider(settings),
            "parameters": fingerprint.masked(fingerprint.plain(own), hidden),
        }


class Batch:
    """Rows on their way through a task.

    Args:
        plan: how they are run.
        source: where they come from.
        known: the rows of an earlier run, of which those that are not done are asked again.
    """

    def __init__(self, plan: Plan, source: Source, known: list[Row] | None = None) -> None:
        self.plan = plan
        self.source = source
        self.rows: dict[int, Row] = {row.index: row for row in known or ()}
        self.keeps = plan.collect
        self.journal = self._journal()
        self.progress = Progress(source.total)
        self.progress.done = self.progress.kept = sum(r.state == "done" for r in known or ())
        self.progress.failed = sum(r.arguments is None for r in known or ())
        most = plan.concurrency or MOST
        self.run = Run(
            feed=Feed(self._jobs(), ahead=AHEAD),
            ask=_no_ask,
            limiter=Limiter(most, plan.concurrency or START),
            progress=self.progress,
            answered=self._answered,
            failed=self._failed,
        )
        self.moved: Callable[[], None] = _nothing
        self._first: Exception | None = None
        self._next = len(self.rows)
        self.stopped: str | None = None

    def _journal(self) -> Journal | None:
        if self.plan.resume is None:
            return None
        hidden = fingerprint.secrets(self.plan.client._settings)
        return Journal(self.plan.resume, self.plan.header(), hidden)

    def _jobs(self) -> Iterator[Job | None]:
        """The rows that are to be asked; the others find their place on the way."""
        for row in [row for row in self.rows.values() if row.state != "done"]:
            if row.arguments is not None:
                row.state, row.error = "pending", None
                yield Job(row.index, row.arguments, self._key(row.arguments))
        for arguments in self.source:
            index, self._next = self._next, self._next + 1
            yield self._job(index, arguments)

    def _job(self, index: int, arguments: dict[str, Any] | errors.HfWidgetsError) -> Job | None:
        """A row's job; None where the row needs no call."""
        if isinstance(arguments, Exception):
            self._place(Row(index, None))
            self._failed(Job(index, {}, "1"), arguments)
            return None
        key = self._key(arguments)
        if (row := self._kept(index, key, arguments)) is not None:
            self.progress.done += 1
            self.progress.kept += 1
            self._place(row)
            self.moved()
            return None
        self._place(Row(index, arguments))
        return Job(index, arguments, key)

    def _kept(self, index: int, key: str, arguments: dict[str, Any]) -> Row | None:
        """The row as an earlier run answered it; None where it has no answer that can be read."""
        if self.journal is None or not self.journal.found(index, key):
            return None
        if not self.keeps:
            return Row(index, arguments, "done")
        try:
            return row_of(index, self.journal, self.plan.task, arguments)
        except errors.OutputError:  # its files are gone
            return None

    def _key(self, arguments: dict[str, Any]) -> str:
        return _journal.key_of(arguments) if self.journal is not None else ""

    def _place(self, row: Row) -> None:
        if self.keeps:
            self.rows[row.index] = row

    def _answered(self, job: Job, answer: Answer) -> None:
        """Keep an answer; called on the loop."""
        if self.journal is not None:
            inputs = _journal.kept(job.arguments)
            self.journal.answered(job.index, job.key, inputs, answer.raw, answer.served)
        if self.keeps:
            row = self.rows[job.index]
            row.result, row.state = answer.result, "done"
        self.progress.count(getattr(answer.result, "meta", None))
        self.moved()

    def _failed(self, job: Job, error: Exception) -> None:
        """Keep an error; called on the loop, or while rows are taken."""
        if self.journal is not None:
            inputs = _journal.kept(job.arguments)
            self.journal.failed(job.index, job.key, inputs, Failure.of(error))
        if self.keeps:
            row = self.rows[job.index]
            row.error, row.state = error, "failed"
        self.progress.failed += 1
        if self.plan.on_error == "raise" and self._first is None:
            self._first = error
            self.run.stopped = True
        self.moved()

    async def drive(self, ready: Callable[[], None] | None = None) -> None:
        """Ask all rows on the running loop."""
        async with contextlib.AsyncExitStack() as stack:
            if self.journal is not None:
                stack.callback(self.journal.close)
                over = asyncio.Event()
                syncing = asyncio.create_task(self._synced(over))
                stack.push_async_callback(asyncio.wait, {syncing})
                stack.callback(over.set)
            self.run.ask = await self._ask(stack)
            self.run.prepare()
            if ready is not None:
                ready()
            await self.run.drive()

    async def _ask(self, stack: contextlib.AsyncExitStack) -> Ask:
        plan, client = self.plan, self.plan.client
        if plan.executor is not None:
            return by_workers(client, plan.executor, plan.task)
        if isinstance(client, Async):
            return on_loop(client, client._driver, plan.task)
        if client._driver._given is not None:
            pool = concurrent.futures.ThreadPoolExecutor(self.run.limiter.most)
            stack.callback(pool.shutdown, wait=False)
            return in_threads(client, pool, plan.task)
        driver = AsyncDriver()
        stack.push_async_callback(driver.close)
        return on_loop(client, driver, plan.task)

    async def _synced(self, over: asyncio.Event) -> None:
        assert self.journal is not None
        while not over.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), FSYNC)
            await asyncio.to_thread(self.journal.sync)

    def result(self) -> BatchResult:
        """The rows so far."""
        rows = [self.rows[index] for index in sorted(self.rows)]
        task, journal = self.plan.task, self.journal
        stored = (
            None
            if self.plan.collect or journal is None
            else Stored(journal, task, task.inputs[0], self.source.total)
        )
        return BatchResult(
            task,
            rows if stored is None else stored,
            self.progress,
            self.stopped,
            self.source.table,
            self._again,
        )

    def _again(self) -> Any:
        """The same rows, where those that are done are not asked again."""
        if not (self.plan.collect or self.source.repeatable):
            raise errors.ConfigurationError(
                "The rows came from an iterator that is used up: call map() with new ones and the "
                "same resume=."
            )
        self.source.rewind(self._next if self.plan.collect else 0)
        known = [dataclasses.replace(self.rows[index]) for index in sorted(self.rows)]
        batch = Batch(self.plan, self.source, known)
        from hfwidgets.batch._handles import AsyncBatch, blocking  # which knows this module

        return AsyncBatch(batch) if isinstance(self.plan.client, Async) else blocking(batch)

    def conclude(self) -> str:
        """Say how the run ended.

        Raises:
            Exception: the first error, where rows' errors are raised; what ended the run, where no
                row is done.
        """
        reason = self.run.reason
        if self._first is not None:
            raise self._first
        if reason is not None and not self.progress.done:
            raise reason
        if reason is not None or self.run.stopped:
            self.stopped = str(reason) if reason is not None else "interrupted"
            how = "retry() goes on" if self.plan.resume is None else "the same call goes on"
            warn(
                f"The run ended after {self.progress.done + self.progress.failed:,} rows: "
                f"{self.stopped} What is done is kept; {how}.",
            )
        return f"stopped: {self.stopped}" if self.stopped else "finished"


def begun(
    client: "InferenceClient | AsyncInferenceClient",
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
    """A run that is ready to be driven; see `hfwidgets.batch.map`."""
    found = find(task)
    plan = Plan(
        client,
        found,
        parameters,
        Path(resume).expanduser() if resume is not None else None,
        concurrency,
        executor,
        on_error,
        progress,
        collect,
    )
    return Batch(plan, Source(found, rows, column, parameters, limit))


async def _no_ask(arguments: dict[str, Any]) -> Answer:
    raise RuntimeError("The run has not begun.")


def _nothing() -> None:
    """Nobody wants to know."""
