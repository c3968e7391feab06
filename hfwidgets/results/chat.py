"""Results of chat completion, with the field's names, and the collector of their streams."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from hfwidgets.results import show
from hfwidgets.results.record import Record, TextRecord


class ChatCompletionOutputTopLogprob(Record):
    """A token that was likely, with its log-probability."""

    token: str
    logprob: float


class ChatCompletionOutputLogprob(Record):
    """A token of the answer, with its log-probability and the likeliest others."""

    token: str
    logprob: float
    top_logprobs: list[ChatCompletionOutputTopLogprob]


class ChatCompletionOutputLogprobs(Record):
    """The log-probabilities of an answer's tokens."""

    content: list[ChatCompletionOutputLogprob]
    refusal: list[ChatCompletionOutputLogprob] | None


class ChatCompletionOutputFunctionDefinition(Record):
    """The function of a tool call; `arguments` is JSON text."""

    name: str
    arguments: str
    description: str | None


class ChatCompletionOutputToolCall(Record):
    """A call of a tool, for which the model asks."""

    id: str
    type: str
    function: ChatCompletionOutputFunctionDefinition


REASONING_NAMES = ("reasoning", "reasoning_content", "reasoning_text", "thinking")
"""Fields of a message that hold reasoning as a text, by server."""


def read_reasoning(message: Mapping[str, Any]) -> str | None:
    """Return the reasoning in a message, or a piece of one, whatever its field is called."""
    found = next((message[name] for name in REASONING_NAMES if message.get(name)), None)
    return read_text(found or message.get("reasoning_details")) or None


class _ReasoningRecord(Record):
    """A message, or a piece of one, that may hold reasoning under one of several names."""

    @property
    def reasoning(self) -> str | None:
        """The model's reasoning, under whichever name the server has for it."""
        return read_reasoning(self)

    reasoning_content = reasoning


class ChatCompletionOutputMessage(_ReasoningRecord):
    """The model's message."""

    role: str
    content: str | None
    tool_calls: list[ChatCompletionOutputToolCall] | None
    tool_call_id: str | None


class ChatCompletionOutputComplete(Record):
    """One of the answers. `finish_reason` is stop, length, tool_calls, or the server's own."""

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

    required_fields = frozenset({"choices"})

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
        """Return nothing: ids, counts and the like are not part of the answer."""
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
    """An addition of a chunk to the message."""

    role: str
    content: str | None
    tool_calls: list[ChatCompletionStreamOutputDeltaToolCall] | None
    tool_call_id: str | None


class ChatCompletionStreamOutputChoice(Record):
    """An addition of a chunk to one of the answers."""

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

_THINKING_TYPES = frozenset({"thinking", "reasoning", "reasoning_text", "redacted_thinking"})
"""Types of content parts that hold reasoning."""

_TEXT_KEYS = ("text", "thinking", "reasoning", "content", "summary")
"""Where content parts hold their text."""


