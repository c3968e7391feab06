"""The Hub's inference wire: a task's inputs and parameters to a model, and its result back."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from hfwidgets.engine.registry import chosen
from hfwidgets.engine.server.engine import Engine
from hfwidgets.engine.server.openai_routes import chat_completions
from hfwidgets.engine.server.wire import event_of, reply, streamed, task_body, unless_gone


async def run_task(request: Request) -> Response:
    """POST /models/{model} and /models/{model}/pipeline/{task}."""
    model, task = request.path_params.get("model", ""), request.path_params.get("task")
    capability, task = chosen(model, task)
    if task == "chat-completion":
        return await chat_completions(request)
    inputs, parameters, stream = await task_body(request)
    engine: Engine = request.app.state.engine
    if stream:
        items = engine.stream(capability, task, inputs, parameters)
        return await streamed(request, _events(items), model=capability.model, openai=False)
    work = engine.run(capability, task, inputs, parameters)
    return reply(await unless_gone(request, work), capability.model)


async def _events(items: AsyncGenerator[Any]) -> AsyncGenerator[bytes]:
    async with aclosing(items):
        async for item in items:
            yield event_of(item)
