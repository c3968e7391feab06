"""Embed texts: sentence models return a vector per text, others a vector per token.

A sentence model has a `modules.json`, as Sentence Transformers writes it. Its pooling and scaling
are computed here; a model with other modules is refused. Format: the files `modules.json`,
`1_Pooling/config.json` and `config_sentence_transformers.json` of such models.
"""

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.base.pooling import parse_pooling_mode
from hfwidgets.engine.custom.model import NetworkModel, Text, Texts, custom_task
from hfwidgets.errors import did_you_mean

if TYPE_CHECKING:
    from torch import Tensor  # pyright: ignore[reportMissingImports]
    from transformers import BatchEncoding  # pyright: ignore[reportMissingImports]

TruncationSide = Literal["left", "right", "Left", "Right"]


class EmbeddingModel(NetworkModel):
    """Open an encoder, with the pooling of a sentence model if it is one."""

    model_class = "AutoModel"

    def __init__(self) -> None:
        super().__init__()
        self.pooling, self.is_normalizing = self._read_pooling()
        config = self._load_json("config_sentence_transformers.json") or {}
        self.prompts: dict[str, str] = config.get("prompts") or {}
        length = (self._load_json("sentence_bert_config.json") or {}).get("max_seq_length")
        positions = getattr(self.net.config, "max_position_embeddings", None)
        self.max_tokens = min(filter(None, (length, positions, self.tokenizer.model_max_length)))

    def _load_json(self, name: str) -> Any:
        """Load one of the model's JSON files; None if the model has no such file."""
        from transformers.utils import cached_file  # pyright: ignore[reportMissingImports]

        path = cached_file(self.source, name, _raise_exceptions_for_missing_entries=False)
        return json.loads(Path(path).read_bytes()) if path else None

    def _read_pooling(self) -> tuple[str | None, bool]:
        """Return a sentence model's pooling (else None), and if it scales vectors to length 1."""
        modules = self._load_json("modules.json")
        if modules is None:
            return None, False
        paths = {part["type"].rpartition(".")[2]: part["path"] for part in modules}
        if unknown := paths.keys() - {"Transformer", "Pooling", "Normalize"}:
            raise ValueError(f"it has unsupported modules: {', '.join(sorted(unknown))}")
        config = self._load_json(f"{paths['Pooling']}/config.json") or {}
        return parse_pooling_mode(config), "Normalize" in paths

    def tokenize(self, text: str, truncate: bool, side: TruncationSide) -> "BatchEncoding":
        """Tokenize a text for the network; a 400 if it is too long and not truncated."""
        # A state of the tokenizer that all requests share; they run one at a time, see run().
        self.tokenizer.truncation_side = side.lower()
        options = {"truncation": True, "max_length": self.max_tokens} if truncate else {}
        ids = self.tokenizer(text, return_tensors="pt", **options)
        if (count := ids["input_ids"].shape[1]) > self.max_tokens:
            raise bad_request(
                f"The text has {count} tokens and the model {self.name} reads {self.max_tokens}; "
                "truncate=true cuts it.",
                "truncate",
            )
        return ids.to(self.net.device)

    def embed(self, ids: "BatchEncoding") -> "Tensor":
        """Embed a text: shape (tokens, dimensions), or (dimensions,) for a sentence model."""
        import torch  # pyright: ignore[reportMissingImports]

        with torch.inference_mode():
            vectors = self.net(**ids)[0][0].float()
        return _POOLINGS[self.pooling](vectors) if self.pooling else vectors


_POOLINGS: dict[str, Any] = {
    "mean": lambda tokens: tokens.mean(0),
    "max": lambda tokens: tokens.max(0).values,
    "cls": lambda tokens: tokens[0],
    "lasttoken": lambda tokens: tokens[-1],
}


@custom_task(EmbeddingModel)
def feature_extraction(
    model: EmbeddingModel,
    inputs: Text | Texts,
    *,
    normalize: bool | None = None,
    prompt_name: str | None = None,
    truncate: bool = False,
    truncation_direction: TruncationSide = "right",
    encoding_format: Literal["float", "base64"] = "float",
) -> Any:
    """Embed texts: a vector per text for a sentence model, else shape (1, tokens, dimensions)."""
    texts = [inputs] if isinstance(inputs, str) else inputs
    prompt = _find_prompt(model, prompt_name)
    if encoding_format == "base64" and model.pooling is None:
        raise bad_request("Token vectors are sent as numbers only.", "encoding_format")
    is_normalizing = model.is_normalizing if normalize is None else normalize
    answers = []
    for text in texts:
        vectors = model.embed(model.tokenize(prompt + text, truncate, truncation_direction))
        vectors = _normalize(vectors) if is_normalizing else vectors
        answers.append(_encode_vectors(vectors, encoding_format))
    if model.pooling is None:
        answers = [[answer] for answer in answers]
    return answers[0] if isinstance(inputs, str) else answers


def _find_prompt(model: EmbeddingModel, name: str | None) -> str:
    """Return the model's prompt of this name; a 400 for an unknown name."""
    if name is None:
        return ""
    if name not in model.prompts:
        known = ", ".join(sorted(model.prompts)) or "none"
        message = f"The model {model.name} has no prompt {name!r}; it has {known}."
        raise bad_request(message + did_you_mean(name, model.prompts), "prompt_name")
    return model.prompts[name]


def _normalize(vectors: "Tensor") -> "Tensor":
    """Scale vectors to length 1; a zero vector stays zero."""
    return vectors / vectors.norm(dim=-1, keepdim=True).clamp(min=1e-12)


def _encode_vectors(vectors: "Tensor", encoding: Literal["float", "base64"]) -> Any:
    """Return vectors as JSON numbers, or as base64 of little-endian 32-bit floats."""
    if encoding == "float":
        return vectors.tolist()
    return base64.b64encode(vectors.cpu().numpy().astype("<f4").tobytes()).decode()


class SentenceComparison(msgspec.Struct):
    """A sentence and the ones to compare it with."""

    source_sentence: Text
    sentences: Annotated[list[Text], msgspec.Meta(min_length=1, max_length=256)]


@custom_task(EmbeddingModel)
def sentence_similarity(model: EmbeddingModel, inputs: SentenceComparison) -> list[float]:
    """Return the cosine of the source sentence with each of the others, -1 to 1.

    For a model that isn't a sentence model, the mean of a text's token vectors represents it.
    """
    vectors = []
    for text in (inputs.source_sentence, *inputs.sentences):
        vector = model.embed(model.tokenize(text, truncate=True, side="right"))
        vectors.append(_normalize(vector.mean(0) if model.pooling is None else vector))
    return [float(other @ vectors[0]) for other in vectors[1:]]
