"""How the next token is chosen and spelt out: by the sampling parameters of llama.cpp's wire."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hfwidgets.engine.base.http_errors import bad_request

Json = dict[str, Any]
_CONSTRAINT_PARAMETERS = ("response_format", "json_schema", "grammar")


@dataclass(slots=True)
class SampledToken:
    """A token that was chosen: how likely it was, and the likeliest ones at its place."""

    id: int
    text: str
    logprob: float
    top_logprobs: list[tuple[int, float]]


class Sampler:
    """Draws each token itself, from a seed of its own, and remembers how likely it was.

    It stands last among the processors of `generate` and leaves one token possible; so requests
    with seeds do not disturb each other, as the one state of torch's own would.
    """

    def __init__(self, asked: Mapping[str, Any], prompt: int, vocabulary: int, device: Any) -> None:
        import torch  # pyright: ignore[reportMissingImports]

        _check_request(asked, vocabulary)
        self._request = asked
        self._prompt_length = prompt
        self._temperature = float(asked.get("temperature", 1.0))
        self._warpers = list(_build_warpers(asked)) if self._temperature else []
        self._generator = torch.Generator(device).manual_seed(int(asked.get("seed", 0)))
        self._top_count = int(asked.get("n_probs", 0)) or int(asked.get("top_logprobs", 0))
        self.logprob = 0.0
        self.top_logprobs: list[tuple[int, float]] = []

    def __call__(self, ids: Any, scores: Any) -> Any:
        """The scores with one token left; shapes (1, tokens) and (1, vocabulary)."""
        logs = scores.float().log_softmax(-1)
        chosen = self._draw_token(ids, scores.float())
        self.logprob = float(logs[0, chosen])
        best = logs[0].topk(self._top_count) if self._top_count else None
        self.top_logprobs = (
            list(zip(best.indices.tolist(), best.values.tolist(), strict=True)) if best else []
        )
        one = scores.new_full(scores.shape, float("-inf"))
        one[0, chosen] = 0
        return one

    def _draw_token(self, ids: Any, scores: Any) -> int:
        scores = self._apply_penalties(ids, scores)
        if not self._temperature:
            return int(scores[0].argmax())
        for warper in self._warpers:
            scores = warper(ids, scores)
        shares = scores.softmax(-1)
        return int(shares.multinomial(1, generator=self._generator)[0, 0])

    def _apply_penalties(self, ids: Any, scores: Any) -> Any:
        """The scores after penalties for what is written already, and the caller's biases."""
        asked, written = self._request, ids[0, self._prompt_length :]
        often = asked.get("frequency_penalty", 0)
        once = asked.get("presence_penalty", 0)
        if often or once:
            counts = written.bincount(minlength=scores.shape[-1])[: scores.shape[-1]]
            scores = scores - often * counts - once * (counts > 0)
        for token, bias in (asked.get("logit_bias") or {}).items():
            scores[0, int(token)] += bias
        if (penalty := asked.get("repeat_penalty", 1.0)) != 1.0:
            seen = ids[0].unique()
            kept = scores[0, seen]
            scores[0, seen] = kept.where(kept < 0, kept / penalty).where(kept >= 0, kept * penalty)
        return scores


def _check_request(asked: Mapping[str, Any], vocabulary: int) -> None:
    """Refuse what only llama.cpp does, and biases of tokens that are none."""
    for name in _CONSTRAINT_PARAMETERS:
        if name in asked:
            raise bad_request(
                "A model that is served through transformers writes freely: no response_format, "
                "grammar, schema or tools. A GGUF file (--chat FILE.gguf) has them.",
                name,
            )
    for token in asked.get("logit_bias") or {}:
        if not (token.isdecimal() and int(token) < vocabulary):
            raise bad_request(
                f"logit_bias names the token {token!r}; they are 0 to {vocabulary - 1}."
            )


def _build_warpers(asked: Mapping[str, Any]) -> Iterator[Callable[[Any, Any], Any]]:
    """transformers' own, in llama.cpp's order."""
    from transformers.generation import logits_process as kinds  # pyright: ignore

    if asked.get("top_k"):
        yield kinds.TopKLogitsWarper(int(asked["top_k"]))
    if asked.get("typical_p", 1.0) not in (0, 1):
        yield kinds.TypicalLogitsWarper(float(asked["typical_p"]))
    if 0 < asked.get("top_p", 1.0) < 1:
        yield kinds.TopPLogitsWarper(float(asked["top_p"]))
    if asked.get("min_p"):
        yield kinds.MinPLogitsWarper(float(asked["min_p"]))
    if asked.get("temperature", 1.0) != 1:
        yield kinds.TemperatureLogitsWarper(float(asked["temperature"]))


@dataclass
class IncrementalDecoder:
    """The text of tokens as they come, up to a stop sequence.

    Text is held back while it may be the beginning of one; what is held when all is over belongs to
    the last token. Tokens that make up one character are one, under the id of the last.
    """

    decode: Callable[[list[int]], str]
    stop_sequences: Sequence[str]
    is_stopped: bool = False
    _ids: list[int] = field(default_factory=list)
    _context_start: int = 0
    _decoded_end: int = 0
    _pending_text: str = ""

    def add(self, token: int) -> str | None:
        """The text that is certain with this token; None within a character."""
        self._ids.append(token)
        before = self.decode(self._ids[self._context_start : self._decoded_end])
        whole = self.decode(self._ids[self._context_start :])
        if whole.endswith("\ufffd"):
            return None
        piece = whole[len(before) :]
        if piece:  # a token without text, as a special one, would hide the space before the next
            self._context_start = self._decoded_end
        self._decoded_end = len(self._ids)
        return self._release_text(piece)

    def flush(self) -> str:
        """What is held back, once no token follows."""
        held, self._pending_text = self._pending_text, ""
        return held

    @property
    def has_pending_text(self) -> bool:
        """Whether text is held back."""
        return bool(self._pending_text)

    def _release_text(self, piece: str) -> str:
        text = self._pending_text + piece
        places = [
            place for place in (text.find(stop) for stop in self.stop_sequences) if place >= 0
        ]
        if places:
            self.is_stopped, self._pending_text = True, ""
            return text[: min(places)]
        keep = max((_count_stop_prefix(text, stop) for stop in self.stop_sequences), default=0)
        self._pending_text = text[len(text) - keep :]
        return text[: len(text) - keep]


def _count_stop_prefix(text: str, stop: str) -> int:
    """How many characters at a text's end begin a stop sequence."""
    sizes = range(min(len(stop) - 1, len(text)), 0, -1)
    return next((size for size in sizes if text.endswith(stop[:size])), 0)
