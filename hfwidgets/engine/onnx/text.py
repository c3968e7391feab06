"""Text families: classifiers, entities, questions, masks, entailment, embeddings."""

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from hfwidgets.engine.base.answer_spans import (
    ContextQuestion,
    ScoredSpan,
    Shares,
    choose_overlap,
    find_spans,
    select_answers,
    widen_to_words,
)
from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.base.onnx_encoder import Encoder
from hfwidgets.engine.base.onnx_repository import first_logits
from hfwidgets.engine.base.scores import (
    Transform,
    fill_template,
    rank_labels,
    rank_scores,
    softmax,
)
from hfwidgets.engine.custom.embeddings import SentenceComparison
from hfwidgets.engine.custom.model import Labels, Text, Texts, TopK
from hfwidgets.engine.onnx.model import OnnxTaskModel, onnx_task

if TYPE_CHECKING:
    from tokenizers import Encoding

Numbers = NDArray[np.float32]

_UNBOUNDED = 1_000_000
"""What tokenizers write where a model reads texts of any length."""


class TextModel(OnnxTaskModel):
    """A model of one or two texts."""

    def __init__(self) -> None:
        super().__init__()
        self.tokenizer = self.repository.open_tokenizer()
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()

    @functools.cached_property
    def max_tokens(self) -> int:
        """The number of tokens that the model reads at once."""
        stated = self.repository.read_json("tokenizer_config.json").get("model_max_length")
        positions = self.config.get("max_position_embeddings")
        # RoBERTa's family counts its positions from 2 on: its tables have two that no token uses.
        if positions and self.config.get("model_type") in ("roberta", "xlm-roberta", "camembert"):
            positions -= 2
        found = [int(n) for n in (stated, positions) if n and n < _UNBOUNDED]
        return min(found, default=_UNBOUNDED)

    def encode(self, text: str, pair: str | None = None) -> "Encoding":
        """Tokenize one or two texts.

        Raises:
            RefusedError: there are more tokens than the model reads.
        """
        encoding = self.tokenizer.encode(text, pair)
        self.require_length(len(encoding.ids))
        return encoding

    def require_length(self, count: int) -> None:
        """Refuse more tokens than the model reads."""
        if count > self.max_tokens:
            raise bad_request(
                f"The text has {count} tokens and the model {self.name} reads {self.max_tokens}. "
                "Shorten it.",
                "inputs",
            )

    def run_tokens(self, encodings: "Sequence[Encoding]") -> dict[str, Any]:
        """Return the outputs for encodings of one length, as a batch."""
        return self.session.run(
            input_ids=np.array([one.ids for one in encodings], np.int64),
            attention_mask=np.array([one.attention_mask for one in encodings], np.int64),
            token_type_ids=np.array([one.type_ids for one in encodings], np.int64),
        )

    def logits(self, encoding: "Encoding") -> Numbers:
        """Return the logits for one encoding, without its batch axis."""
        logits: Numbers = first_logits(self.run_tokens([encoding]))
        return logits


class ClassifierModel(TextModel):
    """A model that labels a whole text."""

    @property
    def default_transform(self) -> Transform:
        several = self.config.get("problem_type") == "multi_label_classification"
        return "sigmoid" if several or len(self.repository.labels) == 1 else "softmax"


@onnx_task(ClassifierModel)
def text_classification(
    model: ClassifierModel,
    inputs: Text,
    *,
    function_to_apply: Transform | None = None,
    top_k: TopK | None = None,
) -> Any:
    """Classify a text: all labels with scores, or the `top_k` best."""
    logits = model.logits(model.encode(inputs))
    transform = function_to_apply or model.default_transform
    return [rank_labels(model.repository.labels, logits, transform, top_k)]


@onnx_task(TextModel)
def token_classification(
    model: TextModel,
    inputs: Text,
    *,
    aggregation_strategy: Literal["none", "simple", "first", "average", "max"] = "simple",
    ignore_labels: list[str] | None = None,
) -> Any:
    """Find entities: spans of the text with labels and scores."""
    encoding = model.encode(inputs)
    shares = softmax(model.logits(encoding))
    ignored = {"O"} if ignore_labels is None else set(ignore_labels)
    tokens = [
        _TokenLabel(start, end, word, row)
        for (start, end), word, row, special in zip(
            encoding.offsets, encoding.word_ids, shares, encoding.special_tokens_mask, strict=True
        )
        if not special and start < end
    ]
    labels = model.repository.labels
    if aggregation_strategy == "none":
        found = [token.to_entity(labels, inputs) for token in tokens]
        return [entity for entity in found if entity["entity"] not in ignored]
    words = (
        tokens if aggregation_strategy == "simple" else _join_words(tokens, aggregation_strategy)
    )
    found = _group_entities(words, labels, inputs)
    return [entity for entity in found if entity["entity_group"] not in ignored]


