"""The Hub's inference wire: a task's inputs and parameters to a model, and its result back."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from hfwidgets.engine.registry import choose_capability
from hfwidgets.engine.server.engine import Engine
from hfwidgets.engine.server.openai_routes import create_chat_completion
from hfwidgets.engine.server.wire import (
    build_reply,
    encode_event,
    read_task_body,
    run_unless_gone,
    stream_reply,
)


async def run_task(request: Request) -> Response:
    """POST /models/{model} and /models/{model}/pipeline/{task}."""
    model, task = request.path_params.get("model", ""), request.path_params.get("task")
    capability, task = choose_capability(model, task)
    if task == "chat-completion":
        return await create_chat_completion(request)
    inputs, parameters, stream = await read_task_body(request)
    engine: Engine = request.app.state.engine
    if stream:
        items = engine.stream_task(capability, task, inputs, parameters)
        return await stream_reply(
            request, _encode_items(items), model=capability.model, openai=False
        )
    work = engine.run_task(capability, task, inputs, parameters)
    return build_reply(await run_unless_gone(request, work), capability.model)


async def _encode_items(items: AsyncGenerator[Any]) -> AsyncGenerator[bytes]:
    async with aclosing(items):
        async for item in items:
            yield encode_event(item)
