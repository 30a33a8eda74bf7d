"""What one unit of a convolutional network sees: its field through every layer, and how much each pixel in it counts."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import conv2d, conv_transpose1d, max_pool2d, relu

from engine.errors import BadInput
from engine.functional.convolution import output_size

MOST_LAYERS, MOST_KERNEL, MOST_STRIDE = 40, 31, 8
MOST_PRODUCTS = 400_000_000


class Layer(NamedTuple):
    """A row of a network: a convolution or a pooling with its window, stride and padding."""

    kind: Literal["conv", "pool"]
    f: int
    stride: int
    padding: int

    @property
    def rule(self) -> tuple[int, int, int]:
        """What the arithmetic needs of it: window, stride, padding."""
        return self.f, self.stride, self.padding

    def __str__(self) -> str:
        """As a short label: conv 11 / 4."""
        return f"{self.kind} {self.f}" + (f" / {self.stride}" if self.stride > 1 else "")


def parse_layers(text: str) -> list[Layer]:
    """Rows such as "conv 3 1 1, pool 2 2": window, stride and padding, 1 and 0 where left out; BadInput names a wrong row."""
    rows = [row.strip() for row in re.split(r"[,;\n]", text) if row.strip()]
    if not 1 <= len(rows) <= MOST_LAYERS:
        raise BadInput(f"The network must have from 1 to {MOST_LAYERS} rows, got {len(rows)}.")
    return [_row(row) for row in rows]


def _row(row: str) -> Layer:
    match = re.fullmatch(r"(conv|pool)?\s*(\d{1,3})(?:\s+(\d{1,3}))?(?:\s+(\d{1,3}))?", row)
    if match is None:
        raise BadInput(
            f"A row must be conv or pool with window, stride and padding, as in conv 3 1 1, got {row[:40]!r}."
        )
    f, stride, padding = int(match[2]), int(match[3] or 1), int(match[4] or 0)
    if not (1 <= f <= MOST_KERNEL and 1 <= stride <= MOST_STRIDE and padding < f):
        raise BadInput(
            f"A row must have a window of 1 to {MOST_KERNEL}, a stride of 1 to {MOST_STRIDE} and a padding smaller than "
            f"the window, got {row[:40]!r}."
        )
    kind: Literal["conv", "pool"] = "pool" if match[1] == "pool" else "conv"
    if kind == "pool" and padding > f // 2:
        raise BadInput(f"A pooling's padding must be at most half its window, got {row[:40]!r}.")
    return Layer(kind, f, stride, padding)


STACKS = {
    "small": parse_layers("conv 3 1 1, conv 3 1 1, pool 2 2, conv 3 1 1, conv 3 2 1"),
    "alexnet": parse_layers("conv 11 4, pool 3 2, conv 5 1 2, pool 3 2, conv 3 1 1, conv 3 1 1, conv 3 1 1, pool 3 2"),
    "vgg16": parse_layers(
        ", ".join(["conv 3 1 1, conv 3 1 1, pool 2 2"] * 2 + ["conv 3 1 1, conv 3 1 1, conv 3 1 1, pool 2 2"] * 3)
    ),
}


def cone(n: int, layers: Sequence[Layer], unit: int) -> list[tuple[int, int]]:
    """The first and last unit of every layer that ``unit`` of the last depends on along one side, the input's pixels first.

    Padding isn't counted: unit j looks at js - p to js - p + f - 1 of the layer below, as far as that layer goes.
    """
    sizes = [n]
    for f, stride, padding in (layer.rule for layer in layers):
        sizes.append(output_size(sizes[-1], f, padding, stride))
    first = last = unit
    ranges = [(first, last)]
    for (f, stride, padding), below in zip((layer.rule for layer in layers[::-1]), sizes[-2::-1], strict=True):
        first, last = max(first * stride - padding, 0), min(last * stride - padding + f - 1, below - 1)
        ranges.append((first, last))
    return ranges[::-1]


def paths(n: int, layers: Sequence[Layer], unit: int) -> Tensor:
    """The share of all paths from one unit down to each pixel along one side, (n,) float64.

    It is the gradient of the unit if every weight is the same, no unit is cut off and pools average.
    """
    sizes = [n]
    for f, stride, padding in (layer.rule for layer in layers):
        sizes.append(output_size(sizes[-1], f, padding, stride))
    counts = torch.zeros(sizes[-1], dtype=torch.float64)
    counts[unit] = 1.0
    for (f, stride, padding), below in zip((layer.rule for layer in layers[::-1]), sizes[-2::-1], strict=True):
        spread = conv_transpose1d(counts[None, None], torch.ones(1, 1, f, dtype=torch.float64), stride=stride)[0, 0]
        counts = torch.zeros(below, dtype=torch.float64)
        kept = spread[padding : padding + below]
        counts[: len(kept)] = kept / kept.sum()
    return counts


def products(n: int, layers: Sequence[Layer], channels: int) -> int:
    """How many multiplications one pass of a picture (n, n) through the convolutions takes."""
    total, c = 0, 1
    for kind, f, stride, padding in layers:
        n = output_size(n, f, padding, stride)
        if kind == "conv":
            total, c = total + n * n * channels * c * f * f, channels
    return total


def random_unit(
    image: Tensor, layers: Sequence[Layer], unit: tuple[int, int], channels: int, generator: torch.Generator
) -> Tensor:
    """One unit of a random network that looks at a picture (n, n), a number.

    Convolutions have ``channels`` filters of He's random weights and ReLU between them, pools take the largest; the unit
    adds up the channels of the last layer at ``unit``, its row and column. BadInput if that takes too long.
    """
    needed = products(len(image), layers, channels)
    if needed > MOST_PRODUCTS:
        raise BadInput(
            f"The network must take at most {MOST_PRODUCTS:,} multiplications with random weights, got {needed:,}."
        )
    a = image[None, None]
    for number, (kind, f, stride, padding) in enumerate(layers, start=1):
        if kind == "pool":
            a = max_pool2d(a, f, stride, padding)
            continue
        fan_in = a.shape[1] * f * f
        w = torch.randn(channels, a.shape[1], f, f, generator=generator).to(image) * math.sqrt(2 / fan_in)
        a = conv2d(a, w, stride=stride, padding=padding)
        a = a if number == len(layers) else relu(a)
    row, column = unit
    return a[0, :, row, column].sum()


def random_gradient(
    image: Tensor, layers: Sequence[Layer], unit: tuple[int, int], channels: int, generator: torch.Generator
) -> Tensor:
    """By how much :func:`random_unit` moves with each pixel: its gradient (n, n), the effective field of Luo et al. 2016."""
    x = image.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(random_unit(x, layers, unit, channels, generator), x)
    return gradient


def effective_square(gradient: Tensor, share: float = 0.9) -> tuple[int, int, int]:
    """The smallest square around the middle of the gradient's energy that holds a share of it: row, column, and side.

    The energy of a pixel is its gradient squared, the middle the mean place. A gradient of zeros has a side of 0.
    """
    energy = gradient.double().square()
    total = float(energy.sum())
    if not total > 0:
        return 0, 0, 0
    n = len(energy)
    at = torch.arange(n, dtype=torch.float64)
    row, column = (round(float((energy.sum(axis) * at).sum()) / total) for axis in (1, 0))
    far = torch.maximum((at - row).abs()[:, None], (at - column).abs()[None, :])
    rings = torch.zeros(n, dtype=torch.float64).index_add_(0, far.flatten().long(), energy.flatten())
    reach = int((rings.cumsum(0) < share * total).sum())
    return row, column, 2 * reach + 1
