"""Exponentially weighted averages against pandas."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.functional.averages import exponentially_weighted
from engine.seeding import generator

BETAS = [0.0, 0.5, 0.9, 0.98, 0.999]


def noisy(n=365):
    return 10 + torch.randn(n, dtype=torch.float64, generator=generator(0)).cumsum(0)


@pytest.mark.parametrize("beta", BETAS)
def test_corrected_it_is_pandas_adjusted(beta):
    values = noisy()
    expected = pd.Series(values.numpy()).ewm(alpha=1 - beta, adjust=True).mean()
    np.testing.assert_allclose(exponentially_weighted(values, beta), expected, rtol=1e-10)


@pytest.mark.parametrize("beta", BETAS)
def test_from_the_first_value_uncorrected_it_is_pandas_unadjusted(beta):
    values = noisy()
    expected = pd.Series(values.numpy()).ewm(alpha=1 - beta, adjust=False).mean()
    found = exponentially_weighted(values, beta, corrected=False, start=float(values[0]))
    np.testing.assert_allclose(found, expected, rtol=1e-10)


@pytest.mark.parametrize("beta", BETAS)
def test_uncorrected_it_is_the_recursion_from_zero(beta):
    values, v, expected = noisy(50), 0.0, []
    for value in values.tolist():
        v = beta * v + (1 - beta) * value
        expected.append(v)
    np.testing.assert_allclose(exponentially_weighted(values, beta, corrected=False), expected, rtol=1e-12)


@given(st.floats(0, 0.999), st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50))
@settings(deadline=None, max_examples=40)
def test_an_average_stays_among_its_values(beta, values):
    found = exponentially_weighted(torch.tensor(values, dtype=torch.float64), beta)
    room = 1e-9 * max(map(abs, values))
    assert float(found[0]) == pytest.approx(values[0], rel=1e-12)
    for t, average in enumerate(found.tolist(), 1):
        assert min(values[:t]) - room <= average <= max(values[:t]) + room


def test_of_nothing_it_is_nothing_and_single_precision_stays_single():
    assert exponentially_weighted(torch.zeros(0), 0.9).shape == (0,)
    assert exponentially_weighted(noisy(10).float(), 0.9).dtype == torch.float32
