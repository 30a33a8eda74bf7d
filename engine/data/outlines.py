"""Outlines of the objects that lie in scenes: shapes of ``engine.data.drawn``, everyday silhouettes, and clutter."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor

from engine.data import drawn

SHAPES = ("circle", "triangle", "star", "heart")
SILHOUETTES = ("house", "tree", "fish", "boat", "car")
CLASSES = (*SHAPES, *SILHOUETTES)
# What lies about in a scene and is none of its objects.
CLUTTER = ("ring", "cross", "crescent", "arrow", "hexagon")
REACH, FINE = 1.3, 128  # a template holds places from -REACH to REACH on FINE x FINE dots
WIDEST = 1.15  # no outline goes further from its centre

Polygon = Sequence[tuple[float, float]]


def _round(x: float, y: float, across: float, down: float, corners: int = 24) -> Polygon:
    turns = (2 * math.pi * k / corners for k in range(corners))
    return [(x + across * math.cos(t), y + down * math.sin(t)) for t in turns]


def _rectangle(x0: float, y0: float, x1: float, y1: float) -> Polygon:
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


# Polygons about 1 in radius, y growing downwards; a silhouette is all of its polygons together.
OUTLINES: dict[str, tuple[Polygon, ...]] = {
    "house": (
        _rectangle(-0.72, -0.05, 0.72, 0.85),
        [(-1.0, 0.0), (0.0, -0.85), (1.0, 0.0)],
        _rectangle(0.35, -0.9, 0.6, -0.2),
    ),
    "tree": (
        [(-0.75, 0.65), (0.0, -0.35), (0.75, 0.65)],
        [(-0.62, 0.2), (0.0, -0.65), (0.62, 0.2)],
        [(-0.48, -0.25), (0.0, -1.0), (0.48, -0.25)],
        _rectangle(-0.14, 0.6, 0.14, 1.0),
    ),
    "fish": (
        _round(0.15, 0.0, 0.8, 0.45),
        [(-0.5, 0.0), (-1.0, -0.5), (-0.85, 0.0), (-1.0, 0.5)],
        [(-0.1, -0.35), (0.15, -0.75), (0.4, -0.35)],
    ),
    "boat": (
        [(-0.95, 0.4), (0.95, 0.4), (0.6, 0.85), (-0.6, 0.85)],
        [(0.06, -0.95), (0.06, 0.28), (0.8, 0.28)],
        [(-0.08, -0.75), (-0.08, 0.28), (-0.6, 0.28)],
        _rectangle(-0.08, -0.95, 0.06, 0.45),
    ),
    "car": (
        [(-1.0, 0.05), (-0.9, -0.1), (0.85, -0.1), (1.0, 0.1), (1.0, 0.4), (-1.0, 0.4)],
        [(-0.65, 0.0), (-0.42, -0.5), (0.3, -0.5), (0.6, 0.0)],
        _round(-0.52, 0.4, 0.24, 0.24),
        _round(0.55, 0.4, 0.24, 0.24),
    ),
}
LANDMARKS = ("top", "right", "bottom", "left")
# Where those four are on an upright object of radius 1.
AT: dict[str, tuple[tuple[float, float], ...]] = {
    "circle": ((0.0, -0.9), (0.9, 0.0), (0.0, 0.9), (-0.9, 0.0)),
    "triangle": ((0.0, -1.0), (0.87, 0.5), (0.0, 0.5), (-0.87, 0.5)),
    "star": ((0.0, -1.0), (0.95, -0.31), (0.0, 0.42), (-0.95, -0.31)),
    "heart": ((0.0, -0.28), (0.69, -0.22), (0.0, 1.08), (-0.69, -0.22)),
    "house": ((0.0, -0.85), (1.0, 0.0), (0.0, 0.85), (-1.0, 0.0)),
    "tree": ((0.0, -1.0), (0.75, 0.65), (0.0, 1.0), (-0.75, 0.65)),
    "fish": ((0.15, -0.75), (0.95, 0.0), (0.15, 0.45), (-0.85, 0.0)),
    "boat": ((0.0, -0.95), (0.95, 0.4), (0.0, 0.85), (-0.95, 0.4)),
    "car": ((-0.06, -0.5), (1.0, 0.1), (0.0, 0.4), (-1.0, 0.05)),
}


@cache
def templates() -> Tensor:
    """How far inside each outline (kinds, FINE, FINE) every place is, for radius 1; classes first, then clutter."""
    axis = ((torch.arange(FINE) + 0.5) / FINE * 2 - 1) * REACH
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    return torch.stack(
        [
            torch.stack([_polygon(x, y, part) for part in OUTLINES[name]]).amax(0)
            if name in OUTLINES
            else drawn.INSIDE[name](x, y)
            for name in (*CLASSES, *CLUTTER)
        ]
    )


def _polygon(x: Tensor, y: Tensor, corners: Polygon) -> Tensor:
    """How far inside a polygon every place is, below zero outside."""
    inside, nearest = torch.zeros_like(x, dtype=torch.bool), torch.full_like(x, math.inf)
    for (ax, ay), (bx, by) in zip(corners, [*corners[1:], corners[0]], strict=True):
        along = (((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2)).clamp(0, 1)
        nearest = torch.minimum(nearest, torch.hypot(x - ax - along * (bx - ax), y - ay - along * (by - ay)))
        if ay != by:
            inside ^= ((ay > y) != (by > y)) & (x < ax + (y - ay) * (bx - ax) / (by - ay))
    return torch.where(inside, nearest, -nearest)
