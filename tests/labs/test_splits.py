"""Splits: the parts, and intervals that hold the true error as often as they say."""

import numpy as np
import pytest
import torch
from scipy import stats

from engine.functional.intervals import wilson
from engine.labs.optimization.splits import LAB, SHARES, Splits, estimates, mistakes, sizes


@pytest.mark.parametrize("n", [30, 200, 5000])
@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_the_interval_holds_the_true_error_at_its_nominal_rate(n, level):
    truth = float(mistakes(0).double().mean())
    drawn = torch.from_numpy(np.random.default_rng(1).binomial(n, truth, 40_000))
    low, high = wilson(drawn, n, level)
    held = float(((low <= truth) & (truth <= high)).double().mean())
    # Counts are whole numbers, so for small n the rate steps around the nominal one.
    assert abs(held - level) < (0.04 if n < 100 else 0.02)


@pytest.mark.parametrize(("k", "n"), [(0, 10), (3, 40), (50, 50), (120, 1000)])
def test_it_is_scipys(k, n):
    low, high = wilson(torch.tensor(k), n, 0.9)
    expected = stats.binomtest(k, n).proportion_ci(0.9, method="wilson")
    assert (float(low), float(high)) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_the_dev_sets_drawn_wander_as_the_formula_says():
    wrong = mistakes(0)
    e = float(wrong.double().mean())
    counted = estimates(wrong, 400, 20_000, 5) / 400
    assert float(counted.mean()) == pytest.approx(e, abs=1e-3)
    assert float(counted.std()) == pytest.approx((e * (1 - e) / 400) ** 0.5, rel=0.03)


@pytest.mark.parametrize("split", SHARES)
@pytest.mark.parametrize("m", [100, 12_345, 1_000_000])
def test_the_parts_add_up(split, m):
    parts = sizes(m, split)
    assert sum(parts) == m and min(parts) >= 1
    np.testing.assert_allclose(np.array(parts) / m, SHARES[split], atol=max(1e-3, 2 / m))


def test_the_lab_counts_its_own_intervals():
    frame = next(LAB.run(Splits()))
    held, level = frame.metrics["Intervals that hold it"].split(" of ")
    assert abs(float(held.rstrip("%")) - float(level.rstrip("%"))) < 2
    assert frame.metrics["Train / dev / test"] == "6k / 2k / 2k"
