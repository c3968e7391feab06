"""Chat completion: a conversation in, the next message out."""

from collections.abc import Awaitable, Iterator, Mapping, Sequence
from typing import Any, Literal, Protocol, TypeAlias, TypedDict, TypeVar, Unpack, overload

from hfwidgets import errors
from hfwidgets.core.drop_none import is_left_out
from hfwidgets.core.event_stream import AnswerStream, ItemDecoder
from hfwidgets.core.flow import Flow, Infer, StreamedReply
from hfwidgets.core.streams import AsyncStream, Stream
from hfwidgets.core.surrogates import HalfJoiner
from hfwidgets.errors.from_response import error_from_event
from hfwidgets.errors.server_message import describes_error
from hfwidgets.results.chat import (
    ChatCollector,
    ChatCompletionOutput,
    ChatCompletionStreamOutput,
    normalize_message,
)
from hfwidgets.tasks import _schema
from hfwidgets.tasks._parts import inline_media
from hfwidgets.tasks.controls import Json, Messages, Number, Slider, StringList
from hfwidgets.tasks.declaration import streaming_task
from hfwidgets.tasks.shape import (
    as_options,
    check_no_error,
    unexpected_shape_error,
)

Message: TypeAlias = Mapping[str, Any]
ChatStream: TypeAlias = Stream[ChatCompletionStreamOutput, ChatCompletionOutput]
AsyncChatStream: TypeAlias = AsyncStream[ChatCompletionStreamOutput, ChatCompletionOutput]


class ChatOptions(TypedDict, total=False):
    """List the options of chat completion for type checkers; `ChatTasks.chat_completion` describes
    them.
    """

    model: str | None
    frequency_penalty: float | None
    logit_bias: list[float] | dict[str, float] | None
    logprobs: bool | None
    max_tokens: int | None
    n: int | None
    presence_penalty: float | None
    response_format: Any
    seed: int | None
    stop: list[str] | str | None
    stream_options: Mapping[str, Any] | None
    temperature: float | None
    tool_choice: str | Mapping[str, Any] | None
    tool_prompt: str | None
    tools: list[Any] | None
    top_logprobs: int | None
    top_p: float | None
    extra_body: Mapping[str, Any] | None
    max_completion_tokens: int | None
    metadata: Mapping[str, str] | None
    parallel_tool_calls: bool | None
    reasoning_effort: str | None
    service_tier: str | None
    store: bool | None
    user: str | None


class CallOptions(ChatOptions, total=False):
    """Add the options of a single call, under openai's names."""

    timeout: float | None
    extra_headers: Mapping[str, str] | None
    extra_query: Mapping[str, str] | None


ResultT_co = TypeVar("ResultT_co", covariant=True)
StreamT_co = TypeVar("StreamT_co", covariant=True)


# The last overload serves a bool that is known at run time only. It stands last, because type
# checkers take the first match.
class ChatOverloads(Protocol[ResultT_co, StreamT_co]):
    """Type a call of either client: what it returns depends on `stream`."""

    @overload
    def __call__(
        self, messages: Sequence[Message], *, stream: Literal[True], **options: Unpack[CallOptions]
    ) -> StreamT_co: ...
    @overload
    def __call__(
        self,
        messages: Sequence[Message],
        *,
        stream: Literal[False] = ...,
        **options: Unpack[CallOptions],
    ) -> ResultT_co: ...
    @overload
    def __call__(
        self, messages: Sequence[Message], *, stream: bool, **options: Unpack[CallOptions]
    ) -> ResultT_co | StreamT_co: ...


ChatCall: TypeAlias = ChatOverloads[ChatCompletionOutput, ChatStream]
AsyncChatCall: TypeAlias = ChatOverloads[
    Awaitable[ChatCompletionOutput], Awaitable[AsyncChatStream]
]


