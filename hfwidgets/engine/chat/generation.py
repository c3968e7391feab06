"""Generate text in the Hub's wire: the chat model without its template."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec

from hfwidgets.engine.base import schema
from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.limits import MAX_CHARACTERS
from hfwidgets.engine.base.sampling import (
    DEFAULT_TOP_P,
    Fraction,
    Penalty,
    Seed,
    Temperature,
    TokenCount,
    choose_seed,
    choose_temperature,
)
from hfwidgets.engine.chat import chat

Json = dict[str, Any]
Prompt = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_CHARACTERS)]
FinishReason = Literal["length", "stop_sequence", "eos_token"]
_FINISH_REASONS: dict[str, FinishReason] = {
    "limit": "length",
    "word": "stop_sequence",
    "eos": "eos_token",
}


@dataclass(frozen=True, slots=True)
class GeneratedToken:
    """One generated token; `text` is empty while a stop sequence may be beginning.

    Several tokens that make up one character arrive as one, under the id of the last.
    """

    id: int
    text: str
    logprob: float
    top: list[Json]

    def to_hub_token(self) -> Json:
        """Return the token in the Hub's wire."""
        return {"id": self.id, "text": self.text, "logprob": self.logprob, "special": False}

    def top_tokens(self, count: int) -> list[Json]:
        """Return the `count` likeliest tokens at this position, in the Hub's wire."""
        return [
            {"id": one["id"], "text": one["token"], "logprob": one["logprob"], "special": False}
            for one in self.top[:count]
        ]


@dataclass(frozen=True, slots=True)
class GenerationEnd:
    """The end of a generation: why it ended, and the numbers of tokens generated and read."""

    reason: FinishReason
    generated_tokens: int
    prompt_tokens: int


async def stream_tokens(
    models: LoadedModels, request: Json
) -> AsyncGenerator[GeneratedToken | GenerationEnd]:
    """Yield the tokens of one completion as they come, then its end."""
    # Without n_probs the events carry text, but no tokens.
    async with aclosing(models.llama.stream("/completion", {"n_probs": 1} | request)) as events:
        async for event in events:
            for item in event.get("completion_probabilities", ()):
                yield GeneratedToken(
                    item["id"], item["token"], item["logprob"], item["top_logprobs"]
                )
            # The last event carries the counts; an unknown stop type is some kind of limit.
            if event["stop"]:
                reason = _FINISH_REASONS.get(event["stop_type"], "length")
                yield GenerationEnd(reason, event["tokens_predicted"], event["tokens_evaluated"])


class Grammar(msgspec.Struct):
    """A constraint on the generated text; regular expressions are not supported."""

    type: Literal["json", "json_schema"]
    value: dict[str, Any]


class TextGenerationParameters(msgspec.Struct, kw_only=True):
    """The parameters of the Hub's text generation that llama.cpp supports."""

    best_of: Literal[1] = 1
    details: bool = False
    do_sample: bool | None = None
    frequency_penalty: Penalty | None = None
    grammar: Grammar | None = None
    max_new_tokens: TokenCount = 100
    repetition_penalty: Annotated[float, msgspec.Meta(gt=0, le=4)] | None = None
    return_full_text: bool = False
    seed: Seed | None = None
    stop: Annotated[list[str], msgspec.Meta(max_length=16)] = []
    temperature: Temperature | None = None
    top_k: Annotated[int, msgspec.Meta(ge=1)] | None = None
    top_n_tokens: Annotated[int, msgspec.Meta(ge=0, le=20)] = 0
    top_p: Fraction = DEFAULT_TOP_P
    truncate: TokenCount | None = None
    typical_p: Fraction | None = None
    watermark: Literal[False] = False

    async def to_llama_request(self, models: LoadedModels, prompt: str) -> Json:
        """Return the completion request in llama.cpp's names."""
        settings = {
            "prompt": await self._truncate_prompt(models, prompt),
            "n_predict": self.max_new_tokens,
            "n_probs": max(1, self.top_n_tokens),
            "temperature": self._effective_temperature,
            "top_p": self.top_p,
            "top_k": self.top_k,
            "typical_p": self.typical_p,
            "seed": choose_seed(self.seed),
            "stop": [text for text in self.stop if text],
            "frequency_penalty": self.frequency_penalty,
            "repeat_penalty": self.repetition_penalty,
            "json_schema": schema.tighten_schema(self.grammar.value) if self.grammar else None,
        }
        return {name: value for name, value in settings.items() if value is not None}

    @property
    def _effective_temperature(self) -> float:
        """Return the temperature; 0 takes the likeliest token each time."""
        if self.do_sample is False:
            return 0.0
        return choose_temperature(
            self.temperature, varied=bool(self.do_sample) or self.seed is not None
        )

    async def _truncate_prompt(self, models: LoadedModels, prompt: str) -> str:
        """Return the prompt, or its last `truncate` tokens."""
        if self.truncate is None:
            return prompt
        tokens = await models.llama.tokenize(prompt)
        if len(tokens) <= self.truncate:
            return prompt
        return await models.llama.detokenize(tokens[-self.truncate :])


