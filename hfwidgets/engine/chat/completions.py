"""Continue texts in the wire of OpenAI's older completions route."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from secrets import token_hex
from typing import Annotated, Literal

import msgspec

from hfwidgets.engine.base.capability import LoadedModels
from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.base.sampling import SamplingParameters, TokenCount
from hfwidgets.engine.chat.chat import FINGERPRINT, StreamOptions
from hfwidgets.engine.chat.generation import (
    GeneratedToken,
    GenerationEnd,
    Json,
    Prompt,
    stream_tokens,
)

Prompts = Annotated[list[Prompt], msgspec.Meta(min_length=1, max_length=16)]


class CompletionBody(SamplingParameters, kw_only=True):
    """A completions request; prompts as lists of token ids are not supported."""

    prompt: Prompt | Prompts
    max_tokens: TokenCount = 16
    best_of: Literal[1] = 1
    echo: bool = False
    logprobs: Annotated[int, msgspec.Meta(ge=0, le=20)] | None = None
    stream: bool = False
    stream_options: StreamOptions | None = None

    def expand_prompts(self) -> list[tuple[str, int]]:
        """Return (prompt, answer number) for every text to write."""
        # llama.cpp reports probabilities of generated tokens only, see Llama.score_continuation.
        if self.echo and self.logprobs is not None:
            raise bad_request(
                "echo with logprobs needs the prompt's log-probabilities, which are not available.",
                "echo",
            )
        prompts = [self.prompt] if isinstance(self.prompt, str) else self.prompt
        return [(prompt, index) for prompt in prompts for index in range(self.n)]

    def to_llama_request(self, prompt: str, index: int) -> Json:
        """Return the completion request in llama.cpp's names."""
        settings = self.to_llama_settings(index) | {"prompt": prompt, "n_predict": self.max_tokens}
        return settings | {"n_probs": max(1, self.logprobs or 0)}


async def stream_completion(models: LoadedModels, body: CompletionBody) -> AsyncGenerator[Json]:
    """Yield the texts as OpenAI's chunks, one text after the other."""
    head = _response_header(models.llama.name)
    usage = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    for number, (prompt, index) in enumerate(body.expand_prompts()):
        if body.echo:
            yield head | {"choices": [_build_choice(number, prompt)]}
        async with aclosing(stream_tokens(models, body.to_llama_request(prompt, index))) as items:
            offset = 0
            async for item in items:
                if isinstance(item, GenerationEnd):
                    _add_usage(usage, item, first=index == 0)
                    reason = "length" if item.reason == "length" else "stop"
                    yield head | {"choices": [_build_choice(number, "", reason=reason)]}
                else:
                    scores = _to_openai_logprobs(item, offset, body.logprobs)
                    offset += len(item.text)
                    yield head | {"choices": [_build_choice(number, item.text, scores)]}
    # Always the last: the route drops it where a stream did not request it, and the folded answer
    # takes its usage from here.
    yield head | {"choices": [], "usage": usage}


async def complete_prompts(models: LoadedModels, body: CompletionBody) -> Json:
    """Return all texts in one answer."""
    # The stream's chunks are folded, so that both forms of an answer always agree.
    choices: dict[int, Json] = {}
    last: Json = {}
    async for chunk in stream_completion(models, body):
        last = chunk
        for item in chunk["choices"]:
            _merge_choice(choices.setdefault(item["index"], _build_choice(item["index"], "")), item)
    return last | {"choices": list(choices.values())}


def _merge_choice(choice: Json, more: Json) -> None:
    """Add a chunk's choice to the complete one."""
    choice["text"] += more["text"]
    choice["finish_reason"] = more["finish_reason"]
    if more["logprobs"]:
        whole = choice["logprobs"] or {name: [] for name in more["logprobs"]}
        choice["logprobs"] = {name: whole[name] + more["logprobs"][name] for name in whole}


def _build_choice(
    index: int, text: str, logprobs: Json | None = None, reason: str | None = None
) -> Json:
    return {"index": index, "text": text, "logprobs": logprobs, "finish_reason": reason}


def _to_openai_logprobs(token: GeneratedToken, offset: int, top: int | None) -> Json | None:
    """Return one token's log-probabilities; offsets count from the start of the generated text."""
    if top is None:
        return None
    return {
        "tokens": [token.text],
        "token_logprobs": [token.logprob],
        "top_logprobs": [{one["token"]: one["logprob"] for one in token.top[:top]}],
        "text_offset": [offset],
    }


def _add_usage(usage: dict[str, int], end: GenerationEnd, *, first: bool) -> None:
    """Add one text to the usage; a prompt that is answered several times counts once."""
    usage["prompt_tokens"] += end.prompt_tokens if first else 0
    usage["completion_tokens"] += end.generated_tokens
    usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]


def _response_header(model: str) -> Json:
    return {
        "id": f"cmpl-{token_hex(12)}",
        "object": "text_completion",
        "created": int(time.time()),
        "model": model,
        "system_fingerprint": FINGERPRINT,
    }
