"""The 1 x 1 convolution: a dense layer over the channels of each pixel."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.data.media import Picture, fit_within
from engine.data.samples import picture_sample
from engine.figures import pointwise as figures
from engine.figures.photo import frame, photo
from engine.functional.pointwise import best_constants, dense_at_each_pixel, pointwise
from engine.lab import Event, Frame, Frames, Lab, Mistake
from engine.models.counting import multiplications
from engine.params import Matrix, Params, PictureSource, integer, matrix, picture, toggle
from engine.results.architectures import convolutions, shape, steps

SIDE, COLORS = 72, 3
KERNELS = (1, 3, 5)
GREY = ((0.299, 0.587, 0.114),) * 3
OPPONENTS = ((0.299, 0.587, 0.114), (1, -1, 0), (-0.5, -0.5, 1))
PICKED = "Clicking the picture or a map sets it too."


class OneByOne(Params):
    """What a person can move."""

    picture: PictureSource = picture("photo-flower", help="A sample or your own picture, shrunk.")
    weights: Matrix = matrix(
        OPPONENTS,
        low=-4,
        high=4,
        label="Weights",
        help="A row for each filter: its weights for red, green and blue; only the first 3 rows and columns count.",
    )
    filters: int = integer(
        3, low=1, high=COLORS, label="Filters kept", help="As many maps come out; 1 or 2 shrink the channels."
    )
    relu: bool = toggle(False, label="ReLU behind it", help="Cut negative answers off: what makes it more than linear.")
    channels: int = integer(
        192, low=1, high=2048, hint=(1, 512, 1), log=True, label="Channels in", help="Of the layer counted below."
    )
    out: int = integer(
        32, low=1, high=2048, hint=(1, 512, 1), log=True, label="Channels out", help="Of the layer counted below."
    )
    side: int = integer(
        28, low=1, high=224, hint=(1, 112, 1), label="Side", help="Of the layer counted below.", more=True
    )
    row: int = integer(30, low=0, high=SIDE - 1, label="Pixel's row", help=PICKED, more=True)
    column: int = integer(40, low=0, high=SIDE - 1, label="Pixel's column", help=PICKED, more=True)

    @property
    def kernel(self) -> Tensor:
        """The weights that count, (filters, 3)."""
        return torch.tensor(self.weights, dtype=torch.float64)[: self.filters, :COLORS]


def levels(source: str | Picture) -> Tensor:
    """A picture's channels (3, h, w) from 0 to 255, its longer side at most 72 pixels."""
    small = fit_within(source if isinstance(source, Picture) else picture_sample(source), SIDE)
    return torch.from_numpy(small.pixels.astype(np.float64)).permute(2, 0, 1)


def run(params: OneByOne) -> Frames:
    """One frame: the picture's channels mixed, one pixel's sum, and what such a layer costs."""
    x, kernel = levels(params.picture), params.kernel
    linear = pointwise(x, kernel)
    apart = float((linear - dense_at_each_pixel(x, kernel)).abs().max())
    y = linear.relu() if params.relu else linear
    at = min(params.row, x.shape[1] - 1), min(params.column, x.shape[2] - 1)
    cut = float((linear < 0).double().mean())
    names = [f"map {k + 1}" for k in range(params.filters)]
    dense = f"{params.channels}·{params.out} + {params.out} parameters, the same"
    layers = convolutions(params.side, params.channels, params.out, KERNELS)
    row, column = at
    filters = "1 filter" if params.filters == 1 else f"{params.filters} filters"
    yield Frame(
        figures={
            "Picture": framed(x, at),
            "Channels in": figures.maps(x.numpy(), ["red", "green", "blue"], at, signed=False),
            "Channels out": figures.maps(y.numpy(), names, at, signed=True),
            "One pixel": figures.product(kernel.numpy(), x[:, row, column].numpy(), linear[:, row, column].numpy()),
            "Channels shrunk": figures.volumes(layers[0]),
            "Multiplications by kernel": figures.kernels(layers),
        },
        says=(
            f"{filters} of 1 × 1 turn {shape(tuple(x.shape))} into {shape(tuple(y.shape))}, equal to a matrix "
            f"product at each pixel up to {apart:.1g}; from {shape(layers[0].inputs)} to {shape(layers[0].shape)} such a "
            f"layer has {layers[0].parameters:,} parameters and {layers[0].multiplications:,} multiplications."
        ),
        metrics={
            "Off the matrix product": f"{apart:.1g}",
            "Negative answers": f"{cut:.0%}" + (", cut off" if params.relu else ""),
            "Parameters": f"{layers[0].parameters:,}",
            "Multiplications": f"{layers[0].multiplications:,}",
        },
        tables={"The layer counted": steps(layers[0], {"Dense layer on one pixel": dense})},
    )


