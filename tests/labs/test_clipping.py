"""Clipping equals torch.nn.utils; the run without it is thrown off the cliff, and the clipped ones aren't."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

from engine.functional.gradients import clip_by_norm, clip_by_value
from engine.lab import Event
from engine.labs.sequence_models.clipping import LAB, Clipping, cliff, network_runs, unit_cost, unit_runs
from engine.seeding import generator


@pytest.mark.parametrize("limit", [1e-3, 0.5, 10.0, 1e6])
def test_clipping_equals_torch_nn_utils(limit):
    random = generator(0)
    grads = [
        torch.randn(shape, generator=random) * size for shape, size in (((3, 4), 1e-2), ((5,), 30.0), ((2, 2, 2), 4.0))
    ]
    for ours, theirs in ((clip_by_norm, clip_grad_norm_), (clip_by_value, clip_grad_value_)):
        own = [nn.Parameter(torch.zeros_like(g)) for g in grads]
        for p, g in zip(own, grads, strict=True):
            p.grad = g.clone()
        theirs(own, limit)
        for clipped, p in zip(ours(grads, limit), own, strict=True):
            torch.testing.assert_close(clipped, p.grad, rtol=2e-6, atol=1e-7)


def alone(start, steps, rate, updates, clip):
    """One run of the unit with PyTorch's own cell function, optimizer and clipping."""
    point = nn.Parameter(torch.tensor(start, dtype=torch.float64))
    optimizer = torch.optim.SGD([point], lr=rate)
    path = [point.detach().clone()]
    for _ in range(updates):
        a = torch.tensor(0.5, dtype=torch.float64).sigmoid()
        for _ in range(steps):
            a = torch.nn.functional.linear(a[None], point[:1, None], point[1:]).sigmoid()[0]
        optimizer.zero_grad()
        nn.functional.mse_loss(a, torch.tensor(0.7, dtype=torch.float64)).backward()
        clip([point])
        optimizer.step()
        path.append(point.detach().clone())
    return torch.stack(path)


def test_the_three_runs_are_those_of_torch_optim():
    params = Clipping(updates=11, steps=20)
    history = list(unit_runs(params))
    clips = (lambda p: None, lambda p: clip_grad_value_(p, params.value), lambda p: clip_grad_norm_(p, params.norm))
    for i, clip in enumerate(clips):
        expected = alone([params.start, params.start_b], params.steps, params.rate, params.updates, clip)
        torch.testing.assert_close(torch.stack([step.at[i] for step in history]), expected, rtol=1e-5, atol=1e-7)


def test_the_cliff_throws_the_run_without_clipping_and_no_other():
    *_, last = history = list(unit_runs(Clipping()))
    far = [max(float((step.at[i] - history[0].at[i]).norm()) for step in history) for i in range(3)]
    assert max(float(step.norm[0]) for step in history) > 1000
    assert far[0] > 100 and far[1] < 3 and far[2] < 3
    assert float(last.cost[2]) < 0.01 < float(last.cost[0])


def test_a_network_of_32_units_learns_only_with_clipping():
    params = Clipping(**LAB.presets["32 units"])
    *_, last = list(network_runs(params))
    assert float(last.cost[0]) > math.log(4) > 0.3 > max(float(last.cost[1]), float(last.cost[2]))


def test_the_map_is_the_units_cost():
    found = cliff(50)
    i, j = 40, 12
    point = torch.tensor([found.w[j], found.b[i]], dtype=torch.float64)
    assert float(found.cost[i, j]) == pytest.approx(float(unit_cost(point, 50)), abs=1e-4)
    assert np.abs(np.diff(found.cost, axis=1)).max() > 0.3  # the cliff: that much within a tenth of w


def test_a_click_moves_the_start_and_every_figure_is_there():
    assert LAB.respond(Clipping(), Event("click", "The cliff", 4.004, -2.0)) == {"start": 4.0, "start_b": -2.0}
    assert LAB.respond(Clipping(), Event("click", "The cliff", 40.0, -2.0)) == {}
    frame = LAB.last_frame(Clipping(updates=20))
    assert set(frame.figures) == {title for row in LAB.rows for title in row}
    drawn = frame.figures["The cliff"].data
    assert [trace.name for trace in drawn[1:4]] == ["none", "by value", "by norm"]


def test_what_overflows_even_clipped_is_told_and_mended():
    params = Clipping(example="network", scale=5.0, rate=20.0, norm=1e3, value=1e3, updates=40, steps=100)
    frame = LAB.last_frame(params)
    assert frame.progress == 1.0 and "nan" not in frame.says
