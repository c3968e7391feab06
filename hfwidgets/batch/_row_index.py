"""Finds the answers of an earlier run for rows that have moved since.

After a row was inserted or removed, or the table was sorted, answers are found by the row's key,
the hash of its arguments. Each answer is given to one row only, so that equal rows, asked several
times for several answers, keep as many answers.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterable


class AnswerIndex:
    """Map keys to the offsets of lines, at 17 bytes per line.

    Two sorted arrays in place of a dict, which would take about 100 bytes per line.

    Args:
        lines: Key and offset of each line with an answer that no row has claimed yet.
    """

    def __init__(self, lines: Iterable[tuple[int, int]]) -> None:
        keys, offsets = array("Q"), array("q")
        for key, offset in lines:
            keys.append(key)
            offsets.append(offset)
        # A stable sort: rows with equal arguments claim their answers in the rows' order.
        order = sorted(range(len(keys)), key=keys.__getitem__)
        self._keys = array("Q", (keys[at] for at in order))
        self._offsets = array("q", (offsets[at] for at in order))
        self._claimed = bytearray(len(order))
        # For keys that occur more than once: from their first place to the next unclaimed one.
        self._next_place: dict[int, int] = {}

    def claim(self, key: int) -> int | None:
        """Return the offset of an unclaimed line with this key and claim it; None without one."""
        start = bisect_left(self._keys, key)
        at = self._next_place.get(start, start)
        # The last of several equal keys may be claimed already.
        if not self._has_key_at(at, key) or self._claimed[at]:
            return None
        self._claimed[at] = 1
        if self._has_key_at(at + 1, key):
            self._next_place[start] = at + 1
        return self._offsets[at]

    def _has_key_at(self, at: int, key: int) -> bool:
        return at < len(self._keys) and self._keys[at] == key
