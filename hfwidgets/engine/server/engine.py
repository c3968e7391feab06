"""One engine at work: the loaded models, and the queues before them."""

import functools
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar

import anyio

from hfwidgets.engine import registry
from hfwidgets.engine.base.capability import Capability, Kit, is_async
from hfwidgets.engine.base.http_errors import bad
from hfwidgets.engine.base.weights import WEIGHTS
from hfwidgets.engine.chat import chat, messages
from hfwidgets.engine.chat.llama import PARALLEL, Llama, Style
from hfwidgets.engine.server import memory
from hfwidgets.engine.server.clients import Clients
from hfwidgets.engine.server.parameters import checked
from hfwidgets.engine.server.request_queue import Gate

T = TypeVar("T")

QUEUE = 32
"""Requests that may wait for their turn, of each kind."""

THREADS = 2
"""Requests that compute at once beside the chat model."""


class Engine:
    """What an engine's process holds."""

    def __init__(self) -> None:
        style = Style(messages.SYSTEM, unrepeated=1.1)
        self.kit = Kit(Llama(lambda: WEIGHTS["smollm2"].path("model.gguf"), chat.MODEL, style))
        self.clients = Clients()
        self.started = int(time.time())
        self.chats = Gate(PARALLEL, QUEUE)
        self.others = Gate(THREADS, QUEUE)

    def loaded(self) -> list[str]:
        """The names of the models that are in memory."""
        own = [one.llama.name for one in registry.brought() if one.llama and one.llama.up]
        return self.kit.loaded() + own

    def gate(self, capability: Capability) -> Gate:
        """The queue before a capability."""
        return self.chats if capability.chats else self.others

    def kit_for(self, capability: Capability) -> Kit:
        """The loaded models, with the chat model that this capability runs on."""
        return self.kit.beside(capability.llama) if capability.llama else self.kit

    async def run(
        self, capability: Capability, task: str, inputs: Any, parameters: Mapping[str, Any]
    ) -> Any:
        """A task's result, once it is this request's turn."""
        function = capability.serves[task]
        inputs, values = checked(function, task, inputs, parameters)
        work = functools.partial(function, self.kit_for(capability), inputs, **values)
        if not is_async(function):
            return await self.compute(capability, work)
        async with self.turn(capability):
            return await work()

    async def compute(self, capability: Capability, work: Callable[[], T]) -> T:
        """What `work` returns, computed in a thread once it is this request's turn."""
        async with self.turn(capability):
            return await anyio.to_thread.run_sync(work)

    async def stream(
        self, capability: Capability, task: str, inputs: Any, parameters: Mapping[str, Any]
    ) -> AsyncGenerator[Any]:
        """A task's result in pieces, once it is this request's turn."""
        if task not in capability.streams:
            raise bad(f"{task} has no streamed form; leave out 'stream'.", "stream")
        function = capability.streams[task]
        inputs, values = checked(function, task, inputs, parameters)
        source = function(self.kit_for(capability), inputs, **values)
        async with self.turn(capability), aclosing(source) as items:
            async for item in items:
                yield item

    @asynccontextmanager
    async def turn(self, capability: Capability) -> AsyncIterator[None]:
        """Hold a place at a capability for the block."""
        async with self.gate(capability).turn():
            yield

    async def rest(self, idle: float) -> None:
        """Let go of the models that nobody used for so many seconds; 0 lets go of all."""
        if self.kit.drop(idle):
            memory.give_back()
        await self.kit.llama.close(idle)
        for capability in registry.brought():
            if capability.llama is not None:
                await capability.llama.close(idle)
