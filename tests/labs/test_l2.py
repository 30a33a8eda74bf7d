"""L2: the penalized gradient against autograd, weight decay against torch.optim, and what the lab shows of both."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from engine.examples import load
from engine.functional import mlp
from engine.functional.optimizers import OPTIMIZERS
from engine.functional.regularization import l2_penalty
from engine.labs.optimization.l2 import L2, LAB
from engine.seeding import generator
from engine.training import Recipe, fit


@pytest.fixture
def sets():
    data = load(L2(), generator(0, 0))
    return [(x.double(), y.double()) for x, y in (data.train, data.dev)]


def start():
    return [p.double() for p in mlp.initialize((2, 6, 1), generator(1), "xavier")]


def logits(params, x):
    W1, b1, W2, b2 = params
    return (torch.tanh(x @ W1.T + b1) @ W2.T + b2)[:, 0]


@pytest.mark.parametrize("strength", [0.0, 0.5, 20.0])
def test_the_gradient_of_the_penalized_cost_is_autograds(sets, strength):
    """What one step of plain descent at rate 1 subtracts, to 1e-12."""
    train, dev = sets
    leaves = [p.clone().requires_grad_() for p in start()]
    m = len(train[1])
    cost = F.binary_cross_entropy_with_logits(logits(leaves, train[0]), train[1])
    cost = cost + strength / (2 * m) * sum((W**2).sum() for W in leaves[::2])
    expected = torch.autograd.grad(cost, leaves)
    *_, after = fit(start(), train, dev, Recipe("tanh", 1.0, l2=strength), 1)
    for before, now, slope in zip(start(), after.params, expected, strict=True):
        torch.testing.assert_close(before - now, slope, rtol=0, atol=1e-12)
    both = F.binary_cross_entropy_with_logits(logits(start(), train[0]), train[1]) + l2_penalty(
        start()[::2], strength, m
    )
    torch.testing.assert_close(both, cost.detach())


def test_under_plain_descent_it_is_torchs_weight_decay(sets):
    """The lab's own fleet of two: λ / m on weights, nothing on biases, nothing at all on the first network."""
    train, dev = sets
    strengths = torch.tensor([0.0, 4.0], dtype=torch.float64)
    fleet = [torch.stack([p, p]) for p in start()]
    *_, last = fit(fleet, train, dev, Recipe("tanh", 0.7, l2=strengths), 60)
    for i, strength in enumerate(strengths.tolist()):
        params = [p.clone().requires_grad_() for p in start()]
        groups = [{"params": params[::2], "weight_decay": strength / len(train[1])}, {"params": params[1::2]}]
        optimizer = torch.optim.SGD(groups, lr=0.7)
        for _ in range(60):
            optimizer.zero_grad()
            F.binary_cross_entropy_with_logits(logits(params, train[0]), train[1]).backward()
            optimizer.step()
        for ours, theirs in zip(last.params, params, strict=True):
            torch.testing.assert_close(ours[i], theirs.detach(), rtol=0, atol=1e-10)


def traces(frame, title):
    return {t.name: np.array(t.y) for t in frame.figures[title].data}


def test_both_networks_start_the_same_and_the_first_never_feels_the_penalty():
    params = L2(steps=300, batch=16)
    first, last = next(LAB.run(params)), LAB.last_frame(params)
    assert first.figures["Boundary"].data[0].z == pytest.approx(first.figures["Boundary without"].data[0].z, abs=1e-6)
    other = LAB.last_frame(L2(steps=300, batch=16, l2=30.0))
    for name in ("train", "dev"):
        np.testing.assert_array_equal(traces(last, "Cost without")[name], traces(other, "Cost without")[name])
        assert not np.array_equal(traces(last, "Cost")[name], traces(other, "Cost")[name])


@pytest.mark.parametrize("strength", [0.1, 10.0])
def test_the_term_lies_between_the_curves_with_and_without_it(strength):
    params = L2(l2=strength, steps=200)
    data = load(params, generator(0, 0))
    one = mlp.initialize((2, params.units, 1), generator(0, 1), "xavier")
    steps = list(fit(one, data.train, data.dev, Recipe("tanh", params.rate, OPTIMIZERS["adam"], l2=strength), 200))
    expected = [strength / 200 * float(sum((W**2).sum() for W in s.params[::2])) for s in steps]
    shown = traces(LAB.last_frame(params), "Cost")
    np.testing.assert_allclose(shown["J with the term"] - shown["train"], expected, rtol=2e-2, atol=1e-4)


def test_lambda_smooths_the_boundary_shrinks_the_weights_and_lowers_the_dev_cost():
    frames = {strength: LAB.last_frame(L2(l2=strength)) for strength in (0.003, 0.1, 10.0)}
    slopes, norms = [], []
    for frame in frames.values():
        field = np.array(frame.figures["Boundary"].data[0].z, float)
        slopes.append(np.abs(np.diff(field, 2, axis=0)).sum() + np.abs(np.diff(field, 2, axis=1)).sum())
        norms.append(float(frame.metrics["Norm of W"].split(" and ")[1]))
    assert slopes[0] > 1.5 * slopes[1] > 1.5 * slopes[2] and norms == sorted(norms, reverse=True)
    metrics = frames[0.1].metrics
    assert float(metrics["Dev cost with λ"]) < 0.3 < 1 < float(metrics["Dev cost, λ = 0"])


def test_the_histogram_holds_every_weight_of_both():
    bars = LAB.last_frame(L2(steps=100)).figures["Weights"].data
    assert [int(sum(bar.y)) for bar in bars] == [96, 96]
    spread = [float(np.sqrt(np.sum(np.array(b.y) * np.array(b.x) ** 2) / 96)) for b in bars]
    assert spread[1] < spread[0]


def test_too_strong_a_decay_is_told_and_its_remedy_works():
    changed = LAB.presets["Grows instead"]
    frame = LAB.last_frame(L2(**changed))
    assert "1 − αλ/m = -1.6" in frame.diverged and frame.progress == 1
    assert not LAB.last_frame(L2(**{**changed, **frame.remedy})).diverged
