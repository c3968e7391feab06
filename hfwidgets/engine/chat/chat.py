"""Complete chats: stream the deltas of each choice, or fold them into one answer."""

import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from secrets import token_hex
from typing import Annotated, Any, Literal

import msgspec
from anyio import to_thread

from hfwidgets._version import __version__
from hfwidgets.engine.base import schema
from hfwidgets.engine.base.capability import LoadedModels
from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.base.limits import check_text_length
from hfwidgets.engine.base.sampling import SamplingParameters, TokenCount, TopCount
from hfwidgets.engine.chat import tools
from hfwidgets.engine.chat.messages import ChatMessage, check_images, to_template_messages
from hfwidgets.engine.chat.tools import Tool, ToolChoice

MODEL = "HuggingFaceTB/SmolLM2-135M-Instruct"
FINGERPRINT = f"hfwidgets-{__version__}"

# Fields that clients send and that would change nothing in an engine for one user.
IGNORED_OPENAI_FIELDS = frozenset(
    {"model", "user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key"}
)
Chunk = dict[str, Any]


class StreamOptions(msgspec.Struct):
    """What a stream carries in addition to the text."""

    include_usage: bool = False
    include_obfuscation: bool = False


class ResponseFormat(msgspec.Struct):
    """The form of the answer, in the shapes that the field's clients send."""

    type: Literal["text", "json_object", "json_schema", "json"]
    json_schema: dict[str, Any] | None = None
    value: dict[str, Any] | None = None
    schema: dict[str, Any] | None = None

    def to_llama_settings(self) -> dict[str, Any]:
        """Return llama.cpp's settings for it."""
        if self.type == "text":
            return {}
        # OpenAI nests the schema, text-generation servers name it `value`, llama.cpp `schema`.
        requested = (self.json_schema or {}).get("schema") or self.value or self.schema
        if requested is None and self.type != "json_object":
            raise bad_request(
                f"response_format of type {self.type!r} needs a schema.", "response_format"
            )
        if requested is None:
            return {"response_format": {"type": "json_object"}}
        bounded = {"schema": schema.tighten_schema(requested)}
        return {"response_format": {"type": "json_schema", "json_schema": bounded}}


class ChatBody(SamplingParameters, kw_only=True):
    """A chat request: OpenAI's names, with those that text-generation servers add."""

    messages: Annotated[list[ChatMessage], msgspec.Meta(min_length=1)]
    max_tokens: TokenCount | None = None
    max_completion_tokens: TokenCount | None = None
    stream: bool = False
    stream_options: StreamOptions | None = None
    logprobs: bool = False
    top_logprobs: TopCount = 0
    response_format: ResponseFormat | None = None
    tools: list[Tool] = []  # noqa: RUF012 (a Struct copies its defaults)
    tool_choice: ToolChoice = "auto"
    parallel_tool_calls: bool = True

    @property
    def token_limit(self) -> int | None:
        """Return the most tokens of an answer; None leaves it to the context."""
        return self.max_completion_tokens or self.max_tokens


async def stream_choice(models: LoadedModels, body: ChatBody, index: int) -> AsyncGenerator[Chunk]:
    """Yield one choice as OpenAI's choice deltas.

    An item without "index" is the usage, and the last one.
    """
    check_text_length((message.text for message in body.messages), "messages")
    has_tools = bool(body.tools) and body.tool_choice != "none"
    check_images(body.messages, reads_images=models.llama.reads_images, has_tools=has_tools)
    tool = await tools.choose_tool(models, body.messages, body.tools, body.tool_choice)
    source = (
        _stream_tool_call(models, body, index, tool)
        if tool
        else _stream_text_choice(models, body, index)
    )
    # Closed here and not by the garbage collector: it is what frees the server's slot.
    async with aclosing(source):
        async for item in source:
            yield item if "usage" in item else {"index": index, **item}


async def _stream_text_choice(
    models: LoadedModels, body: ChatBody, index: int
) -> AsyncGenerator[Chunk]:
    """Yield the deltas of a choice that is text."""
    request = {
        # In a thread, as images in the messages are decoded and encoded here, which takes long.
        "messages": await to_thread.run_sync(
            to_template_messages, body.messages, models.llama.style.system
        ),
        "max_tokens": body.token_limit,
        **body.to_llama_settings(index),
    }
    if body.response_format:
        request |= body.response_format.to_llama_settings()
    else:
        request.setdefault("repeat_penalty", models.llama.style.repeat_penalty)
    if body.logprobs:
        # Without "top_logprobs" llama.cpp sends twenty: those not requested are dropped below.
        request |= {"logprobs": True, "top_logprobs": max(1, body.top_logprobs)}
    async with aclosing(_stream_from_llama(models, request)) as events:
        async for item in events:
            if item.get("logprobs"):
                item["logprobs"] = _to_openai_logprobs(
                    item["logprobs"]["content"], body.top_logprobs
                )
            yield item


