"""A small network that turns a face into an encoding: a point on a sphere (Schroff, Kalenichenko and Philbin 2015)."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from engine.device import device
from engine.models import bundled

SIDE, SIZE = 64, 32
WIDTHS = (3, 24, 48, 96, 128)
MEAN, SPREAD = 0.5, 0.25


class Embedding(nn.Module):
    """Faces (m, 3, 64, 64) in [0, 1] to encodings (m, size) of length 1, so that squared distances lie from 0 to 4."""

    def __init__(self, size: int = SIZE, widths: tuple[int, ...] = WIDTHS, side: int = SIDE) -> None:
        """A network at its random start, for faces of another ``side`` where it is given."""
        super().__init__()
        layers: list[nn.Module] = []
        for channels, wider in pairwise(widths):
            layers += [nn.Conv2d(channels, wider, 3, 2, 1, bias=False), nn.BatchNorm2d(wider), nn.ReLU()]
        # Where a feature lies tells people apart, so places are kept, unlike by a mean over them.
        self.body = nn.Sequential(*layers, nn.Flatten())
        left = side >> (len(widths) - 1)
        self.head = nn.Linear(widths[-1] * left * left, size)

    def forward(self, x: Tensor) -> Tensor:
        """(m, 3, 64, 64) -> (m, size)."""
        return normalize(self.head(self.body((x - MEAN) / SPREAD)))


def initialize(seed: int, size: int = SIZE, widths: tuple[int, ...] = WIDTHS, side: int = SIDE) -> Embedding:
    """A network at a random start that depends on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Embedding(size, widths, side)


@cache
def trained() -> Embedding:
    """The bundled network."""
    network = Embedding()
    network.load_state_dict(bundled.state("embedding"))
    return network.eval().to(device())
