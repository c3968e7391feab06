"""One row's call: on an event loop, in threads, or by an executor's workers."""

import concurrent.futures
import dataclasses
import itertools
from asyncio import Future, get_running_loop
from collections.abc import Awaitable, Callable
from typing import Any

from hfwidgets.batch._source import Arguments
from hfwidgets.batch._worker import CallerSpec, call_task, rebuild_result
from hfwidgets.calls.call import Call
from hfwidgets.calls.caller import AsyncCaller, SyncCaller
from hfwidgets.calls.settings import Settings
from hfwidgets.recorder.store import Provenance
from hfwidgets.tasks import BaseTask


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What came of a row: the task's result, the provider's raw answer, and who gave it."""

    result: Any
    raw: Any
    provenance: Provenance


RowCaller = Callable[[Arguments], Awaitable[Answer]]


def without_retries(settings: Settings) -> Settings:
    """The settings of a call that a run repeats itself, where all rows are in view."""
    return dataclasses.replace(settings, max_retries=0)


def build_loop_caller(caller: AsyncCaller, task: BaseTask) -> RowCaller:
    """Return a function that calls on the running event loop."""
    settings = without_retries(caller.settings)

    async def ask(arguments: Arguments) -> Answer:
        call = Call(settings, task)
        return _build_answer(await caller.complete(call, task.flow(None, **arguments)), call)

    return ask


def build_thread_caller(
    caller: SyncCaller, pool: concurrent.futures.Executor, task: BaseTask
) -> RowCaller:
    """Return a function that calls in threads, for an HTTP client of the user's that blocks."""
    settings = without_retries(caller.settings)

    def ask_blocking(arguments: Arguments) -> Answer:
        call = Call(settings, task)
        return _build_answer(caller.complete(call, task.flow(None, **arguments)), call)

    async def ask(arguments: Arguments) -> Answer:
        return await get_running_loop().run_in_executor(pool, ask_blocking, arguments)

    return ask


def build_worker_caller(settings: Settings, executor: Any, task: BaseTask) -> RowCaller:
    """Return a function that has an executor's or a pool's workers call."""
    spec = CallerSpec.from_settings(settings)
    numbers = itertools.count()

    async def ask(arguments: Arguments) -> Answer:
        # The number tells two tries of a row apart: some clusters answer equal calls only once.
        submitted = _submit_call(executor, spec, task.name, arguments, next(numbers))
        raw, served = (await _await_result(submitted)).unwrap()
        loop = get_running_loop()
        result = await loop.run_in_executor(None, rebuild_result, task, arguments, raw, served)
        return Answer(result, raw, served)

    return ask


def _submit_call(executor: Any, *arguments: Any) -> Any:
    """A future of `work`, by `submit` or, as pools have it, by `apply_async`."""
    if hasattr(executor, "submit"):
        return executor.submit(call_task, *arguments)
    future: concurrent.futures.Future[Any] = concurrent.futures.Future()
    future.set_running_or_notify_cancel()  # a pool takes nothing back
    executor.apply_async(
        call_task, arguments, callback=future.set_result, error_callback=future.set_exception
    )
    return future


async def _await_result(submitted: Any) -> Any:
    """The result of an executor's future; cancelling the wait cancels the work."""
    loop = get_running_loop()
    done: Future[None] = loop.create_future()

    def tell(_: Any) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(_resolve_future, done)

    submitted.add_done_callback(tell)
    try:
        await done
    except BaseException:
        submitted.cancel()
        raise
    return submitted.result()


def _resolve_future(done: "Future[None]") -> None:
    if not done.done():
        done.set_result(None)


def _build_answer(result: Any, call: Call) -> Answer:
    meta = getattr(result, "meta", None) or call.meta()
    return Answer(result, call.raw_answer, Provenance.from_meta(meta))
