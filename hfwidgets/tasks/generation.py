"""Text generation: its task, the exact types of its calls, and the reading of its streams."""

from collections.abc import Awaitable, Iterator, Mapping
from typing import Any, Literal, Protocol, TypeAlias, TypedDict, TypeVar, Unpack, overload

from hfwidgets.core.event_stream import AnswerStream, ItemDecoder
from hfwidgets.core.flow import Flow, Infer, Reply, StreamedReply
from hfwidgets.core.streams import AsyncStream, Stream
from hfwidgets.core.surrogates import HalfJoiner
from hfwidgets.errors.from_response import error_from_event
from hfwidgets.errors.server_message import describes_error
from hfwidgets.errors.user_warnings import warn
from hfwidgets.results import Text
from hfwidgets.results import text as results
from hfwidgets.results.chat import read_text
from hfwidgets.results.text import TextGenerationOutput, TextGenerationStreamOutput
from hfwidgets.tasks.controls import Number, Slider, StringList, TextBox
from hfwidgets.tasks.declaration import streaming_task
from hfwidgets.tasks.shape import (
    as_list,
    as_options,
    merge_alias,
    to_record,
)

DOMAIN = "text"
"""The domain of this module's task, whose length alone keeps it out of `text`."""


class GenerationOptions(TypedDict, total=False):
    """List the options of `GenerationTasks.text_generation` for type checkers."""

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


TextT_co = TypeVar("TextT_co", covariant=True)
OutputT_co = TypeVar("OutputT_co", covariant=True)
TokensT_co = TypeVar("TokensT_co", covariant=True)
EventsT_co = TypeVar("EventsT_co", covariant=True)


# Each combination of details and stream has another result. The last overload is for values
# that are known at run time only.
class GenerationOverloads(Protocol[TextT_co, OutputT_co, TokensT_co, EventsT_co]):
    """Type a call of either client: what it returns depends on `details` and `stream`."""

    @overload
    def __call__(
        self,
        prompt: str,
        *,
        details: FalseOrNone = ...,
        stream: FalseOrNone = ...,
        **options: Unpack[Options],
    ) -> TextT_co: ...
    @overload
    def __call__(
        self,
        prompt: str,
        *,
        details: Literal[True],
        stream: FalseOrNone = ...,
        **options: Unpack[Options],
    ) -> OutputT_co: ...
    @overload
    def __call__(
        self,
        prompt: str,
        *,
        details: FalseOrNone = ...,
        stream: Literal[True],
        **options: Unpack[Options],
    ) -> TokensT_co: ...
    @overload
    def __call__(
        self,
        prompt: str,
        *,
        details: Literal[True],
        stream: Literal[True],
        **options: Unpack[Options],
    ) -> EventsT_co: ...
    @overload
    def __call__(
        self,
        prompt: str,
        *,
        details: bool | None = ...,
        stream: bool | None = ...,
        **options: Unpack[Options],
    ) -> TextT_co | OutputT_co | TokensT_co | EventsT_co: ...


GenerationCall: TypeAlias = GenerationOverloads[
    Text, TextGenerationOutput, TokenStream, EventStream
]
AsyncGenerationCall: TypeAlias = GenerationOverloads[
    Awaitable[Text],
    Awaitable[TextGenerationOutput],
    Awaitable[AsyncTokenStream],
    Awaitable[AsyncEventStream],
]


