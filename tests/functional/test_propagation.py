"""Signals and gradients through layers, against torch.nn and autograd."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from engine.functional.propagation import backpropagate, propagate, size
from engine.seeding import generator

MODULES = {
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "linear": nn.Identity,
}


@pytest.mark.parametrize("activation", MODULES)
@pytest.mark.parametrize("widths", [[4, 4, 4, 4], [3, 7, 2]])
def test_it_is_torch_nns_network_and_autograds_gradients(activation, widths):
    draw = generator(0)
    weights = [torch.randn(o, i, generator=draw, dtype=torch.float64) for i, o in pairwise(widths)]
    x = torch.randn(9, widths[0], generator=draw, dtype=torch.float64)
    d = torch.randn(9, widths[-1], generator=draw, dtype=torch.float64)
    cache = propagate(weights, x, activation)
    leaves, signals = [W.clone().requires_grad_() for W in weights], [x.clone().requires_grad_()]
    for W in leaves:
        signals.append(MODULES[activation]()(nn.functional.linear(signals[-1], W)))
        signals[-1].retain_grad()
    (signals[-1] * d).sum().backward()
    upstream, slopes = backpropagate(weights, cache, d, activation)
    for ours, theirs in zip(cache, signals, strict=True):
        torch.testing.assert_close(ours, theirs.detach(), rtol=0, atol=1e-12)
    for ours, theirs in zip([*upstream, *slopes], [*signals, *leaves], strict=True):
        torch.testing.assert_close(ours, theirs.grad, rtol=0, atol=1e-10)


def test_size_is_the_root_mean_square():
    assert size(torch.tensor([[3.0, -4.0], [0.0, 5.0]])) == pytest.approx((50 / 4) ** 0.5)
