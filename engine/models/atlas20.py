"""The bundled picture classifier: a residual network of 14 layers for 64 x 64 pictures (He et al. 2016, section 4.2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

WIDTHS = (16, 32, 64)
MEAN, SPREAD = 0.5, 0.25
SIDE = 64


class Block(nn.Module):
    """Two 3 x 3 convolutions beside a skip connection, which is a 1 x 1 convolution where the shape changes."""

    def __init__(self, channels: int, wider: int, stride: int) -> None:
        """From ``channels`` to ``wider`` channels, the sides divided by ``stride``."""
        super().__init__()
        self.conv1 = nn.Conv2d(channels, wider, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(wider)
        self.conv2 = nn.Conv2d(wider, wider, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(wider)
        self.skip = nn.Identity() if channels == wider else nn.Conv2d(channels, wider, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(m, channels, h, w) -> (m, wider, h / stride, w / stride)."""
        inner = self.bn2(self.conv2(relu(self.bn1(self.conv1(x)))))
        return relu(inner + self.skip(x))


class Scaled(nn.Module):
    """Levels from 0 to 1 brought to about mean 0 and deviation 1."""

    def forward(self, x: Tensor) -> Tensor:
        """(m, 3, h, w) -> the same."""
        return (x - MEAN) / SPREAD


class Atlas20(nn.Module):
    """Pictures (m, 3, 64, 64) in [0, 1] to logits (m, classes); ``blocks`` are the six residual blocks."""

    def __init__(self, classes: int = 20) -> None:
        """A network at its random start."""
        super().__init__()
        self.scaled = Scaled()
        self.stem = nn.Sequential(nn.Conv2d(3, WIDTHS[0], 5, 2, 2, bias=False), nn.BatchNorm2d(WIDTHS[0]), nn.ReLU())
        ins = (WIDTHS[0], WIDTHS[0], WIDTHS[0], WIDTHS[1], WIDTHS[1], WIDTHS[2])
        outs = (WIDTHS[0], WIDTHS[0], WIDTHS[1], WIDTHS[1], WIDTHS[2], WIDTHS[2])
        self.blocks = nn.Sequential(*(Block(i, o, 1 if i == o else 2) for i, o in zip(ins, outs, strict=True)))
        self.head = nn.Linear(WIDTHS[2], classes)

    def features(self, x: Tensor) -> Tensor:
        """What the head sees: (m, 3, h, w) -> (m, 64), the mean over the last maps."""
        return self.blocks(self.stem(self.scaled(x))).mean((2, 3))

    def forward(self, x: Tensor) -> Tensor:
        """(m, 3, h, w) -> logits (m, classes)."""
        return self.head(self.features(x))


def initialize(seed: int) -> Atlas20:
    """A network at a random start that depends on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Atlas20()
