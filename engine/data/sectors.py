"""Seeded sets of several classes on the plane: x (m, 2) float32 and y (m,) int64, as many of each class as can be."""

from __future__ import annotations

import math

import torch

from engine.data.planar import Examples


def clusters(m: int, classes: int, noise: float, generator: torch.Generator) -> Examples:
    """Normal clouds of deviation 0.5 + noise, evenly around a circle of radius 3."""
    y = torch.arange(m) % classes
    turn = 2 * math.pi * y / classes + math.pi / 2
    middle = 3 * torch.stack([torch.cos(turn), torch.sin(turn)], 1)
    return middle + (0.5 + noise) * torch.randn(m, 2, generator=generator), y


def wheel(m: int, classes: int, noise: float, generator: torch.Generator) -> Examples:
    """A disc of radius 4 cut into sectors, one a class, blurred by the noise."""
    y = torch.arange(m) % classes
    turn = 2 * math.pi * (y + torch.rand(m, generator=generator)) / classes
    radius = 4 * torch.rand(m, generator=generator).sqrt()
    x = radius[:, None] * torch.stack([torch.cos(turn), torch.sin(turn)], 1)
    return x + noise * torch.randn(m, 2, generator=generator), y


SECTORS = {"clusters": clusters, "wheel": wheel}
