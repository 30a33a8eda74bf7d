"""Hyperparameter search: where the points lie, and that networks trained at once are the networks trained alone."""

from functools import partial

import numpy as np
import pytest
import torch
from scipy import stats

from engine.errors import BadInput
from engine.examples import load
from engine.functional import mlp
from engine.functional.optimizers import momentum
from engine.functional.search import grid, random, zoom
from engine.labs.optimization.hyperparameter_search import (
    LAB,
    SPANS,
    HyperparameterSearch,
    caviar,
    points_of,
    read_rates,
)
from engine.seeding import generator
from engine.training import Recipe, fit


def test_random_points_are_uniform_in_log_space():
    points = random(4000, SPANS, True, generator(0)).numpy()
    for column, (low, high) in zip(points.T, SPANS, strict=True):
        u = np.log(column / low) / np.log(high / low)
        assert stats.kstest(u, "uniform").pvalue > 0.01
    flat = random(4000, SPANS, False, generator(0)).numpy()
    for column, (low, high) in zip(flat.T, SPANS, strict=True):
        assert stats.kstest((column - low) / (high - low), "uniform").pvalue > 0.01
        assert stats.kstest(np.log(column / low) / np.log(high / low), "uniform").pvalue < 1e-6


def test_a_grid_has_few_values_and_random_points_many():
    lattice = grid(4, SPANS, True).numpy()
    assert lattice.shape == (64, 3)
    assert [len(np.unique(column.round(9))) for column in lattice.T] == [4, 4, 4]
    np.testing.assert_allclose(np.unique(lattice[:, 0].round(9)), np.geomspace(*SPANS[0], 4), rtol=1e-6)
    assert len(np.unique(random(64, SPANS, True, generator(0))[:, 0])) == 64


@pytest.mark.parametrize("best", [(0.1, 0.1, 0.1), (1e-3, 1.0, 30.0)])
def test_the_second_round_stays_inside_and_around_the_best(best):
    zoomed = zoom(torch.tensor(best, dtype=torch.float64), SPANS, 0.3)
    for value, (low, high), (start, end) in zip(best, SPANS, zoomed, strict=True):
        assert low <= start * (1 + 1e-9) and end <= high * (1 + 1e-9)
        assert start * (1 - 1e-9) <= value <= end * (1 + 1e-9)
        assert np.log(end / start) == pytest.approx(0.3 * np.log(high / low))


def test_networks_at_once_are_the_networks_alone():
    params = HyperparameterSearch(per_axis=2, steps=60)
    data = load(params, generator(0, 0), classes=10)
    points = points_of(params, SPANS, 3)
    *_, together = caviar(params, data, points)
    for k, (rate, forget, decay) in enumerate(points.tolist()):
        start = mlp.initialize((2, 8, 8, 1), generator(0, 1), "xavier")
        update = partial(momentum, beta=1 - forget, dampening=1 - forget)
        recipe = Recipe("tanh", rate, update, l2=decay, batch=32)
        *_, alone = fit(start, data.train, data.dev, recipe, 60, generator=generator(0, 2))
        if float(alone.dev) < 5:  # a network about to overflow magnifies every rounding
            assert float(together.dev[k]) == pytest.approx(float(alone.dev), abs=2e-4)


def test_the_table_is_ranked_and_the_fine_round_does_not_lose():
    frame = LAB.last_frame(HyperparameterSearch(per_axis=3, steps=150))
    costs = [float(c) for c in frame.tables["Ranked"]["dev cost"]]
    assert costs == sorted(costs) and float(frame.metrics["Best dev cost"]) == costs[0]
    coarse = LAB.last_frame(HyperparameterSearch(per_axis=3, steps=150, fine=False))
    assert costs[0] <= float(coarse.metrics["Best dev cost"]) + 1e-4


def test_log_finds_more_good_networks_than_linear():
    good = {}
    for scale in ("log", "linear"):
        params = HyperparameterSearch(scale=scale, fine=False, steps=150)
        data = load(params, generator(0, 0), classes=10)
        *_, last = caviar(params, data, points_of(params, SPANS, 3))
        good[scale] = int((last.dev < 0.6).sum())
    assert good["log"] > 2 * good["linear"]


def test_typed_rates_are_read_strictly():
    assert read_rates("0.1, 0.3") == [0.1, 0.3]
    for wrong in ("", "a", "0.1;0.2", "-1", "0", "nan", "1e9", "0.1,,2"):
        with pytest.raises(BadInput, match="Panda's rates must be"):
            read_rates(wrong)
