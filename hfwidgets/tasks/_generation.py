"""Exact types of text generation's calls, and the reading of its streams."""

from collections.abc import Awaitable, Iterator, Mapping
from typing import Any, Literal, Protocol, TypeAlias, TypedDict, Unpack, overload

from hfwidgets.core.event_stream import AnswerStream, ItemDecoder
from hfwidgets.core.flow import Reply, StreamedReply
from hfwidgets.core.streams import AsyncStream, Stream
from hfwidgets.core.surrogates import HalfJoiner
from hfwidgets.errors.from_response import error_from_event
from hfwidgets.results import Text
from hfwidgets.results import text as results
from hfwidgets.results.chat import read_text
from hfwidgets.results.text import TextGenerationOutput, TextGenerationStreamOutput
from hfwidgets.tasks.shape import describes_error


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


def token_parts(raw: Reply, details: bool) -> StreamedReply[Any]:
    """Return an open reply as typed events, or as the texts of their tokens."""
    reader = _EventReader() if details else _TokenReader()
    decoder: ItemDecoder[Any] = ItemDecoder(
        reader, AnswerStream(raw.headers.get("content-type", ""))
    )
    return StreamedReply(raw, decoder, _make_collector(details))


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
        if "token" not in item and describes_error(item):
            raise error_from_event(item)
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


class _EventReader:
    """Read the typed events of a stream."""

    def __init__(self) -> None:
        self._halves = HalfJoiner()

    def __call__(self, item: Any) -> TextGenerationStreamOutput | None:
        """Return an event; None for what is not one."""
        event = _parse_event(item)
        token = None if event is None else event.token
        if token is not None:
            token["text"] = self._halves.join("text", read_text(token.text))
        return event

    def finish(self) -> Iterator[TextGenerationStreamOutput]:
        """Yield the end of a text that broke off inside a character."""
        for text in self._halves.finish().values():
            yield TextGenerationStreamOutput(token={"text": text, "special": False})


class _TokenReader(_EventReader):
    """Read the texts of a stream's tokens."""

    def __call__(self, item: Any) -> str | None:  # type: ignore[override]
        """Return a token's text; None for an event without one."""
        event = super().__call__(item)
        return None if event is None or event.token is None else event.token.text or ""

    def finish(self) -> Iterator[str]:  # type: ignore[override]
        """Yield the end of a text that broke off inside a character."""
        return iter(self._halves.finish().values())
