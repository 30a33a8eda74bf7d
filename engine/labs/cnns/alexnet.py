"""AlexNet, counted layer by layer."""

from __future__ import annotations

from typing import Literal

from engine.functional.convolution import output_size, receptive_field
from engine.lab import Lab
from engine.labs.cnns import _classic
from engine.models import counting
from engine.models.alexnet import AlexNet
from engine.params import choice, integer


class AlexNetParams(_classic.Classic):
    """What a person can move."""

    version: Literal["alexnet_paper", "alexnet_one", "alexnet"] = choice(
        "alexnet_paper",
        label="Version",
        help="As published on two GPUs, on one as courses draw it, or the slimmer one that torchvision has.",
        names={"alexnet_paper": "Published, two GPUs", "alexnet_one": "One GPU", "alexnet": "torchvision"},
    )
    side: int = integer(
        227,
        low=67,
        high=_classic.MOST_SIDE,
        hint=(96, 448, 1),
        unit="px",
        label="Input size",
        help="Side of the square picture; the paper says 224 and means 227.",
    )
    layer: int = integer(
        5,
        low=1,
        high=_classic.MOST_LAYERS,
        hint=(1, 11, 1),
        label="Layer",
        help=_classic.PICKED,
    )


LAB = Lab(
    slug="alexnet",
    summary="Take AlexNet apart: the shape, parameters and multiplications of each layer, on your own picture.",
    params=AlexNetParams,
    run=_classic.run,
    look_for=(
        "The side of the maps falls from 227 to 6 while the channels grow from 3 to 256. Nearly all of the 60 million "
        "parameters sit in the dense layers, and nearly all multiplications in the convolutions, because a kernel is used at "
        "every place of the map and a dense weight once. The paper speaks of pictures of 224 pixels: at that size, what goes "
        "wrong in the arithmetic of the first layer?"
    ),
    maths=(
        r"$$n^{[l]} = \left\lfloor \frac{n^{[l-1]} + 2p - f}{s} \right\rfloor + 1, \qquad "
        r"\text{parameters} = \left(f \cdot f \cdot \tfrac{n_c^{[l-1]}}{g} + 1\right) n_c^{[l]}, \qquad "
        r"\text{multiplications} = n^{[l]} n^{[l]} n_c^{[l]} \cdot f \cdot f \cdot \tfrac{n_c^{[l-1]}}{g}$$"
        "\n\n"
        r"$g$ is the number of groups, 2 where each GPU saw only its own half of the maps. A dense layer has "
        r"$(n^{[l-1]} + 1)\, n^{[l]}$ parameters and $n^{[l-1]} n^{[l]}$ multiplications."
    ),
    code=(AlexNet, counting.count, counting.multiplications, output_size, receptive_field),
    presets={
        "224, as the paper says": {"side": 224, "layer": 1},
        "On one GPU": {"version": "alexnet_one", "layer": 3},
        "torchvision's, 224": {"version": "alexnet", "side": 224},
        "First dense layer": {"layer": 9},
        "Against MobileNet v2": {"against": "mobilenet_v2"},
    },
    rows=_classic.ROWS,
    listens=("click",),
    respond=_classic.respond,
)
