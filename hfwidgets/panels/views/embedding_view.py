"""An embedding: its shape, type and norm, a strip of its first numbers, and similarities."""

from hfwidgets.panels.document.protocol import View
from hfwidgets.panels.views.context import ViewContext
from hfwidgets.panels.views.registry import register_view

STRIP_LENGTH = 256
"""Numbers of an embedding that are drawn."""

MAX_MATRIX_ROWS = 24
"""The most embeddings whose similarities are drawn."""


class EmbeddingView(View, tag="embedding", kw_only=True):
    """Facts about an array; `matrix` holds the cosine similarities of its rows."""

    shape: list[int]
    dtype: str
    norm: float
    strip: list[float]
    low: float
    high: float
    matrix: list[list[float]] | None = None


@register_view(EmbeddingView, priority=10)
def build_embedding(result: object, context: ViewContext, name: str) -> EmbeddingView | None:
    """Build the view of an array of numbers."""
    if not (hasattr(result, "__array__") and hasattr(result, "ndim")):
        return None
    import numpy as np

    numbers = np.asarray(result, dtype=np.float32)
    # The last axis is the embedding, whatever precedes it: texts, tokens or nothing.
    rows = numbers.reshape(-1, numbers.shape[-1]) if numbers.ndim else numbers.reshape(1, 1)
    view = EmbeddingView(
        shape=list(numbers.shape),
        dtype=str(numbers.dtype),
        norm=float(np.linalg.norm(numbers)),
        strip=[round(float(value), 4) for value in rows[0][:STRIP_LENGTH]] if len(rows) else [],
        low=float(numbers.min()) if numbers.size else 0.0,
        high=float(numbers.max()) if numbers.size else 0.0,
    )
    if 1 < len(rows) <= MAX_MATRIX_ROWS:
        # A row of zeros has no direction: the floor keeps its similarities at 0 instead of NaN.
        unit = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        view.matrix = [[round(float(value), 3) for value in row] for row in unit @ unit.T]
    return view
