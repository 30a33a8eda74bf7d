"""One network for small pictures with three kinds of first layer: dense, local, and convolutional, all of the same shape."""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_max_pool2d, conv2d, unfold

CLASSES = 10
Kind = Literal["dense", "local", "conv"]
KINDS: tuple[Kind, ...] = ("dense", "local", "conv")


class Sharing(nn.Module):
    """A first layer from n x n pixels to k maps of o x o, o = n - f + 1, then ReLU, a max pool to g x g, and a dense layer.

    The first layer is "conv", one f x f kernel a map; "local", such a kernel at every place of every map, unshared; or
    "dense", where every output sees every pixel.
    """

    def __init__(self, kind: Kind, n: int, f: int, maps: int, pooled: int, generator: torch.Generator) -> None:
        """He's start for the first layer, by what one output sees."""
        super().__init__()
        o = n - f + 1
        self.kind, self.n, self.f, self.maps, self.o, self.pooled = kind, n, f, maps, o, pooled
        shapes = {"conv": (maps, 1, f, f), "local": (o * o, f * f, maps), "dense": (maps * o * o, n * n)}
        seen = n * n if kind == "dense" else f * f
        self.weight = nn.Parameter(torch.randn(shapes[kind], generator=generator) * math.sqrt(2 / seen))
        self.bias = nn.Parameter(torch.zeros(maps if kind == "conv" else maps * o * o))
        features = maps * pooled**2
        self.head = nn.Parameter(torch.randn(CLASSES, features, generator=generator) / math.sqrt(features))
        self.offset = nn.Parameter(torch.zeros(CLASSES))

    def linear(self, x: Tensor) -> Tensor:
        """The first layer's weighted sums without bias, for pictures (m, 1, n, n): (m, k, o, o)."""
        if self.kind == "conv":
            return conv2d(x, self.weight)
        if self.kind == "local":
            patches = unfold(x, self.f).permute(2, 0, 1)  # (o², m, f²)
            return torch.unflatten(torch.bmm(patches, self.weight).permute(1, 2, 0), 2, (self.o, self.o))
        return torch.unflatten(x.flatten(1) @ self.weight.T, 1, (self.maps, self.o, self.o))

    def first(self, x: Tensor) -> Tensor:
        """The first layer's activations, (m, k, o, o)."""
        bias = self.bias.view(-1, 1, 1) if self.kind == "conv" else self.bias.view(self.maps, self.o, self.o)
        return torch.relu(self.linear(x) + bias)

    def forward(self, x: Tensor) -> Tensor:
        """Logits (m, 10) of pictures (m, 1, n, n)."""
        features = adaptive_max_pool2d(self.first(x), self.pooled).flatten(1)
        return torch.addmm(self.offset, features, self.head.T)

    @torch.no_grad()
    def matrix(self) -> Tensor:
        """The first layer written as a dense one, (k o², n²): column j is what pixel j alone makes of every output."""
        pixels = torch.eye(self.n**2, device=self.weight.device).view(-1, 1, self.n, self.n)
        return self.linear(pixels).flatten(1).T

    def first_parameters(self) -> int:
        """The weights and biases of the first layer."""
        return self.weight.numel() + self.bias.numel()


def on_canvas(pictures: Tensor, n: int, down: int = 0, right: int = 0) -> Tensor:
    """Pictures (m, 1, h, h) in the middle of an empty canvas of n x n, moved by whole pixels that keep them inside."""
    h = pictures.shape[-1]
    top, left = (n - h) // 2 + down, (n - h) // 2 + right
    canvas = pictures.new_zeros(len(pictures), 1, n, n)
    canvas[..., top : top + h, left : left + h] = pictures
    return canvas
