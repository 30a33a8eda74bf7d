"""Gradients from outside: measured by differences, compared, and clipped."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def numerical_gradient(f: Callable[[Tensor], Tensor], x: Tensor, epsilon: float = 1e-7) -> Tensor:
    """The two-sided difference (f(x + e) - f(x - e)) / 2e in every component of x: the shape of x.

    ``f`` maps a tensor like x to a number. The error falls with epsilon² until rounding takes over, so x should be float64.
    """
    flat = x.detach().flatten()
    slopes = torch.zeros_like(flat)
    for i in range(len(flat)):
        moved = []
        for step in (epsilon, -epsilon):
            point = flat.clone()
            point[i] += step
            moved.append(f(point.view(x.shape)))
        slopes[i] = (moved[0] - moved[1]) / (2 * epsilon)
    return slopes.view(x.shape)


def gradient_difference(gradient: Tensor, approximation: Tensor) -> float:
    """|g - g'| / (|g| + |g'|): about 1e-7 or less for the same gradient, near 1 for unrelated ones; 0 where both are 0."""
    apart = float((gradient - approximation).norm())
    size = float(gradient.norm() + approximation.norm())
    return apart / size if size else 0.0


def clip_by_value(grads: Sequence[Tensor], limit: float) -> list[Tensor]:
    """Every component held to [-limit, limit], which bends the direction."""
    return [g.clamp(-limit, limit) for g in grads]


def clip_by_norm(grads: Sequence[Tensor], limit: float) -> list[Tensor]:
    """All gradients scaled by one factor so that their joint norm is at most ``limit``. Pascanu et al. 2013."""
    norm = torch.stack([g.norm() for g in grads]).norm()
    factor = (limit / norm.clamp(min=1e-12)).clamp(max=1)
    return [g * factor for g in grads]
