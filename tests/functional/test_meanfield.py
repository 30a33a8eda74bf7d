"""Theory of random networks: against integrals by SciPy, and against random networks of torch.nn."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.stats import norm
from torch import nn

from engine.functional.meanfield import expected_mean_squares
from engine.functional.mlp import deviation
from engine.seeding import generator

FUNCTIONS = {"relu": lambda z: max(z, 0.0), "tanh": np.tanh, "sigmoid": lambda z: 1 / (1 + np.exp(-z))}
MODULES = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
INIT = {
    "he": lambda W: nn.init.kaiming_normal_(W, nonlinearity="relu"),
    "xavier": lambda W: nn.init.kaiming_normal_(W, nonlinearity="linear"),
    "glorot": nn.init.xavier_normal_,
}


@pytest.mark.parametrize("activation", FUNCTIONS)
@pytest.mark.parametrize("deviation", [0.05, 0.2, 1.0])
def test_the_recursion_is_the_integral(activation, deviation):
    x = torch.tensor([[1.0, 2.0], [0.5, -0.5]])
    found = expected_mean_squares(x, [deviation] * 3, [30] * 3, activation)
    expected = []
    for norm_squared in (5.0, 0.5):
        q, mine = norm_squared, []
        for _ in range(3):
            q = deviation**2 * q
            mine.append(q)
            mean = quad(lambda t: FUNCTIONS[activation](np.sqrt(q) * t) ** 2 * norm.pdf(t), -12, 12, points=[0])[0]  # noqa: B023
            q = 30 * mean
        expected.append(mine)
    np.testing.assert_allclose(found, np.mean(expected, 0), rtol=2e-3)


@pytest.mark.parametrize("activation", MODULES)
@pytest.mark.parametrize("rule", INIT)
def test_layer_variances_are_within_10_percent_of_theory(rule, activation):
    """Networks that torch.nn.init began, 300 units wide, on 200 examples; averaged over three."""
    sizes = (20, 300, 300, 300, 300)
    x = torch.randn(200, 20, generator=generator(0))
    measured = []
    for seed in range(3):
        torch.manual_seed(seed)
        a, mine = x, []
        for n_in, n_out in pairwise(sizes):
            layer = nn.Linear(n_in, n_out)
            INIT[rule](layer.weight)
            nn.init.zeros_(layer.bias)
            z = layer(a)
            mine.append(float(z.detach().square().mean()))
            a = MODULES[activation]()(z)
        measured.append(mine)
    expected = expected_mean_squares(x, [deviation(rule, *pair) for pair in pairwise(sizes)], sizes[1:], activation)
    np.testing.assert_allclose(np.mean(measured, 0), expected, rtol=0.1)


def test_he_keeps_relus_size_at_any_depth():
    x = torch.randn(50, 40, generator=generator(1))
    found = expected_mean_squares(x, [(2 / 40) ** 0.5] * 30, [40] * 30, "relu")
    np.testing.assert_allclose(found, 2 * float(x.square().mean()), rtol=1e-5)


def test_nothing_comes_of_zero_weights():
    assert not expected_mean_squares(torch.ones(3, 2), [0.0, 0.0], [5, 5], "tanh").any()
