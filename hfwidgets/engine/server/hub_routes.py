"""Serve the Hub's inference wire: a task's inputs and parameters in, its result out."""

import base64
import binascii
import typing
from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from hfwidgets.engine.base.http_errors import RefusedError, bad_request
from hfwidgets.engine.registry import (
    DEFAULT_MODEL_NAMES,
    choose_capability,
    find_capabilities,
    list_served_tasks,
)
from hfwidgets.engine.server.bodies import TaskRequest, read_task_request
from hfwidgets.engine.server.engine import Engine
from hfwidgets.engine.server.openai_routes import create_chat_completion
from hfwidgets.engine.server.parameters import check_arguments, input_type
from hfwidgets.engine.server.wire import build_reply, encode_event, run_unless_gone, stream_reply
from hfwidgets.media import sniff


async def run_task(request: Request) -> Response:
    """POST /, /models/{model} and /models/{model}/pipeline/{task}."""
    model, task = request.path_params.get("model", ""), request.path_params.get("task")
    if task == "chat-completion":
        return await create_chat_completion(request)
    if task is not None or model not in DEFAULT_MODEL_NAMES:
        # Before the body is read: an unknown name must not wait for a long upload.
        choose_capability(model, task)
    body = await read_task_request(request)
    if task is None and model in DEFAULT_MODEL_NAMES:
        if isinstance(body.inputs, dict) and "messages" in body.inputs:
            return await create_chat_completion(request)
        task = _infer_task(request, body)
    capability, task = choose_capability(model, task)
    engine: Engine = request.app.state.engine
    if body.stream:
        items = engine.stream_task(capability, task, body.inputs, body.parameters)
        return await stream_reply(
            request, _encode_items(items), model=capability.model, openai=False
        )
    work = engine.run_task(capability, task, body.inputs, body.parameters)
    return build_reply(await run_unless_gone(request, work), capability.model)


async def _encode_items(items: AsyncGenerator[object]) -> AsyncGenerator[bytes]:
    async with aclosing(items):
        async for item in items:
            yield encode_event(item)


def _infer_task(request: Request, body: TaskRequest) -> str:
    """Return the one task that the request fits; 400 if it fits none or several.

    Clients that know only the engine's address send every task there without its name. Most texts
    and files could be meant for several tasks, and the wrong one would answer with nonsense.
    """
    fitting = [task for task in list_served_tasks() if _fits(task, body)]
    if len(fitting) == 1:
        return fitting[0]
    found = f"fits several tasks: {', '.join(fitting)}" if fitting else "fits none of its tasks"
    raise bad_request(
        f"{request.url.path} does not name a task, and this request {found}. Send it to "
        f"{request.base_url}models/default/pipeline/TASK, which can also be a client's model.",
        "inputs",
    )


def _fits(task: str, body: TaskRequest) -> bool:
    """True if a task takes these inputs and parameters, judged by its function's annotations."""
    capability = find_capabilities(task)[0]
    if task == "chat-completion" or (body.stream is not None and task not in capability.streams):
        return False
    function = capability.serves[task]
    wanted = input_type(function)
    if _is_loose_match(body.inputs, wanted):
        return False
    try:
        check_arguments(function, task, body.inputs, body.parameters)
    except RefusedError:
        return False
    return True


def _is_loose_match(inputs: object, wanted: object) -> bool:
    """True for inputs that would be converted, although they hardly mean this type.

    A Struct ignores keys that it does not declare, and many words are valid base64.
    """
    if isinstance(inputs, dict):
        return not any(inputs.keys() <= set(fields) for fields in _struct_fields(wanted))
    if isinstance(inputs, str) and wanted is bytes:
        try:
            return sniff(base64.b64decode(inputs, validate=True)[:4096]) in (None, "text/plain")
        except binascii.Error:
            return True
    return False


def _struct_fields(wanted: object) -> list[tuple[str, ...]]:
    """Return the field names of a Struct, or of the Structs in a union or annotated type."""
    parts = [wanted, *typing.get_args(wanted)]
    return [
        part.__struct_fields__
        for part in parts
        if isinstance(part, type) and issubclass(part, msgspec.Struct)
    ]
