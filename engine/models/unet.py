"""A small U-Net (Ronneberger et al. 2015): a class for every pixel, with or without its skip connections."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn

from engine.data.scenes import draw_scenes
from engine.models import bundled as files
from engine.models.atlas20 import Scaled

WIDTHS = (16, 32, 64, 96)
SIDE = 64
SIMPLE, SIMPLE_SIDE = (8, 16, 32, 48), 48
# What the bundled network tells apart; label 0 is the ground.
CLASSES = ("circle", "star", "house", "tree", "fish", "car")


class Pair(nn.Sequential):
    """Two 3 x 3 convolutions that keep the size, each normalized and rectified."""

    def __init__(self, channels: int, wider: int) -> None:
        """From ``channels`` to ``wider`` channels."""
        layers: list[nn.Module] = []
        for ins in (channels, wider):
            layers += [nn.Conv2d(ins, wider, 3, padding=1, bias=False), nn.BatchNorm2d(wider), nn.ReLU(inplace=True)]
        super().__init__(*layers)


class UNet(nn.Module):
    """Pictures (m, 3, s, s) in [0, 1] to logits (m, classes, s, s), for sides that the number of poolings divides.

    Down: pairs of convolutions with 2 x 2 max pooling between them. Up: a transposed convolution doubles the side, and the
    maps of the same size from the way down join it where there are ``skips``.
    """

    def __init__(self, classes: int, skips: bool = True, widths: tuple[int, ...] = WIDTHS) -> None:
        """A network at its random start, ``widths`` channels at each size from the finest on."""
        super().__init__()
        self.skips = skips
        self.scaled = Scaled()
        self.down = nn.ModuleList(Pair(a, b) for a, b in zip((3, *widths), widths, strict=False))
        self.pool = nn.MaxPool2d(2)
        up = list(zip(widths[:0:-1], widths[-2::-1], strict=True))  # from the coarsest on
        self.up = nn.ModuleList(nn.ConvTranspose2d(a, b, 2, stride=2) for a, b in up)
        self.join = nn.ModuleList(Pair(2 * b if skips else b, b) for _, b in up)
        self.head = nn.Conv2d(widths[0], classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(m, 3, s, s) -> logits (m, classes, s, s)."""
        x, passed = self.scaled(x), []
        for pair in self.down:
            x = pair(x)
            passed.append(x)
            x = self.pool(x)
        x = passed.pop()
        for up, join in zip(self.up, self.join, strict=True):
            x, beside = up(x), passed.pop()
            x = join(torch.cat([beside, x], 1) if self.skips else x)
        return self.head(x)


def initialize(seed: int, classes: int, skips: bool = True, widths: tuple[int, ...] = WIDTHS) -> UNet:
    """A network at a random start that depends on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return UNet(classes, skips, widths)


def scenes(m: int, generator: torch.Generator, held_out: bool = False) -> tuple[Tensor, Tensor]:
    """Scenes of the kind that the bundled network knows: pictures (m, 3, 64, 64) and labels (m, 64, 64), 0 the ground."""
    drawn = draw_scenes(m, generator, SIDE, most=3, classes=CLASSES, scale=(0.14, 0.28), held_out=held_out)
    return drawn.pictures, drawn.labels(CLASSES)


def simple_scenes(m: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Scenes (m, 3, 48, 48) that a network of widths ``SIMPLE`` learns in seconds, labels (m, 48, 48): 1 for any object."""
    drawn = draw_scenes(
        m, generator, SIMPLE_SIDE, most=3, classes=CLASSES[:3], scale=(0.14, 0.28), clutter=1, texture=0.3
    )
    return drawn.pictures, drawn.labels().clamp(max=1)


def mirrored(x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """A batch of scenes and labels, some of them mirrored, with the colour channels in another order."""
    chosen = torch.rand(len(x), generator=generator) < 0.5
    x = torch.where(chosen[:, None, None, None], x.flip(-1), x)[:, torch.randperm(3, generator=generator)]
    return x.contiguous(memory_format=torch.channels_last), torch.where(chosen[:, None, None], y.flip(-1), y)


@cache
def bundled(skips: bool) -> UNet:
    """The bundled network, with its skip connections or without, in evaluation mode."""
    network = UNet(len(CLASSES) + 1, skips)
    network.load_state_dict(files.state("unet" if skips else "unet-no-skips"))
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)
