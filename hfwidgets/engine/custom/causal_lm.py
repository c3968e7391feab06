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
from hfwidgets.engine.base.http_errors import RefusedError, bad
from hfwidgets.engine.chat import generation
from hfwidgets.engine.chat.llama import Llama
from hfwidgets.engine.custom.model import Model, Network, refusals
from hfwidgets.engine.custom.sampler import Choice, Chooser, Json, Speller

TASKS = ("chat-completion", "text-generation")
_ENDS = {"eos": "stop", "word": "stop", "limit": "length"}


class Causal(Network):
    """A model that continues texts, opened."""

    kind = "AutoModelForCausalLM"

    def __init__(self) -> None:
        super().__init__()
        config = self.net.config.get_text_config()
        positions = getattr(config, "max_position_embeddings", None)
        self.context = int(min(filter(None, (positions, self.read.model_max_length))))
        ends = self.net.generation_config.eos_token_id
        listed = ends if isinstance(ends, list) else [ends]
        self.ends = {end for end in (*listed, self.read.eos_token_id) if end is not None}

    def templated(self, messages: list[dict[str, Any]]) -> Any:
        """A conversation's tokens."""
        if self.read.chat_template is None:
            said = f"The model {self.name} has no chat template; it continues texts only."
            raise RefusedError(501, said, kind="not_served")
        return self.read.apply_chat_template(
            messages, add_generation_prompt=True, return_dict=True, return_tensors="pt"
        )

    def write(self, asked: Mapping[str, Any], emit: Callable[[Any], None], gone: Any) -> None:
        """Give each token and then the end to `emit`; stops when `gone` is set."""
        messages = asked.get("messages")
        ids = self.templated(messages) if messages else self.read(asked["prompt"], **_TENSORS)
        read = int(ids["input_ids"].shape[1])
        if read >= self.context:
            raise bad(
                f"The text has {read} tokens and {self.name} holds {self.context} together with "
                "its answer. Shorten it, or leave out old messages."
            )
        most = min(asked.get("max_tokens") or asked.get("n_predict") or 10**9, self.context - read)
        chooser = Chooser(
            asked, read, self.net.config.get_text_config().vocab_size, self.net.device
        )
        speller = Speller(self._decode, asked.get("stop") or [])
        watch = _Watch(chooser, speller, self.ends, most, emit, gone)
        with self._lock:
            self.net.generate(
                **ids.to(self.net.device),
                max_new_tokens=most,
                do_sample=False,
                num_beams=1,
                pad_token_id=min(self.ends, default=0),
                logits_processor=[chooser],
                stopping_criteria=[watch],
            )
        watch.over(read)

    def _decode(self, ids: list[int]) -> str:
        return str(self.read.decode(ids, skip_special_tokens=True))


_TENSORS = {"return_tensors": "pt", "return_token_type_ids": False}


class _Watch:
    """Sees each token right after it was chosen, and says when to stop."""

    def __init__(
        self,
        chooser: Chooser,
        speller: Speller,
        ends: set[int],
        most: int,
        emit: Callable[[Any], None],
        gone: threading.Event,
    ) -> None:
        self._chooser, self._speller, self._ends, self._most = chooser, speller, ends, most
        self._emit, self._gone = emit, gone
        self._held: Choice | None = None
        self._written = 0
        self._reason = "limit"

    def __call__(self, ids: Any, scores: Any, **_: Any) -> Any:
        """Whether the generation is over, shape (1,)."""
        import torch  # pyright: ignore[reportMissingImports]

        over = self._gone.is_set() or self._taken(int(ids[0, -1]))
        return torch.tensor([over], device=ids.device)

    def _taken(self, token: int) -> bool:
        self._written += 1
        if token in self._ends:
            self._reason = "eos"
            return True
        text = self._speller.add(token)
        if text is not None:
            self._release()
            self._held = Choice(token, text, self._chooser.logprob, self._chooser.top)
            if self._speller.stopped:
                self._reason = "word"
                return True
            if not self._speller.holds:
                self._release()
        return self._written >= self._most

    def _release(self) -> None:
        if self._held is not None:
            self._emit(self._held)
            self._held = None

    def over(self, read: int) -> None:
        """Give what is held back, then the end."""
        if self._held is not None:
            self._held.text += self._speller.rest()
        self._release()
        self._emit({"reason": self._reason, "written": self._written, "read": read})


