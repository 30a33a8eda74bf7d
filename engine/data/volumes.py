"""Made data along one axis and along three: a heartbeat, and solids cut into voxels."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

# Height, place and width of each wave of one beat, P Q R S T, in the beat's own time.
WAVES = ((0.15, 0.20, 0.045), (-0.15, 0.36, 0.02), (1.0, 0.43, 0.03), (-0.25, 0.50, 0.025), (0.3, 0.74, 0.06))


def heartbeat(time: Tensor) -> Tensor:
    """The level at these times (n,), in beats: each wave of a beat is a bell curve."""
    phase = time.remainder(1.0)
    bells = [height * torch.exp(-((phase - place) ** 2) / (2 * width**2)) for height, place, width in WAVES]
    return torch.stack(bells).sum(0)


def grid(n: int) -> tuple[Tensor, Tensor, Tensor]:
    """The middles of n³ voxels of the cube from -1 to 1: depth, row and column, each (n, n, n)."""
    along = (torch.arange(n) + 0.5) * 2 / n - 1
    z, y, x = torch.meshgrid(along, along, along, indexing="ij")
    return z, y, x


def inside(distance: Tensor, n: int) -> Tensor:
    """1 where a distance to a surface is negative, 0 where positive, and in between over one voxel."""
    return (0.5 - distance * n / 2).clamp(0, 1)


def ball(n: int) -> Tensor:
    """A ball of density 1, (n, n, n)."""
    z, y, x = grid(n)
    return inside((z**2 + y**2 + x**2).sqrt() - 0.75, n)


def doughnut(n: int) -> Tensor:
    """A ring of density 1 that stands upright in the slices, (n, n, n)."""
    z, y, x = grid(n)
    return inside((((y**2 + z**2).sqrt() - 0.55) ** 2 + x**2).sqrt() - 0.3, n)


def head(n: int) -> Tensor:
    """A drawn head as a CT scan sees one: a bright skull, grey brain, two dark ventricles, a bright spot, (n, n, n)."""
    z, y, x = grid(n)

    def egg(middle: tuple[float, float, float], radii: tuple[float, float, float]) -> Tensor:
        scaled = [((axis - c) / r) ** 2 for axis, c, r in zip((z, y, x), middle, radii, strict=True)]
        return inside((torch.stack(scaled).sum(0).sqrt() - 1) * min(radii), n)

    skull, brain = egg((0, 0, 0), (0.9, 0.95, 0.8)), egg((0, 0, 0), (0.72, 0.77, 0.62))
    volume = skull - 0.65 * brain
    for side in (-0.22, 0.22):
        volume = volume - 0.3 * egg((0, -0.1, side), (0.4, 0.3, 0.14))
    return volume + 0.5 * egg((0.2, 0.45, 0.2), (0.2, 0.2, 0.2))


SOLIDS: dict[str, Callable[[int], Tensor]] = {"head": head, "ball": ball, "doughnut": doughnut}
