"""Limited-memory BFGS against the inverse curvature written out, and SciPy's minimum within bounds."""

from __future__ import annotations

import pytest
import torch
from scipy.optimize import minimize

from engine.functional.lbfgs import Pair, direction, lbfgs
from engine.seeding import generator


def quadratic(n: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    random = generator(0)
    root = torch.randn(n, n, generator=random, dtype=torch.float64)
    return root @ root.T + torch.eye(n, dtype=torch.float64), torch.randn(n, generator=random, dtype=torch.float64)


def test_the_direction_is_that_of_the_matrix_written_out() -> None:
    curvature, slope = quadratic()
    steps = torch.randn(5, 8, generator=generator(1), dtype=torch.float64)
    pairs = [Pair(s, curvature @ s) for s in steps]
    h = torch.eye(8, dtype=torch.float64) * (pairs[-1].step @ pairs[-1].change) / pairs[-1].change.square().sum()
    for s, y in pairs:
        rho = 1 / (s @ y)
        left = torch.eye(8, dtype=torch.float64) - rho * torch.outer(s, y)
        h = left @ h @ left.T + rho * torch.outer(s, s)
    torch.testing.assert_close(direction(slope, pairs), -h @ slope)
    torch.testing.assert_close(direction(slope, []), -slope)


def test_it_finds_scipys_minimum_within_bounds() -> None:
    curvature, slope = quadratic()
    point, state = torch.full((8,), 0.5, dtype=torch.float64), {}
    for _ in range(300):
        point, state = lbfgs(point, curvature @ point - slope, state, 0.02, 0.1)
        point = point.clamp(0, 1)
    found = minimize(
        lambda x: 0.5 * x @ curvature.numpy() @ x - slope.numpy() @ x,
        x0=[0.5] * 8,
        jac=lambda x: curvature.numpy() @ x - slope.numpy(),
        bounds=[(0, 1)] * 8,
    )
    cost = 0.5 * point @ curvature @ point - slope @ point
    assert float(cost) <= found.fun + 0.02 * abs(found.fun)


def test_steps_keep_to_their_lengths() -> None:
    point = torch.zeros(4)
    after, state = lbfgs(point, torch.full((4,), 1000.0), {}, 0.02, 0.1)
    assert after.tolist() == pytest.approx([-0.02] * 4)
    again, _ = lbfgs(after, torch.full((4,), 999.9), state, 0.02, 0.1)
    assert float((again - after).square().mean().sqrt()) == pytest.approx(0.1)
    assert torch.equal(lbfgs(point, torch.zeros(4), {}, 0.02, 0.1)[0], point)
