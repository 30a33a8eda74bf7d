"""Settings for a search: uniform on their scales by Kolmogorov and Smirnov, grids against scikit-learn's."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.model_selection import ParameterGrid

from engine.functional.search import Range, grid, sampled
from engine.seeding import generator

RATE = Range(1e-4, 10.0, "log")
BETA = Range(0.9, 0.999, "one minus")
PLAIN = Range(1e-4, 10.0, "linear")
COUNT = 5000
SURELY_NOT = 1e-6


def p_value(values, low, high):
    """Of the hypothesis that these are uniform from low to high."""
    return stats.kstest(values.numpy(), stats.uniform(low, high - low).cdf).pvalue


def test_samples_are_uniform_in_log_space():
    rate, beta, plain = sampled([RATE, BETA, PLAIN], COUNT, generator(3)).T
    assert p_value(rate.log10(), -4, 1) > 0.01
    assert p_value((1 - beta).log10(), -3, -1) > 0.01
    assert p_value(plain, 1e-4, 10) > 0.01
    assert p_value(rate, 1e-4, 10) < SURELY_NOT and p_value(plain.log10(), -4, 1) < SURELY_NOT
    assert p_value(beta, 0.9, 0.999) < SURELY_NOT


def test_a_linear_scale_puts_nine_in_ten_into_the_top_decade():
    linear, log = (sampled([each], COUNT, generator(0))[:, 0] for each in (PLAIN, RATE))
    assert float((linear > 1).double().mean()) == pytest.approx(0.9, abs=0.015)
    assert float((log > 1).double().mean()) == pytest.approx(0.2, abs=0.02)


def test_hyperparameters_are_drawn_apart():
    shares = sampled([Range(0, 1, "linear")] * 3, COUNT, generator(1))
    assert np.abs(np.corrcoef(shares.T.numpy()) - np.eye(3)).max() < 0.04


def test_the_grid_is_every_combination_of_evenly_spaced_values():
    found = grid([RATE, BETA, PLAIN], 4)
    axes = [np.geomspace(1e-4, 10, 4), 1 - np.geomspace(0.1, 0.001, 4), np.linspace(1e-4, 10, 4)]
    combinations = ParameterGrid({str(i): axis.tolist() for i, axis in enumerate(axes)})
    expected = sorted([c["0"], c["1"], c["2"]] for c in combinations)
    np.testing.assert_allclose(sorted(found.tolist()), expected, rtol=1e-12)


def test_of_64_networks_a_grid_tries_4_rates_and_random_64():
    assert len(grid([RATE] * 3, 4)[:, 0].unique()) == 4
    assert len(sampled([RATE] * 3, 64, generator(0))[:, 0].unique()) == 64


SCALES = st.sampled_from(["linear", "log", "one minus"])


@given(SCALES, st.floats(0.01, 0.4), st.floats(0.5, 0.99), st.floats(0, 1), st.sampled_from([0.1, 0.25, 0.5]))
@settings(deadline=None, max_examples=60)
def test_a_zoomed_range_lies_inside_around_the_best(scale, low, high, share, width):
    whole = Range(low, high, scale)
    best = float(whole.at(torch.tensor(share)))
    assert whole.share(best) == pytest.approx(share, abs=1e-6)
    part = whole.zoomed(best, width)
    assert low - 1e-12 <= part.low < part.high <= high + 1e-12
    assert part.low - 1e-6 <= best <= part.high + 1e-6
    assert whole.share(part.high) - whole.share(part.low) == pytest.approx(width, abs=1e-9)
    assert part.scale == scale
