"""Serve chat and text generation by causal transformers models, token by token.

A model answers in the shapes of llama.cpp's server, so all routes serve it like a GGUF file.
"""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from hfwidgets.engine.base.capability import Capability
from hfwidgets.engine.base.http_errors import RefusedError, bad_request
from hfwidgets.engine.base.llama import Llama
from hfwidgets.engine.chat import generation
from hfwidgets.engine.custom.model import CustomModel, NetworkModel, input_error_types
from hfwidgets.engine.custom.sampler import IncrementalDecoder, Json, SampledToken, Sampler

if TYPE_CHECKING:
    from torch import Tensor  # pyright: ignore[reportMissingImports]
    from transformers import BatchEncoding  # pyright: ignore[reportMissingImports]

CAUSAL_TASKS = ("chat-completion", "text-generation")
_FINISH_REASONS = {"eos": "stop", "word": "stop", "limit": "length"}
_UNLIMITED = 10**9


@dataclass(frozen=True, slots=True)
class CausalEnd:
    """The end of a generation: llama.cpp's stop type and the counts of tokens."""

    reason: str
    answer_tokens: int
    prompt_tokens: int


GenerationItem = SampledToken | CausalEnd | Exception
"""An item of a generation in a thread: a token, then the end or the error."""
Emit = Callable[[GenerationItem], None]


class CausalModel(NetworkModel):
    """Open a model that continues texts."""

    model_class = "AutoModelForCausalLM"

    def __init__(self) -> None:
        super().__init__()
        config = self.net.config.get_text_config()
        positions = getattr(config, "max_position_embeddings", None)
        # A tokenizer that knows no limit states a huge one, and some networks state none.
        self.context_length = int(min(filter(None, (positions, self.tokenizer.model_max_length))))
        # Chat models often name several end tokens: of a turn and of the text.
        ends = self.net.generation_config.eos_token_id
        end_ids = ends if isinstance(ends, list) else [ends]
        self.end_token_ids = {
            end for end in (*end_ids, self.tokenizer.eos_token_id) if end is not None
        }

    def apply_chat_template(self, messages: list[dict[str, Any]]) -> "BatchEncoding":
        """Tokenize a conversation, up to the start of the answer."""
        if self.tokenizer.chat_template is None:
            message = f"The model {self.name} has no chat template; it only continues texts."
            raise RefusedError(501, message, kind="not_served")
        return self.tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, return_dict=True, return_tensors="pt"
        )

    def generate(self, request: Mapping[str, Any], emit: Emit, cancel: threading.Event) -> None:
        """Pass each token and then the end to `emit`; stop when `cancel` is set."""
        messages = request.get("messages")
        ids = (
            self.apply_chat_template(messages)
            if messages
            else self.tokenizer(request["prompt"], **_TOKENIZER_OPTIONS)
        )
        prompt_length = int(ids["input_ids"].shape[1])
        if prompt_length >= self.context_length:
            raise bad_request(
                f"The text has {prompt_length} tokens and {self.name} holds {self.context_length}, "
                "answer included. Shorten it, or leave out old messages."
            )
        limit = request.get("max_tokens") or request.get("n_predict") or _UNLIMITED
        max_tokens = min(limit, self.context_length - prompt_length)
        vocabulary_size = self.net.config.get_text_config().vocab_size
        sampler = Sampler(request, prompt_length, vocabulary_size, self.net.device)
        decoder = IncrementalDecoder(self._decode, request.get("stop") or [])
        observer = _TokenObserver(sampler, decoder, self.end_token_ids, max_tokens, emit, cancel)
        # Neither of these tasks passes through run(), which holds the lock for all others.
        with self._lock:
            self.net.generate(
                **ids.to(self.net.device),
                max_new_tokens=max_tokens,
                # Greedy search over the one token that the sampler leaves.
                do_sample=False,
                num_beams=1,
                # A batch of one is never padded, but generate() warns without a token for it.
                pad_token_id=min(self.end_token_ids, default=0),
                logits_processor=[sampler],
                stopping_criteria=[observer],
            )
        observer.finish(prompt_length)

    def _decode(self, ids: list[int]) -> str:
        return str(self.tokenizer.decode(ids, skip_special_tokens=True))


_TOKENIZER_OPTIONS = {"return_tensors": "pt", "return_token_type_ids": False}


