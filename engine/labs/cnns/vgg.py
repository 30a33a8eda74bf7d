"""VGG-16, counted layer by layer."""

from __future__ import annotations

from typing import Literal

from engine.functional.convolution import output_size, receptive_field
from engine.lab import Lab, Mistake
from engine.labs.cnns import _classic
from engine.models import counting
from engine.params import choice, integer
from engine.results.architectures import millions

POOLS, LAST_CHANNELS, FIRST_DENSE = 5, 512, 4096


class VggParams(_classic.Classic):
    """What a person can move."""

    version: Literal["vgg16", "vgg19"] = choice(
        "vgg16",
        label="Version",
        help="16 or 19 layers with weights.",
        names={"vgg16": "VGG-16", "vgg19": "VGG-19"},
    )
    against: _classic.Rival = choice(
        "alexnet_one", label="Compare with", help="A second network, at its own input size.", names=counting.NETWORKS
    )
    side: int = integer(
        224,
        low=32,
        high=_classic.MOST_SIDE,
        hint=(96, 448, 32),
        unit="px",
        label="Input size",
        help="Side of the square picture; five poolings halve it.",
    )
    layer: int = integer(
        10,
        low=1,
        high=_classic.MOST_LAYERS,
        hint=(1, 24, 1),
        label="Layer",
        help=_classic.PICKED,
    )


def pooled(side: int, stride: int) -> int:
    """Side of the map after the five 2 x 2 poolings, the 3 x 3 same convolutions between them keeping it."""
    for _ in range(POOLS):
        side = output_size(side, 2, stride=stride)
    return side


def first_dense(side: int) -> int:
    """Parameters of the first dense layer behind a map of this side."""
    return (side * side * LAST_CHANNELS + 1) * FIRST_DENSE


def pool_stride(params: VggParams) -> Mistake:
    """What the first dense layer would be fed, and would weigh, under pooling of either stride."""
    wrong, right = (
        f"2 × 2 pooling with stride {stride}: {params.side} becomes {side} after five, and the first dense layer has "
        f"{millions(first_dense(side))} parameters."
        for stride in (1, 2)
        for side in (pooled(params.side, stride),)
    )
    return Mistake(wrong, right)


LAB = Lab(
    slug="vgg",
    summary="Take VGG-16 apart: one kind of convolution, one kind of pooling, and 138 million parameters.",
    params=VggParams,
    run=_classic.run,
    look_for=(
        "Every convolution is 3 × 3 with stride 1 and same padding, so only the poolings shrink: 224, 112, 56, 28, 14, 7, "
        "while the channels double from 64 to 512. The first dense layer alone holds three quarters of the parameters, and "
        "the first convolutions most of the memory. Courses give 96 MB of activations a picture; the metric above counts "
        "them. Two stacked 3 × 3 convolutions see 5 × 5 pixels: what would one 5 × 5 convolution in their place cost?"
    ),
    maths=(
        r"$$\text{conv: } f = 3,\ s = 1,\ p = 1 \Rightarrow n^{[l]} = n^{[l-1]}, \qquad "
        r"\text{max-pool: } f = 2,\ s = 2 \Rightarrow n^{[l]} = \lfloor n^{[l-1]} / 2 \rfloor$$"
        "\n\n"
        r"$$\text{parameters of conv} = (3 \cdot 3 \cdot n_c^{[l-1]} + 1)\, n_c^{[l]}, \qquad "
        r"2 \cdot (3 \cdot 3)\, n_c^2 = 18\, n_c^2 < 25\, n_c^2 = 5 \cdot 5\, n_c^2$$"
    ),
    code=(counting.build, counting.count, counting.multiplications, output_size, receptive_field),
    presets={
        "Most parameters": {"layer": 19},
        "Most memory": {"layer": 2},
        "VGG-19": {"version": "vgg19", "against": "vgg16"},
        "Against ResNet-50": {"against": "resnet50"},
        "Against EfficientNet-B0": {"against": "efficientnet_b0"},
        "448 pixels": {"side": 448},
    },
    mistakes={"vgg-pool-stride": pool_stride},
    rows=_classic.ROWS,
    listens=("click",),
    respond=_classic.respond,
)
