"""Momentum on a ravine: the path against torch.optim, the velocity as an average, the rates that the ravine bears."""

import numpy as np
import pytest
import torch
from torch import optim

from engine.figures.theme import OPTIMIZERS
from engine.functional.averages import exponentially_weighted
from engine.functional.surfaces import ravine
from engine.lab import Event
from engine.labs.optimization.momentum import LAB, Momentum, crossings, limit, taken, velocity


def torchs(params: Momentum, rate: float, beta: float) -> torch.Tensor:
    """The path of torch.optim.SGD, (steps + 1, 2)."""
    point = torch.tensor([params.start_x, params.start_y], dtype=torch.float64, requires_grad=True)
    optimizer, path = optim.SGD([point], lr=rate, momentum=beta), [point.detach().clone()]
    for _ in range(params.steps):
        optimizer.zero_grad()
        ravine(point, params.stretch).backward()
        optimizer.step()
        path.append(point.detach().clone())
    return torch.stack(path)


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9, 0.98])
@pytest.mark.parametrize("form", ["averaging", "summing"])
def test_the_trajectory_is_torch_optims(form, beta):
    """The course's average at a rate is PyTorch's sum at the rate times 1 - beta."""
    params = Momentum(beta=beta, form=form, rate=0.03 if form == "averaging" else 0.01, steps=150)
    _, found = taken(params)
    rate = params.rate * (1 - beta) if form == "averaging" else params.rate
    path, costs = found["momentum"]
    torch.testing.assert_close(path, torchs(params, rate, beta), rtol=0, atol=1e-6)
    torch.testing.assert_close(costs, ravine(path, params.stretch), rtol=0, atol=1e-12)
    torch.testing.assert_close(found["sgd"][0], torchs(params, params.rate, 0.0), rtol=0, atol=1e-6)


def test_the_figure_draws_both_paths_from_one_start():
    params = Momentum(start_x=-1.5, start_y=0.5, steps=40)
    figure = next(LAB.run(params)).figures["Path"]
    drawn = {trace.name: trace for trace in figure.data if trace.type == "scatter" and "lines" in trace.mode}
    assert drawn["plain"].line.color == OPTIMIZERS["sgd"] and drawn["momentum"].line.color == OPTIMIZERS["momentum"]
    rates = {"plain": (params.rate, 0.0), "momentum": (params.rate * (1 - params.beta), params.beta)}
    for name, (rate, beta) in rates.items():
        path = np.stack([drawn[name].x, drawn[name].y], -1)
        np.testing.assert_allclose(path, torchs(params, rate, beta), rtol=0, atol=1e-5)
        assert path[0].tolist() == [-1.5, 0.5]


def test_the_velocity_is_the_weighted_average_of_the_slopes():
    params = Momentum(beta=0.9, steps=50)
    surface, found = taken(params)
    path = found["momentum"][0]
    slopes = surface.slope(path[:-1])
    for axis in (0, 1):
        expected = exponentially_weighted(slopes[:, axis], 0.9, corrected=False)
        torch.testing.assert_close(velocity(path, params.rate)[:, axis], expected, rtol=0, atol=1e-9)
    drawn = {trace.name: trace.y for trace in next(LAB.run(params)).figures["Velocity"].data}
    np.testing.assert_allclose(drawn["velocity y"], velocity(path, params.rate)[:, 1], rtol=1e-5)
    np.testing.assert_allclose(drawn["slope x"], slopes[:, 0], rtol=1e-5)


@pytest.mark.parametrize("form", ["averaging", "summing"])
@pytest.mark.parametrize("beta", [0.0, 0.5, 0.9])
def test_the_ravine_bears_the_rates_below_the_limit_only(form, beta):
    probe = Momentum(beta=beta, form=form)
    ends = {}
    for factor in (0.97, 1.03):
        params = Momentum(beta=beta, form=form, rate=factor * limit(probe, beta), steps=500)
        costs = taken(params)[1]["momentum"][1]
        ends[factor] = float(costs[-1] / costs[0])
    assert ends[0.97] < 0.1 and ends[1.03] > 10


def test_at_the_default_rate_momentum_wins_and_crosses_less():
    (_, found), params = taken(Momentum()), Momentum()
    (plain, slow), (path, fast) = found.values()
    assert float(fast[-1]) < float(slow[-1]) / 10
    assert crossings(plain) == params.steps and crossings(path) < 15
    assert not next(LAB.run(params)).diverged


def test_a_rate_too_high_is_named_and_remedied():
    frame = next(LAB.run(Momentum(rate=0.1)))
    assert "Plain descent" in frame.diverged and "0.04" in frame.diverged and "Momentum" not in frame.diverged
    assert not next(LAB.run(Momentum(**frame.remedy))).diverged
    assert "Momentum" in next(LAB.run(Momentum(rate=5.0))).diverged


def test_a_click_moves_the_start_and_keeps_it_in_bounds():
    assert LAB.respond(Momentum(), Event("click", "Path", 1.234, -0.5)) == {"start_x": 1.23, "start_y": -0.5}
    assert LAB.respond(Momentum(), Event("click", "Path", 99.0, -99.0)) == {"start_x": 3.0, "start_y": -1.5}
    assert LAB.respond(Momentum(), Event("click", "Velocity", 1.0, 1.0)) == {}
