"""RMSprop on a ravine: the path and s against torch.optim, and the errata's wrong forms by hand."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from torch import optim

from engine.functional.optimizers import rmsprop
from engine.functional.surfaces import ravine
from engine.labs.optimization.rmsprop import LAB, RMSprop, inside, mean_squares, mixed, settings, taken


def torchs(params: RMSprop) -> tuple[torch.Tensor, torch.Tensor]:
    """The path of torch.optim.RMSprop, (steps + 1, 2), and its running mean of squares, (steps, 2)."""
    point = torch.tensor([params.start_x, params.start_y], dtype=torch.float64, requires_grad=True)
    optimizer = optim.RMSprop([point], lr=params.rate, alpha=params.beta, eps=params.epsilon)
    path, squares = [point.detach().clone()], []
    for _ in range(params.steps):
        optimizer.zero_grad()
        ravine(point, params.stretch, params.degrees).backward()
        optimizer.step()
        path.append(point.detach().clone())
        squares.append(optimizer.state[point]["square_avg"].clone())
    return torch.stack(path), torch.stack(squares)


CASES = [{}, {"beta": 0.5}, {"beta": 0.999, "degrees": 30.0}, {"epsilon": 1.0}, {"stretch": 5.0, "rate": 0.2}]


def drawn(params: RMSprop, title: str) -> dict:
    frame = next(LAB.run(params))
    lines = (trace for trace in frame.figures[title].data if trace.type == "scatter" and "lines" in trace.mode)
    return {trace.name: trace for trace in lines}


@pytest.mark.parametrize("changed", CASES, ids=str)
def test_the_trajectory_drawn_is_torch_optims(changed):
    params = RMSprop(**changed)
    path, squares = torchs(params)
    trace = drawn(params, "Path")["RMSprop"]
    np.testing.assert_allclose(np.stack([trace.x, trace.y], -1), path, rtol=0, atol=1e-6)
    roots = drawn(params, "Root of s")
    for axis, name in enumerate("xy"):
        np.testing.assert_allclose(roots[f"√s {name}"].y, squares[:, axis].sqrt().clamp(min=1e-12), rtol=1e-5)


def test_in_double_precision_too():
    params = RMSprop(steps=200)
    found = LAB.last_frame(params)
    path, squares = torchs(params)
    ours = taken(params, ours=partial(rmsprop, **settings(params)))["ours"][0]
    torch.testing.assert_close(ours, path, rtol=0, atol=1e-6)
    slopes = torch.autograd.functional.jacobian(lambda p: ravine(p, 50.0).sum(), ours[:-1])
    torch.testing.assert_close(mean_squares(slopes, 0.9), squares, rtol=1e-9, atol=0)
    assert float(found.metrics["Rate along x"]) == pytest.approx(0.0395 / float(squares[-1, 0].sqrt()), rel=5e-3)


def test_the_first_step_is_the_same_in_every_direction():
    trace = drawn(RMSprop(steps=1), "Path")["RMSprop"]
    step = 0.0395 / math.sqrt(0.1)
    assert trace.x[1] - trace.x[0] == pytest.approx(step, rel=1e-4)
    assert trace.y[0] - trace.y[1] == pytest.approx(step, rel=1e-4)


def test_it_beats_plain_descent_along_the_axes_and_gains_less_between_them():
    ends = {}
    for degrees in (0.0, 45.0):
        metrics = next(LAB.run(RMSprop(degrees=degrees))).metrics
        ends[degrees] = float(metrics["RMSprop's cost"]), float(metrics["Plain cost"])
    assert ends[0.0][0] < ends[0.0][1] / 100
    assert ends[45.0][0] > 10 * ends[0.0][0]


def test_v_in_place_of_s_turns_negative():
    """With a slope between -beta and 0 the first mixed average is (1 - beta) g (beta + g)."""
    g = torch.tensor([-0.3], dtype=torch.float64)
    [moved], state = mixed([torch.zeros_like(g)], [g], {}, 0.1, 0.9, 1e-8)
    assert float(state["s"]) == pytest.approx(0.1 * -0.3 * (0.9 - 0.3))
    assert moved.isnan().all()
    assert "negative at step" in LAB.mistakes["rmsprop-mixes-v"](RMSprop()).wrong


def test_epsilon_under_the_root_hides_a_small_slope():
    g = torch.tensor([1e-6], dtype=torch.float64)
    [moved], _ = inside([torch.zeros_like(g)], [g], {}, 0.1, 0.9, 1e-8)
    assert -float(moved) == pytest.approx(0.1 * 1e-6 / math.sqrt(0.1 * 1e-12 + 1e-8))
    mistake = LAB.mistakes["rmsprop-epsilon"](RMSprop(rate=0.1))
    assert "moves 0.001," in mistake.wrong and "moves 0.31," in mistake.right


def test_a_rate_too_high_for_plain_descent_is_named_and_remedied():
    frame = next(LAB.run(RMSprop(rate=0.2)))
    assert "Plain descent" in frame.diverged
    assert not next(LAB.run(RMSprop(**frame.remedy))).diverged
