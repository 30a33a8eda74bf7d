"""Critical points of random quadratic forms, and the way off a saddle."""

import math
from itertools import pairwise

import pytest
import torch

from engine.labs.optimization.saddle_points import (
    LAB,
    SaddlePoints,
    curvatures,
    escape,
    height,
    hessians,
    share_of_minima,
    slope,
)
from engine.seeding import generator


@pytest.mark.parametrize(("n", "expected"), [(1, 0.5), (2, (2 - math.sqrt(2)) / 4)])
def test_the_share_of_minima_is_the_known_one(n, expected):
    share, error = share_of_minima(curvatures(40_000, n, generator(1)))
    assert abs(share - expected) < 4 * error
    assert error < 0.003


def test_minima_grow_rarer_than_fair_coins():
    shares = [share_of_minima(curvatures(20_000, n, generator(2)))[0] for n in range(1, 6)]
    assert all(a > b for a, b in pairwise(shares))
    assert all(share < 0.5**n for n, share in enumerate(shares[1:], 2))


def test_a_minimum_is_what_cholesky_takes():
    """An independent test of positive definiteness on the same forms."""
    forms = hessians(500, 3, generator(3))
    positive = [int(info) == 0 for info in torch.linalg.cholesky_ex(forms).info]
    assert share_of_minima(torch.linalg.eigvalsh(forms))[0] == pytest.approx(sum(positive) / 500)


def test_the_slope_is_autograds():
    point = torch.tensor([0.7, -1.3], dtype=torch.float64, requires_grad=True)
    (expected,) = torch.autograd.grad(height(point, 0.3), point)
    torch.testing.assert_close(slope(point.detach(), 0.3), expected)


@pytest.mark.parametrize("curvature", [1.0, 0.1])
def test_plain_descent_leaves_when_the_formula_says(curvature):
    params = SaddlePoints(rate=0.05, distance=1e-3, flatness=curvature)
    expected = math.log(1 / 1e-3) / math.log(1 + 0.05 * curvature)
    assert len(escape("sgd", params)) - 1 == math.ceil(expected)


def test_adaptive_optimizers_hardly_feel_the_flatness():
    steep, flat = (len(escape("adam", SaddlePoints(flatness=c))) for c in (1.0, 0.02))
    assert flat < 1.5 * steep
    plain = len(escape("sgd", SaddlePoints(flatness=0.02)))
    assert plain > 5 * flat


def test_the_figure_shows_what_was_measured():
    frame = next(LAB.run(SaddlePoints(dimensions=2)))
    measured = next(t for t in frame.figures["Share of minima"].data if t.name == "measured")
    share, _ = share_of_minima(curvatures(2000, 2, generator(0, 2)))
    assert measured.y[1] == pytest.approx(share)
    assert frame.metrics["Minima"].startswith(f"{share:.2%}")
