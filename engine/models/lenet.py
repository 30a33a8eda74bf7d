"""LeNet-5 (LeCun et al. 1998, section II.B), with the pooling and activation of its time or of today."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

MAPS = ("C1", "S2", "C3", "S4")


class LeNet(nn.Module):
    """Pictures (m, 1, 32, 32) to logits (m, 10): C1, S2, C3, S4, C5, F6 and an output of one unit a class."""

    def __init__(
        self, activation: Literal["relu", "tanh"] = "relu", pooling: Literal["max", "average"] = "max"
    ) -> None:
        """A network at its random start."""
        super().__init__()
        pool = nn.MaxPool2d if pooling == "max" else nn.AvgPool2d
        act = nn.ReLU if activation == "relu" else nn.Tanh
        self.maps = nn.Sequential(
            nn.Sequential(nn.Conv2d(1, 6, 5), act()),  # C1: (m, 6, 28, 28)
            pool(2),  # S2: (m, 6, 14, 14)
            nn.Sequential(nn.Conv2d(6, 16, 5), act()),  # C3: (m, 16, 10, 10)
            pool(2),  # S4: (m, 16, 5, 5)
        )
        self.dense = nn.Sequential(nn.Linear(400, 120), act(), nn.Linear(120, 84), act(), nn.Linear(84, 10))

    def forward(self, x: Tensor) -> Tensor:
        """(m, 1, 32, 32) -> logits (m, 10)."""
        return self.dense(self.maps(x).flatten(1))

    def every(self, x: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """The maps after C1, S2, C3 and S4, and the logits."""
        maps = {}
        for name, layer in zip(MAPS, self.maps, strict=True):
            x = maps[name] = layer(x)
        return maps, self.dense(x.flatten(1))


def initialize(seed: int, activation: Literal["relu", "tanh"], pooling: Literal["max", "average"]) -> LeNet:
    """A network at a random start that depends on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LeNet(activation, pooling)
