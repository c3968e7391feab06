"""Chat completions: the choices of an answer as a stream of deltas, and folded into one answer."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from secrets import token_hex
from typing import Annotated, Any, Literal

import msgspec

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

# What clients send without asking for anything that an engine of one user could do differently.
IGNORED_OPENAI_FIELDS = frozenset(
    {"model", "user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key"}
)
Chunk = dict[str, Any]


class StreamOptions(msgspec.Struct):
    """What a stream is asked to carry beside the text."""

    include_usage: bool = False
    include_obfuscation: bool = False


class ResponseFormat(msgspec.Struct):
    """The form of the answer, in the shapes that the field's clients send."""

    type: Literal["text", "json_object", "json_schema", "json"]
    json_schema: dict[str, Any] | None = None
    value: dict[str, Any] | None = None
    schema: dict[str, Any] | None = None

    def to_llama_settings(self) -> dict[str, Any]:
        """llama.cpp's setting for it."""
        if self.type == "text":
            return {}
        wanted = (self.json_schema or {}).get("schema") or self.value or self.schema
        if wanted is None and self.type != "json_object":
            raise bad_request(
                f"response_format of type {self.type!r} needs a schema.", "response_format"
            )
        shape = {"type": "object"} if wanted is None else schema.tighten_schema(wanted)
        form = {"type": "json_schema", "json_schema": {"schema": shape}}
        return {"response_format": {"type": "json_object"} if wanted is None else form}


class ChatBody(SamplingParameters, kw_only=True):
    """A chat request: OpenAI's names, and what text-generation servers add."""

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
        """The most tokens an answer may have; None leaves it to the context."""
        return self.max_completion_tokens or self.max_tokens


async def stream_choice(kit: LoadedModels, body: ChatBody, index: int) -> AsyncGenerator[Chunk]:
    """One choice as OpenAI's choice deltas; an item without "index" is the usage, and the last."""
    check_text_length((message.text for message in body.messages), "messages")
    calls = bool(body.tools) and body.tool_choice != "none"
    check_images(body.messages, kit.llama.reads_images, calls)
    picked = await tools.choose_tool(kit, body.messages, body.tools, body.tool_choice)
    source = (
        _stream_tool_call(kit, body, index, picked)
        if picked
        else _stream_text_choice(kit, body, index)
    )
    async with aclosing(source):
        async for item in source:
            yield item if "usage" in item else {"index": index, **item}


async def _stream_text_choice(
    kit: LoadedModels, body: ChatBody, index: int
) -> AsyncGenerator[Chunk]:
    """A choice that is text."""
    request = {
        "messages": await asyncio.to_thread(
            to_template_messages, body.messages, kit.llama.style.system
        ),
        "max_tokens": body.token_limit,
        **body.to_llama_settings(index),
    }
    if body.response_format:
        request |= body.response_format.to_llama_settings()
    else:
        request.setdefault("repeat_penalty", kit.llama.style.repeat_penalty)
    if body.logprobs:
        # Asked for none, llama.cpp sends twenty: what was not asked for is cut off again below.
        request |= {"logprobs": True, "top_logprobs": max(1, body.top_logprobs)}
    async with aclosing(_stream_from_llama(kit, request)) as events:
        async for item in events:
            if item.get("logprobs"):
                item["logprobs"] = _to_openai_logprobs(
                    item["logprobs"]["content"], body.top_logprobs
                )
            yield item


async def _stream_tool_call(
    kit: LoadedModels, body: ChatBody, index: int, tool: Tool
) -> AsyncGenerator[Chunk]:
    """A choice that is a call of the chosen tool; its arguments come as they are written."""
    request = tools.build_arguments_request(
        body.messages, tool, body.token_limit
    ) | body.to_llama_settings(index)
    head = {"index": 0, "id": f"call_{token_hex(12)}", "type": "function"}
    function = {"name": tool.function.name, "arguments": ""}
    delta = {"role": "assistant", "content": None, "tool_calls": [head | {"function": function}]}
    async with aclosing(_stream_from_llama(kit, request | {"stop": []})) as events:
        async for item in events:
            if "usage" in item:
                yield item
            elif item["finish_reason"]:
                cut = item["finish_reason"] == "length"
                yield item | {"finish_reason": "length" if cut else "tool_calls"}
            elif "role" in item["delta"]:
                yield {"delta": delta, "finish_reason": None}
            else:
                more = {"index": 0, "function": {"arguments": item["delta"]["content"]}}
                yield {"delta": {"tool_calls": [more]}, "finish_reason": None}


