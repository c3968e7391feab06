"""Results of chat completion, named as the field names them; and what gathers a stream of them."""

import json
from collections.abc import Iterator
from typing import Any

from hfwidgets.results import show
from hfwidgets.results.record import Record, TextRecord


class ChatCompletionOutputTopLogprob(Record):
    """A token that might have come, with its log-probability."""

    token: str
    logprob: float


class ChatCompletionOutputLogprob(Record):
    """A token that came, with its log-probability and the likeliest others."""

    token: str
    logprob: float
    top_logprobs: list[ChatCompletionOutputTopLogprob]


class ChatCompletionOutputLogprobs(Record):
    """The log-probabilities of an answer's tokens."""

    content: list[ChatCompletionOutputLogprob]


class ChatCompletionOutputFunctionDefinition(Record):
    """The function that a tool call names; `arguments` is JSON text."""

    name: str
    arguments: str
    description: str | None


class ChatCompletionOutputToolCall(Record):
    """One call that the model asks for."""

    id: str
    type: str
    function: ChatCompletionOutputFunctionDefinition


class _ReasoningRecord(Record):
    """A message, or a piece of one, that may hold the model's reasoning under either name."""

    @property
    def reasoning(self) -> str | None:
        """What the model thought before it spoke, whichever name the server has for it."""
        return self.get("reasoning") or self.get("reasoning_content")

    reasoning_content = reasoning


class ChatCompletionOutputMessage(_ReasoningRecord):
    """What the model said."""

    role: str
    content: str | None
    tool_calls: list[ChatCompletionOutputToolCall] | None
    tool_call_id: str | None


class ChatCompletionOutputComplete(Record):
    """One of the answers. `finish_reason` is stop, length, tool_calls, or the server's own word."""

    index: int
    message: ChatCompletionOutputMessage
    finish_reason: str
    logprobs: ChatCompletionOutputLogprobs | None


class ChatCompletionOutputUsage(Record):
    """Tokens counted by the server."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatCompletionOutput(TextRecord):
    """The answer to a conversation.

    `choices` has one entry for each of the `n` answers; `created` is in seconds since 1970.
    """

    id: str
    object: str
    created: int
    model: str
    system_fingerprint: str
    choices: list[ChatCompletionOutputComplete]
    usage: ChatCompletionOutputUsage | None

    @property
    def text(self) -> str:
        """The first answer's text, an empty string when it has none."""
        return (self.choices[0].message.content or "") if self.choices else ""

    def fields_beyond_text(self) -> dict[str, Any]:
        """Return nothing: ids, counts and the like are no part of the answer."""
        return {}

    def _html_(self) -> str:
        from hfwidgets.results import markdown

        return "".join(
            markdown.markdown_to_html(c.message.content or "") + _tool_calls_html(c.message)
            for c in self.choices or []
        )


def _tool_calls_html(message: ChatCompletionOutputMessage) -> str:
    calls = [call.function for call in message.tool_calls or [] if call.function]
    return "".join(show.paragraph_html(f"{call.name}({call.arguments})") for call in calls)


class ChatCompletionStreamOutputFunction(Record):
    """A piece of a function call; `arguments` is a piece of JSON text."""

    name: str | None
    arguments: str


class ChatCompletionStreamOutputDeltaToolCall(Record):
    """A piece of a tool call; pieces with the same `index` belong together."""

    index: int
    id: str
    type: str
    function: ChatCompletionStreamOutputFunction


class ChatCompletionStreamOutputDelta(_ReasoningRecord):
    """What a chunk adds to the message."""

    role: str
    content: str | None
    tool_calls: list[ChatCompletionStreamOutputDeltaToolCall] | None
    tool_call_id: str | None


class ChatCompletionStreamOutputChoice(Record):
    """What a chunk adds to one of the answers."""

    index: int
    delta: ChatCompletionStreamOutputDelta
    finish_reason: str | None
    logprobs: ChatCompletionOutputLogprobs | None


class ChatCompletionStreamOutput(Record):
    """One chunk of a streamed answer. The last one may have no choices and the usage."""

    id: str
    object: str
    created: int
    model: str
    system_fingerprint: str
    choices: list[ChatCompletionStreamOutputChoice]
    usage: ChatCompletionOutputUsage | None


_HEAD_FIELDS = ("id", "created", "model", "system_fingerprint")