class Writer(Llama):
    """A causal model that is asked as llama.cpp's server is; it computes in a thread."""

    def __init__(self, kind: type[Causal]) -> None:
        super().__init__(lambda: Path(kind.source), kind.__name__)
        self._kind = kind
        self._open: Causal | None = None

    @property
    def up(self) -> bool:
        """Whether the model is in memory."""
        return self._open is not None

    async def stream(self, path: str, body: Mapping[str, Any]) -> AsyncGenerator[Json]:
        """The events of one generation, in llama.cpp's shapes; close it to end it."""
        model = await self._model_open()
        items: asyncio.Queue[Any] = asyncio.Queue()
        gone, loop = threading.Event(), asyncio.get_running_loop()

        def emit(item: Any) -> None:
            with suppress(RuntimeError):  # the engine has ended
                loop.call_soon_threadsafe(items.put_nowait, item)

        self._busy += 1
        work = asyncio.create_task(asyncio.to_thread(_written, model, body, emit, gone))
        shape = _chat if path.startswith("/v1/chat") else _completion
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
            self._used = time.monotonic()
            await asyncio.shield(work)

    async def tokens(self, text: str) -> list[int]:
        """The ids of a text's tokens."""
        read = (await self._model_open()).read
        return list(read(text, add_special_tokens=False)["input_ids"])

    async def text(self, tokens: list[int]) -> str:
        """The text of tokens."""
        return str((await self._model_open()).read.decode(tokens))

    async def end(self) -> int:
        """The id of the token that ends a turn."""
        return min((await self._model_open()).ends, default=0)

    async def close(self, idle: float = 0) -> None:
        """Let go of the model, unless a request runs or came in the last `idle` seconds."""
        if not (idle and (self._busy or time.monotonic() - self._used < idle)):
            self._open = None

    async def _model_open(self) -> Causal:
        async with self._lock:
            self._used = time.monotonic()
            if self._open is None:
                self._open = await asyncio.to_thread(self._kind.load)
            self.context = self._open.context
            return self._open

    async def _ready(self) -> httpx.AsyncClient:
        raise RefusedError(501, f"{self.name} is served through transformers, not llama.cpp.")


def _written(
    model: Causal, body: Mapping[str, Any], emit: Callable[[Any], None], gone: threading.Event
) -> None:
    """Let the model write; a failure is given as the last item."""
    try:
        model.write(body, emit, gone)
    except RefusedError as refusal:
        emit(refusal)
    except refusals() as error:
        emit(model.refused(error))
    except Exception as error:
        emit(error)


def _completion(model: Causal, body: Mapping[str, Any], item: Any = None) -> Iterator[Json]:
    """llama.cpp's events of a completion for an item."""
    if isinstance(item, Choice):
        top = [{"id": one, "token": _name(model, one), "logprob": log} for one, log in item.top]
        token = {"id": item.id, "token": item.text, "logprob": item.logprob, "top_logprobs": top}
        yield {"completion_probabilities": [token], "stop": False}
    elif item is not None:
        counts = {"tokens_predicted": item["written"], "tokens_evaluated": item["read"]}
        yield {"stop": True, "stop_type": item["reason"]} | counts


def _chat(model: Causal, body: Mapping[str, Any], item: Any = None) -> Iterator[Json]:
    """llama.cpp's events of a chat's answer for an item; None is the beginning."""
    if item is None:
        yield _delta({"role": "assistant", "content": None})
    elif isinstance(item, Choice):
        scores = {"content": [_scored(model, item)]} if body.get("logprobs") else None
        yield _delta({"content": item.text}, scores)
    else:
        read, written = item["read"], item["written"]
        yield _delta({}, reason=_ENDS[item["reason"]])
        counts = {"prompt_tokens": read, "completion_tokens": written}
        yield {"choices": [], "usage": counts | {"total_tokens": read + written}}


def _delta(delta: Json, scores: Json | None = None, reason: str | None = None) -> Json:
    extra = {"logprobs": scores} if scores else {}
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": reason} | extra]}


def _scored(model: Causal, choice: Choice) -> Json:
    """A token's log-probabilities."""
    top = [_bytes(_name(model, one), log) for one, log in choice.top]
    return _bytes(_name(model, choice.id), choice.logprob) | {"top_logprobs": top}


def _bytes(text: str, logprob: float) -> Json:
    return {"token": text, "logprob": logprob, "bytes": list(text.encode())}


def _name(model: Causal, token: int) -> str:
    return str(model.read.decode([token]))


def capability(model: type[Model], task: str) -> Capability:
    """A causal model as a capability for both of its tasks, the named one first."""
    kind: type[Causal] = type(model.__name__, (Causal,), {"task": task, "source": model.source})
    own = generation.CAPABILITY
    order = sorted(own.serves, key=lambda name: name != task)
    return replace(
        own,
        name=kind.__name__,
        model=kind.__name__,
        serves={name: own.serves[name] for name in order},
        weights=(),
        licence="the model's own",
        languages=(),
        limits=f"Your own model {kind.source}, through transformers; text only, no tools.",
        llama=Writer(kind),
    )
