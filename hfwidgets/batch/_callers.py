"""One row's call: on an event loop, in threads, or by an executor's workers."""

import concurrent.futures
import dataclasses
import itertools
from asyncio import Future, get_running_loop
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from hfwidgets.batch._source import Arguments
from hfwidgets.batch._worker import Spec, remade, work
from hfwidgets.calls.call import Call, Deadline
from hfwidgets.calls.drivers import AsyncDriver, SyncDriver
from hfwidgets.calls.settings import Settings
from hfwidgets.client.clients import finished
from hfwidgets.recorder.store import Served
from hfwidgets.tasks import BaseTask

if TYPE_CHECKING:
    from hfwidgets.client import AsyncInferenceClient, InferenceClient


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What came of a row: the task's result, the provider's raw answer, and who gave it."""

    result: Any
    raw: Any
    served: Served


Ask = Callable[[Arguments], Awaitable[Answer]]


def patient(settings: Settings) -> Settings:
    """The settings of a call that a run repeats itself, where all rows are in view."""
    return dataclasses.replace(settings, max_retries=0)


def on_loop(
    client: "InferenceClient | AsyncInferenceClient", driver: AsyncDriver, task: BaseTask
) -> Ask:
    """Calls on the running event loop."""
    settings = patient(client._settings)

    async def ask(arguments: Arguments) -> Answer:
        call = Call(settings, task)
        flow = call.drive(task.flow(client, **arguments))
        return _answer(await driver.run(flow, Deadline(settings.timeout)), call)

    return ask


def in_threads(client: "InferenceClient", pool: concurrent.futures.Executor, task: BaseTask) -> Ask:
    """Calls of a blocking client in threads, for one with an HTTP client of the caller's."""
    settings = patient(client._settings)

    def blocking(arguments: Arguments) -> Answer:
        call = Call(settings, task)
        driver: SyncDriver = client._driver
        flow = call.drive(task.flow(client, **arguments))
        return _answer(driver.run(flow, Deadline(settings.timeout)), call)

    async def ask(arguments: Arguments) -> Answer:
        return await get_running_loop().run_in_executor(pool, blocking, arguments)

    return ask


def by_workers(
    client: "InferenceClient | AsyncInferenceClient", executor: Any, task: BaseTask
) -> Ask:
    """Calls by an executor's or a pool's workers."""
    spec = Spec.of(client._settings)
    numbers = itertools.count()

    async def ask(arguments: Arguments) -> Answer:
        # The number tells two tries of a row apart: some clusters answer equal calls only once.
        submitted = _submitted(executor, spec, task.name, arguments, next(numbers))
        raw, served = (await _awaited(submitted)).unwrapped()
        loop = get_running_loop()
        result = await loop.run_in_executor(None, remade, task, arguments, raw, served)
        return Answer(result, raw, served)

    return ask


def _submitted(executor: Any, *arguments: Any) -> Any:
    """A future of `work`, by `submit` or, as pools have it, by `apply_async`."""
    if hasattr(executor, "submit"):
        return executor.submit(work, *arguments)
    future: concurrent.futures.Future[Any] = concurrent.futures.Future()
    future.set_running_or_notify_cancel()  # a pool takes nothing back
    executor.apply_async(
        work, arguments, callback=future.set_result, error_callback=future.set_exception
    )
    return future


async def _awaited(submitted: Any) -> Any:
    """The result of an executor's future; cancelling the wait cancels the work."""
    loop = get_running_loop()
    done: Future[None] = loop.create_future()

    def tell(_: Any) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(_settle, done)

    submitted.add_done_callback(tell)
    try:
        await done
    except BaseException:
        submitted.cancel()
        raise
    return submitted.result()


def _settle(done: "Future[None]") -> None:
    if not done.done():
        done.set_result(None)


def _answer(result: Any, call: Call) -> Answer:
    result = finished(result, call)
    meta = getattr(result, "meta", None) or call.meta()
    return Answer(result, call.raw, Served.of(meta))
