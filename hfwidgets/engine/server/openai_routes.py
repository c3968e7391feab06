"""OpenAI's routes: chat, completions, embeddings, models; and the engine's health."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from hfwidgets._version import __version__
from hfwidgets.engine.base.capability import Capability, Kit
from hfwidgets.engine.base.http_errors import RefusedError, bad
from hfwidgets.engine.chat import chat, completions
from hfwidgets.engine.registry import chosen, everything, names, served
from hfwidgets.engine.server.engine import Engine
from hfwidgets.engine.server.parameters import record
from hfwidgets.engine.server.wire import DONE, event_of, json_body, reply, streamed, unless_gone
from hfwidgets.engine.text.minilm import MiniLM, Texts, embedded, encoded

Body = chat.ChatBody | completions.CompletionBody
Json = dict[str, Any]


async def chat_completions(request: Request) -> Response:
    """POST /v1/chat/completions."""
    body = await json_body(request)
    capability = _model(request, body, "chat-completion")
    asked = record(chat.ChatBody, body, "chat completion", chat.HARMLESS)
    return await _generated(request, capability, asked, chat.answer, chat.chunks)


async def text_completions(request: Request) -> Response:
    """POST /v1/completions."""
    body = await json_body(request)
    capability = _model(request, body, "text-generation")
    asked = record(completions.CompletionBody, body, "completions", chat.HARMLESS)
    return await _generated(request, capability, asked, completions.answer, completions.chunks)


async def _generated(
    request: Request,
    capability: Capability,
    body: Body,
    answer: Callable[[Kit, Any], Any],
    chunks: Callable[[Kit, Any], AsyncGenerator[Json]],
) -> Response:
    """The answer in one piece or as a stream, whichever the body asks for."""
    engine: Engine = request.app.state.engine
    if body.stream:
        usage = bool(body.stream_options and body.stream_options.include_usage)
        pieces = chunks(engine.kit_for(capability), body)
        events = _events(engine, capability, pieces, usage=usage)
        return await streamed(request, events, model=capability.model, openai=True)

    async def whole() -> Any:
        async with engine.turn(capability):
            return await answer(engine.kit_for(capability), body)

    return reply(await unless_gone(request, whole()), capability.model)


async def _events(
    engine: Engine, capability: Capability, chunks: AsyncGenerator[Json], *, usage: bool
) -> AsyncGenerator[bytes]:
    """The chunks as events; the last one, with the usage, only when it was asked for."""
    async with engine.turn(capability), aclosing(chunks):
        async for chunk in chunks:
            if usage or "usage" not in chunk:
                yield event_of(chunk)
    yield DONE


class EmbeddingBody(msgspec.Struct):
    """An embeddings request; the vectors always have the model's own 384 dimensions."""

    input: str | Texts
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: Literal[384] = 384


async def embeddings(request: Request) -> Response:
    """POST /v1/embeddings."""
    body = await json_body(request)
    capability = _model(request, body, "feature-extraction", own=True)
    asked = record(EmbeddingBody, body, "embeddings", chat.HARMLESS)
    engine: Engine = request.app.state.engine
    texts = [asked.input] if isinstance(asked.input, str) else asked.input
    vectors, tokens = await unless_gone(
        request, engine.compute(capability, lambda: embedded(engine.kit.get(MiniLM), texts))
    )
    data = [
        {"object": "embedding", "index": index, "embedding": encoded(vector, asked.encoding_format)}
        for index, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    whole = {"object": "list", "data": data, "model": capability.model, "usage": usage}
    return reply(whole, capability.model)


def _model(request: Request, body: Json, task: str, *, own: bool = False) -> Capability:
    """The capability for the model named in the path, else in the body; the name must be a text."""
    name = request.path_params.get("model") or body.get("model") or ""
    if not isinstance(name, str):
        raise bad("model must be a text.", "model")
    return chosen(name, task, own=own)[0]


async def models(request: Request) -> Response:
    """GET /v1/models."""
    created = request.app.state.engine.started
    listed: dict[str, Json] = {}
    for capability in everything():
        if capability.available() is None:
            entry = listed.setdefault(capability.model, _entry(capability, created))
            entry["tasks"] += [task for task in capability.serves if task not in entry["tasks"]]
            entry["installed"] = entry["installed"] and not capability.missing
    return reply({"object": "list", "data": list(listed.values())})


async def model(request: Request) -> Response:
    """GET /v1/models/{id}."""
    name = request.path_params["model"]
    for capability in everything():
        if name in names(capability):
            return reply(_entry(capability, request.app.state.engine.started), capability.model)
    raise RefusedError(404, f"The embedded engine has no model {name!r}.", kind="model_not_found")


def _entry(capability: Capability, created: int) -> Json:
    return {
        "id": capability.model,
        "object": "model",
        "created": created,
        "owned_by": "hfwidgets",
        "tasks": list(capability.serves),
        "languages": list(capability.languages),
        "licence": capability.licence,
        "limits": capability.limits,
        "installed": not capability.missing,
    }


async def health(request: Request) -> Response:
    """GET /health."""
    engine: Engine = request.app.state.engine
    state = {
        "status": "ok",
        "version": __version__,
        "tasks": served(),
        "loaded": engine.loaded(),
        "working": engine.chats.inside + engine.others.inside,
        "waiting": engine.chats.queued + engine.others.queued,
    }
    return reply(state)
