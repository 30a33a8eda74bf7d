"""EfficientNet's compound scaling: Tan and Le 2019, section 3.3 and table 1."""

from __future__ import annotations

import math
from typing import NamedTuple

SIDE, STEM, CLASSES = 224, 32, 1000
SQUEEZE, HEAD = 4, 4  # a block squeezes its input's channels to a quarter; the head has four times the last stage's
SLACK = 0.9


class Stage(NamedTuple):
    """Blocks of one kind in a row: ``stride`` is the first one's, the others have 1."""

    expansion: int
    kernel: int
    stride: int
    channels: int
    layers: int


B0 = (
    Stage(1, 3, 1, 16, 1), Stage(6, 3, 2, 24, 2), Stage(6, 5, 2, 40, 2), Stage(6, 3, 2, 80, 3), Stage(6, 5, 1, 112, 3),
    Stage(6, 5, 2, 192, 4), Stage(6, 3, 1, 320, 1),
)  # fmt: skip


class Published(NamedTuple):
    """The multipliers and the input that a network was published with."""

    depth: float
    width: float
    side: int


PUBLISHED = {
    "B0": Published(1.0, 1.0, 224), "B1": Published(1.1, 1.0, 240), "B2": Published(1.2, 1.1, 260),
    "B3": Published(1.4, 1.2, 300), "B4": Published(1.8, 1.4, 380), "B5": Published(2.2, 1.6, 456),
    "B6": Published(2.6, 1.8, 528), "B7": Published(3.1, 2.0, 600),
}  # fmt: skip


def compound(phi: float, alpha: float, beta: float, gamma: float) -> Published:
    """Depth α^φ, width β^φ and the side of the input, 224 γ^φ pixels."""
    return Published(alpha**phi, beta**phi, round(SIDE * gamma**phi))


def budget(alpha: float, beta: float, gamma: float) -> float:
    """α β² γ²: how many times the multiplications grow as φ grows by one, chosen near 2."""
    return alpha * beta**2 * gamma**2


def divisible(channels: float, by: int = 8) -> int:
    """The nearest multiple of 8, the next one where that would lose more than a tenth."""
    near = max(by, int(channels + by / 2) // by * by)
    return near + by if near < SLACK * channels else near


def scaled(depth: float, width: float) -> list[Stage]:
    """B0's stages with so many times the layers, rounded up, and so many times the channels, in multiples of 8."""
    return [s._replace(channels=divisible(s.channels * width), layers=math.ceil(s.layers * depth)) for s in B0]


def cost(depth: float, width: float, side: int) -> tuple[int, int]:
    """Parameters and multiplications of the network scaled so, in closed form, for a picture of this side."""
    c, n = divisible(STEM * width), math.ceil(side / 2)
    parameters, products = c * (3 * 9 + 2), n * n * c * 3 * 9
    for stage in scaled(depth, width):
        for layer in range(stage.layers):
            stride = stage.stride if layer == 0 else 1
            more = block_cost(c, stage, stride, n)
            parameters, products = parameters + more[0], products + more[1]
            c, n = stage.channels, math.ceil(n / stride)
    head = HEAD * c
    parameters += head * (c + 2) + (head + 1) * CLASSES
    return parameters, products + n * n * c * head + head * CLASSES


def block_cost(c: int, stage: Stage, stride: int, n: int) -> tuple[int, int]:
    """Parameters and multiplications of one block on a map of side n: expand, depthwise, squeeze and excite, project.

    Every convolution is followed by a normalization of two parameters a channel, but those of the squeeze have a bias.
    """
    wide, less, m, f = c * stage.expansion, max(1, c // SQUEEZE), math.ceil(n / stride), stage.kernel
    parameters = wide * (f * f + 2) + less * (wide + 1) + wide * (less + 1) + stage.channels * (wide + 2)
    products = m * m * wide * f * f + 2 * wide * less + m * m * wide * stage.channels
    if stage.expansion > 1:
        parameters, products = parameters + wide * (c + 2), products + n * n * c * wide
    return parameters, products
