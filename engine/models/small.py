"""A small convolutional network, written for a whole fleet of them to learn side by side."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import conv2d, relu

Parameters = list[Tensor]
WIDTHS = (8, 16)


def initialize(channels: int, side: int, classes: int, generator: torch.Generator) -> Parameters:
    """[w1, b1, w2, b2, W, b] for pictures of ``side``, a multiple of 4; He et al. 2015 draw weights of variance 2 / n_in."""
    first, second = WIDTHS
    shapes = ((first, channels, 3, 3), (second, first, 3, 3), (classes, second * (side // 4) ** 2))
    params = []
    for shape in shapes:
        deviation = (2 / torch.Size(shape[1:]).numel()) ** 0.5
        params += [deviation * torch.randn(shape, generator=generator), torch.zeros(shape[0])]
    return params


def forward(params: Parameters, x: Tensor) -> Tensor:
    """Logits (m, classes) of pictures (m, c, side, side): two convolutions that halve the sides, then a dense layer."""
    w1, b1, w2, b2, W, b = params
    a = relu(conv2d(x, w1, b1, stride=2, padding=1))
    a = relu(conv2d(a, w2, b2, stride=2, padding=1))
    return a.flatten(1) @ W.T + b