async def stream_text_generation(
    models: LoadedModels, inputs: Prompt, parameters: TextGenerationParameters
) -> AsyncGenerator[Json]:
    """Yield the tokens as the Hub streams them; the last one carries the whole text and the
    details.

    A token is held back until the next one or the end arrives, because only the last one has them.
    """
    request = await parameters.to_llama_request(models, inputs)
    held: list[GeneratedToken] = []
    text = inputs if parameters.return_full_text else ""
    index = 0
    async with aclosing(stream_tokens(models, request)) as items:
        async for item in items:
            if isinstance(item, GeneratedToken):
                if held:
                    index += 1
                    yield _build_event(index, held.pop(), parameters)
                held.append(item)
                text += item.text
            else:
                # An answer may end before its first token, but the wire puts the details into one.
                last = (
                    held.pop()
                    if held
                    else GeneratedToken(await models.llama.end_token_id(), "", 0.0, [])
                )
                final = {"generated_text": text, "details": _build_details(item, request)}
                yield _build_event(index + 1, last, parameters) | final


def _build_event(index: int, token: GeneratedToken, parameters: TextGenerationParameters) -> Json:
    event = {"index": index, "token": token.to_hub_token(), "generated_text": None, "details": None}
    if parameters.top_n_tokens:
        event["top_tokens"] = token.top_tokens(parameters.top_n_tokens)
    return event


def _build_details(end: GenerationEnd, request: Json) -> Json:
    return {
        "finish_reason": end.reason,
        "generated_tokens": end.generated_tokens,
        "input_length": end.prompt_tokens,
        "seed": request["seed"],
    }


async def text_generation(
    models: LoadedModels, inputs: Prompt, parameters: TextGenerationParameters
) -> list[Json]:
    """Return the continuation of a text."""
    events = [event async for event in stream_text_generation(models, inputs, parameters)]
    final = events[-1]
    answer = {"generated_text": final["generated_text"]}
    if parameters.details:
        tokens = [event["token"] for event in events]
        answer["details"] = final["details"] | {"prefill": [], "tokens": tokens}
        if parameters.top_n_tokens:
            answer["details"]["top_tokens"] = [event["top_tokens"] for event in events]
    return [answer]


CAPABILITY = Capability(
    name="chat",
    model=chat.MODEL,
    serves={"text-generation": text_generation, "chat-completion": chat.complete_chat},
    measured={"chat-completion": (22, 40)},
    streams={"text-generation": stream_text_generation, "chat-completion": chat.stream_chat},
    weights=("smollm2",),
    license="Apache-2.0",
    languages=("English",),
    limits=(
        "English; a very small model (135 million parameters): fluent, often wrong. 2,048 tokens "
        "together with the answer; text only; tools are chosen by meaning."
    ),
    uses_chat_model=True,
)