class GenerationTasks:
    """The text task that can stream."""

    @streaming_task(
        GenerationCall,
        AsyncGenerationCall,
        "Text generation",
        {"prompt": "Once upon a time, on a small island,", "max_new_tokens": 60},
        prompt=TextBox(5),
        max_new_tokens=Number(1, None, 1, whole=True),
        temperature=Slider(0.0, 2.0, 0.05),
        top_p=Slider(0.0, 1.0, 0.01, advanced=True),
        typical_p=Slider(0.0, 1.0, 0.01, advanced=True),
        repetition_penalty=Slider(0.0, 2.0, 0.05, advanced=True),
        frequency_penalty=Slider(-2.0, 2.0, 0.1, advanced=True),
        stop=StringList(advanced=True),
    )
    def text_generation(
        self,
        prompt: str,
        *,
        details: bool | None = None,
        stream: bool | None = None,
        model: str | None = None,
        adapter_id: str | None = None,
        best_of: int | None = None,
        decoder_input_details: bool | None = None,
        do_sample: bool | None = None,
        frequency_penalty: float | None = None,
        grammar: Mapping[str, Any] | None = None,
        max_new_tokens: int | None = None,
        repetition_penalty: float | None = None,
        return_full_text: bool | None = None,
        seed: int | None = None,
        stop: list[str] | None = None,
        stop_sequences: list[str] | None = None,
        temperature: float | None = None,
        top_k: int | None = None,
        top_n_tokens: int | None = None,
        top_p: float | None = None,
        truncate: int | None = None,
        typical_p: float | None = None,
        watermark: bool | None = None,
        extra_body: Mapping[str, Any] | None = None,
    ) -> Flow[Text | TextGenerationOutput | StreamedReply[Any]]:
        """Continue text.

        Args:
            prompt: The text to continue.
            details: Whether to return the tokens and why the text ended.
            stream: Whether to return the text piece by piece as it is generated.
            model: The model's id on the Hub, or the URL of an endpoint.
            adapter_id: The LoRA adapter to use.
            best_of: The number of sequences to generate; the likeliest is returned.
            decoder_input_details: Whether details include the prompt's tokens.
            do_sample: Whether to sample tokens at random.
            frequency_penalty: From -2 to 2; positive values make repeated tokens less likely.
            grammar: A JSON schema or regular expression that the text must match.
            max_new_tokens: The maximum length of the continuation, in tokens, at least 1.
            repetition_penalty: Above 1 makes repeated tokens less likely; 1 has no effect.
            return_full_text: Whether to return the prompt as well.
            seed: The seed of the random numbers, for reproducible texts.
            stop: Texts that end the generation.
            stop_sequences: The deprecated name of stop.
            temperature: Above 0; higher values give more varied results.
            top_k: The number of likeliest tokens to sample from.
            top_n_tokens: The number of likeliest tokens to return per position.
            top_p: The total probability of the likeliest tokens to sample from, 0 to 1.
            truncate: The number of the prompt's last tokens to keep.
            typical_p: The total probability of the typical tokens to sample from, 0 to 1.
            watermark: Whether to watermark the text as generated.
            extra_body: Additional parameters for the server.
        """
        if decoder_input_details and not details:
            warn("decoder_input_details needs details=True and is left out.")
            decoder_input_details = None
        options = {
            "adapter_id": adapter_id,
            "best_of": best_of,
            "decoder_input_details": decoder_input_details,
            "details": details,
            "do_sample": do_sample,
            "frequency_penalty": frequency_penalty,
            "grammar": grammar,
            "max_new_tokens": max_new_tokens,
            "repetition_penalty": repetition_penalty,
            "return_full_text": return_full_text,
            "seed": seed,
            "stop": as_list(merge_alias("stop", stop, "stop_sequences", stop_sequences)),
            "temperature": temperature,
            "top_k": top_k,
            "top_n_tokens": top_n_tokens,
            "top_p": top_p,
            "truncate": truncate,
            "typical_p": typical_p,
            "watermark": watermark,
            **as_options("extra_body", extra_body),
        }
        raw = yield Infer(prompt, model, options, bool(stream))
        if stream:
            return token_parts(raw, bool(details))
        output = to_record(TextGenerationOutput, raw)
        if details and output.details is None:
            warn("The server sent no details: the result has the text alone.")
        return output if details else Text(output.text)


def token_parts(raw: Reply, details: bool) -> StreamedReply[Any]:
    """Return an open reply as typed events, or as the texts of their tokens."""
    reader = _EventReader() if details else _TokenReader()
    decoder: ItemDecoder[Any] = ItemDecoder(
        reader, AnswerStream(raw.headers.get("content-type", ""))
    )
    return StreamedReply(raw, decoder, _make_collector(details))


def _make_collector(details: bool) -> Any:
    return results.GenerationCollector() if details else results.TokenCollector()


def _parse_event(item: object) -> TextGenerationStreamOutput | None:
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
        # A server that cannot stream sends its whole text at once: as a token,
        # every reader finds it.
        item = {**item, "token": {"text": item["generated_text"]}}
    if choices is None:
        # Events with a token may have fields that are named like those of errors.
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

    def __call__(self, item: object) -> TextGenerationStreamOutput | None:
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

    # Another item type than the base class has: only token_parts makes
    # readers, and reads them as Any.
    def __call__(self, item: object) -> str | None:  # type: ignore[override]
        """Return a token's text; None for an event without one."""
        event = super().__call__(item)
        return None if event is None or event.token is None else event.token.text or ""

    def finish(self) -> Iterator[str]:  # type: ignore[override]
        """Yield the end of a text that broke off inside a character."""
        return iter(self._halves.finish().values())
