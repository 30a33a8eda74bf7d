"""Exponentially weighted averages: against pandas, and what the figures and errata show."""

import numpy as np
import pandas as pd
import pytest
import torch

from engine.functional.averages import exponentially_weighted
from engine.labs.optimization.ewma import LAB, Ewma, weights, window, wrong_recursion, year


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9, 0.98])
def test_it_equals_pandas_with_and_without_adjusting(beta):
    theta = year(Ewma(seed=3))
    series = pd.Series(theta.numpy())
    corrected = exponentially_weighted(theta, beta)
    np.testing.assert_allclose(corrected, series.ewm(alpha=1 - beta, adjust=True).mean(), rtol=1e-10)
    started = exponentially_weighted(theta, beta, corrected=False, start=float(theta[0]))
    np.testing.assert_allclose(started, series.ewm(alpha=1 - beta, adjust=False).mean(), rtol=1e-10)


@pytest.mark.parametrize("corrected", [True, False])
def test_the_figure_draws_the_average_that_is_asked_for(corrected):
    params = Ewma(beta=0.95, corrected=corrected)
    *_, trace = next(LAB.run(params)).figures["Temperature"].data
    np.testing.assert_allclose(trace.y, exponentially_weighted(year(params), 0.95, corrected), rtol=1e-5)
    assert trace.name == ("corrected" if corrected else "uncorrected")


def test_uncorrected_starts_near_zero_and_corrected_at_the_first_day():
    theta = year(Ewma())
    assert exponentially_weighted(theta, 0.98)[0] == pytest.approx(float(theta[0]))
    assert exponentially_weighted(theta, 0.98, corrected=False)[0] == pytest.approx(0.02 * float(theta[0]))


def test_the_weights_add_up_to_what_the_correction_divides_by():
    assert float(weights(0.9, 20).sum()) == pytest.approx(1 - 0.9**20)
    assert 0.9 ** window(0.9) == pytest.approx(0.349, abs=5e-4)


def test_the_wrong_recursion_strays():
    theta = torch.full((100,), 10.0, dtype=torch.float64)
    assert float(exponentially_weighted(theta, 0.9)[-1]) == pytest.approx(10)
    assert float(wrong_recursion(theta, 0.9)[0]) == pytest.approx(10)
    assert abs(float(wrong_recursion(theta, 0.9)[9]) - 10) > 5
    mistake = LAB.mistakes["one-over-e"](Ewma())
    assert "0.3679" in mistake.right and "0.3487" in mistake.right


@pytest.mark.parametrize("beta", [0.5, 0.9, 0.98])
def test_the_erratum_shows_where_the_wrong_recursion_strays(beta):
    params = Ewma(beta=beta)
    theta = year(params)
    right, wrong = exponentially_weighted(theta, beta), wrong_recursion(theta, beta)
    mistake = LAB.mistakes["ewma-corrected-recursion"](params)
    day = int(mistake.wrong.split("on day ")[1].split(",")[0]) - 1
    assert abs(wrong[day] - right[day]) == (wrong - right).abs().max() > 2
    assert f"{float(right[day]):.4g} °C" in mistake.right