class ChatCollector:
    """Gathers chunks into the output that the unstreamed call would have given.

    Works on the plain dicts, lazily: a chunk costs one list append until somebody asks.
    """

    def __init__(self) -> None:
        self._chunks: list[dict[str, Any]] = []

    def add(self, item: dict[str, Any]) -> None:
        self._chunks.append(item)

    @property
    def text(self) -> str:
        """The first answer's text so far."""
        return "".join(
            delta.get("content") or "" for index, delta, _ in self._iter_deltas() if index == 0
        )

    @property
    def result(self) -> ChatCompletionOutput:
        """The whole answer so far."""
        choices: dict[int, _ChoiceBuilder] = {}
        for index, delta, choice in self._iter_deltas():
            choices.setdefault(index, _ChoiceBuilder(index)).add(delta, choice)
        head = {
            k: c[k] for c in reversed(self._chunks) for k in _HEAD_FIELDS if c.get(k) is not None
        }
        usage = next((c["usage"] for c in reversed(self._chunks) if c.get("usage")), None)
        done = [choices[index].build() for index in sorted(choices)]
        return ChatCompletionOutput(head, object="chat.completion", choices=done, usage=usage)

    def _iter_deltas(self) -> Iterator[tuple[int, dict[str, Any], dict[str, Any]]]:
        for chunk in self._chunks:
            for choice in chunk.get("choices") or ():
                yield choice.get("index") or 0, choice.get("delta") or {}, choice


class _ChoiceBuilder:
    """One answer in the making."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.message: dict[str, Any] = {"role": "assistant", "content": None}
        self.calls: list[dict[str, Any]] = []
        self.calls_by_index: dict[Any, dict[str, Any]] = {}
        self.finish_reason: str | None = None
        self.logprobs: list[Any] = []

    def add(self, delta: dict[str, Any], choice: dict[str, Any]) -> None:
        for name, value in delta.items():
            if name == "tool_calls":
                for call in value if isinstance(value, list) else [value] if value else []:
                    self._add_call_piece(call)
            elif isinstance(value, str) and name not in ("role", "tool_call_id"):
                self.message[name] = (self.message.get(name) or "") + value
            elif isinstance(value, list):
                self.message[name] = [*(self.message.get(name) or ()), *value]
            elif value is not None:
                self.message[name] = value
        self.finish_reason = choice.get("finish_reason") or self.finish_reason
        self.logprobs += (choice.get("logprobs") or {}).get("content") or []

    def _add_call_piece(self, piece: dict[str, Any]) -> None:
        """Add a piece to its call, found by index; servers that give every call the same index
        differ by id, or begin the next call once the arguments are complete.
        """
        index = piece.get("index") if piece.get("index") is not None else piece.get("id")
        function = piece.get("function") or {}
        more = function.get("arguments")
        more = more if isinstance(more, str) else json.dumps(more) if more else ""
        call = self.calls_by_index.get(index)
        if call is None or _starts_new_call(call, piece.get("id"), function.get("name"), more):
            call = {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
            self.calls_by_index[index] = call
            self.calls.append(call)
        call["id"] = call["id"] or piece.get("id") or ""
        call["function"]["name"] = call["function"]["name"] or function.get("name") or ""
        if not (more and call["function"]["arguments"] == more and _is_complete_json(more)):
            call["function"]["arguments"] += more  # else a whole call that is sent again

    def build(self) -> dict[str, Any]:
        for call in self.calls:
            call["function"]["arguments"] = call["function"]["arguments"] or "{}"
        if self.calls:
            self.message["tool_calls"] = self.calls
        logprobs = {"content": self.logprobs} if self.logprobs else None
        return {
            "index": self.index,
            "message": self.message,
            "finish_reason": self.finish_reason,
            "logprobs": logprobs,
        }


def _starts_new_call(
    call: dict[str, Any], name: str | None, function: str | None, more: str
) -> bool:
    """Whether a piece with the index of a call is the start of another one."""
    if name and call["id"]:
        return bool(name != call["id"])
    known = call["function"]["arguments"]
    return bool(function and more and known and known != more and _is_complete_json(known))


def _is_complete_json(arguments: str) -> bool:
    """Whether arguments are a whole JSON object."""
    try:
        whole: object = json.loads(arguments)
        return isinstance(whole, dict)
    except ValueError:
        return False
