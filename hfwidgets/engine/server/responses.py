"""Translate OpenAI's Responses API to chat completions and back.

Source: OpenAI's API reference, Responses and Streaming events. The engine stores nothing, so a
request must carry its whole conversation.
"""

import time
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from secrets import token_hex
from typing import Annotated, Any, Literal

import msgspec

from hfwidgets.engine.base.capability import LoadedModels
from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.base.sampling import Fraction, Temperature, TokenCount
from hfwidgets.engine.chat import chat
from hfwidgets.engine.server.parameters import parse_body
from hfwidgets.engine.server.wire import Json

# Fields that clients send and that would change nothing here: nothing is stored, models do not
# reason, and one call at a time is made.
IGNORED_FIELDS = chat.IGNORED_OPENAI_FIELDS | {
    "background",
    "include",
    "max_tool_calls",
    "prompt_cache_retention",
    "reasoning",
    "stream_options",
    "top_logprobs",
    "truncation",
}
_PART_TYPES = ("input_text", "output_text", "text")


class FunctionTool(msgspec.Struct):
    """A function that the model may call; unlike in chat completions it is not nested."""

    type: str
    name: str = ""
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None

    def to_chat_tool(self) -> Json:
        """Return the tool in the form of chat completions; 400 for any other kind."""
        if self.type != "function":
            raise bad_request(
                f"The local engine has no tool {self.type!r}; it supports tools of type "
                "'function'.",
                "tools",
            )
        function = {"name": self.name, "description": self.description}
        return {"type": "function", "function": function | {"parameters": self.parameters}}


class FunctionChoice(msgspec.Struct):
    """The one function to call."""

    name: str
    type: Literal["function"] = "function"


class TextFormat(msgspec.Struct):
    """The format of the text: free, any JSON object, or JSON under a schema."""

    type: Literal["text", "json_object", "json_schema"] = "text"
    name: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None
    description: str | None = None


class TextSettings(msgspec.Struct):
    """Settings of the text."""

    format: TextFormat = msgspec.field(default_factory=TextFormat)
    verbosity: Literal["low", "medium", "high"] | None = None


class ResponseBody(msgspec.Struct):
    """A request for a response."""

    input: str | Annotated[list[dict[str, Any]], msgspec.Meta(min_length=1)]
    instructions: str | None = None
    max_output_tokens: TokenCount | None = None
    temperature: Temperature | None = None
    top_p: Fraction | None = None
    stream: bool = False
    text: TextSettings = msgspec.field(default_factory=TextSettings)
    tools: list[FunctionTool] = []
    tool_choice: Literal["auto", "none", "required"] | FunctionChoice = "auto"
    parallel_tool_calls: bool = True
    previous_response_id: str | None = None
    conversation: Any = None

    def to_chat_body(self) -> chat.ChatBody:
        """Return the same request for chat completions."""
        if self.previous_response_id is not None or self.conversation is not None:
            raise bad_request(
                "The local engine stores no responses; send the whole conversation as 'input'.",
                "previous_response_id",
            )
        choice = self.tool_choice
        if isinstance(choice, FunctionChoice):
            choice_json: object = {"type": "function", "function": {"name": choice.name}}
        else:
            choice_json = choice
        fields = {
            "messages": _to_messages(self.input, self.instructions),
            "max_completion_tokens": self.max_output_tokens,
            "temperature": self.temperature,
            "top_p": self.top_p,
            "tools": [tool.to_chat_tool() for tool in self.tools],
            "tool_choice": choice_json,
        }
        if self.text.format.type != "text":
            schema = {"schema": self.text.format.schema}
            fields["response_format"] = {"type": self.text.format.type, "json_schema": schema}
        return parse_body(chat.ChatBody, fields, "response", frozenset())


def _to_messages(items: str | list[Json], instructions: str | None) -> list[Json]:
    """Return the input as chat messages; calls that follow each other belong to one message."""
    messages: list[Json] = []
    if instructions:
        messages.append({"role": "system", "content": instructions})
    if isinstance(items, str):
        return [*messages, {"role": "user", "content": items}]
    for item in items:
        kind = item.get("type", "message")
        if kind == "message":
            role, content = item.get("role"), item.get("content")
            messages.append({"role": role, "content": _to_content(content)})
        elif kind == "function_call":
            function = {"name": item.get("name"), "arguments": item.get("arguments", "")}
            call = {"id": item.get("call_id"), "type": "function", "function": function}
            if messages and "tool_calls" in messages[-1]:
                messages[-1]["tool_calls"].append(call)
            else:
                messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
        elif kind == "function_call_output":
            content = _to_content(item.get("output"))
            messages.append(
                {"role": "tool", "tool_call_id": item.get("call_id"), "content": content}
            )
        elif kind != "reasoning":  # of another model; this one could not use it
            raise bad_request(
                f"input has an item of type {kind!r}; supported are 'message', 'function_call', "
                "'function_call_output' and 'reasoning'.",
                "input",
            )
    return messages


def _to_content(content: object) -> object:
    """Return a message's content with the part types of chat completions."""
    if not isinstance(content, list):
        return content
    return [_to_chat_part(part) if isinstance(part, dict) else part for part in content]


def _to_chat_part(part: Json) -> Json:
    if part.get("type") in _PART_TYPES:
        return {"type": "text", "text": part.get("text")}
    if part.get("type") == "input_image":
        return {"type": "image_url", "image_url": {"url": part.get("image_url")}}
    return part


