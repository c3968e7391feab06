"""Chat and text generation by causal models of transformers', token by token as they are written.

They are asked as llama.cpp's server is, so that all routes serve them as they serve a GGUF file.
"""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from hfwidgets.engine.base.capability import Capability
from hfwidgets.engine.base.http_errors import RefusedError, bad_request
from hfwidgets.engine.chat import generation
from hfwidgets.engine.chat.llama import Llama
from hfwidgets.engine.custom.model import CustomModel, NetworkModel, input_error_types
from hfwidgets.engine.custom.sampler import IncrementalDecoder, Json, SampledToken, Sampler

CAUSAL_TASKS = ("chat-completion", "text-generation")
_FINISH_REASONS = {"eos": "stop", "word": "stop", "limit": "length"}


class CausalModel(NetworkModel):
    """A model that continues texts, opened."""

    model_class = "AutoModelForCausalLM"

    def __init__(self) -> None:
        super().__init__()
        config = self.net.config.get_text_config()
        positions = getattr(config, "max_position_embeddings", None)
        self.context_length = int(min(filter(None, (positions, self.tokenizer.model_max_length))))
        ends = self.net.generation_config.eos_token_id
        listed = ends if isinstance(ends, list) else [ends]
        self.end_token_ids = {
            end for end in (*listed, self.tokenizer.eos_token_id) if end is not None
        }

    def apply_chat_template(self, messages: list[dict[str, Any]]) -> Any:
        """A conversation's tokens."""
        if self.tokenizer.chat_template is None:
            said = f"The model {self.name} has no chat template; it continues texts only."
            raise RefusedError(501, said, kind="not_served")
        return self.tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, return_dict=True, return_tensors="pt"
        )

    def generate(self, asked: Mapping[str, Any], emit: Callable[[Any], None], gone: Any) -> None:
        """Give each token and then the end to `emit`; stops when `gone` is set."""
        messages = asked.get("messages")
        ids = (
            self.apply_chat_template(messages)
            if messages
            else self.tokenizer(asked["prompt"], **_TOKENIZER_OPTIONS)
        )
        read = int(ids["input_ids"].shape[1])
        if read >= self.context_length:
            raise bad_request(
                f"The text has {read} tokens and {self.name} holds {self.context_length} together "
                "with "
                "its answer. Shorten it, or leave out old messages."
            )
        most = min(
            asked.get("max_tokens") or asked.get("n_predict") or 10**9, self.context_length - read
        )
        chooser = Sampler(
            asked, read, self.net.config.get_text_config().vocab_size, self.net.device
        )
        speller = IncrementalDecoder(self._decode, asked.get("stop") or [])
        watch = _TokenObserver(chooser, speller, self.end_token_ids, most, emit, gone)
        with self._lock:
            self.net.generate(
                **ids.to(self.net.device),
                max_new_tokens=most,
                do_sample=False,
                num_beams=1,
                pad_token_id=min(self.end_token_ids, default=0),
                logits_processor=[chooser],
                stopping_criteria=[watch],
            )
        watch.finish(read)

    def _decode(self, ids: list[int]) -> str:
        return str(self.tokenizer.decode(ids, skip_special_tokens=True))


_TOKENIZER_OPTIONS = {"return_tensors": "pt", "return_token_type_ids": False}


class _TokenObserver:
    """Sees each token right after it was chosen, and says when to stop."""

    def __init__(
        self,
        chooser: Sampler,
        speller: IncrementalDecoder,
        ends: set[int],
        most: int,
        emit: Callable[[Any], None],
        gone: threading.Event,
    ) -> None:
        self._sampler, self._decoder, self._end_token_ids, self._max_tokens = (
            chooser,
            speller,
            ends,
            most,
        )
        self._emit, self._cancel_event = emit, gone
        self._pending_token: SampledToken | None = None
        self._token_count = 0
        self._stop_reason = "limit"

    def __call__(self, ids: Any, scores: Any, **_: Any) -> Any:
        """Whether the generation is over, shape (1,)."""
        import torch  # pyright: ignore[reportMissingImports]

        over = self._cancel_event.is_set() or self._process_token(int(ids[0, -1]))
        return torch.tensor([over], device=ids.device)

    def _process_token(self, token: int) -> bool:
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
            if not self._decoder.has_pending_text:
                self._emit_pending()
        return self._token_count >= self._max_tokens

    def _emit_pending(self) -> None:
        if self._pending_token is not None:
            self._emit(self._pending_token)
            self._pending_token = None

    def finish(self, read: int) -> None:
        """Give what is held back, then the end."""
        if self._pending_token is not None:
            self._pending_token.text += self._decoder.flush()
        self._emit_pending()
        self._emit({"reason": self._stop_reason, "written": self._token_count, "read": read})


