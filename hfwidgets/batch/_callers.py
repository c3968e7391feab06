"""Makes the calls of rows: on an event loop, in threads, or by an executor's workers."""

import concurrent.futures
import dataclasses
import itertools
from asyncio import Future, get_running_loop
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from hfwidgets.batch._row_arguments import Arguments
from hfwidgets.batch._worker import CallerSpec, Failure, Outcome, call_rows, rebuild_result
from hfwidgets.calls.call import Call
from hfwidgets.calls.caller import AsyncCaller, SyncCaller
from hfwidgets.calls.group_call import RowCall
from hfwidgets.calls.settings import Settings
from hfwidgets.recorder.store import Provenance
from hfwidgets.tasks import BaseTask


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """A row's answer.

    Attributes:
        result: The task's result.
        raw: The provider's answer as it came, which is what a journal stores.
        provenance: Who answered.
    """

    result: Any
    raw: Any
    provenance: Provenance


RowsCaller = Callable[[list[Arguments]], Awaitable[list[Answer | Exception]]]
"""Makes the calls of several rows by one request; an error that it raises is that of all rows."""


class SubmittedCall(Protocol):
    """A call at an executor, as `concurrent.futures`, Dask and the like return it."""

    def add_done_callback(self, callback: Callable[[Any], object], /) -> object: ...
    def cancel(self) -> object: ...
    def result(self) -> list[Outcome]: ...


def without_retries(settings: Settings) -> Settings:
    """Return settings for calls that the scheduler repeats, since it sees all rows' refusals."""
    return dataclasses.replace(settings, max_retries=0)


def build_loop_caller(caller: AsyncCaller, task: BaseTask) -> RowsCaller:
    """Return a function that calls on the running event loop."""
    caller = caller.with_settings(without_retries(caller.settings))

    async def call_rows(rows: list[Arguments]) -> list[Answer | Exception]:
        if len(rows) > 1:
            return list(map(_read_call, await caller.run_group(task, rows)))
        call = Call(caller.settings, task)
        return [_build_answer(await caller.run(task, task.flow(None, **rows[0]), call), call)]

    return call_rows


def build_thread_caller(
    caller: SyncCaller, pool: concurrent.futures.Executor, task: BaseTask
) -> RowsCaller:
    """Return a function that calls in threads, for the user's own HTTP client, which blocks."""
    caller = caller.with_settings(without_retries(caller.settings))

    def call_blocking(rows: list[Arguments]) -> list[Answer | Exception]:
        if len(rows) > 1:
            return list(map(_read_call, caller.run_group(task, rows)))
        call = Call(caller.settings, task)
        return [_build_answer(caller.run(task, task.flow(None, **rows[0]), call), call)]

    async def call_rows(rows: list[Arguments]) -> list[Answer | Exception]:
        return await get_running_loop().run_in_executor(pool, call_blocking, rows)

    return call_rows


def build_worker_caller(settings: Settings, executor: Any, task: BaseTask) -> RowsCaller:
    """Return a function that submits to an executor or a pool."""
    spec = CallerSpec.from_settings(settings)
    numbers = itertools.count()

    async def call_rows(rows: list[Arguments]) -> list[Answer | Exception]:
        # The number makes two tries of a row differ: Dask answers equal calls only once.
        submitted = _submit_call(executor, spec, task.name, rows, next(numbers))
        outcomes = await _await_outcomes(submitted)
        # Building a result may read the row's files, which would block the loop.
        return await get_running_loop().run_in_executor(None, _rebuild_all, task, rows, outcomes)

    return call_rows


def _rebuild_all(
    task: BaseTask, rows: list[Arguments], outcomes: list[Outcome]
) -> list[Answer | Exception]:
    # Rows whose request failed together have equal failures, and share one error again.
    shared: dict[Failure, Exception] = {}
    found: list[Answer | Exception] = []
    for arguments, outcome in zip(rows, outcomes, strict=True):
        if outcome.error is not None:
            found.append(shared.setdefault(outcome.error, outcome.error.to_exception()))
            continue
        assert outcome.provenance is not None
        try:
            result = rebuild_result(task, arguments, outcome.raw, outcome.provenance)
        except Exception as error:
            found.append(error)
        else:
            found.append(Answer(result, outcome.raw, outcome.provenance))
    return found


def _submit_call(executor: Any, *arguments: Any) -> SubmittedCall:
    """Submit `call_rows` by `submit` or, as pools have it, by `apply_async`."""
    # Executors have `submit` (concurrent.futures, Dask, loky), pools only `apply_async`.
    if hasattr(executor, "submit"):
        submitted: SubmittedCall = executor.submit(call_rows, *arguments)
        return submitted
    future: concurrent.futures.Future[list[Outcome]] = concurrent.futures.Future()
    future.set_running_or_notify_cancel()  # a pool cannot cancel what it has accepted
    executor.apply_async(
        call_rows, arguments, callback=future.set_result, error_callback=future.set_exception
    )
    return future


async def _await_outcomes(submitted: SubmittedCall) -> list[Outcome]:
    """Wait for a submitted call; canceling the wait cancels the call.

    `asyncio.wrap_future` accepts futures of the standard library only, so this loop is notified by
    a callback, which runs in a thread of the executor.
    """
    loop = get_running_loop()
    is_done: Future[None] = loop.create_future()

    def notify(_: object) -> None:
        # A call that was abandoned may still end after the run.
        if not loop.is_closed():
            loop.call_soon_threadsafe(_resolve_future, is_done)

    submitted.add_done_callback(notify)
    try:
        await is_done
    except BaseException:
        submitted.cancel()
        raise
    return submitted.result()


def _resolve_future(future: "Future[None]") -> None:
    # A canceled wait has resolved the future already.
    if not future.done():
        future.set_result(None)


def _build_answer(result: Any, call: Call) -> Answer:
    meta = getattr(result, "meta", None) or call.meta()
    return Answer(result, call.raw_answer, Provenance.from_meta(meta))


def _read_call(call: RowCall) -> Answer | Exception:
    return call.error if call.error is not None else _build_answer(call.result, call)
