"""A sample of rows: by the labels' shares, the same for all models, and nested.

A larger sample holds all rows of a smaller one, so that a second, larger run asks for the
difference only.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Any


def row_rank(key: object, seed: int) -> str:
    """Return a row's place in the shuffle: a hash of its content, whatever its index."""
    text = json.dumps([seed, key], sort_keys=True, default=repr)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def sample_rows(
    keys: Sequence[Any], labels: Sequence[Any], size: int | None, seed: int
) -> list[int]:
    """Return the places of the rows to ask, in their order.

    Args:
        keys: what tells rows apart.
        labels: their labels; each label keeps its share of the sample, as far as whole rows go.
        size: how many rows to take; None takes all.
        seed: another seed takes other rows.
    """
    count = len(keys)
    if size is None or size >= count:
        return list(range(count))
    groups: dict[str, list[int]] = {}
    for at in sorted(range(count), key=lambda at: (row_rank(keys[at], seed), at)):
        # By its text, since a label may be a list, which has no hash.
        groups.setdefault(repr(labels[at]), []).append(at)
    # The i-th of a label's n rows stands at (i + 1/2) / n of the way: taking rows by that order
    # keeps the shares at every size, and so makes samples nested.
    order = sorted(
        (
            ((place + 0.5) / len(rows), name, at)
            for name, rows in groups.items()
            for place, at in enumerate(rows)
        ),
        key=lambda row: row[:2],
    )
    return sorted(at for _, _, at in order[:size])


def find_duplicates(keys: Sequence[Any]) -> list[int]:
    """Return the places of rows whose content an earlier row has already."""
    seen: set[str] = set()
    found = []
    for at, key in enumerate(keys):
        rank = row_rank(key, 0)
        if rank in seen:
            found.append(at)
        seen.add(rank)
    return found
