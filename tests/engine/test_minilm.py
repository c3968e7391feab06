"""The packaged 8-bit MiniLM gives the vectors of the original weights."""

import base64
import json
from pathlib import Path

import numpy as np

from hfwidgets.engine.text.minilm import MAX_TOKENS, MiniLM

ORIGINAL = json.loads(Path(__file__).with_name("minilm_vectors.json").read_bytes())
"""Texts with their vectors by the 32-bit weights, as base64 of 16-bit floats."""


def test_vectors_are_those_of_the_original_weights(light_weights: Path) -> None:
    texts = ORIGINAL["texts"]
    stored = [np.frombuffer(base64.b64decode(one), "<f2") for one in ORIGINAL["vectors"]]
    original = np.stack(stored).astype(np.float32)
    vectors = MiniLM.load().embed(texts)
    assert vectors.shape == original.shape == (len(texts), 384)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    cosines = (vectors * original).sum(1)
    assert cosines.min() > 0.998, cosines
    # Texts are compared with each other: their similarities must not move either.
    assert np.abs(vectors @ vectors.T - original @ original.T).max() < 0.02


def test_a_vector_does_not_depend_on_the_other_texts(light_weights: Path) -> None:
    model = MiniLM.load()
    together = model.embed(["rain", "a much longer sentence about rain in the afternoon"])
    assert np.array_equal(together[0], model.embed(["rain"])[0])


def test_long_texts_are_cut_at_either_end(light_weights: Path) -> None:
    model = MiniLM.load()
    text = "first " + "middle " * MAX_TOKENS + "last"
    (start, cut), (end, _) = model.tokenize(text), model.tokenize(text, left=True)
    assert cut
    assert len(start) == len(end) == MAX_TOKENS
    assert (start[0], start[-1]) == (end[0], end[-1])
    first, last = (model.tokenize(word)[0][1] for word in ("first", "last"))
    assert (start[1], end[-2]) == (first, last)
