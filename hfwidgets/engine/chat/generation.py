"""Text generation in the Hub's wire: the chat model without its template."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec

from hfwidgets.engine.base import schema
from hfwidgets.engine.base.capability import Capability, Kit
from hfwidgets.engine.base.limits import CHARACTERS
from hfwidgets.engine.base.sampling import TOP_P, Count, Heat, Penalty, Seed, Share, heat, seed
from hfwidgets.engine.chat import chat

Json = dict[str, Any]
Prompt = Annotated[str, msgspec.Meta(min_length=1, max_length=CHARACTERS)]
Reason = Literal["length", "stop_sequence", "eos_token"]
_REASONS: dict[str, Reason] = {"limit": "length", "word": "stop_sequence", "eos": "eos_token"}


@dataclass(frozen=True, slots=True)
class Token:
    """One generated token; `text` is empty while a stop sequence may be beginning.

    Several tokens that make up one character come as one, under the id of the last.
    """

    id: int
    text: str
    logprob: float
    top: list[Json]

    def wire(self) -> Json:
        """The token in the Hub's wire."""
        return {"id": self.id, "text": self.text, "logprob": self.logprob, "special": False}

    def rivals(self, count: int) -> list[Json]:
        """The `count` likeliest tokens at this place, in the Hub's wire."""
        return [
            {"id": one["id"], "text": one["token"], "logprob": one["logprob"], "special": False}
            for one in self.top[:count]
        ]


@dataclass(frozen=True, slots=True)
class End:
    """How a generation ended, with the numbers of tokens written and read."""

    reason: Reason
    written: int
    read: int


async def generated(kit: Kit, request: Json) -> AsyncGenerator[Token | End]:
    """The tokens of one completion as they come, then its end."""
    async with aclosing(kit.llama.stream("/completion", {"n_probs": 1} | request)) as events:
        async for event in events:
            for item in event.get("completion_probabilities", ()):
                yield Token(item["id"], item["token"], item["logprob"], item["top_logprobs"])
            if event["stop"]:
                reason = _REASONS.get(event["stop_type"], "length")
                yield End(reason, event["tokens_predicted"], event["tokens_evaluated"])


class Grammar(msgspec.Struct):
    """What the generated text must look like; a regular expression is not among it."""

    type: Literal["json", "json_schema"]
    value: dict[str, Any]


class Generation(msgspec.Struct, kw_only=True):
    """The parameters of the Hub's text generation that llama.cpp can honour."""

    best_of: Literal[1] = 1
    details: bool = False
    do_sample: bool | None = None
    frequency_penalty: Penalty | None = None
    grammar: Grammar | None = None
    max_new_tokens: Count = 100
    repetition_penalty: Annotated[float, msgspec.Meta(gt=0, le=4)] | None = None
    return_full_text: bool = False
    seed: Seed | None = None
    stop: Annotated[list[str], msgspec.Meta(max_length=16)] = []
    temperature: Heat | None = None
    top_k: Annotated[int, msgspec.Meta(ge=1)] | None = None
    top_n_tokens: Annotated[int, msgspec.Meta(ge=0, le=20)] = 0
    top_p: Share = TOP_P
    truncate: Count | None = None
    typical_p: Share | None = None
    watermark: Literal[False] = False

    async def request(self, kit: Kit, prompt: str) -> Json:
        """The completion request in llama.cpp's names."""
        wanted = {
            "prompt": await self._cut(kit, prompt),
            "n_predict": self.max_new_tokens,
            "n_probs": max(1, self.top_n_tokens),
            "temperature": self._heat,
            "top_p": self.top_p,
            "top_k": self.top_k,
            "typical_p": self.typical_p,
            "seed": seed(self.seed),
            "stop": [text for text in self.stop if text],
            "frequency_penalty": self.frequency_penalty,
            "repeat_penalty": self.repetition_penalty,
            "json_schema": schema.tightened(self.grammar.value) if self.grammar else None,
        }
        return {name: value for name, value in wanted.items() if value is not None}

    @property
    def _heat(self) -> float:
        """The temperature; 0 takes the likeliest token each time."""
        if self.do_sample is False:
            return 0.0
        return heat(self.temperature, varied=bool(self.do_sample) or self.seed is not None)

    async def _cut(self, kit: Kit, prompt: str) -> str:
        """The prompt, or the last `truncate` tokens of it."""
        if self.truncate is None:
            return prompt
        tokens = await kit.llama.tokens(prompt)
        return (
            prompt
            if len(tokens) <= self.truncate
            else await kit.llama.text(tokens[-self.truncate :])
        )


async def events(kit: Kit, inputs: Prompt, parameters: Generation) -> AsyncGenerator[Json]:
    """The tokens as the Hub's stream has them; the last one carries the whole text and the details.

    A token is held back until the next one or the end is known, since the last one differs.
    """
    request = await parameters.request(kit, inputs)
    held: list[Token] = []
    text = inputs if parameters.return_full_text else ""
    index = 0
    async with aclosing(generated(kit, request)) as items:
        async for item in items:
            if isinstance(item, Token):
                if held:
                    index += 1
                    yield _event(index, held.pop(), parameters)
                held.append(item)
                text += item.text
            else:
                last = held.pop() if held else Token(await kit.llama.end(), "", 0.0, [])
                final = {"generated_text": text, "details": _details(item, request)}
                yield _event(index + 1, last, parameters) | final


def _event(index: int, token: Token, parameters: Generation) -> Json:
    event = {"index": index, "token": token.wire(), "generated_text": None, "details": None}
    if parameters.top_n_tokens:
        event["top_tokens"] = token.rivals(parameters.top_n_tokens)
    return event


def _details(end: End, request: Json) -> Json:
    return {
        "finish_reason": end.reason,
        "generated_tokens": end.written,
        "input_length": end.read,
        "seed": request["seed"],
    }


async def text_generation(kit: Kit, inputs: Prompt, parameters: Generation) -> list[Json]:
    """Continue a text."""
    listed = [event async for event in events(kit, inputs, parameters)]
    final = listed[-1]
    answer = {"generated_text": final["generated_text"]}
    if parameters.details:
        tokens = [event["token"] for event in listed]
        answer["details"] = final["details"] | {"prefill": [], "tokens": tokens}
        if parameters.top_n_tokens:
            answer["details"]["top_tokens"] = [event["top_tokens"] for event in listed]
    return [answer]


CAPABILITY = Capability(
    name="chat",
    model=chat.MODEL,
    serves={"text-generation": text_generation, "chat-completion": chat.answer},
    streams={"text-generation": events, "chat-completion": chat.chunks},
    weights=("smollm2",),
    licence="Apache-2.0",
    languages=("English",),
    limits=(
        "English; a very small model (135 million parameters): fluent, often wrong. 2,048 tokens "
        "together with the answer; text only; tools are chosen by meaning."
    ),
    chats=True,
)