class _TokenObserver:
    """Emit each token after it was sampled, and decide when to stop."""

    # transformers calls stopping criteria once after each token, which makes them the place to
    # observe tokens; its streamers see ids without probabilities and can't stop a generation.

    def __init__(
        self,
        sampler: Sampler,
        decoder: IncrementalDecoder,
        end_token_ids: set[int],
        max_tokens: int,
        emit: Emit,
        cancel: threading.Event,
    ) -> None:
        self._sampler, self._decoder = sampler, decoder
        self._end_token_ids, self._max_tokens = end_token_ids, max_tokens
        self._emit, self._cancel = emit, cancel
        self._pending_token: SampledToken | None = None
        self._token_count = 0
        self._stop_reason = "limit"

    def __call__(self, ids: "Tensor", scores: "Tensor", **_: Any) -> "Tensor":
        """Return whether the generation ends, shape (1,)."""
        import torch  # pyright: ignore[reportMissingImports]

        is_done = self._cancel.is_set() or self._process_token(int(ids[0, -1]))
        return torch.tensor([is_done], device=ids.device)

    def _process_token(self, token: int) -> bool:
        """Emit what is final after this token; True at the end of the answer."""
        self._token_count += 1
        if token in self._end_token_ids:
            self._stop_reason = "eos"
            return True
        text = self._decoder.add(token)
        if text is not None:
            self._emit_pending()
            self._pending_token = SampledToken(
                token, text, self._sampler.logprob, self._sampler.top_logprobs
            )
            if self._decoder.is_stopped:
                self._stop_reason = "word"
                return True
            # Text held back by the decoder may still belong to this token: see finish().
            if not self._decoder.has_pending_text:
                self._emit_pending()
        return self._token_count >= self._max_tokens

    def _emit_pending(self) -> None:
        if self._pending_token is not None:
            self._emit(self._pending_token)
            self._pending_token = None

    def finish(self, prompt_length: int) -> None:
        """Emit what is held back, then the end."""
        if self._pending_token is not None:
            self._pending_token.text += self._decoder.flush()
        self._emit_pending()
        self._emit(CausalEnd(self._stop_reason, self._token_count, prompt_length))


class CausalLlamaAdapter(Llama):
    """Give a causal model the interface of llama.cpp's server; it computes in a thread."""

    def __init__(self, model_class: type[CausalModel]) -> None:
        super().__init__(lambda: Path(model_class.source), model_class.__name__)
        self._model_class = model_class
        self._loaded_model: CausalModel | None = None

    @property
    def is_running(self) -> bool:
        """True if the model is in memory."""
        return self._loaded_model is not None

    async def stream(self, path: str, body: Mapping[str, Any]) -> AsyncGenerator[Json]:
        """Yield the events of one generation in llama.cpp's shapes; close it to stop."""
        model = await self._ensure_loaded()
        items: asyncio.Queue[GenerationItem] = asyncio.Queue()
        cancel, loop = threading.Event(), asyncio.get_running_loop()

        def emit(item: GenerationItem) -> None:
            with suppress(RuntimeError):  # the loop is closed: the engine has ended
                # asyncio's queues are not thread-safe, so the loop itself must put the item in.
                loop.call_soon_threadsafe(items.put_nowait, item)

        self._busy += 1
        work = asyncio.create_task(asyncio.to_thread(_run_generation, model, body, emit, cancel))
        to_events = _chat_events if path.startswith("/v1/chat") else _completion_events
        try:
            for event in to_events(model, body, None):
                yield event
            while True:
                item = await items.get()
                if isinstance(item, Exception):
                    raise item
                for event in to_events(model, body, item):
                    yield event
                if isinstance(item, CausalEnd):
                    return
        finally:
            # A thread can't be cancelled: it stops at its next token, and its lock is free again
            # before another request starts.
            cancel.set()
            self._busy -= 1
            self._last_used = time.monotonic()
            await asyncio.shield(work)

    async def tokenize(self, text: str) -> list[int]:
        """Return the ids of a text's tokens."""
        tokenizer = (await self._ensure_loaded()).tokenizer
        return list(tokenizer(text, add_special_tokens=False)["input_ids"])

    async def detokenize(self, tokens: list[int]) -> str:
        """Return the text of tokens."""
        return str((await self._ensure_loaded()).tokenizer.decode(tokens))

    async def end_token_id(self) -> int:
        """Return the id of the token that ends a turn."""
        return min((await self._ensure_loaded()).end_token_ids, default=0)

    async def close(self, idle: float = 0) -> None:
        """Drop the model, unless a request runs or came in the last `idle` seconds."""
        if not (idle and (self._busy or time.monotonic() - self._last_used < idle)):
            self._loaded_model = None

    async def _ensure_loaded(self) -> CausalModel:
        async with self._lock:
            self._last_used = time.monotonic()
            if self._loaded_model is None:
                self._loaded_model = await asyncio.to_thread(self._model_class.load)
            self.context = self._loaded_model.context_length
            return self._loaded_model

    async def _ensure_client(self) -> httpx.AsyncClient:
        # What the base class does over HTTP would start llama.cpp on files that it cannot read.
        raise RefusedError(501, f"{self.name} is served through transformers, not llama.cpp.")


