"""Embed sentences with all-MiniLM-L6-v2, as unit vectors of 384 numbers.

Tokenizer and weights are read by their own libraries. Sources: the model's config.json, and its
card: mean pooling, 256 tokens, unit length.
"""

import base64
import json
import math
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from hfwidgets.engine.base.cancellation import raise_if_cancelled
from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.base.limits import check_text_length
from hfwidgets.engine.base.weights import WEIGHTS

Array = NDArray[np.float32]

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
MAX_TOKENS = 256
"""Tokens of a text that the model reads."""

LANGUAGES = ("English",)
_EPSILON = 1e-12

Vector = list[float] | str
"""A vector as numbers, or encoded in base64."""

# The network is computed here in numpy, because six BERT layers are 50 lines, while a runtime for
# them (onnxruntime, torch) would add 15 to 200 MB to the light set, which needs no other.

Texts = Annotated[list[str], msgspec.Meta(min_length=1, max_length=2048)]


class MiniLM:
    """The loaded model."""

    def __init__(
        self, weights: dict[str, Array], tokenizer: Tokenizer, config: dict[str, Any]
    ) -> None:
        self._weights = {name.removeprefix("bert."): value for name, value in weights.items()}
        self._tokenizer = tokenizer
        self._heads = int(config["num_attention_heads"])
        self._layers = int(config["num_hidden_layers"])

    @classmethod
    def load(cls) -> "MiniLM":
        """Open it; about 0.1 s and 95 MB."""
        weight = WEIGHTS["minilm"]
        tokenizer = Tokenizer.from_file(str(weight.path("tokenizer.json")))
        # The file's own settings pad every text to 128 tokens and cut longer ones silently.
        tokenizer.no_padding()
        tokenizer.no_truncation()
        config = json.loads(weight.path("config.json").read_bytes())
        return cls(load_file(weight.path("model.safetensors")), tokenizer, config)

    def tokenize(self, text: str, *, left: bool = False) -> tuple[list[int], bool]:
        """Return the ids with [CLS] and [SEP], at most MAX_TOKENS, and True if some were cut
        off."""
        ids: list[int] = self._tokenizer.encode(text).ids
        # The first and last ids mark the text's bounds and are kept when it is cut.
        if len(ids) <= MAX_TOKENS:
            return ids, False
        inner, limit = ids[1:-1], MAX_TOKENS - 2
        return [ids[0], *(inner[-limit:] if left else inner[:limit]), ids[-1]], True

    def embed(self, texts: Iterable[str], *, normalize: bool = True) -> Array:
        """Return one float32 vector per text, shape (texts, 384), by default of unit length."""
        tokens = (self.tokenize(text)[0] for text in check_text_length(texts))
        return self.mean_pool(tokens, normalize=normalize)

    def mean_pool(self, batch: Iterable[Sequence[int]], *, normalize: bool = True) -> Array:
        """Return the mean of each text's token vectors, shape (texts, 384)."""
        vectors = []
        for ids in batch:
            raise_if_cancelled()
            # One text at a time: padding a batch would cost more than numpy gains from it.
            vectors.append(self._hidden_states(ids).mean(0))
        pooled = np.stack(vectors)
        if normalize:
            pooled /= np.linalg.norm(pooled, axis=1, keepdims=True)
        return pooled

    def _hidden_states(self, ids: Sequence[int]) -> Array:
        """Return the last layer's vectors of one text, shape (tokens, 384)."""
        w = self._weights
        words = w["embeddings.word_embeddings.weight"][list(ids)]
        places = w["embeddings.position_embeddings.weight"][: len(ids)]
        x = self._layer_norm(
            words + places + w["embeddings.token_type_embeddings.weight"][0], "embeddings"
        )
        for layer in range(self._layers):
            x = self._encoder_layer(x, f"encoder.layer.{layer}.")
        return x

    def _encoder_layer(self, x: Array, name: str) -> Array:
        attended = self._linear(
            self._attention(x, name + "attention.self."), name + "attention.output.dense"
        )
        x = self._layer_norm(x + attended, name + "attention.output")
        inner = _gelu(self._linear(x, name + "intermediate.dense"))
        return self._layer_norm(x + self._linear(inner, name + "output.dense"), name + "output")

    def _attention(self, x: Array, name: str) -> Array:
        """Compute multi-head attention of one text with itself, shape (tokens, 384)."""
        query, key, value = (
            self._linear(x, name + part).reshape(len(x), self._heads, -1).transpose(1, 0, 2)
            for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 2, 1) / math.sqrt(query.shape[-1])
        # The largest is subtracted first, so that exp() cannot overflow.
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = scores / scores.sum(-1, keepdims=True) @ value
        return np.asarray(mixed.transpose(1, 0, 2).reshape(len(x), -1), np.float32)

    def _linear(self, x: Array, name: str) -> Array:
        return x @ self._weights[name + ".weight"].T + self._weights[name + ".bias"]

    def _layer_norm(self, x: Array, name: str) -> Array:
        centered = x - x.mean(-1, keepdims=True)
        scaled = centered / np.sqrt((centered**2).mean(-1, keepdims=True) + _EPSILON)
        weight = self._weights[name + ".LayerNorm.weight"]
        return np.asarray(scaled * weight + self._weights[name + ".LayerNorm.bias"], np.float32)


