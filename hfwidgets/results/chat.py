"""Results of chat completion, named as the field names them; and what gathers a stream of them."""

from collections.abc import Iterator
from typing import Any

from hfwidgets.results import _show
from hfwidgets.results._record import Record


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


class ChatCompletionOutputMessage(Record):
    """What the model said."""

    role: str
    content: str | None
    reasoning: str | None
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


class ChatCompletionOutput(Record):
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

    def _html_(self) -> str:
        from hfwidgets import markdown

        return "".join(
            markdown.to_html(c.message.content or "") + _calls(c.message)
            for c in self.choices or []
        )


def _calls(message: ChatCompletionOutputMessage) -> str:
    calls = [call.function for call in message.tool_calls or [] if call.function]
    return "".join(_show.paragraph(f"{call.name}({call.arguments})") for call in calls)


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


class ChatCompletionStreamOutputDelta(Record):
    """What a chunk adds to the message."""

    role: str
    content: str | None
    reasoning: str | None
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


_HEAD = ("id", "created", "model", "system_fingerprint")


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
            delta.get("content") or "" for index, delta, _ in self._pieces() if index == 0
        )

    @property
    def result(self) -> ChatCompletionOutput:
        """The whole answer so far."""
        choices: dict[int, _Choice] = {}
        for index, delta, choice in self._pieces():
            choices.setdefault(index, _Choice(index)).add(delta, choice)
        head = {k: c[k] for c in reversed(self._chunks) for k in _HEAD if c.get(k) is not None}
        usage = next((c["usage"] for c in reversed(self._chunks) if c.get("usage")), None)
        done = [choices[index].whole() for index in sorted(choices)]
        return ChatCompletionOutput(head, object="chat.completion", choices=done, usage=usage)

    def _pieces(self) -> Iterator[tuple[int, dict[str, Any], dict[str, Any]]]:
        for chunk in self._chunks:
            for choice in chunk.get("choices") or ():
                yield choice.get("index") or 0, choice.get("delta") or {}, choice


class _Choice:
    """One answer in the making."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.message: dict[str, Any] = {"role": "assistant", "content": None}
        self.calls: dict[Any, dict[str, Any]] = {}
        self.finish_reason: str | None = None
        self.logprobs: list[Any] = []

    def add(self, delta: dict[str, Any], choice: dict[str, Any]) -> None:
        for name, value in delta.items():
            if name == "tool_calls":
                for call in value if isinstance(value, list) else [value] if value else []:
                    self._call(call)
            elif isinstance(value, str) and name not in ("role", "tool_call_id"):
                self.message[name] = (self.message.get(name) or "") + value
            elif value is not None:
                self.message[name] = value
        self.finish_reason = choice.get("finish_reason") or self.finish_reason
        self.logprobs += (choice.get("logprobs") or {}).get("content") or []

    def _call(self, piece: dict[str, Any]) -> None:
        """Add a piece to its call, found by index; servers that repeat index 0 differ by id."""
        key = piece.get("index", len(self.calls))
        known = self.calls.get(key)
        if known and piece.get("id") and known["id"] and piece["id"] != known["id"]:
            key = piece["id"]
        call = self.calls.setdefault(
            key, {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
        )
        function = piece.get("function") or {}
        call["id"] = call["id"] or piece.get("id") or ""
        call["function"]["name"] = call["function"]["name"] or function.get("name") or ""
        more = function.get("arguments")
        call["function"]["arguments"] += more if isinstance(more, str) else ""

    def whole(self) -> dict[str, Any]:
        for call in self.calls.values():
            call["function"]["arguments"] = call["function"]["arguments"] or "{}"
        if self.calls:
            self.message["tool_calls"] = list(self.calls.values())
        logprobs = {"content": self.logprobs} if self.logprobs else None
        return {
            "index": self.index,
            "message": self.message,
            "finish_reason": self.finish_reason,
            "logprobs": logprobs,
        }