class ChatTasks:
    """Tasks that take a conversation."""

    @streaming_task(
        ChatCall,
        AsyncChatCall,
        "Chat",
        {"messages": [{"role": "user", "content": "Write a haiku about the sea."}]},
        hub_name="conversational",
        known_as=("chat", "conversational", "image-text-to-text"),
        of_call={"timeout": "timeout", "extra_headers": "headers", "extra_query": "query"},
        messages=Messages(),
        temperature=Slider(0.0, 2.0, 0.05),
        max_tokens=Number(1, None, 1, whole=True),
        top_p=Slider(0.0, 1.0, 0.01, advanced=True),
        frequency_penalty=Slider(-2.0, 2.0, 0.1, advanced=True),
        presence_penalty=Slider(-2.0, 2.0, 0.1, advanced=True),
        stop=StringList(advanced=True),
        logit_bias=Json(advanced=True),
    )
    def chat_completion(
        self,
        messages: Sequence[Message],
        *,
        model: str | None = None,
        stream: bool = False,
        frequency_penalty: float | None = None,
        logit_bias: list[float] | dict[str, float] | None = None,
        logprobs: bool | None = None,
        max_tokens: int | None = None,
        n: int | None = None,
        presence_penalty: float | None = None,
        response_format: Any = None,
        seed: int | None = None,
        stop: list[str] | str | None = None,
        stream_options: Mapping[str, Any] | None = None,
        temperature: float | None = None,
        tool_choice: str | Mapping[str, Any] | None = None,
        tool_prompt: str | None = None,
        tools: list[Any] | None = None,
        top_logprobs: int | None = None,
        top_p: float | None = None,
        extra_body: Mapping[str, Any] | None = None,
        **extra: object,
    ) -> Flow[ChatCompletionOutput | StreamedReply[ChatCompletionStreamOutput]]:
        """Generate the next message of a conversation.

        Parameters that are left out are not sent; the server's defaults apply.

        Args:
            messages: The conversation: dicts with a role (system, user, assistant, tool) and a
                content: a text, or a list of texts, images and audio (PIL images, paths, bytes,
                URLs, or parts in OpenAI's form with any of them inside).
            model: The model's id on the Hub, or the URL of an endpoint.
            stream: Whether to return the answer piece by piece as it is generated.
            frequency_penalty: From -2 to 2; positive values make repeated tokens less likely.
            logit_bias: A bias from -100 to 100 for each token id.
            logprobs: Whether to return each token's log-probability.
            max_tokens: The maximum length of the answer, in tokens, at least 1.
            n: The number of answers to generate.
            presence_penalty: From -2 to 2; positive values make tokens that occurred before less
                likely.
            response_format: The answer's structure: a JSON schema, a dataclass, a TypedDict or a
                pydantic model.
            seed: The seed of the random numbers, for reproducible answers.
            stop: Up to four texts that end the answer.
            stream_options: `{"include_usage": True}` requests token counts at the end of a stream.
            temperature: From 0 (always the likeliest token) to 2 (most varied).
            tool_choice: auto, none, required, or the function to call.
            tool_prompt: The text before the tools (text-generation-inference servers only).
            tools: The functions that the model may call, in OpenAI's form.
            top_logprobs: The number of likeliest tokens to return per position, 0 to 20.
            top_p: The total probability of the likeliest tokens to sample from, 0 to 1.
            extra_body: Additional parameters for the server, at the root of the request.
            extra: As extra_body, as keywords. `timeout`, `extra_headers` and `extra_query` are
                not sent in the body; they replace the client's timeout, and add to its headers and
                to the address, for this call.

        Raises:
            InputError: The messages are not a list of dicts with roles.
        """
        options = {
            "frequency_penalty": frequency_penalty,
            "logit_bias": logit_bias,
            "logprobs": logprobs,
            "max_tokens": max_tokens,
            "n": n,
            "presence_penalty": presence_penalty,
            "response_format": _schema.build_response_format(response_format),
            "seed": seed,
            "stop": stop,
            "stream_options": stream_options,
            "temperature": temperature,
            "tool_choice": tool_choice,
            "tool_prompt": tool_prompt,
            "tools": tools,
            "top_logprobs": top_logprobs,
            "top_p": top_p,
            **_check_extra_params(extra),
            **as_options("extra_body", extra_body),
        }
        checked = check_messages(messages)
        if not checked:
            raise errors.InputError("messages is empty: a conversation needs at least one message.")
        prepared = yield from inline_media(checked)
        raw = yield Infer(prepared, model, options, stream)
        if stream:
            events = AnswerStream(raw.headers.get("content-type", ""))
            return StreamedReply(raw, ItemDecoder(_ChunkReader(), events), ChatCollector())
        return _to_output(raw)