def _gelu(x: Array) -> Array:
    """Return x times the normal cumulative at x, by Abramowitz and Stegun 7.1.26 (to 1.5e-7)."""
    z = np.abs(x) / math.sqrt(2)
    t = 1 / (1 + 0.3275911 * z)
    series = 1.421413741 + t * (-1.453152027 + t * 1.061405429)
    erf = 1 - t * (0.254829592 + t * (-0.284496736 + t * series)) * np.exp(-z * z)
    return np.asarray(x * 0.5 * (1 + np.sign(x) * erf), np.float32)


def feature_extraction(
    models: LoadedModels,
    inputs: str | Texts,
    *,
    normalize: bool = True,
    truncate: bool = True,
    truncation_direction: Literal["left", "right", "Left", "Right"] = "right",
    encoding_format: Literal["float", "base64"] = "float",
) -> Vector | list[Vector]:
    """Return a vector for a text, or a list of vectors for a list of texts."""
    texts = [inputs] if isinstance(inputs, str) else inputs
    left = truncation_direction.lower() == "left"
    vectors, _ = embed_texts(
        models.get(MiniLM), texts, normalize=normalize, truncate=truncate, left=left
    )
    listed = [encode_vector(vector, encoding_format) for vector in vectors]
    return listed[0] if isinstance(inputs, str) else listed


def embed_texts(
    model: MiniLM,
    texts: list[str],
    *,
    normalize: bool = True,
    truncate: bool = True,
    left: bool = False,
) -> tuple[Array, int]:
    """Return the texts' vectors and their total number of tokens; 400 for one that must be cut."""
    batch = []
    for text in check_text_length(texts):
        ids, cut = model.tokenize(text, left=left)
        if cut and not truncate:
            raise bad_request(
                f"A text has more than the {MAX_TOKENS} tokens that {MODEL} reads. Shorten it, or "
                "leave out truncate=False.",
                "truncate",
            )
        batch.append(ids)
    return model.mean_pool(batch, normalize=normalize), sum(map(len, batch))


def encode_vector(vector: Array, encoding: Literal["float", "base64"]) -> Vector:
    """Return a vector as numbers, or as base64 of little-endian 32-bit floats."""
    if encoding == "float":
        numbers: list[float] = vector.tolist()
        return numbers
    return base64.b64encode(vector.astype("<f4").tobytes()).decode()


class SimilarityInputs(msgspec.Struct):
    """A sentence and those to compare it with."""

    source_sentence: str
    sentences: Texts


def sentence_similarity(models: LoadedModels, inputs: SimilarityInputs) -> list[float]:
    """Return the cosine similarity of the source sentence with each of the others, -1 to 1."""
    vectors = models.get(MiniLM).embed([inputs.source_sentence, *inputs.sentences])
    return [float(value) for value in vectors[1:] @ vectors[0]]


CAPABILITY = Capability(
    name="embeddings",
    model=MODEL,
    serves={"feature-extraction": feature_extraction, "sentence-similarity": sentence_similarity},
    weights=("minilm",),
    measured={"sentence-similarity": (28, 32)},
    license="Apache-2.0",
    languages=LANGUAGES,
    limits=f"English; reads the first {MAX_TOKENS} tokens of a text.",
)
