"""Surfaces for optimizers: slopes against autograd, heights against SciPy and by definition."""

import math
from functools import partial

import pytest
import torch
from scipy.optimize import rosen, rosen_der

from engine.functional.optimizers import adam, descend, sgd
from engine.functional.surfaces import (
    SURFACES,
    plateau,
    ravine,
    ravine_slope,
    rosenbrock,
    rosenbrock_slope,
    saddle,
    steps_to,
)
from engine.seeding import generator

POINTS = 2 * torch.randn(5, 40, 2, dtype=torch.float64, generator=generator(0))
TURNED = {f"ravine, {d}°": (partial(ravine, degrees=d), partial(ravine_slope, degrees=d)) for d in (30.0, 90.0)}
PAIRS = {name: (surface.cost, surface.slope) for name, surface in SURFACES.items()} | TURNED


@pytest.mark.parametrize("name", PAIRS)
def test_slopes_are_autograds(name):
    cost, slope = PAIRS[name]
    points = POINTS.clone().requires_grad_()
    heights = cost(points)
    assert heights.shape == POINTS.shape[:-1]
    (expected,) = torch.autograd.grad(heights.sum(), points)
    torch.testing.assert_close(slope(POINTS), expected, rtol=1e-12, atol=1e-12)


def test_rosenbrocks_valley_is_scipys_but_for_the_scale():
    for point in POINTS.reshape(-1, 2)[:20]:
        assert 100 * float(rosenbrock(point)) == pytest.approx(rosen(point.numpy()), rel=1e-12)
        assert (100 * rosenbrock_slope(point)).tolist() == pytest.approx(rosen_der(point.numpy()), rel=1e-10)


@pytest.mark.parametrize("name", SURFACES)
def test_nothing_lies_below_the_least_and_the_start_is_in_view(name):
    surface = SURFACES[name]
    grid = torch.cartesian_prod(*(torch.linspace(*side, 301, dtype=torch.float64) for side in (surface.x, surface.y)))
    assert surface.least - 1e-12 <= float(surface.cost(grid).min()) < surface.least + 1e-2
    assert all(low < at < high for at, (low, high) in zip(surface.start, (surface.x, surface.y), strict=True))


@pytest.mark.parametrize(("point", "signs"), [((0.0, 0.0), [-1, 1]), ((0.0, 1.0), [1, 1]), ((0.0, -1.0), [1, 1])])
def test_the_saddle_has_one_saddle_and_two_minima(point, signs):
    at = torch.tensor(point, dtype=torch.float64)
    assert SURFACES["saddle"].slope(at).abs().max() == 0
    hessian = torch.autograd.functional.hessian(saddle, at)
    assert torch.linalg.eigvalsh(hessian).sign().tolist() == signs


def test_a_ravine_turned_by_a_right_angle_is_steep_along_x():
    at = torch.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    assert ravine(at, stretch=10.0).tolist() == pytest.approx([0.5, 5.0])
    assert ravine(at, stretch=10.0, degrees=90.0).tolist() == pytest.approx([5.0, 0.5])


def test_the_plateau_is_flatter_further_out():
    at = torch.tensor([[1.0, 0.0], [3.0, 0.0], [5.0, 0.0]], dtype=torch.float64)
    sizes = SURFACES["plateau"].slope(at).norm(dim=-1).tolist()
    assert sizes == pytest.approx([r * math.exp(-r * r / 2) for r in (1, 3, 5)])
    assert plateau(at).tolist() == pytest.approx([1 - math.exp(-r * r / 2) for r in (1, 3, 5)])


@pytest.mark.parametrize("update", [sgd, adam], ids=["plain", "adam"])
@pytest.mark.parametrize("name", ["ravine", "saddle"])
def test_steps_to_a_goal_are_counted_as_on_each_path(name, update):
    surface, steps = SURFACES[name], 150
    start = torch.tensor(surface.start, dtype=torch.float64)
    goal = surface.least + 0.01 * float(surface.cost(start) - surface.least)
    rates = torch.tensor([1e-3, 0.02, 0.039, 0.1, 0.5], dtype=torch.float64)
    found = steps_to(surface, goal, start, rates, steps, update)
    for rate, reached in zip(rates.tolist(), found.tolist(), strict=True):
        _, costs = descend(surface.cost, surface.slope, start, rate, steps, update)
        above = (costs > goal).nonzero()
        last = int(above[-1]) + 1 if len(above) else 0
        assert reached == (last if len(costs) > steps >= last else math.inf)
    assert found.isfinite().any() and not found.isfinite().all()


def test_a_path_that_overflows_never_arrives():
    surface = SURFACES["ravine"]
    start = torch.tensor(surface.start, dtype=torch.float64)
    assert steps_to(surface, 0.1, start, torch.tensor([1e3], dtype=torch.float64), 300, sgd).tolist() == [math.inf]
