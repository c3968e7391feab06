"""all-MiniLM-L6-v2: sentences as unit vectors of 384 numbers, and what follows from them.

The network (six BERT layers) is a page of numpy; the tokenizer and the weights are read by their
own libraries. Facts: the model's config.json, and its card: mean pooling, 256 tokens, unit length.
"""

import json
import math
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from numpy.typing import ArrayLike, NDArray
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.base.limits import check_text_length
from hfwidgets.engine.base.weights import WEIGHTS

Array = NDArray[np.float32]

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
MAX_TOKENS = 256
"""The most tokens of a text that the model reads."""

LANGUAGES = ("English",)
_EPSILON = 1e-12

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
        tokenizer.no_padding()
        tokenizer.no_truncation()
        config = json.loads(weight.path("config.json").read_bytes())
        return cls(load_file(weight.path("model.safetensors")), tokenizer, config)

    def tokenize(self, text: str, *, left: bool = False) -> tuple[list[int], bool]:
        """The ids with [CLS] and [SEP], at most TOKENS of them, and whether some were cut off."""
        ids: list[int] = self._tokenizer.encode(text).ids
        if len(ids) <= MAX_TOKENS:
            return ids, False
        inner, room = ids[1:-1], MAX_TOKENS - 2
        return [ids[0], *(inner[-room:] if left else inner[:room]), ids[-1]], True

    def embed(self, texts: Iterable[str], *, normalize: bool = True) -> Array:
        """One vector a text, shape (texts, 384), float32; of unit length unless told otherwise."""
        tokens = (self.tokenize(text)[0] for text in check_text_length(texts))
        return self.mean_pool(tokens, normalize=normalize)

    def mean_pool(self, batch: Iterable[Sequence[int]], *, normalize: bool = True) -> Array:
        """The mean of each text's token vectors."""
        vectors = np.stack([self._hidden_states(ids).mean(0) for ids in batch])
        if normalize:
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    def _hidden_states(self, ids: Sequence[int]) -> Array:
        """The last layer's vectors of one text, shape (tokens, 384)."""
        w = self._weights
        words = w["embeddings.word_embeddings.weight"][list(ids)]
        places = w["embeddings.position_embeddings.weight"][: len(ids)]
        x = self._layer_norm(
            words + places + w["embeddings.token_type_embeddings.weight"][0], "embeddings"
        )
        for layer in range(self._layers):
            x = self._encoder_layer(x, f"encoder.layer.{layer}.")
        return x

    def _encoder_layer(self, x: Array, at: str) -> Array:
        seen = self._linear(
            self._attention(x, at + "attention.self."), at + "attention.output.dense"
        )
        x = self._layer_norm(x + seen, at + "attention.output")
        inner = _gelu(self._linear(x, at + "intermediate.dense"))
        return self._layer_norm(x + self._linear(inner, at + "output.dense"), at + "output")

    def _attention(self, x: Array, at: str) -> Array:
        """Multi-head attention of one text with itself."""
        query, key, value = (
            self._linear(x, at + name).reshape(len(x), self._heads, -1).transpose(1, 0, 2)
            for name in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 2, 1) / math.sqrt(query.shape[-1])
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = scores / scores.sum(-1, keepdims=True) @ value
        return np.asarray(mixed.transpose(1, 0, 2).reshape(len(x), -1), np.float32)

    def _linear(self, x: Array, at: str) -> Array:
        return x @ self._weights[at + ".weight"].T + self._weights[at + ".bias"]

    def _layer_norm(self, x: Array, at: str) -> Array:
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + _EPSILON)
        return np.asarray(
            scaled * self._weights[at + ".LayerNorm.weight"]
            + self._weights[at + ".LayerNorm.bias"],
            np.float32,
        )


def _gelu(x: Array) -> Array:
    """x times the normal cumulative at x, by Abramowitz and Stegun 7.1.26 (to 1.5e-7)."""
    z = np.abs(x) / math.sqrt(2)
    t = 1 / (1 + 0.3275911 * z)
    series = 1.421413741 + t * (-1.453152027 + t * 1.061405429)
    erf = 1 - t * (0.254829592 + t * (-0.284496736 + t * series)) * np.exp(-z * z)
    return np.asarray(x * 0.5 * (1 + np.sign(x) * erf), np.float32)


def softmax(values: ArrayLike, sharpness: float = 1.0) -> NDArray[np.float64]:
    """Shares that sum to 1; `sharpness` multiplies the values first."""
    scaled = np.asarray(values, np.float64) * sharpness
    raised = np.exp(scaled - scaled.max())
    return np.asarray(raised / raised.sum(), np.float64)


def feature_extraction(
    kit: LoadedModels,
    inputs: str | Texts,
    *,
    normalize: bool = True,
    truncate: bool = True,
    truncation_direction: Literal["left", "right", "Left", "Right"] = "right",
    encoding_format: Literal["float", "base64"] = "float",
) -> Any:
    """A vector for a text, or a list of vectors for a list of texts."""
    texts = [inputs] if isinstance(inputs, str) else inputs
    left = truncation_direction.lower() == "left"
    vectors, _ = embed_texts(
        kit.get(MiniLM), texts, normalize=normalize, truncate=truncate, left=left
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
    """The texts' vectors and their number of tokens; a 400 for one too long to be read whole."""
    batch = []
    for text in check_text_length(texts):
        ids, cut = model.tokenize(text, left=left)
        if cut and not truncate:
            raise bad_request(
                f"A text has more than the {MAX_TOKENS} tokens that {MODEL} reads. Shorten it, or "
                "leave truncate=False out.",
                "truncate",
            )
        batch.append(ids)
    return model.mean_pool(batch, normalize=normalize), sum(map(len, batch))


def encode_vector(vector: Array, form: str) -> Any:
    """A vector as JSON numbers, or as base64 of little-endian 32-bit floats."""
    if form == "float":
        return vector.tolist()
    import base64

    return base64.b64encode(vector.astype("<f4").tobytes()).decode()


class SimilarityInputs(msgspec.Struct):
    """A sentence and those it is compared with."""

    source_sentence: str
    sentences: Texts


def sentence_similarity(kit: LoadedModels, inputs: SimilarityInputs) -> list[float]:
    """The cosine of the source sentence with each of the others, -1 to 1."""
    vectors = kit.get(MiniLM).embed([inputs.source_sentence, *inputs.sentences])
    return [float(value) for value in vectors[1:] @ vectors[0]]


CAPABILITY = Capability(
    name="embeddings",
    model=MODEL,
    serves={"feature-extraction": feature_extraction, "sentence-similarity": sentence_similarity},
    weights=("minilm",),
    license="Apache-2.0",
    languages=LANGUAGES,
    limits=f"English; reads the first {MAX_TOKENS} tokens of a text.",
)
