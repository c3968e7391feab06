"""Where the answers of an earlier run are now that its rows stand elsewhere.

A row was put in, taken out, or the table was sorted: from there on an answer is found by what was
asked. Each answer is given to one row, so that a question that is asked many times, for many
answers, stays so.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable


class AnswerIndex:
    """Lines by their keys, 17 bytes each.

    Args:
        lines: key and offset of each line with an answer that no row has taken yet.
    """

    def __init__(self, lines: Iterable[tuple[int, int]]) -> None:
        keys, offsets = array("Q"), array("q")
        for key, offset in lines:
            keys.append(key)
            offsets.append(offset)
        order = sorted(range(len(keys)), key=keys.__getitem__)
        self._keys = array("Q", (keys[at] for at in order))
        self._offsets = array("q", (offsets[at] for at in order))
        self._claimed = bytearray(len(order))
        self._next_place: dict[
            int, int
        ] = {}  # of keys that are there more than once: the next of them

    def claim(self, key: int) -> int | None:
        """The offset of a line with this key that nobody has taken, None without any."""
        start = bisect_left(self._keys, key)
        at = self._next_place.get(start, start)
        if not self._has_key_at(at, key) or self._claimed[at]:
            return None
        self._claimed[at] = 1
        if self._has_key_at(at + 1, key):
            self._next_place[start] = at + 1
        return self._offsets[at]

    def _has_key_at(self, at: int, key: int) -> bool:
        return at < len(self._keys) and self._keys[at] == key
