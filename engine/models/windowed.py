"""A small classifier of windows, and the same network with its dense layers as convolutions, for pictures of any size.

The network is the one of the course: 14 x 14 x 3, a 5 x 5 convolution to 16 maps, a 2 x 2 pool, two dense layers of 400
units, four classes. As convolutions it answers every window of a larger picture in one pass (Sermanet et al. 2014, 3.5).
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn

from engine.data.pasted import far, paint

SIDE, STRIDE = 14, 2
SHAPES = ("circle", "cross", "triangle")
CLASSES = (*SHAPES, "ground")
UNITS = 400


def dense_form() -> nn.Sequential:
    """Pictures (m, 3, 14, 14) to logits (m, 4), at a random start."""
    layers = {
        "conv": nn.Conv2d(3, 16, 5),
        "relu": nn.ReLU(),
        "pool": nn.MaxPool2d(2, STRIDE),
        "flat": nn.Flatten(),
        "dense1": nn.Linear(16 * 5 * 5, UNITS),
        "relu1": nn.ReLU(),
        "dense2": nn.Linear(UNITS, UNITS),
        "relu2": nn.ReLU(),
        "dense3": nn.Linear(UNITS, len(CLASSES)),
    }
    return nn.Sequential(OrderedDict(layers))


def initialize(seed: int) -> nn.Sequential:
    """A network at a random start that depends on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return dense_form()


@torch.no_grad()
def as_convolutions(network: nn.Sequential) -> nn.Sequential:
    """The same weights with every dense layer as a convolution: (m, 3, h, w) to logits (m, 4, down, across).

    The first has a kernel as large as the maps it was fed, 5 x 5, the others 1 x 1.
    """
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    channels, side = 16, 5
    for name, layer in network.named_children():
        if isinstance(layer, nn.Linear):
            convolution = nn.Conv2d(channels, layer.out_features, side)
            convolution.weight.copy_(layer.weight.view(-1, channels, side, side))
            convolution.bias.copy_(layer.bias)  # type: ignore[union-attr]
            layers[name], channels, side = convolution, layer.out_features, 1
        elif not isinstance(layer, nn.Flatten):
            layers[name] = layer
    return nn.Sequential(layers)


def crops(picture: Tensor) -> Tensor:
    """Every 14 x 14 window of a picture (3, h, w), two pixels apart, row by row: (n, 3, 14, 14)."""
    windows = picture.unfold(1, SIDE, STRIDE).unfold(2, SIDE, STRIDE)  # (3, down, across, 14, 14)
    return windows.permute(1, 2, 0, 3, 4).reshape(-1, 3, SIDE, SIDE)


def grid(height: int, width: int) -> tuple[int, int]:
    """How many windows a picture has down and across."""
    return (height - SIDE) // STRIDE + 1, (width - SIDE) // STRIDE + 1


@torch.inference_mode()
def in_one_pass(convolutions: nn.Sequential, picture: Tensor) -> Tensor:
    """Logits (4, down, across) of a picture (3, h, w), all windows at once."""
    logits: Tensor = convolutions(picture[None])[0]
    return logits


@torch.inference_mode()
def crop_by_crop(network: nn.Sequential, picture: Tensor) -> Tensor:
    """The same by cutting every window out and asking about each by itself."""
    answers = torch.cat([network(one[None]) for one in crops(picture)])
    return answers.T.view(len(CLASSES), *grid(*picture.shape[1:]))


@torch.inference_mode()
def crops_as_batch(network: nn.Sequential, picture: Tensor) -> Tensor:
    """The same with all crops asked about together."""
    answers: Tensor = network(crops(picture))
    return answers.T.view(len(CLASSES), *grid(*picture.shape[1:]))


def examples(m: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Pictures (4m, 3, 14, 14) and their classes: shapes in the middle, and grounds, half of them with a shape cut off."""
    pictures = []
    for number, name in enumerate((*SHAPES, *SHAPES)):
        count, off = (m, False) if number < len(SHAPES) else (m // 6, True)
        colors = 0.25 + 0.5 * torch.rand(count, 3, generator=generator)
        angle = 2 * torch.pi * torch.rand(count, generator=generator)
        reach = 6.5 + 3 * torch.rand(count, generator=generator) if off else 2 * torch.rand(count, generator=generator)
        at = SIDE / 2 + reach[:, None] * torch.stack([angle.cos(), angle.sin()], 1)
        radius = 5 + 1.8 * torch.rand(count, generator=generator)
        turn = (torch.rand(count, generator=generator) - 0.5) * torch.pi / 3
        grounds = colors[:, :, None, None].expand(-1, -1, SIDE, SIDE)
        pictures.append(paint(grounds, name, at, radius, turn, far(colors, generator)))
    rest = m - 3 * (m // 6)
    pictures.append(torch.rand(rest, 3, 1, 1, generator=generator).expand(-1, -1, SIDE, SIDE))
    classes = torch.arange(len(CLASSES)).repeat_interleave(m)
    x = torch.cat(pictures)
    return (x + 0.02 * torch.randn(x.shape, generator=generator)).clamp(0, 1), classes
