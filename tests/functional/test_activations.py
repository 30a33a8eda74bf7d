"""Activations against PyTorch's own, and their derivatives against autograd."""

import pytest
import torch
from torch.autograd.functional import jacobian
from torch.nn import functional as F

from engine.functional import activations
from engine.functional.activations import ACTIVATIONS

EXTREMES = [-1e4, -100.0, -1e-9, 1e-9, 100.0, 1e4]
Z = torch.cat([torch.linspace(-8, 8, 101, dtype=torch.float64), torch.tensor(EXTREMES, dtype=torch.float64)])  # 0 is in
THEIRS = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "linear": torch.nn.Identity(),
}


def autograd(function, z):
    z = z.clone().requires_grad_()
    return torch.autograd.grad(function(z).sum(), z)[0]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_values_are_pytorchs(name):
    torch.testing.assert_close(getattr(activations, name)(Z), THEIRS[name](Z), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_derivatives_are_autograds_at_zero_and_at_the_extremes_too(name):
    expected = autograd(THEIRS[name], Z)
    torch.testing.assert_close(getattr(activations, f"{name}_derivative")(Z), expected, rtol=0, atol=1e-10)
    torch.testing.assert_close(
        ACTIVATIONS[name].backprop(torch.ones_like(Z), ACTIVATIONS[name].function(Z)), expected, rtol=0, atol=1e-10
    )


def test_the_slope_of_leaky_relu_can_be_chosen():
    def theirs(z):
        return F.leaky_relu(z, 0.3)

    torch.testing.assert_close(activations.leaky_relu(Z, 0.3), theirs(Z))
    torch.testing.assert_close(activations.leaky_relu_derivative(Z, 0.3), autograd(theirs, Z), rtol=0, atol=1e-10)


@pytest.mark.parametrize("scale", [1.0, 1e4])
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_softmax_is_pytorchs(scale, dim):
    z = scale * torch.randn(4, 3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    ours = activations.softmax(z, dim)
    torch.testing.assert_close(ours, torch.softmax(z, dim), rtol=0, atol=1e-12)
    torch.testing.assert_close(ours.sum(dim), torch.ones_like(ours.sum(dim)))


@pytest.mark.parametrize("scale", [1.0, 1e4])
def test_softmaxs_jacobian_is_autograds(scale):
    z = scale * torch.randn(6, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    expected = torch.stack([jacobian(lambda row: torch.softmax(row, -1), row) for row in z])
    torch.testing.assert_close(activations.softmax_derivative(z), expected, rtol=0, atol=1e-10)
    assert activations.softmax_derivative(z.reshape(2, 3, 5)).shape == (2, 3, 5, 5)