class ResponseWriter:
    """Builds one response from the deltas of a chat, and the events that stream it.

    Every event carries the response or the item as it is at that moment, so all of them are built
    from this one state.
    """

    def __init__(self, body: ResponseBody, model: str) -> None:
        self._sequence = 0
        self._text: list[str] = []
        self._item: Json | None = None
        self.response: Json = {
            "id": f"resp_{token_hex(16)}",
            "object": "response",
            "created_at": int(time.time()),
            "status": "in_progress",
            "error": None,
            "incomplete_details": None,
            "instructions": body.instructions,
            "max_output_tokens": body.max_output_tokens,
            "metadata": {},
            "model": model,
            "output": [],
            "parallel_tool_calls": body.parallel_tool_calls,
            "previous_response_id": None,
            "reasoning": {"effort": None, "summary": None},
            "store": False,
            "temperature": body.temperature,
            "text": {"format": {"type": body.text.format.type}},
            "tool_choice": msgspec.to_builtins(body.tool_choice),
            "tools": msgspec.to_builtins(body.tools),
            "top_p": body.top_p,
            "truncation": "disabled",
            "usage": None,
        }

    def open(self) -> Iterator[Json]:
        """Yield the events that precede the output."""
        yield self._event("response.created", response=dict(self.response))
        yield self._event("response.in_progress", response=dict(self.response))

    def add_delta(self, delta: Json) -> Iterator[Json]:
        """Yield the events for a delta of chat completions."""
        for call in delta.get("tool_calls") or ():
            if "id" in call:
                yield from self._open_item(
                    {
                        "id": f"fc_{token_hex(12)}",
                        "type": "function_call",
                        "status": "in_progress",
                        "call_id": call["id"],
                        "name": call["function"]["name"],
                        "arguments": "",
                    }
                )
            elif piece := call["function"]["arguments"]:
                yield self._piece_event("response.function_call_arguments.delta", piece)
        if text := delta.get("content"):
            if self._item is None:
                yield from self._open_message()
            yield self._piece_event(
                "response.output_text.delta", text, content_index=0, logprobs=[]
            )

    def close(self, finish_reason: str, usage: Json) -> Iterator[Json]:
        """Yield the events that end the item and the response."""
        truncated = finish_reason == "length"
        if self._item is None:
            yield from self._open_message()  # an empty answer is a message, too
        yield from self._close_item("incomplete" if truncated else "completed")
        self.response["usage"] = {
            "input_tokens": usage["prompt_tokens"],
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": usage["completion_tokens"],
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": usage["total_tokens"],
        }
        status = "incomplete" if truncated else "completed"
        if truncated:
            self.response["incomplete_details"] = {"reason": "max_output_tokens"}
        self.response["status"] = status
        yield self._event(f"response.{status}", response=dict(self.response))

    def _open_message(self) -> Iterator[Json]:
        message: Json = {
            "id": f"msg_{token_hex(12)}",
            "type": "message",
            "status": "in_progress",
            "role": "assistant",
            "content": [],
        }
        yield from self._open_item(message)
        yield self._item_event("response.content_part.added", content_index=0, part=_text_part(""))

    def _open_item(self, item: Json) -> Iterator[Json]:
        self._item, self._text = item, []
        yield self._event("response.output_item.added", output_index=0, item=dict(item))

    def _close_item(self, status: str) -> Iterator[Json]:
        assert self._item is not None
        item, text = self._item, "".join(self._text)
        item["status"] = status
        if item["type"] == "function_call":
            item["arguments"] = text
            yield self._item_event(
                "response.function_call_arguments.done", name=item["name"], arguments=text
            )
        else:
            part = _text_part(text)
            item["content"] = [part]
            yield self._item_event(
                "response.output_text.done", content_index=0, text=text, logprobs=[]
            )
            yield self._item_event("response.content_part.done", content_index=0, part=part)
        self.response["output"].append(item)
        yield self._event("response.output_item.done", output_index=0, item=dict(item))

    def _piece_event(self, kind: str, piece: str, **fields: object) -> Json:
        self._text.append(piece)
        return self._item_event(kind, delta=piece, **fields)

    def _item_event(self, kind: str, **fields: object) -> Json:
        assert self._item is not None
        return self._event(kind, item_id=self._item["id"], output_index=0, **fields)

    def _event(self, kind: str, **fields: object) -> Json:
        event = {"type": kind, "sequence_number": self._sequence, **fields}
        self._sequence += 1
        return event


def _text_part(text: str) -> Json:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


async def stream_response(
    models: LoadedModels, body: ResponseBody, chat_body: chat.ChatBody
) -> AsyncGenerator[Sequence[Json]]:
    """Yield the response's events in groups; the last event carries the complete response."""
    writer = ResponseWriter(body, models.llama.name)
    finish_reason, usage = "stop", {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    opened = False
    async with aclosing(chat.stream_choice(models, chat_body, 0)) as items:
        async for item in items:
            if not opened:
                # Only now: an error before the first delta still gets its own status.
                opened = True
                yield list(writer.open())
            if "usage" in item:
                usage = item["usage"]
                continue
            finish_reason = item["finish_reason"] or finish_reason
            if events := list(writer.add_delta(item["delta"])):
                yield events
    yield list(writer.close(finish_reason, usage))
