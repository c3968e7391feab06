"""Choose and decode tokens by the sampling parameters of llama.cpp's wire format."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hfwidgets.engine.base.http_errors import bad_request

if TYPE_CHECKING:
    from torch import Tensor, device  # pyright: ignore[reportMissingImports]

Json = dict[str, Any]
_CONSTRAINT_PARAMETERS = ("response_format", "json_schema", "grammar")


@dataclass(slots=True)
class SampledToken:
    """A sampled token with its log-probability and the most likely tokens at its position."""

    id: int
    text: str
    logprob: float
    top_logprobs: list[tuple[int, float]]


class Sampler:
    """Choose each token with a private random generator and record its log-probability."""

    # It is the last logits processor of `generate`, which runs greedily: leaving one possible token
    # makes this class the sampler. transformers' own sampling draws from torch's global generator,
    # where concurrent requests with seeds would disturb each other.

    def __init__(
        self,
        request: Mapping[str, Any],
        prompt_length: int,
        vocabulary_size: int,
        device: "device",
    ) -> None:
        import torch  # pyright: ignore[reportMissingImports]

        _check_request(request, vocabulary_size)
        self._request = request
        self._prompt_length = prompt_length
        self._temperature = float(request.get("temperature", 1.0))
        self._warpers = list(_build_warpers(request)) if self._temperature else []
        # multinomial() needs the generator on the device of the scores.
        self._generator = torch.Generator(device).manual_seed(int(request.get("seed", 0)))
        self._top_count = int(request.get("n_probs", 0)) or int(request.get("top_logprobs", 0))
        self.logprob = 0.0
        self.top_logprobs: list[tuple[int, float]] = []

    def __call__(self, ids: "Tensor", scores: "Tensor") -> "Tensor":
        """Return the scores with one possible token: shapes (1, tokens) and (1, vocabulary)."""
        # Probabilities are reported before penalties and temperature, as llama.cpp does.
        logprobs = scores.float().log_softmax(-1)
        token = self._draw_token(ids, scores.float())
        self.logprob = float(logprobs[0, token])
        top = logprobs[0].topk(self._top_count) if self._top_count else None
        self.top_logprobs = (
            list(zip(top.indices.tolist(), top.values.tolist(), strict=True)) if top else []
        )
        masked = scores.new_full(scores.shape, float("-inf"))
        masked[0, token] = 0
        return masked

    def _draw_token(self, ids: "Tensor", scores: "Tensor") -> int:
        scores = self._apply_penalties(ids, scores)
        if not self._temperature:
            return int(scores[0].argmax())
        for warper in self._warpers:
            scores = warper(ids, scores)
        probabilities = scores.softmax(-1)
        return int(probabilities.multinomial(1, generator=self._generator)[0, 0])

    def _apply_penalties(self, ids: "Tensor", scores: "Tensor") -> "Tensor":
        """Apply the penalties for repeated tokens and the request's biases."""
        # OpenAI's two penalties count only the answer; llama.cpp's repeat penalty counts the
        # prompt, too, and shrinks positive scores while it grows negative ones.
        request, answer = self._request, ids[0, self._prompt_length :]
        frequency = request.get("frequency_penalty", 0)
        presence = request.get("presence_penalty", 0)
        if frequency or presence:
            counts = answer.bincount(minlength=scores.shape[-1])[: scores.shape[-1]]
            scores = scores - frequency * counts - presence * (counts > 0)
        for token, bias in (request.get("logit_bias") or {}).items():
            # In place is safe: the reported log-probabilities were computed before, and generate()
            # gets the mask alone.
            scores[0, int(token)] += bias
        if (penalty := request.get("repeat_penalty", 1.0)) != 1.0:
            seen = ids[0].unique()
            old = scores[0, seen]
            scores[0, seen] = old.where(old < 0, old / penalty).where(old >= 0, old * penalty)
        return scores


def _check_request(request: Mapping[str, Any], vocabulary_size: int) -> None:
    """Refuse parameters that only llama.cpp supports, and biases of unknown tokens."""
    for name in _CONSTRAINT_PARAMETERS:
        if name in request:
            raise bad_request(
                "Models served through transformers don't support response_format, grammar, "
                "schema or tools. Serve a GGUF file instead (--chat FILE.gguf).",
                name,
            )
    for token in request.get("logit_bias") or {}:
        if not (token.isdecimal() and int(token) < vocabulary_size):
            raise bad_request(
                f"logit_bias names the token {token!r}; tokens are 0 to {vocabulary_size - 1}."
            )


def _build_warpers(
    request: Mapping[str, Any],
) -> Iterator[Callable[["Tensor", "Tensor"], "Tensor"]]:
    """Yield transformers' warpers in llama.cpp's order, temperature last."""
    from transformers.generation import logits_process  # pyright: ignore

    # Values that would change nothing are skipped, as some warpers refuse them.
    if request.get("top_k"):
        yield logits_process.TopKLogitsWarper(int(request["top_k"]))
    if request.get("typical_p", 1.0) not in (0, 1):
        yield logits_process.TypicalLogitsWarper(float(request["typical_p"]))
    if 0 < request.get("top_p", 1.0) < 1:
        yield logits_process.TopPLogitsWarper(float(request["top_p"]))
    if request.get("min_p"):
        yield logits_process.MinPLogitsWarper(float(request["min_p"]))
    if request.get("temperature", 1.0) != 1:
        yield logits_process.TemperatureLogitsWarper(float(request["temperature"]))


@dataclass
class IncrementalDecoder:
    """Decode tokens to text as they come, up to a stop sequence.

    Text that may begin a stop sequence is held back until the next token decides; at the end it
    belongs to the last token. Tokens that form one character count as one, under the last one's id.
    """

    decode: Callable[[list[int]], str]
    stop_sequences: Sequence[str]
    is_stopped: bool = False
    _ids: list[int] = field(default_factory=list)
    # A token is decoded together with the one before it, since tokenizers drop or add a space at
    # the start of what they decode: _ids[_context_start:_decoded_end] is that context.
    _context_start: int = 0
    _decoded_end: int = 0
    _pending_text: str = ""

    def add(self, token: int) -> str | None:
        """Return the text that is final after this token; None within a character."""
        self._ids.append(token)
        before = self.decode(self._ids[self._context_start : self._decoded_end])
        whole = self.decode(self._ids[self._context_start :])
        if whole.endswith("\ufffd"):  # the replacement character: its bytes are incomplete
            return None
        piece = whole[len(before) :]
        # A token without text, such as a special one, would hide the space before the next token:
        # it doesn't become the context.
        if piece:
            self._context_start = self._decoded_end
        self._decoded_end = len(self._ids)
        return self._release_text(piece)

    def flush(self) -> str:
        """Return the text that is held back, after the last token."""
        text, self._pending_text = self._pending_text, ""
        return text

    @property
    def has_pending_text(self) -> bool:
        """True if text is held back."""
        return bool(self._pending_text)

    def _release_text(self, piece: str) -> str:
        text = self._pending_text + piece
        positions = [at for at in (text.find(stop) for stop in self.stop_sequences) if at >= 0]
        if positions:
            self.is_stopped, self._pending_text = True, ""
            return text[: min(positions)]
        held = max((_count_stop_prefix(text, stop) for stop in self.stop_sequences), default=0)
        self._pending_text = text[len(text) - held :]
        return text[: len(text) - held]


def _count_stop_prefix(text: str, stop: str) -> int:
    """Count the characters at a text's end that begin a stop sequence."""
    sizes = range(min(len(stop) - 1, len(text)), 0, -1)
    return next((size for size in sizes if text.endswith(stop[:size])), 0)
