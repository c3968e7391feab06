"""OpenAI's routes: chat, completions, embeddings, models; and the engine's health."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from hfwidgets._version import __version__
from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.http_errors import RefusedError, bad_request
from hfwidgets.engine.chat import chat, completions
from hfwidgets.engine.registry import (
    all_capabilities,
    choose_capability,
    list_served_tasks,
    model_names,
)
from hfwidgets.engine.server.engine import Engine
from hfwidgets.engine.server.parameters import parse_body
from hfwidgets.engine.server.wire import (
    DONE_EVENT,
    build_reply,
    encode_event,
    read_json_body,
    run_unless_gone,
    stream_reply,
)
from hfwidgets.engine.text.minilm import MiniLM, Texts, embed_texts, encode_vector

CompletionRequest = chat.ChatBody | completions.CompletionBody
Json = dict[str, Any]


async def create_chat_completion(request: Request) -> Response:
    """POST /v1/chat/completions."""
    body = await read_json_body(request)
    capability = _find_capability(request, body, "chat-completion")
    asked = parse_body(chat.ChatBody, body, "chat completion", chat.IGNORED_OPENAI_FIELDS)
    return await _generate_reply(request, capability, asked, chat.complete_chat, chat.stream_chat)


async def create_completion(request: Request) -> Response:
    """POST /v1/completions."""
    body = await read_json_body(request)
    capability = _find_capability(request, body, "text-generation")
    asked = parse_body(completions.CompletionBody, body, "completions", chat.IGNORED_OPENAI_FIELDS)
    return await _generate_reply(
        request, capability, asked, completions.complete_prompts, completions.stream_completion
    )


async def _generate_reply(
    request: Request,
    capability: Capability,
    body: CompletionRequest,
    answer: Callable[[LoadedModels, Any], Any],
    chunks: Callable[[LoadedModels, Any], AsyncGenerator[Json]],
) -> Response:
    """The answer in one piece or as a stream, whichever the body asks for."""
    engine: Engine = request.app.state.engine
    if body.stream:
        usage = bool(body.stream_options and body.stream_options.include_usage)
        pieces = chunks(engine.models_for(capability), body)
        events = _encode_chunks(engine, capability, pieces, usage=usage)
        return await stream_reply(request, events, model=capability.model, openai=True)

    async def whole() -> Any:
        async with engine.hold_turn(capability):
            return await answer(engine.models_for(capability), body)

    return build_reply(await run_unless_gone(request, whole()), capability.model)


async def _encode_chunks(
    engine: Engine, capability: Capability, chunks: AsyncGenerator[Json], *, usage: bool
) -> AsyncGenerator[bytes]:
    """The chunks as events; the last one, with the usage, only when it was asked for."""
    async with engine.hold_turn(capability), aclosing(chunks):
        async for chunk in chunks:
            if usage or "usage" not in chunk:
                yield encode_event(chunk)
    yield DONE_EVENT


class EmbeddingBody(msgspec.Struct):
    """An embeddings request; the vectors always have the model's own 384 dimensions."""

    input: str | Texts
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: Literal[384] = 384


async def create_embeddings(request: Request) -> Response:
    """POST /v1/embeddings."""
    body = await read_json_body(request)
    capability = _find_capability(request, body, "feature-extraction", builtin=True)
    asked = parse_body(EmbeddingBody, body, "embeddings", chat.IGNORED_OPENAI_FIELDS)
    engine: Engine = request.app.state.engine
    texts = [asked.input] if isinstance(asked.input, str) else asked.input
    vectors, tokens = await run_unless_gone(
        request,
        engine.run_in_thread(capability, lambda: embed_texts(engine.models.get(MiniLM), texts)),
    )
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": encode_vector(vector, asked.encoding_format),
        }
        for index, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    whole = {"object": "list", "data": data, "model": capability.model, "usage": usage}
    return build_reply(whole, capability.model)


def _find_capability(
    request: Request, body: Json, task: str, *, builtin: bool = False
) -> Capability:
    """The capability for the model named in the path, else in the body; the name must be a text."""
    name = request.path_params.get("model") or body.get("model") or ""
    if not isinstance(name, str):
        raise bad_request("model must be a text.", "model")
    return choose_capability(name, task, builtin=builtin)[0]


async def list_models(request: Request) -> Response:
    """GET /v1/models."""
    created = request.app.state.engine.start_time
    listed: dict[str, Json] = {}
    for capability in all_capabilities():
        if capability.why_unavailable() is None:
            entry = listed.setdefault(capability.model, _model_entry(capability, created))
            entry["tasks"] += [task for task in capability.serves if task not in entry["tasks"]]
            entry["installed"] = entry["installed"] and not capability.missing_weights
    return build_reply({"object": "list", "data": list(listed.values())})


async def retrieve_model(request: Request) -> Response:
    """GET /v1/models/{id}."""
    name = request.path_params["model"]
    for capability in all_capabilities():
        if name in model_names(capability):
            return build_reply(
                _model_entry(capability, request.app.state.engine.start_time), capability.model
            )
    raise RefusedError(404, f"The embedded engine has no model {name!r}.", kind="model_not_found")


def _model_entry(capability: Capability, created: int) -> Json:
    return {
        "id": capability.model,
        "object": "model",
        "created": created,
        "owned_by": "hfwidgets",
        "tasks": list(capability.serves),
        "languages": list(capability.languages),
        "license": capability.license,
        "limits": capability.limits,
        "installed": not capability.missing_weights,
    }


async def check_health(request: Request) -> Response:
    """GET /health."""
    engine: Engine = request.app.state.engine
    state = {
        "status": "ok",
        "version": __version__,
        "tasks": list_served_tasks(),
        "loaded": engine.loaded_models(),
        "working": engine.chat_queue.working_count + engine.worker_queue.working_count,
        "waiting": engine.chat_queue.waiting_count + engine.worker_queue.waiting_count,
    }
    return build_reply(state)
