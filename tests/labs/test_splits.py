"""Splits: the parts, and intervals that hold the true error as often as they say, against SciPy's."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.metrics import accuracy_score

from engine.data import planar, tables
from engine.functional import mlp
from engine.functional.intervals import plain, wilson
from engine.labs.optimization.splits import (
    LAB,
    MEASURED,
    SHARES,
    Splits,
    classifier,
    dev_sets,
    estimates,
    known,
    sizes,
)
from engine.seeding import generator

REDRAWS = 20_000


def wrong_of(params):
    return known(params.examples, params.noise, params.points, params.seed).wrong


def exact_coverage(n, truth, level, interval):
    """The chance that an interval holds the truth, summed over all counts."""
    k = torch.arange(n + 1)
    low, high = (end.numpy() for end in interval(k, n, level))
    return stats.binom.pmf(k.numpy(), n, truth)[(low <= truth) & (truth <= high)].sum()


@pytest.mark.parametrize("split", ["60/20/20", "98/1/1"])
@pytest.mark.parametrize("m", [2500, 100_000])
@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_the_interval_holds_the_true_error_at_its_nominal_rate(split, m, level):
    params = Splits(m=m, split=split, level=level, redraws=REDRAWS)
    wrong = wrong_of(params)
    n = sizes(m, split)[1]
    found = dev_sets(params, wrong, n)
    simulated = 4 * (level * (1 - level) / REDRAWS) ** 0.5
    assert found.coverage == pytest.approx(exact_coverage(n, found.truth, level, wilson), abs=simulated)
    # Counts are whole numbers, so for few examples even the exact rate steps around the nominal one.
    steps = 0.1 if n < 100 else 0.02
    assert found.coverage == pytest.approx(level, abs=simulated + steps)


def test_the_plain_interval_of_few_examples_holds_it_too_rarely():
    params = Splits(m=1000, split="98/1/1", interval="plain", noise=0.25, redraws=REDRAWS)
    found = dev_sets(params, wrong_of(params), 10)
    assert found.coverage < 0.6 < exact_coverage(10, found.truth, 0.95, wilson)
    assert found.coverage == pytest.approx(exact_coverage(10, found.truth, 0.95, plain), abs=0.02)


@pytest.mark.parametrize(("k", "n"), [(0, 10), (3, 40), (50, 50), (120, 1000)])
@pytest.mark.parametrize("level", [0.5, 0.9, 0.999])
def test_both_intervals_are_scipys(k, n, level):
    low, high = wilson(torch.tensor(k), n, level)
    expected = stats.binomtest(k, n).proportion_ci(level, method="wilson")
    assert (float(low), float(high)) == pytest.approx((expected.low, expected.high), abs=1e-12)
    low, high = plain(torch.tensor(k), n, level)
    spread = (k / n * (1 - k / n) / n) ** 0.5
    expected = np.clip(stats.norm.interval(level, k / n, spread), 0, 1) if spread else (k / n, k / n)
    assert (float(low), float(high)) == pytest.approx(tuple(expected), abs=1e-12)


def test_an_error_of_nothing_or_of_all_is_held():
    for k, truth in ((0, 0.0), (25, 1.0)):
        low, high = wilson(torch.tensor(k), 25, 0.95)
        assert float(low) <= truth <= float(high)


@pytest.mark.parametrize("n", [25, 2000])
def test_the_dev_sets_drawn_are_binomial(n):
    params = Splits()
    wrong = wrong_of(params)
    counted = estimates(wrong, n, REDRAWS, 5).numpy()
    e = float(wrong.mean())
    edges = np.unique(stats.binom.ppf(np.linspace(0.02, 0.98, 15), n, e))
    cells = np.concatenate([[-np.inf], edges, [np.inf]])
    expected = np.diff(np.concatenate([[0], stats.binom.cdf(edges, n, e), [1]])) * REDRAWS
    seen = np.array([((counted > low) & (counted <= high)).sum() for low, high in pairwise(cells)])
    assert stats.chisquare(seen, expected).pvalue > 0.001
    assert (counted / n).std() == pytest.approx((e * (1 - e) / n) ** 0.5, rel=0.03)


def test_the_true_error_is_measured_on_fresh_examples():
    params = Splits(noise=0.3, seed=4)
    found = classifier(params)
    x, y = planar.make("moons", MEASURED, 0.3, generator(99))
    answers = mlp.predict([p.clone() for p in found.weights], x, "tanh") > 0.5
    assert len(found.wrong) == MEASURED
    assert float(found.wrong.mean()) == pytest.approx(1 - accuracy_score(y, answers), abs=5e-3)
    assert 0.05 < float(found.wrong.mean()) < 0.2


def test_of_an_own_table_the_held_out_fifth_stands_for_all():
    draw = np.random.default_rng(0)
    x = draw.normal(size=(500, 3))
    y = (x[:, 0] + draw.normal(size=500) > 0).astype(int)
    rows = "\n".join(f"{a},{b},{c},{k}" for (a, b, c), k in zip(x, y, strict=True))
    own = tables.table(f"a,b,c,class\n{rows}".encode())
    params = Splits(examples=own, m=2000)
    found = classifier(params)
    assert len(found.wrong) == 100 and found.data.inputs == 3
    frame = next(LAB.run(params))
    assert frame.metrics["True error"] == f"{float(found.wrong.mean()):.2%}"
    assert "Boundary" not in frame.figures


@pytest.mark.parametrize("split", SHARES)
@pytest.mark.parametrize("m", [100, 12_345, 1_000_000])
def test_the_parts_add_up(split, m):
    parts = sizes(m, split)
    assert sum(parts) == m and min(parts) >= 1
    np.testing.assert_allclose(np.array(parts) / m, SHARES[split], atol=max(1e-3, 2 / m))
    assert list(SHARES[split]) == pytest.approx([float(part) / 100 for part in split.split("/")])


def test_the_lab_counts_its_own_intervals():
    frame = next(LAB.run(Splits()))
    held, level = frame.metrics["Intervals that hold it"].split(" of ")
    assert abs(float(held.rstrip("%")) - float(level.rstrip("%"))) < 2
    assert frame.metrics["Train / dev / test"] == "6k / 2k / 2k"
    bars = frame.figures["The three parts"].data
    assert [bar.customdata[0] for bar in bars] == [6000, 2000, 2000]
    np.testing.assert_allclose(np.sum([bar.x for bar in bars], 0), 1)
    assert frame.figures["Dev error, drawn anew"].data[0].y.sum() == pytest.approx(1)


def test_every_drawn_point_may_be_right():
    frame = next(LAB.run(Splits(examples="drawn", m=100)))
    assert all(np.isfinite(trace.y).all() for trace in frame.figures["Dev error, drawn anew"].data)
