"""Intervals cover, tests keep their level, and no sentence claims more than they do."""

import numpy as np
import pytest

from hfwidgets.core.significance import holm, sign_test
from hfwidgets.evaluation.classification import Accuracy, MacroF1
from hfwidgets.evaluation.metrics import MeanMetric
from hfwidgets.evaluation.statistics import wilson_interval

METRIC = Accuracy()


def sides(both: int, a: int, b: int, none: int) -> tuple[list[int], list[int], list[int]]:
    """Predictions of two models for so many rows whose label is 1."""
    rows = [(1, 1)] * both + [(1, 0)] * a + [(0, 1)] * b + [(0, 0)] * none
    return [x for x, _ in rows], [y for _, y in rows], [1] * len(rows)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"), [(27, 30, 0.743789, 0.965400), (30, 30, 0.886487, 1)]
)
def test_wilson(successes: int, n: int, low: float, high: float) -> None:
    assert wilson_interval(successes, n) == pytest.approx((low, high), abs=1e-6)


@pytest.mark.parametrize(
    ("a", "b", "p"), [(10, 2, 0.0385742), (5, 0, 0.0625), (6, 0, 0.03125), (0, 0, 1)]
)
def test_mcnemar(a: int, b: int, p: float) -> None:
    assert sign_test(a, b) == pytest.approx(p, abs=1e-6)


def test_holm() -> None:
    assert holm([0.001, 0.013, 0.021, 0.04, 0.2]) == pytest.approx([0.005, 0.052, 0.063, 0.08, 0.2])
    assert holm([0.04, 0.001]) == pytest.approx([0.04, 0.002])


@pytest.mark.parametrize(
    ("cells", "difference", "interval", "p", "winner"),
    [
        ((80, 10, 1, 9), 0.09, (0.03, 0.16), 0.0117188, "A"),
        ((70, 12, 5, 13), 0.07, (-0.01, 0.15), 0.143463, None),
    ],
)
def test_pairs(cells, difference, interval, p, winner) -> None:
    a, b, labels = sides(*cells)
    pair = METRIC.compare(("A", "B"), a, b, labels)
    assert pair.difference == pytest.approx(difference)
    assert (pair.low, pair.high) == pytest.approx(interval)
    assert pair.p == pytest.approx(p, abs=1e-6)
    from dataclasses import replace

    told = replace(pair, p_adjusted=pair.p)
    assert told.winner == winner
    if winner:
        assert told.verdict.startswith("A is better (+9.0 points, 95% ")
    else:
        assert "not distinguishable on 100 rows: A alone right on 12, B on 5" in told.verdict


def test_few_disagreements_tell_nothing() -> None:
    pair = METRIC.compare(("A", "B"), *sides(20, 3, 0, 1))
    assert "too few to tell" in pair.verdict
    assert "equal" not in pair.verdict


def test_six_equal_models_rarely_have_a_winner() -> None:
    """Fifteen pairs of equally good models: Holm keeps false winners under five percent."""
    rng = np.random.default_rng(0)
    wins = 0
    for _ in range(200):
        right = rng.random((6, 60)) < 0.75
        pairs = [(i, j) for i in range(6) for j in range(i)]
        ps = [
            sign_test(int(np.sum(right[i] & ~right[j])), int(np.sum(right[j] & ~right[i])))
            for i, j in pairs
        ]
        wins += min(holm(ps)) < 0.05
    assert wins / 200 <= 0.05


def test_bootstrap_intervals_cover() -> None:
    """Of 200 samples about 95 % have an interval that holds the true mean."""
    metric = MeanMetric("mean", lambda found, _: found)
    metric.rounds = 500
    rng = np.random.default_rng(1)
    covered = 0
    for seed in range(200):
        sample = rng.gamma(2.0, 0.1, size=60)
        found = metric.estimate(sample, [0] * 60, seed=seed)
        covered += found.low <= 0.2 <= found.high
    assert 0.88 <= covered / 200 <= 0.99


def test_randomization_keeps_its_level() -> None:
    metric = MeanMetric("mean", lambda found, _: found)
    metric.rounds = 200
    rng = np.random.default_rng(2)
    ps = [
        metric.compare(("A", "B"), rng.normal(size=40), rng.normal(size=40), [0] * 40, seed=s).p
        for s in range(200)
    ]
    assert np.mean(np.array(ps) < 0.05) <= 0.09


def test_the_same_seed_gives_the_same_interval() -> None:
    a, _, labels = sides(10, 5, 0, 5)
    metric = MacroF1([1])
    assert metric.estimate(a, labels, seed=7) == metric.estimate(a, labels, seed=7)


def test_rows_of_a_group_are_drawn_together() -> None:
    """Ten copies of each row tell no more than one: the interval stays as wide."""
    rng = np.random.default_rng(5)
    found, copies = list(rng.random(12) < 0.6), 10
    metric = MeanMetric("mean", lambda x, _: x)
    alone = metric.estimate(found, [1] * 12)
    many = metric.estimate(found * copies, [1] * 12 * copies, groups=list(range(12)) * copies)
    assert many.high - many.low == pytest.approx(alone.high - alone.low, abs=0.03)
