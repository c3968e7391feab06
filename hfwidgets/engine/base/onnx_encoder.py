"""Turn the tokens of a text into one vector, with any ONNX encoder."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from hfwidgets.engine.base.onnx_repository import OnnxRepository, OnnxSession
from hfwidgets.engine.base.pooling import parse_pooling_mode

Numbers = NDArray[np.float32]


class Encoder:
    """An encoder whose tokens are pooled as its repository says, else averaged.

    Args:
        repository: the model's files.
        session: the open model.
    """

    def __init__(self, repository: OnnxRepository, session: OnnxSession) -> None:
        self._session = session
        self.pooling = parse_pooling_mode(repository.read_json("1_Pooling/config.json"))

    def embed(self, ids: Sequence[int]) -> Numbers:
        """Return the vector of a text's tokens, shape (dimensions,)."""
        # One text at a time has no padding, which a mean would have to leave out.
        row = np.array([ids], np.int64)
        found = self._session.run(
            input_ids=row, attention_mask=np.ones_like(row), token_type_ids=np.zeros_like(row)
        )
        if "sentence_embedding" in found:
            whole: Numbers = found["sentence_embedding"][0]
            return whole
        tokens = found.get("last_hidden_state", found.get("token_embeddings"))
        if tokens is None:
            raise ValueError(f"it has no token vectors; its outputs are {', '.join(found)}")
        return _POOLINGS[self.pooling](tokens[0])


_POOLINGS: dict[str, Callable[[Numbers], Numbers]] = {
    "mean": lambda tokens: tokens.mean(0),
    "max": lambda tokens: tokens.max(0),
    "cls": lambda tokens: tokens[0],
    "lasttoken": lambda tokens: tokens[-1],
}
