"""Activation functions and their derivatives, written as functions of the pre-activation z and stable for any z."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


def step(z: Tensor) -> Tensor:
    """1 where z > 0, else 0, at z = 0 too: the perceptron's unit. Rosenblatt 1958."""
    return (z > 0).to(z.dtype)


def sigmoid(z: Tensor) -> Tensor:
    """1 / (1 + e^-z), from 0 to 1."""
    return torch.sigmoid(z)


def sigmoid_derivative(z: Tensor) -> Tensor:
    """a (1 - a) with a = sigmoid(z): at most 1/4."""
    a = sigmoid(z)
    return a * (1 - a)


def tanh(z: Tensor) -> Tensor:
    """(e^z - e^-z) / (e^z + e^-z), from -1 to 1: a sigmoid stretched and centred on zero."""
    return torch.tanh(z)


def tanh_derivative(z: Tensor) -> Tensor:
    """1 - a² with a = tanh(z): at most 1."""
    return 1 - tanh(z) ** 2


def relu(z: Tensor) -> Tensor:
    """max(0, z)."""
    return torch.relu(z)


def relu_derivative(z: Tensor) -> Tensor:
    """1 where z > 0, else 0. At z = 0, where any value from 0 to 1 is a subgradient, it is 0 as in PyTorch."""
    return leaky_relu_derivative(z, slope=0.0)


def leaky_relu(z: Tensor, slope: float = 0.01) -> Tensor:
    """z where z > 0, else slope · z."""
    return torch.where(z > 0, z, slope * z)


def leaky_relu_derivative(z: Tensor, slope: float = 0.01) -> Tensor:
    """1 where z > 0, else slope, at z = 0 too."""
    return torch.ones_like(z).masked_fill(z <= 0, slope)


def linear(z: Tensor) -> Tensor:
    """z itself: layers without an activation multiply out to a single linear layer."""
    return z


def linear_derivative(z: Tensor) -> Tensor:
    """1 everywhere."""
    return torch.ones_like(z)


def softmax(z: Tensor, dim: int = -1) -> Tensor:
    """e^z / Σ e^z along ``dim``: positive and summing to 1. The largest z is subtracted first, so nothing overflows."""
    powers = torch.exp(z - z.amax(dim, keepdim=True))
    return powers / powers.sum(dim, keepdim=True)


def softmax_derivative(z: Tensor) -> Tensor:
    """The Jacobian diag(a) - a aᵀ of softmax over the last axis: z (..., C) to (..., C, C)."""
    a = softmax(z)
    return torch.diag_embed(a) - a[..., :, None] * a[..., None, :]


@dataclass(frozen=True)
class Activation:
    """What a layer needs: a = ``function(z)``, or ``into(z, out=a)``, and ``slope(a, out=...)``, the derivative g'(z).

    The slope is read from the output a alone, which the forward pass has kept. Both write into given tensors, because a
    training's step on a small network costs what its allocations cost; ``into`` may be given z itself.
    """

    function: Callable[[Tensor], Tensor]
    into: Callable[..., Tensor]
    slope: Callable[..., Tensor]

    def backprop(self, d: Tensor, a: Tensor) -> Tensor:
        """dJ/da becomes dJ/dz in place: d * g'(z)."""
        return d.mul_(self.slope(a, out=torch.empty_like(a)))


# ReLU, leaky ReLU and linear keep the sign of z, so their derivatives read a as they read z.
ACTIVATIONS = {
    "sigmoid": Activation(sigmoid, torch.sigmoid, lambda a, out: torch.addcmul(a, a, a, value=-1, out=out)),  # a - a²
    "tanh": Activation(tanh, torch.tanh, lambda a, out: out.fill_(1).addcmul_(a, a, value=-1)),  # 1 - a²
    "relu": Activation(relu, lambda z, out: out.copy_(z).relu_(), torch.sign),
    "leaky_relu": Activation(
        leaky_relu, lambda z, out: out.copy_(leaky_relu(z)), lambda a, out: out.copy_(leaky_relu_derivative(a))
    ),
    "linear": Activation(linear, lambda z, out: out.copy_(z), lambda a, out: out.fill_(1)),
}