async def _stream_tool_call(
    models: LoadedModels, body: ChatBody, index: int, tool: Tool
) -> AsyncGenerator[Chunk]:
    """Yield the deltas of a choice that is a call of this tool, its arguments as they come."""
    request = tools.build_arguments_request(
        body.messages, tool, body.token_limit
    ) | body.to_llama_settings(index)
    head = {"index": 0, "id": f"call_{token_hex(12)}", "type": "function"}
    function = {"name": tool.function.name, "arguments": ""}
    delta = {"role": "assistant", "content": None, "tool_calls": [head | {"function": function}]}
    # A stop sequence meant for text could cut the JSON of the arguments.
    async with aclosing(_stream_from_llama(models, request | {"stop": []})) as events:
        async for item in events:
            if "usage" in item:
                yield item
            elif item["finish_reason"]:
                # Arguments that were cut off must not look like a call that can be run.
                truncated = item["finish_reason"] == "length"
                yield item | {"finish_reason": "length" if truncated else "tool_calls"}
            # The head goes out before the first argument, so that clients know the function at
            # once.
            elif "role" in item["delta"]:
                yield {"delta": delta, "finish_reason": None}
            else:
                piece = {"index": 0, "function": {"arguments": item["delta"]["content"]}}
                yield {"delta": {"tool_calls": [piece]}, "finish_reason": None}


async def _stream_from_llama(models: LoadedModels, request: Chunk) -> AsyncGenerator[Chunk]:
    """Yield llama.cpp's deltas, then its usage."""
    request = {name: value for name, value in request.items() if value is not None}
    request["stream_options"] = {"include_usage": True}
    async with aclosing(models.llama.stream("/v1/chat/completions", request)) as events:
        async for event in events:
            for item in event["choices"]:
                delta = item["delta"]
                # The first delta; llama.cpp sends null as its content, where clients expect a
                # string.
                if "role" in delta:
                    delta = {"role": "assistant", "content": ""}
                choice = {"delta": delta, "finish_reason": item["finish_reason"]}
                yield choice | {name: item[name] for name in ("logprobs",) if name in item}
            if "usage" in event:
                yield {"usage": event["usage"]}


def _to_openai_logprobs(tokens: list[Chunk], top: int) -> Chunk:
    """Return log-probabilities in OpenAI's form, each with its `top` alternatives."""
    names = ("token", "logprob", "bytes")
    return {
        "content": [
            {name: token[name] for name in names}
            | {"top_logprobs": [{n: t[n] for n in names} for t in token["top_logprobs"][:top]]}
            for token in tokens
        ]
    }


async def stream_chat(models: LoadedModels, body: ChatBody) -> AsyncGenerator[Chunk]:
    """Yield the answer as OpenAI's chunks, one choice after the other."""
    head = _response_header("chat.completion.chunk", models.llama.name)
    include_usage = bool(body.stream_options and body.stream_options.include_usage)
    usage: Chunk = {}
    # One after the other: two at once take twice as long and would fill both slots of the model.
    for index in range(body.n):
        async with aclosing(stream_choice(models, body, index)) as items:
            async for item in items:
                if "usage" in item:
                    usage = add_usage(usage, item["usage"])
                else:
                    yield head | {"choices": [item]}
    if include_usage:
        yield head | {"choices": [], "usage": usage}


async def complete_chat(models: LoadedModels, body: ChatBody) -> Chunk:
    """Return the whole answer."""
    choices, usage = [], Chunk()
    for index in range(body.n):
        async with aclosing(stream_choice(models, body, index)) as items:
            message, choice_usage = await _fold_deltas(items)
        choices.append({"index": index} | message)
        usage = add_usage(usage, choice_usage)
    return _response_header("chat.completion", models.llama.name) | {
        "choices": choices,
        "usage": usage,
    }


async def _fold_deltas(items: AsyncIterator[Chunk]) -> tuple[Chunk, Chunk]:
    """Return one choice, put together from its deltas, and its usage."""
    texts: list[str] = []
    calls: list[Chunk] = []
    logprobs: list[Chunk] = []
    last: Chunk = {}
    usage: Chunk = {}
    async for item in items:
        if "usage" in item:
            usage = item["usage"]
            continue
        texts.append(item["delta"].get("content") or "")
        _merge_tool_calls(calls, item["delta"].get("tool_calls") or [])
        logprobs += (item.get("logprobs") or {}).get("content") or []
        last = item
    message: Chunk = {"role": "assistant", "content": None if calls else "".join(texts)}
    message |= {"tool_calls": calls} if calls else {}
    scores = {"content": logprobs} if logprobs else None
    return {"message": message, "logprobs": scores, "finish_reason": last["finish_reason"]}, usage


def _merge_tool_calls(calls: list[Chunk], deltas: list[Chunk]) -> None:
    """Add the pieces of tool calls to the calls; only the first piece of a call has an id."""
    for delta in deltas:
        if "id" in delta:
            calls.append({name: delta[name] for name in ("id", "type", "function")})
        else:
            # A model makes one call at a time, so a piece without an id belongs to the last one.
            calls[-1]["function"]["arguments"] += delta["function"]["arguments"]


def add_usage(total: Chunk, choice: Chunk) -> Chunk:
    """Add a choice's usage; the common prompt counts once, as OpenAI counts it."""
    completion = total.get("completion_tokens", 0) + choice["completion_tokens"]
    prompt = choice["prompt_tokens"]
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def _response_header(kind: str, model: str) -> Chunk:
    return {
        "id": f"chatcmpl-{token_hex(12)}",
        "object": kind,
        "created": int(time.time()),
        "model": model,
        "system_fingerprint": FINGERPRINT,
    }
