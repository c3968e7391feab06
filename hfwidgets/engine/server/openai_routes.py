"""Serve OpenAI's text routes: chat completions, responses, completions and embeddings."""

from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import aclosing
from typing import Any, Literal, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.chat import chat, completions
from hfwidgets.engine.registry import choose_capability
from hfwidgets.engine.server import responses
from hfwidgets.engine.server.bodies import read_json_body
from hfwidgets.engine.server.engine import Engine
from hfwidgets.engine.server.parameters import parse_body
from hfwidgets.engine.server.wire import (
    DONE_EVENT,
    Json,
    build_reply,
    encode_event,
    run_unless_gone,
    stream_reply,
)
from hfwidgets.engine.text.minilm import MiniLM, Texts, embed_texts, encode_vector

B = TypeVar("B", chat.ChatBody, completions.CompletionBody)


async def create_chat_completion(request: Request) -> Response:
    """POST /v1/chat/completions."""
    body = await read_json_body(request)
    capability = find_capability(request, body, "chat-completion")
    settings = parse_body(chat.ChatBody, body, "chat completion", chat.IGNORED_OPENAI_FIELDS)
    return await _generate_reply(
        request, capability, settings, chat.complete_chat, chat.stream_chat
    )


async def create_response(request: Request) -> Response:
    """POST /v1/responses."""
    fields = await read_json_body(request)
    capability = find_capability(request, fields, "chat-completion")
    body = parse_body(responses.ResponseBody, fields, "response", responses.IGNORED_FIELDS)
    chat_body = body.to_chat_body()
    engine: Engine = request.app.state.engine

    async def stream() -> AsyncGenerator[Sequence[Json]]:
        groups = responses.stream_response(engine.models_for(capability), body, chat_body)
        async with engine.hold_turn(capability), aclosing(groups):
            async for events in groups:
                yield events

    async def encode() -> AsyncGenerator[bytes]:
        async with aclosing(stream()) as groups:
            async for events in groups:
                yield b"".join(encode_event(event, event["type"]) for event in events)

    async def complete() -> Json:
        last: Json = {}
        async for events in stream():
            last = events[-1]
        response: Json = last["response"]
        return response

    if body.stream:
        return await stream_reply(request, encode(), model=capability.model, openai=True)
    return build_reply(await run_unless_gone(request, complete()), capability.model)


async def create_completion(request: Request) -> Response:
    """POST /v1/completions."""
    body = await read_json_body(request)
    capability = find_capability(request, body, "text-generation")
    settings = parse_body(
        completions.CompletionBody, body, "completions", chat.IGNORED_OPENAI_FIELDS
    )
    return await _generate_reply(
        request, capability, settings, completions.complete_prompts, completions.stream_completion
    )


async def _generate_reply(
    request: Request,
    capability: Capability,
    body: B,
    complete: Callable[[LoadedModels, B], Coroutine[None, None, Json]],
    stream: Callable[[LoadedModels, B], AsyncGenerator[Json]],
) -> Response:
    """Reply with the whole answer, or with a stream if the body asks for one."""
    engine: Engine = request.app.state.engine
    if body.stream:
        include_usage = bool(body.stream_options and body.stream_options.include_usage)
        chunks = stream(engine.models_for(capability), body)
        events = _encode_chunks(engine, capability, chunks, include_usage=include_usage)
        return await stream_reply(request, events, model=capability.model, openai=True)

    async def generate() -> Json:
        async with engine.hold_turn(capability):
            return await complete(engine.models_for(capability), body)

    return build_reply(await run_unless_gone(request, generate()), capability.model)


async def _encode_chunks(
    engine: Engine, capability: Capability, chunks: AsyncGenerator[Json], *, include_usage: bool
) -> AsyncGenerator[bytes]:
    """Yield the chunks as events, with usage only on request, and the closing event."""
    # The turn is taken in the first step, which stream_reply() runs while it watches the client:
    # one that leaves while it waits frees its place in the queue.
    async with engine.hold_turn(capability), aclosing(chunks):
        async for chunk in chunks:
            if include_usage or "usage" not in chunk:
                yield encode_event(chunk)
    yield DONE_EVENT


class EmbeddingBody(msgspec.Struct):
    """A request for embeddings; the vectors always have the model's 384 dimensions."""

    input: str | Texts
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: Literal[384] = 384


async def create_embeddings(request: Request) -> Response:
    """POST /v1/embeddings."""
    body = await read_json_body(request)
    capability = find_capability(request, body, "feature-extraction", builtin=True)
    _refuse_token_ids(body.get("input"))
    settings = parse_body(EmbeddingBody, body, "embeddings", chat.IGNORED_OPENAI_FIELDS)
    engine: Engine = request.app.state.engine
    texts = [settings.input] if isinstance(settings.input, str) else settings.input
    vectors, tokens = await run_unless_gone(
        request,
        engine.run_in_thread(capability, lambda: embed_texts(engine.models.get(MiniLM), texts)),
    )
    data = [
        {
            "object": "embedding",
            "index": index,
            "embedding": encode_vector(vector, settings.encoding_format),
        }
        for index, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    reply = {"object": "list", "data": data, "model": capability.model, "usage": usage}
    return build_reply(reply, capability.model)


def _refuse_token_ids(texts: object) -> None:
    """Refuse ids of another model's tokens, which some clients send instead of texts."""
    if isinstance(texts, list) and any(isinstance(one, int | list) for one in texts):
        raise bad_request(
            "input holds token ids, which belong to another model's tokenizer; send texts. For "
            "LangChain's OpenAIEmbeddings, set check_embedding_ctx_length=False.",
            "input",
        )


def find_capability(
    request: Request, body: dict[str, Any], task: str, *, builtin: bool = False
) -> Capability:
    """Return the capability for the model named in the path, else in the body."""
    name = request.path_params.get("model") or body.get("model") or ""
    if not isinstance(name, str):
        raise bad_request("model must be a string.", "model")
    return choose_capability(name, task, builtin=builtin)[0]
