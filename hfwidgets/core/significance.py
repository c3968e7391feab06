"""Exact tests that need no library: the sign test, and Holm's correction for several of them."""

import math
from collections.abc import Sequence


def sign_test(a: int, b: int) -> float:
    """Return the exact two-sided p of a sign test; 1 where neither side ever won.

    On rows that are right or wrong this is McNemar's test.

    Args:
        a, b: how often each side won; draws do not count.
    """
    n = a + b
    tail: int = sum(math.comb(n, k) for k in range(min(a, b) + 1))
    return min(1.0, float(2 * tail / 2**n))


def holm(ps: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number, in their order."""
    order = sorted(range(len(ps)), key=lambda at: ps[at])
    adjusted, running = [0.0] * len(ps), 0.0
    for rank, at in enumerate(order):
        # An adjusted p must not be below that of a smaller p, or verdicts contradict each other.
        running = max(running, min(1.0, (len(ps) - rank) * ps[at]))
        adjusted[at] = running
    return adjusted