async def _stream_from_llama(kit: LoadedModels, request: Chunk) -> AsyncGenerator[Chunk]:
    """llama.cpp's deltas, then its usage."""
    request = {name: value for name, value in request.items() if value is not None}
    request["stream_options"] = {"include_usage": True}
    async with aclosing(kit.llama.stream("/v1/chat/completions", request)) as events:
        async for event in events:
            for item in event["choices"]:
                delta = item["delta"]
                if "role" in delta:
                    delta = {"role": "assistant", "content": ""}
                kept = {"delta": delta, "finish_reason": item["finish_reason"]}
                yield kept | {name: item[name] for name in ("logprobs",) if name in item}
            if "usage" in event:
                yield {"usage": event["usage"]}


def _to_openai_logprobs(tokens: list[Chunk], top: int) -> Chunk:
    """The tokens' log-probabilities as OpenAI's wire has them, with the `top` alternatives."""
    names = ("token", "logprob", "bytes")
    return {
        "content": [
            {name: token[name] for name in names}
            | {"top_logprobs": [{n: t[n] for n in names} for t in token["top_logprobs"][:top]]}
            for token in tokens
        ]
    }


async def stream_chat(kit: LoadedModels, body: ChatBody) -> AsyncGenerator[Chunk]:
    """The answer as OpenAI's chunks, the choices one after the other."""
    head = _response_header("chat.completion.chunk", kit.llama.name)
    asked = bool(body.stream_options and body.stream_options.include_usage)
    usage: Chunk = {}
    for index in range(body.n):
        async with aclosing(stream_choice(kit, body, index)) as items:
            async for item in items:
                if "usage" in item:
                    usage = add_usage(usage, item["usage"])
                else:
                    yield head | {"choices": [item]}
    if asked:
        yield head | {"choices": [], "usage": usage}


async def complete_chat(kit: LoadedModels, body: ChatBody) -> Chunk:
    """The answer in one piece."""
    choices, usage = [], Chunk()
    for index in range(body.n):
        async with aclosing(stream_choice(kit, body, index)) as items:
            folded, used = await _fold_deltas(items)
        choices.append({"index": index} | folded)
        usage = add_usage(usage, used)
    return _response_header("chat.completion", kit.llama.name) | {
        "choices": choices,
        "usage": usage,
    }


async def _fold_deltas(items: AsyncIterator[Chunk]) -> tuple[Chunk, Chunk]:
    """One choice's deltas put together, and its usage."""
    texts: list[str] = []
    calls: list[Chunk] = []
    logprobs: list[Chunk] = []
    done: Chunk = {}
    usage: Chunk = {}
    async for item in items:
        if "usage" in item:
            usage = item["usage"]
            continue
        texts.append(item["delta"].get("content") or "")
        _merge_tool_calls(calls, item["delta"].get("tool_calls") or [])
        logprobs += (item.get("logprobs") or {}).get("content") or []
        done = item
    message: Chunk = {"role": "assistant", "content": None if calls else "".join(texts)}
    message |= {"tool_calls": calls} if calls else {}
    scores = {"content": logprobs} if logprobs else None
    return {"message": message, "logprobs": scores, "finish_reason": done["finish_reason"]}, usage


def _merge_tool_calls(calls: list[Chunk], deltas: list[Chunk]) -> None:
    """Add the pieces of tool calls to the calls."""
    for delta in deltas:
        if "id" in delta:
            calls.append({name: delta[name] for name in ("id", "type", "function")})
        else:
            calls[-1]["function"]["arguments"] += delta["function"]["arguments"]


def add_usage(one: Chunk, other: Chunk) -> Chunk:
    """The usage of several choices; their common prompt counts once, as it does for OpenAI."""
    written = one.get("completion_tokens", 0) + other["completion_tokens"]
    prompt = other["prompt_tokens"]
    return {
        "prompt_tokens": prompt,
        "completion_tokens": written,
        "total_tokens": prompt + written,
    }


def _response_header(kind: str, model: str) -> Chunk:
    return {
        "id": f"chatcmpl-{token_hex(12)}",
        "object": kind,
        "created": int(time.time()),
        "model": model,
        "system_fingerprint": FINGERPRINT,
    }
