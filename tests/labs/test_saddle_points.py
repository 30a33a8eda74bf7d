"""Critical points of random quadratic forms, and the ways off a saddle and a plateau."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from engine.labs.optimization.saddle_points import (
    KNOWN,
    LAB,
    RACERS,
    STEPS,
    SaddlePoints,
    hessians,
    measured,
    races,
    saddle,
    share_of_minima,
)
from engine.seeding import generator


@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_share_of_minima_is_the_known_one(n):
    share, error = share_of_minima(hessians(60_000, n, generator(1)))
    assert abs(share - KNOWN[n - 1]) < 4 * error
    assert error < 0.003


def test_the_forms_are_the_gaussian_orthogonal_ensemble():
    forms = hessians(40_000, 3, generator(5))
    torch.testing.assert_close(forms, forms.mT)
    spread = forms.std(0)
    assert float(spread[0, 1]) == pytest.approx(1, rel=0.02) and float(spread[2, 2]) == pytest.approx(2**0.5, rel=0.02)


def test_minima_grow_rarer_than_fair_coins():
    shares = [share_of_minima(hessians(20_000, n, generator(2)))[0] for n in range(1, 6)]
    assert all(a > b for a, b in pairwise(shares))
    assert all(share < 0.5**n for n, share in enumerate(shares[1:], 2))


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_a_minimum_has_positive_eigenvalues_only(n):
    forms = hessians(2000, n, generator(3))
    positive = (np.linalg.eigvalsh(forms.numpy()) > 0).all(-1)
    assert share_of_minima(forms)[0] == pytest.approx(positive.mean())


def test_the_slope_is_autograds():
    point = torch.tensor([0.7, -1.3], dtype=torch.float64, requires_grad=True)
    surface = saddle(0.3)
    (expected,) = torch.autograd.grad(surface.cost(point), point)
    torch.testing.assert_close(surface.slope(point.detach()), expected)


@pytest.mark.parametrize("curvature", [1.0, 0.2])
def test_plain_descent_leaves_when_the_formula_says(curvature):
    params = SaddlePoints(rate=0.05, distance=1e-3, flatness=curvature)
    expected = math.log(1 / 1e-3) / math.log(1 + 0.05 * curvature)
    assert len(races(params)[0]["sgd"]) - 1 == math.ceil(expected)


def test_adaptive_optimizers_hardly_feel_the_flatness():
    steep, flat = (races(SaddlePoints(flatness=c))[0] for c in (1.0, 0.02))
    assert len(flat["adam"]) < 1.5 * len(steep["adam"])
    assert len(flat["sgd"]) > 5 * len(flat["adam"])


def test_a_path_ends_with_the_first_point_that_is_away():
    off_saddle, off_plateau = races(SaddlePoints())
    for path in off_saddle.values():
        away = path[:, 1].abs() > 1
        assert away[-1] and not away[:-1].any()
    for path in off_plateau.values():
        away = 1 - torch.exp(-path.square().sum(-1) / 2) < 0.5
        assert away[-1] and not away[:-1].any()
    assert len(off_plateau["sgd"]) > 5 * len(off_plateau["adam"])


def test_plain_descent_on_the_plateau_takes_what_its_differential_equation_says():
    """With small steps r' = -r exp(-r² / 2), so the time is the integral of exp(r² / 2) / r."""
    rate, far = 0.01, 2.0
    path = races(SaddlePoints(rate=rate, plain=far))[1]["sgd"]
    r = torch.linspace(math.sqrt(2 * math.log(2)), far, 10_001, dtype=torch.float64)
    time = float(torch.trapezoid(torch.exp(r * r / 2) / r, r))
    assert len(path) - 1 == pytest.approx(time / rate, rel=0.02)


def test_one_that_never_leaves_says_so():
    frame = next(LAB.run(SaddlePoints(distance=1e-8, flatness=0.01, plain=6.0)))
    assert frame.metrics["Plain off the saddle"] == f"over {STEPS} steps"
    table = frame.tables["Steps to leave"]
    assert len(table["Optimizer"]) == len(RACERS) and table["Plateau"][0] == f"over {STEPS}"


def test_the_figure_shows_what_was_measured():
    frame = next(LAB.run(SaddlePoints(dimensions=2)))
    shown = next(t for t in frame.figures["Share of minima"].data if t.name == "measured")
    share, error = share_of_minima(hessians(2000, 2, generator(0, 2)))
    assert shown.y[1] == pytest.approx(share) and tuple(measured(2000, 0)[1]) == (share, error)
    assert frame.metrics["Minima"].startswith(f"{share:.2%}")
    bars = {t.name: t for t in frame.figures["Curvatures"].data}
    assert max(bars["ways down"].x) < 0 <= min(bars["ways up"].x)
    assert sum(sum(t.y) for t in bars.values()) == pytest.approx(1)
    assert next(LAB.run(SaddlePoints(dimensions=10))).metrics["Minima"] == "none of 2,000"