def normalize_message(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message, or a piece of one, with its texts as texts and its calls as a list.

    `content` that is a list of parts, as reasoning models send it, becomes its text, the thinking
    in it `reasoning`; other parts stay in `content_parts`.
    """
    content, calls = message.get("content"), message.get("tool_calls")
    reasoning = [message[name] for name in REASONING_NAMES if name in message]
    plain = content is None or isinstance(content, str)
    if plain and calls is None and all(isinstance(r, (str, type(None))) for r in reasoning):
        return message  # as nearly always
    found = dict(message)
    for name in REASONING_NAMES:
        if not isinstance(found.get(name), (str, type(None))):
            found[name] = read_text(found[name])
    if not plain:
        found |= _split_content(content, found)
    if calls is not None:
        pieces = calls if isinstance(calls, list) else [calls]
        found["tool_calls"] = [piece for piece in pieces if isinstance(piece, dict)] or None
    return found


def _split_content(content: object, message: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields for a message's content that is not a text."""
    parts = content if isinstance(content, list) else [content]
    thinking = "".join(read_text(part) for part in parts if _is_thinking(part))
    texts = [read_text(part) for part in parts if not _is_thinking(part)]
    others = [
        part
        for part in parts
        if isinstance(part, dict) and not _is_thinking(part) and not read_text(part)
    ]
    found: dict[str, Any] = {"content": "".join(texts)}
    if thinking:
        found["reasoning"] = (message.get("reasoning") or "") + thinking
    return {**found, "content_parts": others} if others else found


def _is_thinking(part: object) -> bool:
    return isinstance(part, dict) and part.get("type") in _THINKING_TYPES


def read_text(value: object) -> str:
    """Return the text in a value that should be one: a list of parts, a part, a number."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(map(read_text, value))
    if isinstance(value, dict):
        return next((read_text(value[key]) for key in _TEXT_KEYS if value.get(key)), "")
    return "" if value is None or isinstance(value, bool) else str(value)


class ChatCollector:
    """Collect chunks into the output of the unstreamed call.

    Chunks are collected as they come, and put together when the text or result is read: a chunk
    costs one list append.
    """

    def __init__(self) -> None:
        self._chunks: list[dict[str, Any]] = []

    def add(self, item: dict[str, Any]) -> None:
        self._chunks.append(item)

    @property
    def text(self) -> str:
        """The first answer's text so far."""
        texts: dict[int, list[str]] = {}
        for index, delta, _ in self._iter_deltas():
            texts.setdefault(index, []).append(read_text(delta.get("content")))
        # Nearly always 0; some servers count from 1.
        return "".join(texts[min(texts)]) if texts else ""

    @property
    def result(self) -> ChatCompletionOutput:
        """The whole answer so far."""
        choices: dict[int, _ChoiceBuilder] = {}
        for index, delta, choice in self._iter_deltas():
            choices.setdefault(index, _ChoiceBuilder(index)).add(delta, choice)
        # Backward, so that the earliest chunk with a field is the last to set it.
        head = {
            k: c[k] for c in reversed(self._chunks) for k in _HEAD_FIELDS if c.get(k) is not None
        }
        # Where a server counts in every chunk, the last count is the final one.
        usage = next((c["usage"] for c in reversed(self._chunks) if c.get("usage")), None)
        done = [choices[index].build() for index in sorted(choices)]
        return ChatCompletionOutput(head, object="chat.completion", choices=done, usage=usage)

    def _iter_deltas(self) -> Iterator[tuple[int, dict[str, Any], dict[str, Any]]]:
        for chunk in self._chunks:
            choices = chunk.get("choices")
            for choice in choices if isinstance(choices, list) else ():
                if isinstance(choice, dict):
                    index, delta = choice.get("index"), choice.get("delta")
                    yield (
                        index if isinstance(index, int) else 0,
                        delta if isinstance(delta, dict) else {},
                        choice,
                    )


class _ChoiceBuilder:
    """Put one answer together from its pieces."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.message: dict[str, Any] = {"role": "assistant", "content": None}
        self.calls = _CallBuilder()
        self.finish_reason: str | None = None
        self.logprobs: dict[str, list[Any]] = {}

    def add(self, delta: dict[str, Any], choice: dict[str, Any]) -> None:
        for name, value in delta.items():
            if name == "tool_calls":
                for piece in value if isinstance(value, list) else [value]:
                    if isinstance(piece, dict):
                        self.calls.add(piece)
            elif value is not None:
                self.message[name] = self.join(name, self.message.get(name), value)
        self.finish_reason = choice.get("finish_reason") or self.finish_reason
        logprobs = choice.get("logprobs")
        for name, tokens in logprobs.items() if isinstance(logprobs, dict) else ():
            if isinstance(tokens, list):  # of the content, or of a refusal
                self.logprobs.setdefault(name, []).extend(tokens)

    @staticmethod
    def join(name: str, known: object, value: object) -> Any:
        """Return a field's value so far with its next piece."""
        if name in _REPEATED_FIELDS:
            return value or known
        if isinstance(value, str) or isinstance(known, str):
            return read_text(known) + read_text(value)
        if isinstance(value, list):
            return [*(known if isinstance(known, list) else ()), *value]
        if isinstance(value, dict) and isinstance(known, dict):
            # The old function_call and spoken answers come as pieces of objects.
            return _merge_pieces(known, value)
        return value

    def build(self) -> dict[str, Any]:
        calls = self.calls.build()
        if calls:
            self.message["tool_calls"] = calls
        return {
            "index": self.index,
            "message": self.message,
            "finish_reason": self.finish_reason,
            "logprobs": {"content": [], **self.logprobs} if any(self.logprobs.values()) else None,
        }


_REPEATED_FIELDS = frozenset({"role", "tool_call_id", "id", "type", "name"})
"""Fields that some servers repeat in each chunk: joined, the role would be "assistantassistant"."""


def _merge_pieces(known: dict[str, Any], piece: dict[str, Any]) -> dict[str, Any]:
    """Return an object so far with its next piece, whose texts continue those before."""
    joined = {
        name: _ChoiceBuilder.join(name, known.get(name), value)
        for name, value in piece.items()
        if value is not None
    }
    return {**known, **joined}


_CALL_FIELDS = frozenset({"index", "id", "type", "function", "name", "arguments"})


class _CallBuilder:
    """Put tool calls together from pieces, in every form that servers send them.

    By the protocol, pieces of one call share an index, and the first has id and name. Servers
    deviate: some repeat the name or invent an id in every piece, some leave the index out of later
    pieces, some give all calls index 0, some send a call again as a whole.
    """

    def __init__(self) -> None:
        self._calls: list[dict[str, Any]] = []
        self._by_index: dict[object, dict[str, Any]] = {}

    def add(self, piece: dict[str, Any]) -> None:
        """Add a piece to its call, or begin a call with it."""
        function = piece.get("function")
        # Without the object around them, name and arguments are fields of the call itself.
        function = function if isinstance(function, dict) else piece
        name, key = read_text(function.get("name")), read_text(piece.get("id"))
        arguments = _arguments_text(function.get("arguments"))
        call = self._find_call(piece.get("index"), key, name)
        if call is None or _starts_new_call(call, key, name, arguments):
            call = {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
            self._calls.append(call)
        if isinstance(piece.get("index"), (int, str)):
            self._by_index[piece["index"]] = call
        call |= {n: v for n, v in piece.items() if n not in _CALL_FIELDS}
        # The first id stays, so that a tool's reply can name it whatever the later pieces invent.
        call["id"] = call["id"] or key
        known = call["function"]
        # A name in pieces grows until the arguments begin; one that is repeated does not.
        if not known["name"]:
            known["name"] = name
        elif name and name != known["name"] and not known["arguments"]:
            known["name"] += name
        # Equal pieces of unfinished JSON may be genuine, such as two brackets in a row.
        is_repeated = known["arguments"] == arguments and _is_complete_json(arguments)
        if not is_repeated:
            known["arguments"] += arguments

    def _find_call(self, index: object, key: str, name: str) -> dict[str, Any] | None:
        """Return the call that a piece may belong to; None if it must begin one."""
        if isinstance(index, (int, str)) and index in self._by_index:
            return self._by_index[index]
        by_id = next((call for call in self._calls if key and call["id"] == key), None)
        if by_id is not None:
            return by_id
        # A name under a new index begins a call; a piece without an index continues the last one.
        begins = name and isinstance(index, (int, str)) and bool(self._by_index)
        return self._calls[-1] if self._calls and not begins else None

    def build(self) -> list[dict[str, Any]]:
        """Return the calls so far; arguments that never came are an empty object."""
        for call in self._calls:
            call["function"]["arguments"] = call["function"]["arguments"] or "{}"
        return self._calls


def _arguments_text(arguments: object) -> str:
    """Return arguments as JSON text, as which most servers send them."""
    if isinstance(arguments, str):
        return arguments
    return json.dumps(arguments, ensure_ascii=False) if arguments else ""


def _starts_new_call(call: dict[str, Any], key: str, name: str, arguments: str) -> bool:
    """True if a piece that has the index of a call begins another one."""
    known = call["function"]
    is_new_id = bool(key and call["id"] and key != call["id"])
    if not name and not arguments:
        return False
    if _is_complete_json(known["arguments"]):
        # Complete: an id or a name begins the next call, unless the same call is sent again.
        repeated = name in ("", known["name"]) and arguments in ("", known["arguments"])
        return is_new_id if repeated else bool(is_new_id or name or _is_complete_json(arguments))
    if known["arguments"]:
        # Open: only a whole call of its own can be another one, since ids may change per piece.
        return bool(is_new_id and name and _is_complete_json(arguments))
    # Not begun: the same name with another id may be a repetition in every piece.
    is_new_name = bool(name and known["name"] and name != known["name"])
    return is_new_id and (is_new_name or bool(name and known["name"] and not arguments))


def _is_complete_json(arguments: str) -> bool:
    """True if arguments are a whole JSON object."""
    # Parsing at every piece would take time that grows with the square of the length.
    if not arguments.rstrip().endswith("}"):
        return False
    try:
        whole: object = json.loads(arguments)
    except (ValueError, RecursionError):
        return False
    return isinstance(whole, dict)
