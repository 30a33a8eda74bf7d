"""Filters over the three channels of a picture, from the whole layer down to one window's arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import Tensor

from engine.data.media import Picture, fit_within
from engine.data.samples import picture_sample
from engine.errors import BadInput
from engine.figures.windows import PHONE, SCALES, grid, network, photo
from engine.functional.convolution import EDGE_KERNELS, conv_forward, windows
from engine.lab import Event, Frame, Frames, Lab
from engine.params import Matrix, Params, PictureSource, choice, integer, matrix, picture
from engine.results.windows import (
    Box,
    Panels,
    Slide,
    everywhere,
    factor,
    known,
    opening,
    picked,
    products,
    section,
    shown,
    window_at,
)
from engine.seeding import generator

if TYPE_CHECKING:
    import plotly.graph_objects as go

SIDE, LEVELS = 32, 9
F, MOST = 3, 36
CHANNELS = ("Red", "Green", "Blue")
DIAGONAL = ((1, 1, 0), (1, 0, -1), (0, -1, -1))
PLACE = "Where the patch starts on the picture, shrunk to 32 pixels. Clicking the picture sets it too."


class ConvVolume(Params):
    """What a person can move."""

    zoom: Literal["network", "layer", "window"] = choice(
        "layer",
        label="Zoom",
        help="The layer from afar, its numbers, or the arithmetic of one window.",
        names={"network": "Network", "layer": "Layer", "window": "Window"},
    )
    volume: Literal["edge", "numbers", "picture"] = choice(
        "edge",
        label="Volume",
        help="An edge that is bright to dark in red and dark to bright in blue, whole numbers by the seed, or a patch of a "
        "picture in levels from 0 to 9.",
        names={"edge": "Red-blue edge", "numbers": "Numbers", "picture": "Patch of a picture"},
    )
    picture: PictureSource = picture("photo-flower", help="A sample, or your own picture; used for a patch of it.")
    count: int = integer(
        2,
        low=1,
        high=4,
        label="Filters",
        help="1 vertical edges in red only, 2 vertical edges in all channels, 3 horizontal edges in all, 4 your own.",
    )
    filter: int = integer(
        1, low=1, high=4, label="Filter to follow", help="Whose arithmetic is shown. Clicking a map sets it."
    )
    window: int = integer(
        3,
        low=1,
        high=MOST,
        label="Window",
        help="Which window to open at. Clicking the volume or a map sets it too; beyond the last is the last.",
    )
    n: int = integer(6, low=4, high=8, label="Rows and columns n", help="Of the volume.", more=True)
    bias: int = integer(0, low=-20, high=20, label="Bias b", help="Added to every sum, before ReLU.", more=True)
    own: Matrix = matrix(
        DIAGONAL, low=-9, high=9, label="Your own filter", help="3 rows; the fourth filter.", more=True
    )
    channel: Literal["all", "red", "green", "blue"] = choice(
        "all", label="Its channels", help="Which channels your own filter looks at.", more=True
    )
    row: int = integer(2, low=0, high=SIDE - 1, label="Patch's row", help=PLACE, more=True)
    column: int = integer(10, low=0, high=SIDE - 1, label="Patch's column", help=PLACE, more=True)


def pixels_and_patch(params: ConvVolume) -> tuple[np.ndarray, Box]:
    """The picture, its longer side at most 32 pixels, and where the volume lies on it."""
    source, n = params.picture, params.n
    pixels = fit_within(source if isinstance(source, Picture) else picture_sample(source), SIDE).pixels
    height, width = pixels.shape[:2]
    if min(height, width) < n:
        raise BadInput(f"The picture, shrunk to {SIDE} pixels, must be at least {n} x {n}, got {height} x {width}.")
    return pixels, Box(min(params.row, height - n), min(params.column, width - n), n, n)


def chosen_volume(params: ConvVolume) -> Tensor:
    """The volume (3, n, n) in whole levels from 0 to 9."""
    n = params.n
    if params.volume == "numbers":
        return torch.randint(LEVELS + 1, (3, n, n), generator=generator(params.seed)).double()
    if params.volume == "edge":
        bright = LEVELS * (torch.arange(n) < n // 2).double().expand(n, n)
        return torch.stack([bright, torch.full((n, n), 4.0, dtype=torch.float64), LEVELS - bright])
    pixels, (top, left, *_) = pixels_and_patch(params)
    patch = torch.from_numpy(pixels[top : top + n, left : left + n].astype(np.float64))
    return (patch * LEVELS / 255).round().permute(2, 0, 1)


def chosen_filters(params: ConvVolume) -> Tensor:
    """The filters (k, 3, 3, 3): a kernel for each channel of the volume."""
    if params.count == 4 and len(params.own) != F:
        raise BadInput(f"Your own filter must have {F} rows, as the others have, got {len(params.own)}.")
    places = {"red": [0], "green": [1], "blue": [2], "all": [0, 1, 2]}
    recipes = [("vertical", "red"), ("vertical", "all"), ("horizontal", "all"), ("own", params.channel)][: params.count]
    filters = torch.zeros(params.count, 3, F, F, dtype=torch.float64)
    for weights, (kernel, channel) in zip(filters, recipes, strict=True):
        weights[places[channel]] = torch.tensor(params.own if kernel == "own" else EDGE_KERNELS[kernel]).double()
    return filters


def layer(params: ConvVolume) -> tuple[Tensor, Tensor, Tensor]:
    """The volume (3, n, n), the filters (k, 3, 3, 3), and their maps (k, n - 2, n - 2) before ReLU."""
    x, w = chosen_volume(params), chosen_filters(params)
    return x, w, conv_forward(x[None], w, torch.full((len(w),), float(params.bias), dtype=torch.float64))[0]


def run(params: ConvVolume) -> Frames:
    """One frame a window; all filters stand on it at once."""
    x, w, z = layer(params)
    slide, k = Slide(params.n, F), min(params.filter, params.count) - 1
    steps = section(slide.count, params.window - 1)
    for t in steps:
        i, j = slide.place(t)
        sums = (windows(x, F)[:, i, j] * w[k]).sum((-2, -1)).tolist()
        value = float(z[k, i, j])
        arithmetic = " + ".join(factor(s) for s in [*sums, params.bias]) + f" = {shown(value)}"
        yield Frame(
            figures=draw(params, (x, w, z), t, arithmetic),
            says=(
                f"Window {t + 1} of {slide.count} under filter {k + 1}: red {shown(sums[0])}, green {shown(sums[1])}, blue "
                f"{shown(sums[2])} and bias {params.bias} make {arithmetic}, and ReLU makes that {shown(max(0.0, value))}."
            ),
            note=f"The three channels of a window give one number, so {params.count} filters give a volume of "
            f"{slide.side} × {slide.side} × {params.count}.",
            metrics={
                "Window": f"{t + 1} of {slide.count}",
                "Volume": f"{params.n} × {params.n} × 3",
                "Stacked maps": f"{slide.side} × {slide.side} × {params.count}",
                "Parameters": f"(27 + 1) · {params.count} = {28 * params.count}",
            },
            progress=(t + 1 - steps.start) / len(steps),
        )


def draw(params: ConvVolume, tensors: tuple[Tensor, ...], t: int, arithmetic: str) -> dict[str, Any]:
    """The figures of this zoom."""
    x, w, z = (tensor.numpy() for tensor in tensors)
    slide, k = Slide(params.n, F), min(params.filter, params.count) - 1
    box, here = slide.box(t), Box(*slide.place(t), 1, 1)
    maps = known(np.maximum(z, 0), t + 1)
    if params.zoom == "network":
        return {"Network": network(x, w, maps, box, here), "Picture": photo(*shown_picture(params, x))}
    volume = Panels(x[None], names=(CHANNELS,), lit=everywhere(box, 1, 3))
    shared = {"Volume": grid(volume, LEVELS, SCALES, width=PHONE), "Stacked maps": stacked(maps, here, float(z.max()))}
    if params.zoom == "layer":
        names = tuple(tuple(f"filter {i + 1}, {name.lower()}" for name in CHANNELS) for i in range(len(w)))
        filters = Panels(w, names=names, lit={(k, c): Box(0, 0, F, F) for c in range(3)})
        return {**shared, "Filters": grid(filters, width=PHONE)}
    patch = x[:, box.top : box.top + F, box.left : box.left + F]
    terms = Panels((patch * w[k])[None], names=(CHANNELS,), texts=products(patch, w[k], "<br>× ")[None])
    total = f"{arithmetic}, ReLU {shown(max(0.0, z[k, here.top, here.left]))}"
    return {**shared, "One window": grid(terms, total=total, width=PHONE)}


def shown_picture(params: ConvVolume, x: np.ndarray) -> tuple[np.ndarray, Box]:
    """The picture in 8 bits, and where the volume (3, n, n) lies on it."""
    if params.volume == "picture":
        return pixels_and_patch(params)
    return np.rint(x.transpose(1, 2, 0) * 255 / LEVELS).astype(np.uint8), Box(0, 0, params.n, params.n)


def stacked(maps: np.ndarray, here: Box, reach: float) -> go.Figure:
    """The maps (k, o, o) beside each other, four in a square."""
    across, side = maps_across(len(maps)), maps.shape[-1]
    rows = range(0, len(maps), across)
    names = tuple(tuple(f"filter {i + j + 1}" for j in range(across)) for i in rows)
    panels = Panels(maps.reshape(-1, across, side, side), names=names, lit=everywhere(here, len(rows), across))
    return grid(panels, max(1.0, reach), steps=np.arange(1, side**2 + 1).reshape(side, side), width=PHONE)


def maps_across(count: int) -> int:
    """How many maps stand beside each other."""
    return 2 if count == 4 else count


def respond(params: ConvVolume, event: Event) -> Mapping[str, Any]:
    """A click goes into the layer, to a window, to a filter, or to another patch of the picture."""
    slide = Slide(params.n, F)
    if event.figure == "Network":
        return {"zoom": "layer"}
    if event.figure == "Picture":
        return moved(params, event)
    if event.figure == "Filters":
        cell = picked(event.x, event.y, F, F)
        return {"filter": cell[0] + 1} if cell and cell[0] < params.count and cell[1] < len(CHANNELS) else {}
    found = window_at(slide, event.x, event.y, event.figure == "Stacked maps")
    if found is None or event.figure not in ("Volume", "Stacked maps"):
        return {}
    down, across, window = found
    if event.figure == "Volume":
        return {"window": window + 1} if (down, across // len(CHANNELS)) == (0, 0) else {}
    follow = down * maps_across(params.count) + across
    inside = across < maps_across(params.count) and follow < params.count
    return {"window": window + 1, "filter": follow + 1} if inside else {}


def moved(params: ConvVolume, event: Event) -> Mapping[str, Any]:
    """A click on the picture puts the middle of the patch there."""
    cell = picked(event.x, event.y, SIDE, SIDE)
    if params.volume != "picture" or cell is None or cell[:2] != (0, 0):
        return {}
    return {"row": max(0, cell[2] - params.n // 2), "column": max(0, cell[3] - params.n // 2)}


LAB = Lab(
    slug="conv-volume",
    summary="Convolve a picture's red, green and blue at once: a filter has a kernel for each, and gives one map.",
    params=ConvVolume,
    run=run,
    look_for=(
        "A window is as deep as the volume: its three times nine products are added to one number, so every filter makes one "
        "map, and the maps are stacked to the next volume. Go from the network to the layer to one window, and click a "
        "number of a map to see what made it. On the red-blue edge the first filter answers and the second, which has the "
        "same kernel in all channels, stays silent: why?"
    ),
    maths=(
        r"$$z_{ijk} = \sum_{c=1}^{3} \sum_{u,v} x_{i+u,\,j+v,\,c}\, w^{(k)}_{uvc} + b_k, \qquad a_{ijk} = \max(0, z_{ijk})$$"
        "\n\n"
        r"$$(n \times n \times n_c) * (f \times f \times n_c) \text{ with } n_c' \text{ filters} \to "
        r"(n - f + 1) \times (n - f + 1) \times n_c', \qquad (f^2 n_c + 1)\, n_c' \text{ parameters}$$"
    ),
    code=(conv_forward, windows, layer),
    presets={
        "Network": {"zoom": "network", "count": 4, "volume": "numbers"},
        "One window": {"zoom": "window", "window": 2},
        "All channels cancel": {"zoom": "window", "window": 2, "filter": 2},
        "Patch of a photo": {"volume": "picture", "count": 3, "n": 8},
        "Four filters": {"volume": "numbers", "count": 4, "filter": 4},
        "ReLU cuts": {"volume": "numbers", "zoom": "window", "bias": -10},
    },
    rows=(("Network", "Picture"), ("Volume",), ("Filters", "One window", "Stacked maps")),
    listens=("click",),
    respond=respond,
    opens=lambda params: opening((params.n - F + 1) ** 2, params.window - 1),
)
