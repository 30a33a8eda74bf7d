"""What layers without biases do to a signal on its way forward, and to a gradient on its way back."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from engine.functional.activations import ACTIVATIONS


def propagate(weights: Sequence[Tensor], x: Tensor, activation: str) -> list[Tensor]:
    """[A0 = x, A1, ..., AL] with A_l = g(A_{l-1} W_lᵀ), for W (n_l, n_{l-1}) and x (m, n0); the last layer has its g too."""
    g = ACTIVATIONS[activation].function
    cache = [x]
    for W in weights:
        cache.append(g(cache[-1] @ W.T))
    return cache


def backpropagate(
    weights: Sequence[Tensor], cache: Sequence[Tensor], d: Tensor, activation: str
) -> tuple[list[Tensor], list[Tensor]]:
    """From d = dJ/dA_L (m, n_L) and the cache of :func:`propagate`: [dJ/dA0, ..., dJ/dA_L] and [dJ/dW1, ..., dJ/dW_L]."""
    backprop = ACTIVATIONS[activation].backprop
    upstream, slopes = [d], []
    for W, a, below in zip(reversed(weights), reversed(cache), reversed(cache[:-1]), strict=False):
        dz = backprop(upstream[-1].clone(), a)  # dZ = dA * g'(Z)
        slopes.append(dz.T @ below)  # dW = dZᵀ A_prev
        upstream.append(dz @ W)  # dA_prev = dZ W
    return upstream[::-1], slopes[::-1]


def size(t: Tensor) -> Tensor:
    """The root of the mean square of all numbers of t."""
    return t.square().mean().sqrt()


def inner_sizes(weights: Sequence[Tensor], x: Tensor, activation: str) -> list[Tensor]:
    """The size of every layer's z = A_{l-1} W_lᵀ, before its g."""
    return [size(a @ W.T) for a, W in zip(propagate(weights, x, activation), weights, strict=False)]
