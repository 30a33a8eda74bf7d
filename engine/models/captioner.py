"""A sentence about a picture: the bundled detector without its head sees, and a decoder with attention tells.

After Vinyals and others 2015, whose encoder was a network trained to classify, and Xu and others 2015, whose decoder looks at
another part of the picture for every word.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, pixel_unshuffle, relu

from engine.data.captions import vocabulary
from engine.data.scenes import CLASSES
from engine.models import bundled
from engine.models.attending import Decoder
from engine.models.yolo import GRID, SIDE, Yolo

CELLS = GRID * GRID
SEEN = 128 + 2 * 16 + 32 + 12  # numbers of a cell
LONGEST = 40
WORDS = ("<EOS>", *vocabulary())
EOS = 0


@cache
def eye() -> Yolo:
    """The bundled detector, of which only the part before the head is used."""
    network = Yolo(len(CLASSES))
    network.load_state_dict(bundled.state("yolo"))
    return network.eval()


@torch.inference_mode()
def look(pictures: Tensor) -> Tensor:
    """Pictures (m, 3, 128, 128) in [0, 1] to what is seen in each cell of a grid, row by row, (m, 64, SEEN).

    The detector's last map knows kinds and places, but not what it had no need of: for texture the mean and spread of its
    first maps in a cell are laid beside it, and for colour the means of the cell's quarters.
    """
    network, each = eye(), []
    for part in torch.split(pictures, 64):
        fine = network.body[0]((part - 0.5) / 0.25)
        middle = network.body[1](fine)
        deep = network.neck(network.body[3](network.body[2](middle)))
        quarters = pixel_unshuffle(avg_pool2d(part, SIDE // GRID // 2), 2)
        first = avg_pool2d(fine, fine.shape[-1] // GRID)
        maps = torch.cat([deep, first, spread(fine), spread(middle), quarters], 1)
        each.append(maps.flatten(2).mT)
    return torch.cat(each)


def spread(maps: Tensor) -> Tensor:
    """The standard deviation of maps (m, c, h, w) within each cell, (m, c, 8, 8)."""
    wide = maps.shape[-1] // GRID
    return (avg_pool2d(maps.square(), wide) - avg_pool2d(maps, wide).square()).clamp(min=0).sqrt()


class Captioner(nn.Module):
    """What is seen (m, 64, SEEN) to activations (m, 64, n_a), which :class:`Decoder` attends to."""

    shift: Tensor
    scale: Tensor

    def __init__(self, n_a: int = 96, width: int = 32, units: int = 96, words: int = len(WORDS)) -> None:
        """A network at its random start."""
        super().__init__()
        self.register_buffer("shift", torch.zeros(SEEN))
        self.register_buffer("scale", torch.ones(SEEN))
        self.enter, self.mix = nn.Linear(SEEN, n_a), nn.Linear(n_a, n_a)
        self.place = nn.Parameter(0.1 * torch.randn(CELLS, n_a))
        self.decoder = Decoder(words, n_a, width, units)

    def encode(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        """Activations (m, 64, n_a) and a mask (m, 64) that hides no cell."""
        hidden = relu(self.enter((seen - self.shift) / self.scale) + self.place)
        a = relu(self.mix(hidden) + self.place)
        return a, torch.ones(a.shape[:2], dtype=torch.bool, device=a.device)

    def forward(self, seen: Tensor, lengths: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (m, T, V) and weights (m, T, 64), every step reading the true word before its own."""
        return self.decoder(*self.encode(seen), targets)


def initialize(seed: int) -> Captioner:
    """A network at a random start that depends on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Captioner()


@cache
def captioner() -> Captioner:
    """The bundled captioner."""
    network = Captioner()
    network.load_state_dict(bundled.state("captioner"))
    return network
