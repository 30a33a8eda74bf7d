"""The inception module and where GoogLeNet uses it: Szegedy et al. 2014, table 1."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import torch
from torch import Tensor, nn

BRANCHES = ("1 × 1", "3 × 3", "5 × 5", "pool")


class Widths(NamedTuple):
    """A module's input, (side, side, channels), and the filters of its branches; ``less`` are those of the bottlenecks."""

    side: int
    channels: int
    one: int
    less3: int
    three: int
    less5: int
    five: int
    pool: int


GOOGLENET = {
    "3a": Widths(28, 192, 64, 96, 128, 16, 32, 32),
    "3b": Widths(28, 256, 128, 128, 192, 32, 96, 64),
    "4a": Widths(14, 480, 192, 96, 208, 16, 48, 64),
    "4b": Widths(14, 512, 160, 112, 224, 24, 64, 64),
    "4c": Widths(14, 512, 128, 128, 256, 24, 64, 64),
    "4d": Widths(14, 512, 112, 144, 288, 32, 64, 64),
    "4e": Widths(14, 528, 256, 160, 320, 32, 128, 128),
    "5a": Widths(7, 832, 256, 160, 320, 32, 128, 128),
    "5b": Widths(7, 832, 384, 192, 384, 48, 128, 128),
}


class Inception(nn.Module):
    """Branches side by side, all of stride 1 with same padding, their maps concatenated along the channels.

    With ``bottleneck`` a 1 x 1 convolution thins the input of the 3 x 3 and 5 x 5 convolutions and the output of the pool
    (figure 2b); without it they get all channels and the pool passes all on (figure 2a).
    """

    def __init__(self, widths: Widths, branches: Collection[str] = BRANCHES, bottleneck: bool = True) -> None:
        """Draw the weights as PyTorch does."""
        super().__init__()
        c, w = widths.channels, widths
        if bottleneck:
            built: tuple[list[nn.Module], ...] = (
                [nn.Conv2d(c, w.one, 1)],
                [nn.Conv2d(c, w.less3, 1), nn.ReLU(), nn.Conv2d(w.less3, w.three, 3, padding=1)],
                [nn.Conv2d(c, w.less5, 1), nn.ReLU(), nn.Conv2d(w.less5, w.five, 5, padding=2)],
                [nn.MaxPool2d(3, 1, 1), nn.Conv2d(c, w.pool, 1)],
            )
        else:
            built = (
                [nn.Conv2d(c, w.one, 1)],
                [nn.Conv2d(c, w.three, 3, padding=1)],
                [nn.Conv2d(c, w.five, 5, padding=2)],
                [nn.MaxPool2d(3, 1, 1)],
            )
        found = zip(BRANCHES, built, strict=True)
        self.branches = nn.ModuleDict({name: nn.Sequential(*steps) for name, steps in found if name in branches})

    def forward(self, x: Tensor) -> Tensor:
        """(m, channels, side, side) -> (m, sum of the branches' filters, side, side)."""
        return torch.relu(torch.cat([branch(x) for branch in self.branches.values()], 1))
