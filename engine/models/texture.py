"""The bundled network of style transfer: the first layers of a VGG (Simonyan and Zisserman 2015), three times as narrow."""

from __future__ import annotations

import torch
from torch import Tensor, nn

WIDTHS = (32, 64, 128)
MEAN, SPREAD = 0.5, 0.25


class Texture(nn.Module):
    """Pictures (m, 3, h, w) in [0, 1] to logits (m, classes); ``features`` are the layers that style is read from.

    Two 3 x 3 convolutions of each width, mean pooling between widths: it keeps more of a texture than the largest number does
    (Gatys, Ecker and Bethge 2015, section 2).
    """

    def __init__(self, classes: int) -> None:
        """A network at its random start."""
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for width in WIDTHS:
            if layers:
                layers.append(nn.AvgPool2d(2))
            for _ in range(2):
                layers += [nn.Conv2d(channels, width, 3, 1, 1), nn.BatchNorm2d(width), nn.ReLU()]
                channels = width
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(m, 3, h, w) -> logits (m, classes), from the mean of the last maps over all places."""
        return self.head(self.features(self.normalized(x)).mean((2, 3)))

    @staticmethod
    def normalized(x: Tensor) -> Tensor:
        """The pictures as the first layer takes them."""
        return (x - MEAN) / SPREAD


def initialize(seed: int, classes: int) -> Texture:
    """A network at a random start that depends on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Texture(classes)
