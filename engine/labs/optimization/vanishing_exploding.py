"""Signals and gradients through many layers: a factor a layer, and its power after all of them."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from engine.figures import layers as figures
from engine.functional.propagation import backpropagate, propagate, size
from engine.lab import Frame, Frames, Lab
from engine.params import Params, choice, integer, number
from engine.results.layers import LayerSizes
from engine.seeding import generator

EXAMPLES = 32
# What a layer of random weights of deviation 1/sqrt(n) does to the size of a signal, on average.
GAIN = {"linear": 1.0, "relu": math.sqrt(1 / 2), "leaky_relu": math.sqrt((1 + 0.01**2) / 2)}
# The scale of random weights that keeps the size, or comes closest; and fewer units than this can all die at once.
KEEPS = {"linear": 1.0, "relu": 1.41, "leaky_relu": 1.41, "tanh": 1.0}
FEW = 10


class Depth(Params):
    """What a person can move."""

    scale: float = number(
        1.1,
        low=0.0,
        high=4.0,
        hint=(0.5, 2.0, 0.01),
        label="Weight scale s",
        help="The identity's factor, or s/√n as the deviation of n random weights. He's start is s = √2, Xavier's 1.",
    )
    layers: int = integer(50, low=1, high=200, hint=(1, 100, 1), label="Layers L", help="How deep the network is.")
    weights: Literal["identity", "random"] = choice(
        "identity",
        label="Weights",
        help="The identity matrix times s, as in the course, or normal random numbers.",
        names={"identity": "s · I"},
    )
    activation: Literal["linear", "tanh", "relu", "leaky_relu", "sigmoid"] = choice(
        "linear",
        label="Activation",
        help="What each layer makes of its weighted sum.",
        names={"relu": "ReLU", "leaky_relu": "Leaky ReLU"},
    )
    units: int = integer(50, low=2, high=128, label="Units a layer", help="How wide each layer is.")


def matrices(params: Depth) -> list[Tensor]:
    """W of every layer, (n, n) in float64: s · I, or normal with deviation s / sqrt(n)."""
    n = params.units
    if params.weights == "identity":
        return [params.scale * torch.eye(n, dtype=torch.float64)] * params.layers
    drawn = torch.randn(params.layers, n, n, generator=generator(params.seed, 1)).double()
    return list(drawn * (params.scale / math.sqrt(n)))


def factor(params: Depth) -> float | None:
    """What theory says one layer multiplies sizes by, on average; None where it depends on the signal's size."""
    if params.activation == "linear":
        return params.scale
    if params.weights == "random" and params.activation in GAIN:
        return params.scale * GAIN[params.activation]
    return None


def sizes(params: Depth) -> LayerSizes:
    """Sizes of a signal of size 1 on its way forward and of a gradient of size 1 on its way back."""
    random = generator(params.seed, 0)
    x, d = (torch.randn(EXAMPLES, params.units, generator=random).double() for _ in range(2))
    weights = matrices(params)
    cache = propagate(weights, x / size(x), params.activation)
    upstream, slopes = backpropagate(weights, cache, d / size(d), params.activation)
    forward, back, by_weights = (torch.stack([size(t) for t in part]).numpy() for part in (cache, upstream, slopes))
    growth = factor(params)
    expected = None if growth is None else growth ** np.arange(params.layers + 1.0)
    return LayerSizes(forward, back, by_weights, expected, None if expected is None else expected[::-1])


def trouble(params: Depth, found: LayerSizes) -> tuple[str, dict[str, Any]]:
    """Where single precision, which networks are trained in, would lose the signal or the gradient, and a better scale."""
    remedy: dict[str, Any] = {"scale": KEEPS.get(params.activation, 1.0) if params.weights == "random" else 1.0}
    if params.activation == "sigmoid":
        remedy["activation"] = "tanh"
    if params.units < FEW:
        remedy["units"] = 50
    for name, values in (("signal", found.activations), ("gradient", found.gradients[::-1])):
        for layer, value in enumerate(values):
            if not figures.SINGLE[0] <= value <= figures.SINGLE[1]:
                word = "overflows" if value > 1 else "is rounded to nothing"
                return f"In single precision the {name} {word} at step {layer} of its way through the layers.", remedy
    return "", {}


def verdict(change: float) -> str:
    """What became of a size of 1."""
    return "explodes" if change > 100 else "vanishes" if change < 0.01 else "holds"


def run(params: Depth) -> Frames:
    """One frame: the signal's size by layer, and the gradient's."""
    found = sizes(params)
    forward, back = float(found.activations[-1]), float(found.gradients[0])
    why, remedy = trouble(params, found)
    yield Frame(
        figures={
            "Activations, forward": figures.activation_sizes(found),
            "Gradients, backward": figures.gradient_sizes(found),
        },
        says=(
            f"On its way through {params.layers} layers a signal of size 1 becomes {forward:.3g}, which "
            f"{verdict(forward)}, and a gradient of size 1 on its way back becomes {back:.3g}, which {verdict(back)}."
        ),
        metrics={
            "Signal at the output": f"{forward:.3g}",
            "Its factor a layer": f"{forward ** (1 / params.layers):.3f}",
            "Gradient at the input": f"{back:.3g}",
            "Its factor, too": f"{back ** (1 / params.layers):.3f}",
        },
        diverged=why,
        remedy=remedy,
    )


LAB = Lab(
    slug="vanishing-exploding",
    summary="Send a signal forward and a gradient back through many layers, and see the weights' scale to the power of depth.",
    params=Depth,
    run=run,
    look_for=(
        "On a log axis a factor a layer is a straight line: 1.1 makes 117 of 1 in 50 layers and 0.9 makes 0.005, for the "
        "signal forward and for the gradient back alike. With random weights the same happens around s/√n: s = 1 holds a "
        "linear signal and s = √2 one through ReLU, which zeroes half. With s = 1.5, why does tanh stop the signal from "
        "exploding, and what does it do to the gradient? And is there an s that saves the sigmoid?"
    ),
    maths=(
        r"With $g(z) = z$ and $b = 0$: $\hat Y = W^{[L]} W^{[L-1]} \cdots W^{[1]} X$, so $W^{[l]} = s\,I$ gives "
        r"$\hat Y = s^L X$; $s = 0.5$ and $L = 10$ already make $0.001$."
        "\n\n"
        r"$$A^{[l]} = g(W^{[l]} A^{[l-1]}), \qquad dA^{[l-1]} = W^{[l]T} \big( dA^{[l]} * g'(Z^{[l]}) \big), \qquad "
        r"dW^{[l]} = \big( dA^{[l]} * g'(Z^{[l]}) \big) A^{[l-1]T}$$"
        "\n\n"
        r"For random $W^{[l]}_{ij} \sim \mathcal{N}(0, s^2/n)$ a layer multiplies the mean square by $s^2$, and by "
        r"$s^2/2$ with ReLU, on average. The size shown is the root of the mean square over units and examples."
    ),
    code=(propagate, backpropagate, size, matrices),
    presets={
        "Half the identity": {"scale": 0.5, "layers": 10},
        "One and a half": {"scale": 1.5},
        "Xavier and tanh": {"scale": 1.0, "weights": "random", "activation": "tanh"},
        "He and ReLU": {"scale": 1.41, "weights": "random", "activation": "relu"},
        "Xavier and ReLU": {"scale": 1.0, "weights": "random", "activation": "relu"},
        "Sigmoid": {"scale": 1.0, "weights": "random", "activation": "sigmoid"},
    },
    rows=(("Activations, forward", "Gradients, backward"),),
)
