"""Intervals, paired tests, and the sentence that they allow.

Two models are only ever compared on the same rows. An unpaired test wastes what the rows have in
common: with 80 rows right in both, 10 in A alone and 1 in B alone it reports p = .068 where the
exact paired one reports .012.

Sources: Wilson (1927) for the interval of a share, which a bootstrap gets wrong at 0 and 1;
McNemar's test in its exact form; Holm (1979) for several pairs; Dror et al. (2018), "The
Hitchhiker's Guide to Testing Statistical Significance in NLP", for randomization and bootstrap.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from hfwidgets.core.counts import format_count

Floats: TypeAlias = npt.NDArray[np.float64]

CONFIDENCE = 0.95
ROUNDS = 10_000
"""Resamples for a metric whose value follows from sums over rows."""

SLOW_ROUNDS = 200
"""Resamples for a metric that must be computed again from its rows each time."""

BLOCK = 500
"""Resamples held in memory at once."""

MIN_DISAGREEMENTS = 6
"""Fewer rows than this that only one model gets right cannot reach p < .05: (5, 0) is .0625."""

Statistic: TypeAlias = Callable[[Floats], Floats]
"""From weights of rows, shape (rounds, rows), to values, shape (rounds,)."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A metric's value with its 95 % interval.

    Attributes:
        value: the metric on the scored rows; NaN where none was scored.
        low, high: the interval's ends.
        n: how many rows were scored.
    """

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def wilson_interval(successes: float, n: int) -> tuple[float, float]:
    """Return Wilson's interval for a share of `successes` among `n` rows.

    It keeps its width at 0 and 1, where a bootstrap's interval has none.
    """
    from scipy.stats import binomtest

    # The count was computed from a share, so it may miss its whole number by rounding.
    found = binomtest(round(successes), n).proportion_ci(CONFIDENCE, method="wilson")
    return float(found.low), float(found.high)


@dataclass(frozen=True, slots=True)
class Units:
    """What is drawn or swapped as one: rows, or groups of rows.

    Attributes:
        count: how many there are.
        members: which rows each holds, as 0 and 1 of shape (units, rows); None where each row is
            its own unit.
    """

    count: int
    members: Floats | None = None

    def to_rows(self, weights: Floats) -> Floats:
        """Return the rows' weights for those of the units."""
        return weights if self.members is None else weights @ self.members


def group_rows(groups: Sequence[object] | None, n: int) -> Units:
    """Return the units of `n` rows by the names of their groups; None groups nothing."""
    if groups is None:
        return Units(n)
    names = {name: at for at, name in enumerate(dict.fromkeys(groups))}
    matrix = np.zeros((len(names), n))
    for row, name in enumerate(groups):
        matrix[names[name], row] = 1
    return Units(len(names), matrix)


def bootstrap_interval(
    statistic: Statistic, units: Units, seed: int, rounds: int = ROUNDS
) -> tuple[float, float]:
    """Return the percentile interval of a statistic over resampled rows or groups of rows.

    Args:
        statistic: the metric as a function of the rows' weights.
        units: what is drawn, from `group_rows`.
        seed: makes the interval the same each time.
        rounds: the number of resamples.
    """
    rng = np.random.default_rng(seed)
    values = []
    for begin in range(0, rounds, BLOCK):
        count = min(BLOCK, rounds - begin)
        values.append(statistic(units.to_rows(_draw_counts(rng, units.count, count))))
    found = np.concatenate(values)
    tail = 50 * (1 - CONFIDENCE)
    # A user's metric may have no value for some resamples.
    low, high = np.nanpercentile(found, [tail, 100 - tail])
    return float(low), float(high)


def _draw_counts(rng: np.random.Generator, units: int, rounds: int) -> Floats:
    """Return how often each unit is drawn in each round, shape (rounds, units).

    The same as `rng.multinomial` with equal shares, several times as fast.
    """
    drawn = rng.integers(0, units, size=(rounds, units)) + units * np.arange(rounds)[:, None]
    found = np.bincount(drawn.ravel(), minlength=rounds * units)
    return found.reshape(rounds, units).astype(float)


def randomization_p(
    difference: Statistic, observed: float, units: Units, seed: int, rounds: int = ROUNDS
) -> float:
    """Return the two-sided p of a difference when each unit's answers may change sides.

    Args:
        difference: the metric's difference as a function of which rows are swapped (0 or 1).
        observed: the difference as it is.
        units: what changes sides as one.
        seed: makes the p the same each time.
        rounds: the number of random assignments.
    """
    rng = np.random.default_rng(seed)
    extreme = 0
    for begin in range(0, rounds, BLOCK):
        count = min(BLOCK, rounds - begin)
        swapped = rng.integers(0, 2, size=(count, units.count)).astype(float)
        values = np.abs(difference(units.to_rows(swapped)))
        # The tolerance keeps assignments that give the same difference from being lost to rounding.
        extreme += int(np.sum(values >= abs(observed) - 1e-12))
    # The assignment as it was counts as one: p is never 0.
    return (extreme + 1) / (rounds + 1)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two models on the rows that both answered.

    Attributes:
        a, b: the models' names.
        metric: the deciding metric's name.
        difference: a's value less b's.
        low, high: the difference's 95 % interval.
        a_only, b_only: rows that only one got right; None where rows are not right or wrong.
        n: how many rows both answered.
        p: from the exact test where rows are right or wrong, else by randomization.
        p_adjusted: p after Holm's correction over all pairs.
        higher_is_better: which sign of the difference favors a.
    """

    a: str
    b: str
    metric: str
    difference: float
    low: float
    high: float
    a_only: int | None
    b_only: int | None
    n: int
    p: float
    p_adjusted: float = 1.0
    higher_is_better: bool = True
    no_verdict: str = ""
    """Why nothing may be concluded, such as too many failed rows; empty where something may."""

    @property
    def is_distinguishable(self) -> bool:
        return not self.no_verdict and self.p_adjusted < 1 - CONFIDENCE

    @property
    def winner(self) -> str | None:
        """The better model; None where the difference may be chance."""
        if not self.is_distinguishable:
            return None
        return self.a if (self.difference > 0) == self.higher_is_better else self.b

    @property
    def verdict(self) -> str:
        """One sentence: which is better, or why that is not known. It never says "equal"."""
        if self.no_verdict:
            return f"{self.a} and {self.b}: no verdict. {self.no_verdict}"
        if (winner := self.winner) is not None:
            return f"{winner} is better ({self._describe_difference(winner)})"
        rows = format_count(self.n, "row")
        if self.a_only is None or self.b_only is None:
            return f"{self.a} and {self.b} are not distinguishable on {rows}"
        if self.a_only + self.b_only < MIN_DISAGREEMENTS:
            return (
                f"{self.a} and {self.b}: too few to tell, they differ on "
                f"{self.a_only + self.b_only} of {rows}"
            )
        return (
            f"{self.a} and {self.b} are not distinguishable on {rows}: {self.a} alone right "
            f"on {self.a_only}, {self.b} on {self.b_only}"
        )

    def _describe_difference(self, winner: str) -> str:
        """The winner's lead with its interval, in points for shares."""
        sign = 1 if winner == self.a else -1
        low, high = sorted((sign * self.low, sign * self.high))
        if abs(self.difference) <= 1 and max(abs(low), abs(high)) <= 1:
            points = 100 * sign * self.difference
            lead = f"{points:+.1f} points, 95% {100 * low:.1f} to {100 * high:.1f}"
        else:
            lead = f"{sign * self.difference:+.3g}, 95% {low:.3g} to {high:.3g}"
        return f"{lead}, {self.metric}"
