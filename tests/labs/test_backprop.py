"""Propagation by hand: every matrix against autograd and against the network that trains."""

import numpy as np
import pytest
import torch

from engine.functional import mlp
from engine.functional.by_hand import computed, equations, gradients
from engine.labs.foundations.backprop import LAB, Backprop, network

CASES = [
    {},
    {"layers": "2 hidden", "activation": "sigmoid", "examples": 5},
    {"activation": "relu", "units": 4, "seed": 3},
    {"units": 1, "examples": 1, "seed": 5},
]


@pytest.mark.parametrize("changed", CASES)
def test_every_gradient_is_autograds(changed):
    params = Backprop(**changed)
    weights, x, y = network(params)
    found = computed(weights, x, y, params.activation, params.rate)
    leaves = [w.clone().requires_grad_() for w in weights]
    z = mlp.forward(leaves, x, params.activation)[-1]
    cost = torch.nn.functional.binary_cross_entropy_with_logits(z[:, 0], y)
    expected = torch.autograd.grad(cost, leaves)
    layers = len(weights) // 2
    for mine, theirs in zip(gradients(found, layers), expected, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-6)
    assert float(found["J"]) == pytest.approx(float(cost.detach()), abs=1e-9)
    by_network = mlp.backward(weights, mlp.forward(weights, x, params.activation), y, params.activation)
    for mine, theirs in zip(gradients(found, layers), by_network, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-12)


@pytest.mark.parametrize("changed", CASES)
def test_every_equation_names_what_was_computed_and_shapes_fit(changed):
    params = Backprop(**changed)
    weights, x, y = network(params)
    found = computed(weights, x, y, params.activation, params.rate)
    known = {"A⁰", "Y"} | {name for name in found if name[0] in "Wb" and not name.endswith("new")}
    for line in equations(len(weights) // 2, params.activation):
        assert set(line.uses) <= known, f"{line.left} uses what isn't there yet"
        known.add(line.left)
    assert known == set(found)
    for name, value in found.items():
        if name[0] == "d" and name[1] in "WbAZ":
            assert value.shape == found[name[1:]].shape


def test_each_step_draws_its_matrices():
    params = Backprop()
    weights, x, y = network(params)
    found = computed(weights, x, y, params.activation, params.rate)
    for step, line in enumerate(equations(2, "tanh"), 1):
        frame = next(LAB.run(Backprop(step=step)))
        numbers, shapes = frame.figures["The matrices"].data
        drawn = np.array(numbers.z, float)
        expected = np.concatenate([found[name].flatten() for name in (line.left, *line.uses)])
        np.testing.assert_allclose(np.sort(drawn[np.isfinite(drawn)]), np.sort(expected), atol=1e-6)
        assert shapes.text[0] == f"{line.left} {tuple(found[line.left].shape)}"
        assert line.left in frame.says


def test_the_update_is_one_step_downhill():
    metrics = next(LAB.run(Backprop(step=14, rate=0.1))).metrics
    assert float(metrics["J after the update"]) < float(metrics["Cost J"])


def test_a_step_past_the_end_is_the_last():
    assert next(LAB.run(Backprop(step=40))).says.startswith("Equation 16 of 16")