class CausalLlamaAdapter(Llama):
    """A causal model that is asked as llama.cpp's server is; it computes in a thread."""

    def __init__(self, kind: type[CausalModel]) -> None:
        super().__init__(lambda: Path(kind.source), kind.__name__)
        self._model_class = kind
        self._loaded_model: CausalModel | None = None

    @property
    def is_running(self) -> bool:
        """Whether the model is in memory."""
        return self._loaded_model is not None

    async def stream(self, path: str, body: Mapping[str, Any]) -> AsyncGenerator[Json]:
        """The events of one generation, in llama.cpp's shapes; close it to end it."""
        model = await self._ensure_loaded()
        items: asyncio.Queue[Any] = asyncio.Queue()
        gone, loop = threading.Event(), asyncio.get_running_loop()

        def emit(item: Any) -> None:
            with suppress(RuntimeError):  # the engine has ended
                loop.call_soon_threadsafe(items.put_nowait, item)

        self._busy += 1
        work = asyncio.create_task(asyncio.to_thread(_run_generation, model, body, emit, gone))
        shape = _chat_events if path.startswith("/v1/chat") else _completion_events
        try:
            for event in shape(model, body):
                yield event
            while True:
                item = await items.get()
                if isinstance(item, Exception):
                    raise item
                for event in shape(model, body, item):
                    yield event
                if isinstance(item, dict):
                    return
        finally:
            gone.set()
            self._busy -= 1
            self._last_used = time.monotonic()
            await asyncio.shield(work)

    async def tokenize(self, text: str) -> list[int]:
        """The ids of a text's tokens."""
        read = (await self._ensure_loaded()).tokenizer
        return list(read(text, add_special_tokens=False)["input_ids"])

    async def detokenize(self, tokens: list[int]) -> str:
        """The text of tokens."""
        return str((await self._ensure_loaded()).tokenizer.decode(tokens))

    async def end_token_id(self) -> int:
        """The id of the token that ends a turn."""
        return min((await self._ensure_loaded()).end_token_ids, default=0)

    async def close(self, idle: float = 0) -> None:
        """Let go of the model, unless a request runs or came in the last `idle` seconds."""
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
        raise RefusedError(501, f"{self.name} is served through transformers, not llama.cpp.")


def _run_generation(
    model: CausalModel, body: Mapping[str, Any], emit: Callable[[Any], None], gone: threading.Event
) -> None:
    """Let the model write; a failure is given as the last item."""
    try:
        model.generate(body, emit, gone)
    except RefusedError as refusal:
        emit(refusal)
    except input_error_types() as error:
        emit(model.to_http_error(error))
    except Exception as error:
        emit(error)


def _completion_events(
    model: CausalModel, body: Mapping[str, Any], item: Any = None
) -> Iterator[Json]:
    """llama.cpp's events of a completion for an item."""
    if isinstance(item, SampledToken):
        top = [
            {"id": one, "token": _token_text(model, one), "logprob": log}
            for one, log in item.top_logprobs
        ]
        token = {"id": item.id, "token": item.text, "logprob": item.logprob, "top_logprobs": top}
        yield {"completion_probabilities": [token], "stop": False}
    elif item is not None:
        counts = {"tokens_predicted": item["written"], "tokens_evaluated": item["read"]}
        yield {"stop": True, "stop_type": item["reason"]} | counts


def _chat_events(model: CausalModel, body: Mapping[str, Any], item: Any = None) -> Iterator[Json]:
    """llama.cpp's events of a chat's answer for an item; None is the beginning."""
    if item is None:
        yield _delta_event({"role": "assistant", "content": None})
    elif isinstance(item, SampledToken):
        scores = {"content": [_token_logprobs(model, item)]} if body.get("logprobs") else None
        yield _delta_event({"content": item.text}, scores)
    else:
        read, written = item["read"], item["written"]
        yield _delta_event({}, reason=_FINISH_REASONS[item["reason"]])
        counts = {"prompt_tokens": read, "completion_tokens": written}
        yield {"choices": [], "usage": counts | {"total_tokens": read + written}}


def _delta_event(delta: Json, scores: Json | None = None, reason: str | None = None) -> Json:
    extra = {"logprobs": scores} if scores else {}
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": reason} | extra]}


def _token_logprobs(model: CausalModel, choice: SampledToken) -> Json:
    """A token's log-probabilities."""
    top = [_logprob_entry(_token_text(model, one), log) for one, log in choice.top_logprobs]
    return _logprob_entry(_token_text(model, choice.id), choice.logprob) | {"top_logprobs": top}


def _logprob_entry(text: str, logprob: float) -> Json:
    return {"token": text, "logprob": logprob, "bytes": list(text.encode())}


def _token_text(model: CausalModel, token: int) -> str:
    return str(model.tokenizer.decode([token]))


def build_causal_capability(model: type[CustomModel], task: str) -> Capability:
    """A causal model as a capability for both of its tasks, the named one first."""
    kind: type[CausalModel] = type(
        model.__name__, (CausalModel,), {"task": task, "source": model.source}
    )
    own = generation.CAPABILITY
    order = sorted(own.serves, key=lambda name: name != task)
    return replace(
        own,
        name=kind.__name__,
        model=kind.__name__,
        serves={name: own.serves[name] for name in order},
        weights=(),
        license="the model's own",
        languages=(),
        limits=f"Your own model {kind.source}, through transformers; text only, no tools.",
        llama=CausalLlamaAdapter(kind),
    )
