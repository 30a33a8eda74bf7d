"""A small network that finds the landmarks of a face: two numbers a landmark, as shares of the picture's side."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from engine.data.faces import LANDMARKS, MIRRORED, SIDE, draw_faces, identities
from engine.models.atlas20 import Scaled

WIDTHS = (16, 32, 64, 64)


class Landmarker(nn.Module):
    """Pictures (m, 3, 64, 64) in [0, 1] to landmarks (m, 28): x and y of each, 0 to 1 from the upper left corner."""

    def __init__(self) -> None:
        """A network at its random start, which puts every landmark into the middle."""
        super().__init__()
        layers: list[nn.Module] = [Scaled()]
        for ins, outs in zip((3, *WIDTHS), WIDTHS, strict=False):
            layers += [nn.Conv2d(ins, outs, 3, 2, 1, bias=False), nn.BatchNorm2d(outs), nn.ReLU(inplace=True)]
        self.maps = nn.Sequential(*layers, nn.Flatten())
        self.points = nn.Linear(WIDTHS[-1] * (SIDE // 2 ** len(WIDTHS)) ** 2, 2 * len(LANDMARKS))
        nn.init.zeros_(self.points.weight)
        nn.init.constant_(self.points.bias, 0.5)

    def forward(self, x: Tensor) -> Tensor:
        """(m, 3, 64, 64) -> (m, 28)."""
        found: Tensor = self.points(self.maps(x))
        return found


def initialize(seed: int) -> Landmarker:
    """A network at a random start that depends on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Landmarker()


def faces(m: int, generator: torch.Generator, variation: float = 1.0) -> tuple[Tensor, Tensor]:
    """Faces (m, 3, 64, 64) of m persons and their landmarks (m, 28), as shares of the side."""
    drawn = draw_faces(identities(m, generator), generator, variation=variation)
    return drawn.pictures, drawn.landmarks.flatten(1) / SIDE


def mirrored(x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """A batch of faces and landmarks, half of them mirrored: a left eye becomes a right one."""
    chosen = torch.rand(len(x), generator=generator) < 0.5
    points = y.view(len(y), -1, 2)
    flipped = torch.stack([1 - points[..., 0], points[..., 1]], -1)[:, list(MIRRORED)]
    x = torch.where(chosen[:, None, None, None], x.flip(-1), x)
    return x.contiguous(memory_format=torch.channels_last), torch.where(chosen[:, None], flipped.flatten(1), y)


def batches(
    pool: int, size: int, generator: torch.Generator, order: torch.Generator, variation: float = 1.0
) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches without end from a pool of faces; those of the first pass are drawn as they come."""
    parts = []
    for start in range(0, pool, size):
        parts.append(faces(min(size, pool - start), generator, variation))
        yield mirrored(*parts[-1], order)
    x, y = (torch.cat(part) for part in zip(*parts, strict=True))
    while True:
        chosen = torch.randint(0, pool, (size,), generator=order)
        yield mirrored(x[chosen], y[chosen], order)


def errors(found: Tensor, truth: Tensor) -> Tensor:
    """How many pixels each landmark (m, 14) is off, from points (m, 28) as shares of the side."""
    return (found - truth).view(len(found), -1, 2).norm(dim=-1) * SIDE
