"""A small network that says whether there is an object, where, and which: [p, bx, by, bh, bw, c1, ...] of a picture."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from engine.data import scenes as drawn
from engine.data.scenes import Scenes, draw_scenes
from engine.models.atlas20 import Scaled

SIDE = 48
CLASSES = ("circle", "star", "house")
NUMBERS = ("pc", "bx", "by", "bh", "bw", "c1", "c2", "c3")
WIDTHS = (16, 32, 64, 64)


class Localizer(nn.Module):
    """Pictures (m, 3, 48, 48) in [0, 1] to (m, 5 + classes), every number a sigmoid's."""

    def __init__(self, outputs: int = len(NUMBERS)) -> None:
        """A network at its random start."""
        super().__init__()
        layers: list[nn.Module] = [Scaled()]
        for ins, outs in zip((3, *WIDTHS), WIDTHS, strict=False):
            layers += [nn.Conv2d(ins, outs, 3, 2, 1, bias=False), nn.BatchNorm2d(outs), nn.ReLU(inplace=True)]
        last = WIDTHS[-1] * (SIDE // 2 ** len(WIDTHS)) ** 2
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(last, 128), nn.ReLU(), nn.Linear(128, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """(m, 3, 48, 48) -> (m, 5 + classes)."""
        return torch.sigmoid(self.layers(x))


def initialize(seed: int, outputs: int = len(NUMBERS)) -> Localizer:
    """A network at a random start that depends on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Localizer(outputs)


def scenes(m: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Pictures (m, 3, 48, 48) of one object or, half of them, none, and their target vectors (m, 8)."""
    made = draw_scenes(
        m, generator, SIDE, 1, fewest=0, classes=CLASSES, scale=(0.18, 0.36), clutter=1, noise=0.03, texture=0.2
    )
    return made.pictures, targets(made)


def targets(made: Scenes) -> Tensor:
    """[pc, bx, by, bh, bw, c1, ...] (m, 5 + classes) of scenes with at most one object: middle, height, width of its box.

    They are shares of the side, with (0, 0) at the picture's upper left and (1, 1) at its lower right. Without an object all
    numbers are 0, of which only the first counts.
    """
    m, side = len(made.pictures), made.pictures.shape[-1]
    y = torch.zeros(m, 5 + len(CLASSES))
    x0, y0, x1, y1 = (made.boxes / side).unbind(1)
    index = torch.tensor([CLASSES.index(drawn.CLASSES[c]) for c in made.classes.tolist()], dtype=torch.long)
    y[made.scene, 0] = 1
    y[made.scene, 1:5] = torch.stack([(x0 + x1) / 2, (y0 + y1) / 2, y1 - y0, x1 - x0], 1)
    y[made.scene, 5 + index] = 1
    return y


def changed(x: Tensor, y: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """A batch of pictures and targets anew: some mirrored, some as negatives, and the channels in another order."""
    mirrored, negative = torch.rand(2, len(x), generator=generator) < 0.5
    x = torch.where(mirrored[:, None, None, None], x.flip(-1), x)
    x = torch.where(negative[:, None, None, None], 1 - x, x)[:, torch.randperm(3, generator=generator)]
    across = torch.where(mirrored & (y[:, 0] == 1), 1 - y[:, 1], y[:, 1])
    return x.contiguous(memory_format=torch.channels_last), torch.cat([y[:, :1], across[:, None], y[:, 2:]], 1)


def corners(y: Tensor, side: float = 1.0) -> Tensor:
    """Boxes (..., 4) as x0, y0, x1, y1 from target vectors (..., 5 + classes)."""
    middle, half = y[..., [1, 2]], y[..., [4, 3]] / 2
    return torch.cat([middle - half, middle + half], -1) * side
