"""Seeded two-class sets on the plane: x (m, 2) float32 and y (m,) float32, 0 or 1, the first half of class 0.

Every set adds normal noise of deviation ``noise`` and is drawn from the generator alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

Examples = tuple[Tensor, Tensor]


def flower(m: int, noise: float, generator: torch.Generator) -> Examples:
    """Petals of radius 4 sin 4θ, one half turn to each class; the noise falls on angle and radius alike."""
    y = _labels(m)
    t = _along(m, 0.0, 3.12) + 3.12 * y + noise * torch.randn(m, generator=generator)
    r = 4 * torch.sin(4 * t) + noise * torch.randn(m, generator=generator)
    return torch.stack([r * torch.sin(t), r * torch.cos(t)], 1), y


def moons(m: int, noise: float, generator: torch.Generator) -> Examples:
    """Two half circles of radius 1, hooked into each other."""
    y = _labels(m)
    t = _along(m, 0.0, math.pi)
    upper = torch.stack([torch.cos(t), torch.sin(t)], 1)
    return _noisy(torch.where(y[:, None] == 1, torch.tensor([1.0, 0.5]) - upper, upper), noise, generator), y


def circles(m: int, noise: float, generator: torch.Generator, inner: float = 0.5) -> Examples:
    """A circle of radius 1, and one of radius ``inner`` inside it."""
    y = _labels(m)
    t = _along(m, 0.0, 2 * math.pi, closed=False)
    ring = torch.stack([torch.cos(t), torch.sin(t)], 1)
    return _noisy(torch.where(y[:, None] == 1, inner * ring, ring), noise, generator), y


def blobs(m: int, noise: float, generator: torch.Generator) -> Examples:
    """Two normal clouds of deviation 1 around (-2, -2) and (2, 2)."""
    y = _labels(m)
    return _noisy((4 * y - 2)[:, None] + torch.randn(m, 2, generator=generator), noise, generator), y


def xor(m: int, noise: float, generator: torch.Generator) -> Examples:
    """A square of side 6 cut by both axes: class 1 where x and y differ in sign."""
    y = _labels(m)
    x = 3 * torch.rand(m, 2, generator=generator)
    x *= torch.where(torch.rand(m, 1, generator=generator) < 0.5, -1, 1)
    x[:, 0] *= 1 - 2 * y
    return _noisy(x, noise, generator), y


def spiral(m: int, noise: float, generator: torch.Generator) -> Examples:
    """Two arms that wind once around the centre, out to radius 4, half a turn apart."""
    y = _labels(m)
    turn = _along(m, 0.05, 1.0)
    t = 2 * math.pi * turn + math.pi * y
    return _noisy(4 * turn[:, None] * torch.stack([torch.cos(t), torch.sin(t)], 1), noise, generator), y


SETS: dict[str, Callable[[int, float, torch.Generator], Examples]] = {
    "flower": flower,
    "moons": moons,
    "circles": circles,
    "blobs": blobs,
    "xor": xor,
    "spiral": spiral,
}


def make(name: str, m: int, noise: float, generator: torch.Generator) -> Examples:
    """The set of that name."""
    return SETS[name](m, noise, generator)


def split(examples: Examples, dev: int, generator: torch.Generator) -> tuple[Examples, Examples]:
    """Shuffle, and hold the last ``dev`` examples out: (train, dev)."""
    x, y = examples
    order = torch.randperm(len(y), generator=generator)
    x, y = x[order], y[order]
    return (x[:-dev], y[:-dev]), (x[-dev:], y[-dev:])


def grid(x: Tensor, side: int) -> tuple[Tensor, Tensor, Tensor]:
    """A square around the points x (m, 2), with a margin: its points (side², 2) row by row, and its axes (side,), (side,)."""
    middle = (x.amax(0) + x.amin(0)) / 2
    reach = 0.55 * (x.amax(0) - x.amin(0)).max()
    across, up = (torch.linspace(-1, 1, side, device=x.device) * reach + m for m in middle)
    return torch.cartesian_prod(up, across).flip(1), across, up


def _labels(m: int) -> Tensor:
    """0 for the first half, 1 for the rest, (m,)."""
    return (torch.arange(m) >= m - m // 2).float()


def _along(m: int, low: float, high: float, closed: bool = True) -> Tensor:
    """Even spacing from low to high, once for each class, (m,); without the last point unless ``closed``."""
    return torch.cat([torch.linspace(low, high, n + (not closed))[:n] for n in (m - m // 2, m // 2)])


def _noisy(x: Tensor, noise: float, generator: torch.Generator) -> Tensor:
    return x + noise * torch.randn(x.shape, generator=generator)
