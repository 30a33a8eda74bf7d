"""Two costs of one unit: gradients and Hessians against autograd, and which of them is convex."""

import numpy as np
import pytest
import torch

from engine.lab import Event
from engine.labs.foundations.cost_convexity import COSTS, LAB, CostConvexity, examples, square

PLACES = [(0.0, 0.0), (-8.0, 6.0), (3.0, -2.0), (1.5, 0.7)]


@pytest.mark.parametrize("name", COSTS)
@pytest.mark.parametrize("at", PLACES)
def test_gradients_and_hessians_are_autograds(name, at):
    x, y = examples(CostConvexity(seed=1))
    wb, cost = torch.tensor(at, dtype=torch.float64), COSTS[name]
    gradient = torch.autograd.functional.jacobian(lambda p: cost.value(p, x, y), wb)
    hessian = torch.autograd.functional.hessian(lambda p: cost.value(p, x, y), wb)
    torch.testing.assert_close(cost.slope(wb, x, y), gradient, rtol=0, atol=1e-12)
    torch.testing.assert_close(cost.hessian(wb, x, y), hessian, rtol=0, atol=1e-12)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("overlap", [0.1, 0.8, 3.0])
def test_cross_entropy_curves_up_all_over_the_grid_and_squared_error_does_not(seed, overlap):
    x, y = examples(CostConvexity(seed=seed, overlap=overlap))
    _, grid = square()
    least = {name: torch.linalg.eigvalsh(cost.hessian(grid, x, y))[..., 0] for name, cost in COSTS.items()}
    assert float(least["Cross-entropy"].min()) > -1e-12
    assert float(least["Squared error"].min()) < -1e-3


def test_the_lab_counts_that_share():
    metrics = next(LAB.run(CostConvexity())).metrics
    assert metrics["Curved down, cross-entropy"].startswith("0%")
    assert float(metrics["Curved down, squared error"].split("%")[0]) > 20


def test_where_the_unit_is_sure_and_wrong_squared_error_crawls():
    traces = {
        t.name: t for t in next(LAB.run(CostConvexity(**LAB.presets["Sure and wrong"]))).figures["Cost by step"].data
    }
    left = {name: float(trace.y[20]) / float(trace.y[0]) for name, trace in traces.items()}
    assert left["Cross-entropy"] < 0.3 and left["Squared error"] > 0.9


def test_both_paths_start_at_the_start_and_a_click_moves_it():
    figures = next(LAB.run(CostConvexity(w=2.0, b=-3.0))).figures
    for name in COSTS:
        steps = next(t for t in figures[name].data if t.name == "steps")
        np.testing.assert_allclose([steps.x[0], steps.y[0]], [2.0, -3.0])
    assert LAB.respond(CostConvexity(), Event("click", "Cross-entropy", 1.234, 99.0)) == {"w": 1.23, "b": 12.0}
