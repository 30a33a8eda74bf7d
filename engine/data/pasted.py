"""Scenes with known truth, small and quick: shapes of ``engine.data.drawn`` painted at chosen places over any ground."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from engine.data.drawn import INSIDE, MATERIALS, draw

CLASSES_BEFORE = 10  # shapes stand before materials in the classes of drawn pictures
TRIES = 200


class Placed(NamedTuple):
    """A shape in a scene and the square around its circumcircle: x0, y0, x1, y1 in pixels."""

    name: str
    box: tuple[float, float, float, float]


def paint(grounds: Tensor, name: str, at: Tensor, radius: Tensor, turn: Tensor, colors: Tensor) -> Tensor:
    """Grounds (m, 3, h, w) with one shape painted over each.

    ``at`` (m, 2) holds each shape's middle as x, y and ``radius`` (m,) its circumradius, in pixels; ``turn`` (m,) is in
    radians, ``colors`` (m, 3) in [0, 1].
    """
    _, _, height, width = grounds.shape
    x = torch.arange(width) + 0.5 - at[:, 0, None, None]  # (m, 1, w)
    y = torch.arange(height)[:, None] + 0.5 - at[:, 1, None, None]  # (m, h, 1)
    r, cos, sin = radius[:, None, None], turn.cos()[:, None, None], turn.sin()[:, None, None]
    inside = INSIDE[name]((x * cos + y * sin) / r, (y * cos - x * sin) / r) * r  # in pixels
    share = (inside + 0.5).clamp(0, 1)[:, None]
    return share * colors[:, :, None, None] + (1 - share) * grounds


def far(colors: Tensor, generator: torch.Generator) -> Tensor:
    """For each of these colours (m, 3) another one, at least 0.35 away in every channel."""
    step = 0.35 + 0.3 * torch.rand(colors.shape, generator=generator)
    return torch.where(colors > 0.5, colors - step, colors + step).clamp(0, 1)


def places(
    height: int, width: int, count: int, radii: tuple[float, float], generator: torch.Generator
) -> list[tuple[float, float, float]]:
    """At most ``count`` discs x, y, radius inside the picture that don't overlap, in pixels."""
    found: list[tuple[float, float, float]] = []
    for _ in range(TRIES):
        radius, x, y = torch.rand(3, generator=generator).tolist()
        radius = min(radii[0] + radius * (radii[1] - radii[0]), height / 2, width / 2)
        x, y = radius + x * (width - 2 * radius), radius + y * (height - 2 * radius)
        if all(math.hypot(x - a, y - b) > radius + r for a, b, r in found):
            found.append((x, y, radius))
        if len(found) == count:
            break
    return found


def scene(
    height: int,
    width: int,
    names: Sequence[str],
    count: int,
    radii: tuple[float, float],
    generator: torch.Generator,
    material: str = "",
) -> tuple[Tensor, list[Placed]]:
    """A picture (3, h, w) in [0, 1] with ``count`` shapes before a plain ground, or one of a drawn material, faded."""
    base = 0.3 + 0.4 * torch.rand(1, 3, generator=generator)
    ground = base[:, :, None, None].expand(1, 3, height, width)
    if material:
        drawn = draw(torch.tensor([CLASSES_BEFORE + MATERIALS.index(material)]), generator)
        whole = torch.nn.functional.interpolate(drawn, size=(height, width), mode="bilinear", align_corners=False)
        ground = ground + 0.3 * (whole - whole.mean((2, 3), keepdim=True))
    placed = []
    for x, y, radius in places(height, width, count, radii, generator):
        name = names[int(torch.randint(len(names), (1,), generator=generator))]
        turn = (torch.rand(1, generator=generator) - 0.5) * math.pi / 3
        at = torch.tensor([[x, y]])
        ground = paint(ground, name, at, torch.tensor([radius]), turn, far(base, generator))
        placed.append(Placed(name, (x - radius, y - radius, x + radius, y + radius)))
    noise = 0.02 * torch.randn(ground.shape, generator=generator)
    return (ground + noise).clamp(0, 1)[0], placed