def _run_generation(
    model: CausalModel, body: Mapping[str, Any], emit: Emit, cancel: threading.Event
) -> None:
    """Generate in this thread; an error is emitted as the last item."""
    try:
        model.generate(body, emit, cancel)
    except RefusedError as refusal:
        emit(refusal)
    except input_error_types() as error:
        emit(model.to_http_error(error))
    # The stream waits for the queue: without this item it would wait for good.
    except Exception as error:
        emit(error)


def _completion_events(
    model: CausalModel, body: Mapping[str, Any], item: SampledToken | CausalEnd | None
) -> Iterator[Json]:
    """Yield llama.cpp's completion events for an item; None is the start."""
    if isinstance(item, SampledToken):
        top = [
            {"id": token_id, "token": _token_text(model, token_id), "logprob": logprob}
            for token_id, logprob in item.top_logprobs
        ]
        token = {"id": item.id, "token": item.text, "logprob": item.logprob, "top_logprobs": top}
        yield {"completion_probabilities": [token], "stop": False}
    elif item is not None:
        counts = {"tokens_predicted": item.answer_tokens, "tokens_evaluated": item.prompt_tokens}
        yield {"stop": True, "stop_type": item.reason} | counts


def _chat_events(
    model: CausalModel, body: Mapping[str, Any], item: SampledToken | CausalEnd | None
) -> Iterator[Json]:
    """Yield llama.cpp's chat events for an item; None is the start."""
    if item is None:
        yield _delta_event({"role": "assistant", "content": None})
    elif isinstance(item, SampledToken):
        logprobs = {"content": [_token_logprobs(model, item)]} if body.get("logprobs") else None
        yield _delta_event({"content": item.text}, logprobs)
    else:
        prompt, answer = item.prompt_tokens, item.answer_tokens
        yield _delta_event({}, reason=_FINISH_REASONS[item.reason])
        counts = {"prompt_tokens": prompt, "completion_tokens": answer}
        yield {"choices": [], "usage": counts | {"total_tokens": prompt + answer}}


def _delta_event(delta: Json, logprobs: Json | None = None, reason: str | None = None) -> Json:
    extra = {"logprobs": logprobs} if logprobs else {}
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": reason} | extra]}


def _token_logprobs(model: CausalModel, token: SampledToken) -> Json:
    """Return a token's log-probabilities in OpenAI's format."""
    top = [
        _logprob_entry(_token_text(model, token_id), logprob)
        for token_id, logprob in token.top_logprobs
    ]
    return _logprob_entry(_token_text(model, token.id), token.logprob) | {"top_logprobs": top}


def _logprob_entry(text: str, logprob: float) -> Json:
    return {"token": text, "logprob": logprob, "bytes": list(text.encode())}


def _token_text(model: CausalModel, token: int) -> str:
    return str(model.tokenizer.decode([token]))


def build_causal_capability(model: type[CustomModel], task: str) -> Capability:
    """Return a capability for both of a causal model's tasks, `task` first."""
    model_class: type[CausalModel] = type(
        model.__name__, (CausalModel,), {"task": task, "source": model.source}
    )
    engine_chat = generation.CAPABILITY
    # False sorts before True, so the requested task comes first and is the main one.
    order = sorted(engine_chat.serves, key=lambda name: name != task)
    return replace(
        engine_chat,
        name=model_class.__name__,
        model=model_class.__name__,
        serves={name: engine_chat.serves[name] for name in order},
        weights=(),
        license="the model's own",
        languages=(),
        limits=f"Custom model {model_class.source}, through transformers; text only, no tools.",
        llama=CausalLlamaAdapter(model_class),
    )