_CLIENT_OPTION_ADVICE = {
    "timeout": "Pass timeout= to the client.",
    "extra_headers": "Pass headers= to the client.",
}
_KNOWN_OPTIONS = frozenset(ChatOptions.__annotations__)


def _check_extra_params(extra: dict[str, Any]) -> dict[str, Any]:
    """Return additional parameters; UnknownParameterError for a likely misspelling."""
    for name in extra:
        # A client's method takes these out before the flow begins; here it is
        # too late to apply them.
        if name in _CLIENT_OPTION_ADVICE:
            raise errors.UnknownParameterError(
                f"{name} is not a parameter of the model, so it is not sent. "
                f"{_CLIENT_OPTION_ADVICE[name]}"
            )
        hint = (
            "" if name in _KNOWN_OPTIONS else errors.did_you_mean(name, _KNOWN_OPTIONS, cutoff=0.85)
        )
        if hint:
            raise errors.UnknownParameterError(
                f"chat_completion has no parameter {name!r}.{hint} "
                f"To send {name!r} all the same, pass extra_body={{{name!r}: ...}}."
            )
    return extra


def check_messages(messages: object) -> list[dict[str, Any]]:
    """Return the messages as plain dicts without None.

    Raises:
        InputError: They are not a list of dicts with roles, or one has no content.
    """
    if isinstance(messages, Iterator):
        messages = list(messages)
    # A text is a sequence too; servers refuse it with the error of their JSON parser.
    if isinstance(messages, (str, bytes, Mapping)) or not isinstance(messages, Sequence):
        raise errors.InputError(
            f"messages must be a list of messages, not {type(messages).__name__}. "
            'For one question: [{"role": "user", "content": "..."}].'
        )
    # The whole conversation comes here with every turn, so no function is called for a message of
    # two texts, as nearly all are.
    return [
        message.copy()
        if type(message) is dict
        and len(message) == 2
        and type(message.get("role")) is str
        and type(message.get("content")) is str
        else _check_message(index, message)
        for index, message in enumerate(messages)
    ]


def _check_message(index: int, message: Any) -> dict[str, Any]:
    if hasattr(message, "model_dump"):  # pydantic objects, as openai's client returns them
        message = message.model_dump()
    if not isinstance(message, Mapping) or not isinstance(message.get("role"), str):
        found = f"its role is {message.get('role')!r}" if isinstance(message, Mapping) else ""
        raise errors.InputError(
            f'messages[{index}] must be a dict with a "role" (system, user, assistant or tool) '
            f'and a "content"; {found or f"it is {type(message).__name__}"}.'
        )
    content = message.get("content")
    # An assistant's message may consist of tool calls alone.
    if content is None and message["role"] in ("user", "system"):
        raise errors.InputError(
            f"messages[{index}], of the {message['role']}, has no content: there is nothing to ask."
        )
    if isinstance(content, (int, float)):
        raise errors.InputError(
            f"messages[{index}] has a number as its content: {content!r}. Write it as text."
        )
    # An answer's message that is sent back has None in its unused fields, which servers may refuse.
    return {n: v for n, v in message.items() if v is not None and not is_left_out(v)}


_UNEXPLAINED = {"error": "the answer's finish_reason is 'error'"}


