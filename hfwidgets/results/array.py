"""The array result, apart from the others because it needs numpy."""

from base64 import b64decode
from collections.abc import Mapping
from typing import Any

import numpy as np

from hfwidgets.core.meta import Meta
from hfwidgets.results import show


class Embedding(np.ndarray[Any, np.dtype[np.float32]]):
    """A float32 array with its origin.

    The shape is (dim,) or (n, dim) for sentence models, (1, tokens, dim) for token-level ones.
    """

    meta: Meta | None = None

    @classmethod
    def of(cls, values: object) -> "Embedding":
        """Return the array of a nested list of numbers, or of base64 texts in their place.

        Raises:
            TypeError, ValueError: It is something else, ragged, empty or not all finite numbers.
        """
        if isinstance(values, Mapping):  # {"embeddings": [...]}, with nothing else that is a list
            [values] = (value for value in values.values() if isinstance(value, list))
        array = np.asarray(_decode_numbers(values), dtype=np.float32)
        if not array.ndim or not array.size or not np.isfinite(array).all():
            raise ValueError("a vector is empty, or holds something else than finite numbers")
        return array.view(cls)

    def __array_finalize__(self, source: object) -> None:
        # numpy calls this for slices and results of arithmetic too: they share the origin.
        self.meta = getattr(source, "meta", None)

    def __reduce__(self) -> Any:
        parts: Any = super().__reduce__()
        make, given, state = parts
        return make, given, (state, self.meta)

    def __setstate__(self, state: Any) -> None:
        array, self.meta = state
        super().__setstate__(array)

    @property
    def array(self) -> "np.ndarray[Any, np.dtype[np.float32]]":
        """The numbers as a plain numpy array."""
        return np.asarray(self)

    def plot(self) -> Any:
        """Plot one vector as bars, several as their cosine similarity, with matplotlib."""
        from hfwidgets.results import plot

        numbers = np.asarray(self)
        rows = numbers.reshape(-1, numbers.shape[-1]) if numbers.ndim else numbers.reshape(1, 1)
        return (
            plot.plot_numbers(rows[0].tolist(), "dimension")
            if len(rows) == 1
            else plot.plot_similarity(rows)
        )

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        norm = float(np.linalg.norm(np.asarray(self)))
        plain = f"<Embedding, shape {self.shape}, {self.dtype}, norm {norm:.4f}>"
        head = ", ".join(f"{value:.4f}" for value in np.asarray(self).ravel()[:8])
        return show.mime_bundle(
            plain,
            show.paragraph_html(f"{plain}\n{head}{', …' if self.size > 8 else ''}"),
            self.meta,
        )


def _decode_numbers(values: object) -> Any:
    """Return the numbers of base64 texts, which hold little-endian float32."""
    if isinstance(values, str):
        return np.frombuffer(b64decode(values, validate=True), "<f4")
    if isinstance(values, bool) or values is None:
        raise TypeError("a number is missing")  # numpy would read None as NaN, True as 1
    if isinstance(values, list) and not all(type(value) in (int, float) for value in values):
        return [_decode_numbers(value) for value in values]
    return values
