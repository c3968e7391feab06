"""Describe how a task's answers to a list of inputs look on the Hub's wire.

Servers that take several inputs at once answer with a list of one item per input. A server that
does not may answer as if the list were one input, and that answer must not be taken for several:
text-embeddings-inference, for one, reads two texts as a pair.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, eq=False)
class ListAnswers:
    """The form of the answers to several inputs.

    Attributes:
        fits: True if a list holds one answer per input, rather than one answer with many items.
        unwrap: Returns the item of a list for the answer to one input.
        keeps_depth: True if the nesting of an answer is part of the task's result, so that an item
            must be nested as deeply as the answer to one input alone.
    """

    fits: Callable[[list[Any]], bool]
    unwrap: Callable[[Any], Any] = lambda answer: answer
    keeps_depth: bool = False

    def split(self, raw: object, count: int) -> list[Any] | None:
        """Return the answers to so many inputs; None if `raw` is something else."""
        items = self._open(raw)
        if isinstance(items, list) and len(items) == count and self.fits(items):
            return items
        return None

    def depth(self, raw: object) -> int:
        """Return how many lists are around the first leaf of an answer."""
        return nesting_depth(self._open(raw))

    def _open(self, raw: object) -> object:
        if isinstance(raw, Mapping) and self.keeps_depth:  # {"embeddings": [...]}
            return next((value for value in raw.values() if isinstance(value, list)), None)
        return raw

    def join(self, answers: list[Any]) -> list[Any]:
        """Return the answer to several inputs, from those to each of them alone."""
        return [self.unwrap(answer) for answer in answers]


def nesting_depth(value: object) -> int:
    """Return how many lists are around the first leaf of a value."""
    depth = 0
    while isinstance(value, list) and value:
        value, depth = value[0], depth + 1
    return depth


def _are_vectors(items: list[Any]) -> bool:
    # A vector may be a text, in base64. Numbers are the vector of a single input.
    return all(isinstance(item, (list, str)) for item in items)


def _is_list_of_objects(item: object) -> bool:
    return isinstance(item, list) and all(isinstance(part, (Mapping, list)) for part in item)


def _are_lists(items: list[Any]) -> bool:
    # Zero-shot classification had an object with two lists until November 2025.
    return all(
        _is_list_of_objects(item) or (isinstance(item, Mapping) and "labels" in item)
        for item in items
    )


def _are_labels(items: list[Any]) -> bool:
    if all(isinstance(item, Mapping) for item in items):
        # One label per input, or all labels of one input: only those are all different.
        names = [str(item.get("label")) for item in items]
        return len(set(names)) < len(names)
    return all(map(_is_list_of_objects, items))


def _are_records(items: list[Any]) -> bool:
    return all(isinstance(item, Mapping) or _is_list_of_objects(item) for item in items)


def _unwrap_one(answer: Any) -> Any:
    return answer[0] if isinstance(answer, list) and len(answer) == 1 else answer


VECTORS = ListAnswers(_are_vectors, keeps_depth=True)
"""An array per input."""

LABELS = ListAnswers(_are_labels, _unwrap_one)
"""The labels of each input: a list of objects, or the best one."""

LISTS = ListAnswers(_are_lists)
"""A list of objects per input."""

RECORDS = ListAnswers(_are_records, _unwrap_one)
"""An object per input."""
