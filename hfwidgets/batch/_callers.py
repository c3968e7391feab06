"""Makes one row's call: on an event loop, in threads, or by an executor's workers."""

import concurrent.futures
import dataclasses
import itertools
from asyncio import Future, get_running_loop
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from hfwidgets.batch._row_arguments import Arguments
from hfwidgets.batch._worker import CallerSpec, Outcome, call_task, rebuild_result
from hfwidgets.calls.call import Call
from hfwidgets.calls.caller import AsyncCaller, SyncCaller
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


RowCaller = Callable[[Arguments], Awaitable[Answer]]


class SubmittedCall(Protocol):
    """A call at an executor, as `concurrent.futures`, Dask and the like return it."""

    def add_done_callback(self, callback: Callable[[Any], object], /) -> object: ...
    def cancel(self) -> object: ...
    def result(self) -> Outcome: ...


def without_retries(settings: Settings) -> Settings:
    """Return settings for calls that the scheduler repeats, since it sees all rows' refusals."""
    return dataclasses.replace(settings, max_retries=0)


def build_loop_caller(caller: AsyncCaller, task: BaseTask) -> RowCaller:
    """Return a function that calls on the running event loop."""
    settings = without_retries(caller.settings)

    async def call_row(arguments: Arguments) -> Answer:
        call = Call(settings, task)
        return _build_answer(await caller.run(task, task.flow(None, **arguments), call), call)

    return call_row


def build_thread_caller(
    caller: SyncCaller, pool: concurrent.futures.Executor, task: BaseTask
) -> RowCaller:
    """Return a function that calls in threads, for the user's own HTTP client, which blocks."""
    settings = without_retries(caller.settings)

    def call_blocking(arguments: Arguments) -> Answer:
        call = Call(settings, task)
        return _build_answer(caller.run(task, task.flow(None, **arguments), call), call)

    async def call_row(arguments: Arguments) -> Answer:
        return await get_running_loop().run_in_executor(pool, call_blocking, arguments)

    return call_row


def build_worker_caller(settings: Settings, executor: Any, task: BaseTask) -> RowCaller:
    """Return a function that submits to an executor or a pool."""
    spec = CallerSpec.from_settings(settings)
    numbers = itertools.count()

    async def call_row(arguments: Arguments) -> Answer:
        # The number makes two tries of a row differ: Dask answers equal calls only once.
        submitted = _submit_call(executor, spec, task.name, arguments, next(numbers))
        raw, provenance = (await _await_outcome(submitted)).unwrap()
        # Building a result may read the row's files, which would block the loop.
        loop = get_running_loop()
        result = await loop.run_in_executor(None, rebuild_result, task, arguments, raw, provenance)
        return Answer(result, raw, provenance)

    return call_row


def _submit_call(executor: Any, *arguments: Any) -> SubmittedCall:
    """Submit `call_task` by `submit` or, as pools have it, by `apply_async`."""
    # Executors have `submit` (concurrent.futures, Dask, loky), pools only `apply_async`.
    if hasattr(executor, "submit"):
        submitted: SubmittedCall = executor.submit(call_task, *arguments)
        return submitted
    future: concurrent.futures.Future[Outcome] = concurrent.futures.Future()
    future.set_running_or_notify_cancel()  # a pool cannot cancel what it has accepted
    executor.apply_async(
        call_task, arguments, callback=future.set_result, error_callback=future.set_exception
    )
    return future


async def _await_outcome(submitted: SubmittedCall) -> Outcome:
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
