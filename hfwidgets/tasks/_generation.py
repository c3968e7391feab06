"""Exact types of text generation's calls, and the reading of its streams."""

from collections.abc import Awaitable, Mapping
from typing import Any, Literal, Protocol, TypeAlias, TypedDict, Unpack, overload

from hfwidgets.core.event_stream import ItemDecoder, decoder_for_type
from hfwidgets.core.flow import StreamedReply
from hfwidgets.core.streams import AsyncStream, Stream
from hfwidgets.errors.from_response import error_from_event
from hfwidgets.results import Text
from hfwidgets.results import text as results
from hfwidgets.results.chat import read_text
from hfwidgets.results.text import TextGenerationOutput, TextGenerationStreamOutput


class GenerationOptions(TypedDict, total=False):
    """List the options of text generation for type checkers; `TextTasks.text_generation` describes
    them.
    """

    model: str | None
    adapter_id: str | None
    best_of: int | None
    decoder_input_details: bool | None
    do_sample: bool | None
    frequency_penalty: float | None
    grammar: Mapping[str, Any] | None
    max_new_tokens: int | None
    repetition_penalty: float | None
    return_full_text: bool | None
    seed: int | None
    stop: list[str] | None
    stop_sequences: list[str] | None
    temperature: float | None
    top_k: int | None
    top_n_tokens: int | None
    top_p: float | None
    truncate: int | None
    typical_p: float | None
    watermark: bool | None
    extra_body: Mapping[str, Any] | None


Options: TypeAlias = GenerationOptions
TokenStream: TypeAlias = Stream[str, Text]
EventStream: TypeAlias = Stream[TextGenerationStreamOutput, TextGenerationOutput]
AsyncTokenStream: TypeAlias = AsyncStream[str, Text]
AsyncEventStream: TypeAlias = AsyncStream[TextGenerationStreamOutput, TextGenerationOutput]
FalseOrNone: TypeAlias = Literal[False] | None


class GenerationCall(Protocol):
    """Type a call of the blocking client."""

    @overload
    def __call__(
        self,
        prompt: str,
        *,
        details: FalseOrNone = ...,
        stream: FalseOrNone = ...,
        **options: Unpack[Options],
    ) -> Text: ...
    @overload
    def __call__(
        self,
        prompt: str,
        *,
        details: Literal[True],
        stream: FalseOrNone = ...,
        **options: Unpack[Options],
    ) -> TextGenerationOutput: ...
    @overload
    def __call__(
        self,
        prompt: str,
        *,
        details: FalseOrNone = ...,
        stream: Literal[True],
        **options: Unpack[Options],
    ) -> TokenStream: ...
    @overload
    def __call__(
        self,
        prompt: str,
        *,
        details: Literal[True],
        stream: Literal[True],
        **options: Unpack[Options],
    ) -> EventStream: ...
    @overload
    def __call__(
        self,
        prompt: str,
        *,
        details: bool | None = ...,
        stream: bool | None = ...,
        **options: Unpack[Options],
    ) -> Text | TextGenerationOutput | TokenStream | EventStream: ...


class AsyncGenerationCall(Protocol):
    """Type a call of the async client."""

    @overload
    def __call__(
        self,
        prompt: str,
        *,
        details: FalseOrNone = ...,
        stream: FalseOrNone = ...,
        **options: Unpack[Options],
    ) -> Awaitable[Text]: ...
    @overload
    def __call__(
        self,
        prompt: str,
        *,
        details: Literal[True],
        stream: FalseOrNone = ...,
        **options: Unpack[Options],
    ) -> Awaitable[TextGenerationOutput]: ...
    @overload
    def __call__(
        self,
        prompt: str,
        *,
        details: FalseOrNone = ...,
        stream: Literal[True],
        **options: Unpack[Options],
    ) -> Awaitable[AsyncTokenStream]: ...
    @overload
    def __call__(
        self,
        prompt: str,
        *,
        details: Literal[True],
        stream: Literal[True],
        **options: Unpack[Options],
    ) -> Awaitable[AsyncEventStream]: ...
    @overload
    def __call__(
        self,
        prompt: str,
        *,
        details: bool | None = ...,
        stream: bool | None = ...,
        **options: Unpack[Options],
    ) -> Awaitable[Text | TextGenerationOutput | AsyncTokenStream | AsyncEventStream]: ...


def token_parts(raw: Any, details: bool) -> StreamedReply[Any]:
    """Return an open reply as typed events, or as the texts of their tokens."""
    cut = decoder_for_type(raw.headers.get("content-type", ""))
    return StreamedReply(
        raw, ItemDecoder(_parse_event if details else _parse_token, cut), _make_collector(details)
    )


def _make_collector(details: bool) -> Any:
    return results.GenerationCollector() if details else results.TokenCollector()


def _parse_event(item: Any) -> TextGenerationStreamOutput | None:
    """Read an event of a text-generation server's stream or of an OpenAI completions stream.

    Raises:
        TextGenerationError: It reports an error.
    """
    if isinstance(item, list) and len(item) == 1:
        item = item[0]  # a plain answer to a streaming request
    if not isinstance(item, Mapping):
        return None
    if item.get("error") or item.get("object") == "error":
        raise error_from_event(item)
    choices = item.get("choices")
    if choices is None and "token" not in item and "generated_text" in item:
        item = {**item, "token": {"text": item["generated_text"]}}
    if choices is None:
        if "token" not in item and any(item.get(name) for name in ("detail", "errors", "message")):
            raise error_from_event(item)
        token = item.get("token")
        if isinstance(token, Mapping) and not isinstance(token.get("text"), (str, type(None))):
            item = {**item, "token": {**token, "text": read_text(token["text"])}}
        return TextGenerationStreamOutput(item)
    choice = next((c for c in choices if isinstance(c, Mapping)), None) if choices else None
    if choice is None:
        return None  # the last chunk of OpenAI's completions holds the usage alone
    if choice.get("error"):
        raise error_from_event(choice)
    details = {"finish_reason": choice["finish_reason"]} if choice.get("finish_reason") else None
    text = read_text(choice.get("text"))
    token = {"id": None, "text": text, "logprob": None, "special": False}
    return TextGenerationStreamOutput(index=None, token=token, generated_text=None, details=details)


def _parse_token(item: Any) -> str | None:
    event = _parse_event(item)
    return None if event is None or event.token is None else event.token.text or ""