class _TokenLabel:
    """A token or a word: its characters, its word's number, and the shares of its labels."""

    def __init__(self, start: int, end: int, word: int | None, shares: Shares) -> None:
        self.start, self.end, self.word, self.shares = start, end, word, shares

    def to_entity(self, labels: Sequence[str], text: str) -> dict[str, Any]:
        best = int(self.shares.argmax())
        return {
            "entity": labels[best],
            "score": float(self.shares[best]),
            "word": text[self.start : self.end],
            "start": self.start,
            "end": self.end,
        }


def _join_words(tokens: Sequence[_TokenLabel], strategy: str) -> list[_TokenLabel]:
    """Give the tokens of a word one label: the first's, the best's, or that of their mean."""
    words: list[list[_TokenLabel]] = []
    for token in tokens:
        if words and token.word is not None and words[-1][-1].word == token.word:
            words[-1].append(token)
        else:
            words.append([token])
    joined = []
    for parts in words:
        shares = parts[0].shares
        if strategy == "average":
            shares = np.mean([part.shares for part in parts], axis=0)
        elif strategy == "max":
            shares = max(parts, key=lambda part: float(part.shares.max())).shares
        joined.append(_TokenLabel(parts[0].start, parts[-1].end, parts[0].word, shares))
    return joined


def _group_entities(
    tokens: Sequence[_TokenLabel], labels: Sequence[str], text: str
) -> list[dict[str, Any]]:
    """Join neighbors of one label; a B- label begins a new entity."""
    groups: list[tuple[str, list[_TokenLabel], list[float]]] = []
    for token in tokens:
        best = int(token.shares.argmax())
        prefix, dash, rest = labels[best].partition("-")
        label = rest if dash and prefix in ("B", "I", "E", "S", "L", "U") else labels[best]
        begins = bool(dash) and prefix in ("B", "S", "U")
        if groups and groups[-1][0] == label and not begins:
            groups[-1][1].append(token)
            groups[-1][2].append(float(token.shares[best]))
        else:
            groups.append((label, [token], [float(token.shares[best])]))
    return [
        {
            "entity_group": label,
            "score": float(np.mean(scores)),
            "word": text[parts[0].start : parts[-1].end],
            "start": parts[0].start,
            "end": parts[-1].end,
        }
        for label, parts, scores in groups
    ]


WINDOW_TOKENS, MAX_ANSWER_TOKENS = 384, 15
"""The usual sizes of extractive models, in tokens."""


@onnx_task(TextModel)
def question_answering(
    model: TextModel,
    inputs: ContextQuestion,
    *,
    align_to_words: bool = True,
    doc_stride: Annotated[int, msgspec.Meta(ge=0)] | None = None,
    handle_impossible_answer: bool = False,
    max_answer_len: TopK = MAX_ANSWER_TOKENS,
    max_seq_len: TopK = WINDOW_TOKENS,
    top_k: TopK = 1,
) -> Any:
    """Return the most likely span of the context, or the `top_k` most likely as a list.

    Lengths count tokens; a long context is read in windows that overlap by `doc_stride` tokens.
    """
    size = min(max_seq_len, model.max_tokens)
    # The empty second text makes the special tokens of a pair count, too.
    taken = len(model.tokenizer.encode(inputs.question, "").ids)
    stride = choose_overlap(size, size - taken, doc_stride)
    # Requests share the tokenizer and this state of it, which must not outlast this one.
    model.tokenizer.enable_truncation(size, stride=stride, strategy="only_second")
    try:
        first = model.tokenizer.encode(inputs.question, inputs.context)
    finally:
        model.tokenizer.no_truncation()
    spans: list[ScoredSpan] = []
    empty: list[float] = []
    for window in (first, *first.overflowing):
        start, end = _boundary_shares(model, window)
        empty.append(float(start[0] * end[0]))
        start[0] = end[0] = 0
        spans += find_spans(start, end, window.offsets, max_answer_len, top_k)
    if align_to_words:
        spans = [widen_to_words(span, inputs.context) for span in spans]
    # The text lacks the answer only if every window does: the lowest share counts.
    if handle_impossible_answer:
        spans.append(ScoredSpan(min(empty), 0, 0))
    answers = select_answers(spans, inputs.context, top_k)
    return answers[0] if top_k == 1 else answers


def _boundary_shares(model: TextModel, window: "Encoding") -> tuple[Shares, Shares]:
    """The shares of a window's tokens to start and to end the answer.

    Only the context's tokens can be a boundary, and the first token, which stands for "no answer".
    """
    found = model.run_tokens([window])
    outside = np.array([part != 1 for part in window.sequence_ids])
    outside[0] = False
    pair = []
    for name in ("start_logits", "end_logits"):
        logits = found[name][0].astype(np.float64)
        logits[outside] = -np.inf
        pair.append(softmax(logits))
    return pair[0], pair[1]