def framed(x: Tensor, at: tuple[int, int]) -> Any:
    """The picture with the picked pixel framed."""
    row, column = at
    around = frame(column - 1, column + 1, row - 1, row + 1)
    pixels = x.permute(1, 2, 0).numpy().astype(np.uint8)
    return photo(pixels, shapes=around, height=figures.HEIGHT)


def times_a_constant(params: OneByOne) -> Mistake:
    """How far one constant a map misses what the layer answers, and how far the dense layer does."""
    x, kernel = levels(params.picture), params.kernel
    y, own = pointwise(x, kernel), x[: params.filters]
    constants = best_constants(own, y)
    missed = float((constants[:, None, None] * own - y).abs().max())
    off = float((dense_at_each_pixel(x, kernel) - y).abs().max())
    best = ", ".join(f"{c:.3g}" for c in constants.tolist())
    return Mistake(
        wrong=f"Every pixel times a constant: the best ones here, {best}, miss the maps by up to {missed:.0f} levels.",
        right=f"A dense layer over the channels at each pixel: it misses them by {off:.1g} at most.",
    )


def respond(params: OneByOne, event: Event) -> Mapping[str, Any]:
    """A click on the picture or on a map picks a pixel."""
    if event.figure not in ("Picture", "Channels in", "Channels out"):
        return {}
    if not (math.isfinite(event.x) and math.isfinite(event.y)):
        return {}
    _, high, wide = levels(params.picture).shape
    step = wide + figures.GAP
    across = event.x if event.figure == "Picture" else min(max(event.x, 0), COLORS * step - 1) % step
    return {"row": min(max(round(event.y), 0), high - 1), "column": min(max(round(across), 0), wide - 1)}


LAB = Lab(
    slug="one-by-one",
    summary="Mix a picture's channels with 1 × 1 kernels that you write, and see a dense layer at every pixel.",
    params=OneByOne,
    run=run,
    look_for=(
        "Each map is one weighted sum of red, green and blue, the same at every pixel, so nothing moves and nothing blurs: "
        "rows of the weights are the units of a dense layer, and the pixel's channels are its input. Keeping fewer filters "
        "than channels shrinks the volume, as from 192 to 32 below. Two such layers on end are one again unless a ReLU "
        "stands between them. Which row of weights makes the petals bright and everything else dark?"
    ),
    maths=(
        r"$$z_{ijk} = \sum_{c} W_{kc}\, x_{ijc} + b_k, \qquad Z = W X + b \text{ with a column of } X \text{ for each pixel}, "
        r"\qquad a = \max(0, z)$$"
        "\n\n"
        r"$$\text{parameters} = (n_c + 1)\, n_c', \qquad \text{multiplications} = n \cdot n \cdot n_c' \cdot n_c$$"
        "\n\n"
        r"Only with $n_c = n_c' = 1$ is it a multiplication by a constant. The picture's layer has $b = 0$."
    ),
    code=(pointwise, dense_at_each_pixel, best_constants, multiplications),
    presets={
        "Grey": {"weights": GREY, "filters": 1},
        "Swap red and blue": {"weights": ((0, 0, 1), (0, 1, 0), (1, 0, 0))},
        "Two maps, ReLU": {"weights": ((1, -1, 0), (-1, 1, 0), (0, 0, 1)), "filters": 2, "relu": True},
        "Constants": {"weights": ((1.5, 0, 0), (0, 1, 0), (0, 0, 0.5))},
        "6 × 6 × 32 to 5": {"side": 6, "channels": 32, "out": 5},
        "Expand": {"side": 56, "channels": 24, "out": 144},
    },
    mistakes={"one-by-one-constant": times_a_constant},
    rows=(
        ("Picture", "One pixel"),
        ("Channels in", "Channels out"),
        ("Channels shrunk", "Multiplications by kernel"),
    ),
    listens=("click",),
    respond=respond,
)