def _to_output(raw: object) -> ChatCompletionOutput:
    """Read a whole answer.

    Raises:
        OutputError: It has no choices, or reports an error, next to choices or in one of them.
    """
    if not isinstance(raw, dict):
        raise unexpected_shape_error(raw, "an object with 'choices'")
    if raw.get("error") or raw.get("object") == "error":
        raise error_from_event(raw)
    choices = raw.get("choices")
    if not isinstance(choices, list):
        check_no_error(raw, ChatCompletionOutput)
        raise unexpected_shape_error(raw, "'choices', a list of objects")
    messages = [choice.get("message") for choice in choices if isinstance(choice, dict)]
    if not choices or len(messages) != len(choices):
        raise unexpected_shape_error(raw, "'choices', a list of objects")
    for choice in choices:
        if choice.get("error"):
            raise error_from_event(choice)
        if choice.get("finish_reason") == "error":
            raise error_from_event(_UNEXPLAINED)
        if not isinstance(choice.get("message"), dict):
            raise unexpected_shape_error(raw, "a 'message' in each choice")
        choice["message"] = normalize_message(choice["message"])
    return ChatCompletionOutput(raw)


class _ChunkReader:
    """Read the chunks of a stream, or a whole answer in their place."""

    def __init__(self) -> None:
        self._halves = HalfJoiner()
        self._has_choice = False
        self._has_failed = False

    def __call__(self, item: object) -> ChatCompletionStreamOutput | None:
        """Return a chunk; None for an event that is not one.

        Raises:
            TextGenerationError: It reports an error, next to choices or in one of them.
        """
        if isinstance(item, list) and len(item) == 1:
            item = item[0]  # Google's errors
        if not isinstance(item, dict):
            return None
        choices = item.get("choices")
        if item.get("error") or item.get("object") == "error":
            raise error_from_event(item)
        if not isinstance(choices, list):
            if describes_error(item):
                raise error_from_event(item)
            if not item.get("usage"):
                return None
            # The usage may come last and without `choices`, which readers of chunks still expect.
            item["choices"] = choices = []
        for choice in choices:
            if isinstance(choice, dict):
                self._read_choice(choice)
        return ChatCompletionStreamOutput(item)

    def _read_choice(self, choice: dict[str, Any]) -> None:
        """Give a choice's delta the form that the protocol promises."""
        if choice.get("error"):
            raise error_from_event(choice)
        if choice.get("finish_reason") == "error":
            self._has_failed = True  # raised at the end: this chunk may hold text, others a reason
        if "delta" not in choice and "message" in choice:
            choice["delta"] = choice.pop("message")  # a whole answer
        delta = choice.get("delta")
        if isinstance(delta, dict):
            if delta.get("error"):
                raise error_from_event(delta)
            self._has_choice = True
            choice["delta"] = delta = normalize_message(delta)
            # The n answers of one stream interleave, so a half waits for its own answer and field.
            index = str(choice.get("index"))
            for name, value in delta.items():
                if isinstance(value, str):
                    delta[name] = self._halves.join((index, name), value)
            for call in delta.get("tool_calls") or ():
                function = call.get("function")
                if isinstance(function, dict) and isinstance(function.get("arguments"), str):
                    place = (index, str(call.get("index")), "arguments")
                    function["arguments"] = self._halves.join(place, function["arguments"])

    def finish(self) -> Iterator[ChatCompletionStreamOutput]:
        """Yield the ends of texts that broke off inside a character.

        Raises:
            OutputError: No choice has come.
        """
        for place, text in self._halves.finish().items():
            index, name = place[0], place[-1]  # type: ignore[index]
            # Arguments that break off are not valid JSON with or without this character.
            if name != "arguments":
                choice = {"index": int(index) if index.isdigit() else 0, "delta": {name: text}}
                yield ChatCompletionStreamOutput(object="chat.completion.chunk", choices=[choice])
        if self._has_failed:
            raise error_from_event(_UNEXPLAINED)
        if not self._has_choice:
            raise errors.OutputError(
                "The stream ended without an answer: it had no choices.",
                advice="Check that the model serves chat.",
            )
