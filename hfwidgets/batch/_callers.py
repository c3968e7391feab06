"""One row's call: on an event loop, in threads, or by an executor's workers."""

import concurrent.futures
import dataclasses
import itertools
from asyncio import Future, get_running_loop
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from hfwidgets.batch._source import Arguments
from hfwidgets.batch._worker import ClientSpec, call_task, rebuild_result
from hfwidgets.calls.call import Call, Deadline
from hfwidgets.calls.drivers import AsyncDriver, SyncDriver
from hfwidgets.calls.settings import Settings
from hfwidgets.client.clients import with_meta
from hfwidgets.recorder.store import Provenance
from hfwidgets.tasks import BaseTask

if TYPE_CHECKING:
    from hfwidgets.client import AsyncInferenceClient, InferenceClient


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


def build_loop_caller(
    client: "InferenceClient | AsyncInferenceClient", driver: AsyncDriver, task: BaseTask
) -> RowCaller:
    """Calls on the running event loop."""
    settings = without_retries(client._settings)

    async def ask(arguments: Arguments) -> Answer:
        call = Call(settings, task)
        flow = call.drive(task.flow(client, **arguments))
        return _build_answer(await driver.run(flow, Deadline(settings.timeout)), call)

    return ask


def build_thread_caller(
    client: "InferenceClient", pool: concurrent.futures.Executor, task: BaseTask
) -> RowCaller:
    """Calls of a blocking client in threads, for one with an HTTP client of the caller's."""
    settings = without_retries(client._settings)

    def blocking(arguments: Arguments) -> Answer:
        call = Call(settings, task)
        driver: SyncDriver = client._driver
        flow = call.drive(task.flow(client, **arguments))
        return _build_answer(driver.run(flow, Deadline(settings.timeout)), call)

    async def ask(arguments: Arguments) -> Answer:
        return await get_running_loop().run_in_executor(pool, blocking, arguments)

    return ask


def build_worker_caller(
    client: "InferenceClient | AsyncInferenceClient", executor: Any, task: BaseTask
) -> RowCaller:
    """Calls by an executor's or a pool's workers."""
    spec = ClientSpec.from_settings(client._settings)
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
    result = with_meta(result, call)
    meta = getattr(result, "meta", None) or call.meta()
    return Answer(result, call.raw_answer, Provenance.from_meta(meta))