class MaskModel(TextModel):
    """A model that fills a mask."""

    @functools.cached_property
    def mask(self) -> str:
        """The mask as a text has it."""
        known = self.repository.read_json("tokenizer_config.json").get("mask_token")
        token = known.get("content") if isinstance(known, dict) else known
        return str(token or "[MASK]")


@onnx_task(MaskModel)
def fill_mask(
    model: MaskModel, inputs: Text, *, top_k: TopK = 5, targets: Labels | None = None
) -> Any:
    """Fill a mask with the most likely words, or the best of `targets`."""
    encoding = model.encode(inputs)
    mask = model.tokenizer.token_to_id(model.mask)
    places = [at for at, token in enumerate(encoding.ids) if token == mask]
    if len(places) != 1:
        raise bad_request(f"The text must hold {model.mask} once; it has {len(places)}.", "inputs")
    shares = softmax(model.logits(encoding)[places[0]])
    ids = _target_ids(model, targets) if targets else [int(at) for at in np.argsort(-shares)]
    return [
        _filled(model, encoding, places[0], token, float(shares[token])) for token in ids[:top_k]
    ]


def _target_ids(model: MaskModel, targets: Sequence[str]) -> list[int]:
    """The tokens of the targets, each a word of the vocabulary."""
    found = []
    for word in targets:
        # WordPiece leaves the start of a word unmarked, byte-level BPE writes Ġ, SentencePiece ▁.
        known = (model.tokenizer.token_to_id(form) for form in (word, f"Ġ{word}", f"▁{word}"))
        token = next((token for token in known if token is not None), None)
        if token is None:
            raise bad_request(f"{word!r} is not one token of the model {model.name}.", "targets")
        found.append(token)
    return found


def _filled(model: MaskModel, encoding: "Encoding", place: int, token: int, score: float) -> Any:
    ids = [*encoding.ids[:place], token, *encoding.ids[place + 1 :]]
    return {
        "score": score,
        "token": token,
        "token_str": model.tokenizer.decode([token]),
        "sequence": model.tokenizer.decode(ids),
    }


@onnx_task(TextModel)
def zero_shot_classification(
    model: TextModel,
    inputs: Text,
    *,
    candidate_labels: Labels,
    multi_label: bool = False,
    hypothesis_template: str = "This example is {}.",
) -> Any:
    """Score candidate labels with a model of natural language inference."""
    hypotheses = fill_template(hypothesis_template, candidate_labels)
    names = [label.lower() for label in model.repository.labels]
    yes = next((at for at, name in enumerate(names) if name.startswith("entail")), None)
    no = next((at for at, name in enumerate(names) if name.startswith("contra")), None)
    if yes is None:
        raise bad_request(f"The model {model.name} has no entailment label.", "model")
    logits = np.array([model.logits(model.encode(inputs, one)) for one in hypotheses])
    if multi_label or len(candidate_labels) == 1:
        # Each label alone: entailment against contradiction, neutral left out.
        pair = logits[:, [no, yes]] if no is not None else logits
        scores = softmax(pair)[:, -1 if no is not None else yes]
    else:
        scores = softmax(logits[:, yes])
    return rank_scores(candidate_labels, scores)


class OnnxEncoder(TextModel):
    """A model that gives a text one vector."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Encoder(self.repository, self.session)


@onnx_task(OnnxEncoder)
def feature_extraction(
    model: OnnxEncoder,
    inputs: Text | Texts,
    *,
    normalize: bool = True,
    truncate: bool = False,
) -> Any:
    """Embed texts: a vector per text, of length 1 unless `normalize` is false."""
    texts = [inputs] if isinstance(inputs, str) else inputs
    vectors = []
    for text in texts:
        encoding = model.tokenizer.encode(text)
        if truncate and len(encoding.ids) > model.max_tokens:
            model.tokenizer.enable_truncation(model.max_tokens)
            encoding = model.tokenizer.encode(text)
            model.tokenizer.no_truncation()
        model.require_length(len(encoding.ids))
        vector = model.encoder.embed(encoding.ids)
        vectors.append(vector / max(float(np.linalg.norm(vector)), 1e-12) if normalize else vector)
    return np.stack(vectors)


@onnx_task(OnnxEncoder)
def sentence_similarity(model: OnnxEncoder, inputs: SentenceComparison) -> Any:
    """Compare a text with others: the cosine of their vectors."""
    vectors = feature_extraction(model, [inputs.source_sentence, *inputs.sentences])
    return vectors[1:] @ vectors[0]
