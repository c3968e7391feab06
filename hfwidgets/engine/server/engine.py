"""Run tasks on the loaded models, with a queue before each kind of processor."""

import functools
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar

import anyio

from hfwidgets.core.memory import release_memory
from hfwidgets.engine import registry
from hfwidgets.engine.base.cancellation import raise_if_cancelled
from hfwidgets.engine.base.capability import Capability, LoadedModels, is_async
from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.base.llama import PARALLEL_REQUESTS, ChatStyle, Llama
from hfwidgets.engine.base.weights import WEIGHTS
from hfwidgets.engine.chat import chat, messages
from hfwidgets.engine.server.clients import ClientProcesses
from hfwidgets.engine.server.parameters import check_arguments, takes_one_text
from hfwidgets.engine.server.request_queue import RequestQueue
from hfwidgets.tasks import TASKS

T = TypeVar("T")

MAX_TEXTS = 256
"""Texts that one request may be for."""

MAX_WAITING = 32
"""Requests of each kind that may wait for their turn."""

MAX_THREADS = 2
"""Requests that compute at once, in addition to the chat model's."""


class Engine:
    """The state of an engine's process: models, clients and queues."""

    def __init__(self) -> None:
        style = ChatStyle(messages.SYSTEM_PROMPT, repeat_penalty=1.1)
        self.models = LoadedModels(
            Llama(lambda: WEIGHTS["smollm2"].path("model.gguf"), chat.MODEL, style)
        )
        self.clients = ClientProcesses()
        self.start_time = int(time.time())
        # Two queues, since the chat model's process computes next to the worker threads.
        self.chat_queue = RequestQueue(PARALLEL_REQUESTS, MAX_WAITING)
        self.worker_queue = RequestQueue(MAX_THREADS, MAX_WAITING)

    def loaded_models(self) -> list[str]:
        """Return the names of the models in memory."""
        others = [llama.name for llama in registry.chat_processes() if llama.is_running]
        return self.models.loaded_names() + others

    def queue_for(self, capability: Capability) -> RequestQueue:
        """Return the queue for a capability."""
        return self.chat_queue if capability.uses_chat_model else self.worker_queue

    def models_for(self, capability: Capability) -> LoadedModels:
        """Return the loaded models, with the chat model that this capability uses."""
        return self.models.with_llama(capability.llama) if capability.llama else self.models

    async def run_task(
        self, capability: Capability, task: str, inputs: Any, parameters: Mapping[str, Any]
    ) -> Any:
        """Return a task's result, once it is this request's turn."""
        function = capability.serves[task]
        form = TASKS[task].list_answers if task in TASKS else None
        if form is not None and isinstance(inputs, list) and takes_one_text(function):
            return form.join(await self._run_list(capability, task, inputs, parameters))
        # Before the turn, so that a bad request is refused without waiting in the queue.
        inputs, values = check_arguments(function, task, inputs, parameters)
        work = functools.partial(function, self.models_for(capability), inputs, **values)
        if not is_async(function):
            return await self.run_in_thread(capability, work)
        async with self.hold_turn(capability):
            return await work()

    async def _run_list(
        self, capability: Capability, task: str, inputs: list[Any], parameters: Mapping[str, Any]
    ) -> list[Any]:
        """Return a task's results for several texts, computed in one turn."""
        if not 0 < len(inputs) <= MAX_TEXTS:
            raise bad_request(
                f"Wrong inputs of {task}: batch size {len(inputs)}; a request is for 1 to "
                f"{MAX_TEXTS} texts.",
                "inputs",
            )
        function, models = capability.serves[task], self.models_for(capability)
        checked = [check_arguments(function, task, text, parameters) for text in inputs]
        if is_async(function):
            async with self.hold_turn(capability):
                return [await function(models, text, **values) for text, values in checked]

        def run_all() -> list[Any]:
            found = []
            for text, values in checked:
                raise_if_cancelled()
                found.append(function(models, text, **values))
            return found

        return await self.run_in_thread(capability, run_all)

    async def run_in_thread(self, capability: Capability, work: Callable[[], T]) -> T:
        """Return the result of `work`, run in a thread once it is this request's turn."""
        async with self.hold_turn(capability):
            # A thread cannot be interrupted: on cancellation this waits until `work` notices it
            # (see base/cancellation.py), and only then frees the turn, since the processor is busy.
            return await anyio.to_thread.run_sync(work)

    async def stream_task(
        self, capability: Capability, task: str, inputs: Any, parameters: Mapping[str, Any]
    ) -> AsyncGenerator[Any]:
        """Yield a task's result in pieces, once it is this request's turn."""
        if task not in capability.streams:
            raise bad_request(f"{task} has no streamed form; leave out 'stream'.", "stream")
        function = capability.streams[task]
        inputs, values = check_arguments(function, task, inputs, parameters)
        source = function(self.models_for(capability), inputs, **values)
        # Left in reverse: the computation is closed before its turn is free again.
        async with self.hold_turn(capability), aclosing(source) as items:
            async for item in items:
                yield item

    @asynccontextmanager
    async def hold_turn(self, capability: Capability) -> AsyncIterator[None]:
        """Hold a capability's slot for the block."""
        async with self.queue_for(capability).hold_turn():
            yield

    async def unload_idle(self, idle: float) -> None:
        """Unload the models not used for this many seconds; 0 unloads all."""
        if self.models.drop_idle(idle):
            release_memory()
        await self.models.llama.close(idle)
        for llama in registry.chat_processes():
            await llama.close(idle)
