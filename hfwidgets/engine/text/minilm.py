"""Embed sentences with all-MiniLM-L6-v2, as unit vectors of 384 numbers.

It runs as any ONNX encoder does (`base/onnx_encoder.py`). Source: the model's card: mean pooling,
256 tokens, unit length.
"""

import base64
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from hfwidgets.engine.base.cancellation import raise_if_cancelled
from hfwidgets.engine.base.capability import Capability, LoadedModels
from hfwidgets.engine.base.http_errors import bad_request
from hfwidgets.engine.base.limits import check_text_length
from hfwidgets.engine.base.onnx_encoder import Encoder
from hfwidgets.engine.base.onnx_repository import OnnxRepository
from hfwidgets.engine.base.weights import WEIGHTS

if TYPE_CHECKING:
    from tokenizers import Tokenizer

Array = NDArray[np.float32]

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
MAX_TOKENS = 256
"""Tokens of a text that the model reads."""

LANGUAGES = ("English",)

Vector = list[float] | str
"""A vector as numbers, or encoded in base64."""

Texts = Annotated[list[str], msgspec.Meta(min_length=1, max_length=2048)]


class MiniLM:
    """The loaded model."""

    def __init__(self, encoder: Encoder, tokenizer: "Tokenizer") -> None:
        self._encoder = encoder
        self._tokenizer = tokenizer

    @classmethod
    def load(cls) -> "MiniLM":
        """Open it; about 0.5 s and 100 MB."""
        WEIGHTS["minilm"].path("model.onnx")  # raises MissingWeightsError
        repository = OnnxRepository(str(WEIGHTS["minilm"].directory))
        tokenizer = repository.open_tokenizer()
        # The file's own settings pad every text to 128 tokens and cut longer ones silently.
        tokenizer.no_padding()
        tokenizer.no_truncation()
        return cls(Encoder(repository, repository.open_session()), tokenizer)

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
            # One text at a time: texts of a batch would be padded to the longest.
            vectors.append(self._encoder.embed(ids))
        pooled = np.stack(vectors)
        if normalize:
            pooled /= np.linalg.norm(pooled, axis=1, keepdims=True)
        return pooled


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
    # Rounding takes the cosine of equal texts beyond 1.
    return [float(value) for value in (vectors[1:] @ vectors[0]).clip(-1, 1)]


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
