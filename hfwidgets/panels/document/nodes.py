"""What a panel's document is built from: JSON, with Structs at any depth until it is stored."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from hfwidgets.panels.document.protocol import Json

# In quotes, because the alias names itself; a `type` statement needs Python 3.12.
Node: TypeAlias = (
    "msgspec.Struct | str | int | float | bool | Sequence[Node] | Mapping[str, Node] | None"
)
"""What a document is built from: JSON, with Structs at any depth."""

Message = dict[str, Any]
"""A message to the page: `k` is its kind."""

DocumentPath = tuple[str | int, ...]
Operation = list[Json]
"""`["=", path, value]`, `["+", path, offset, text]` or `["cut", path, length]`."""


def to_json(node: Node) -> Any:
    """Return an independent copy of `node` as plain dicts, lists and scalars."""
    return msgspec.to_builtins(node, str_keys=True, enc_hook=_to_scalar)


def _to_scalar(value: object) -> str | int | float:
    # msgspec leaves subclasses of scalars to the hook: texts of results, numpy's floats.
    for kind in (str, int, float):
        if isinstance(value, kind):
            return kind(value)
    return f"<{type(value).__name__}>"
