"""What one unit of a convolutional network sees of your picture, by arithmetic and by its gradient."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from engine.data.media import Picture, fit_within
from engine.data.samples import picture_sample
from engine.figures import fields as figures
from engine.functional.convolution import Field, receptive_field
from engine.functional.fields import (
    STACKS,
    Layer,
    cone,
    effective_square,
    parse_layers,
    paths,
    random_gradient,
    random_unit,
)
from engine.lab import Event, Frame, Frames, Lab
from engine.params import Params, PictureSource, choice, integer, number, picture, text
from engine.results.fields import Box, EffectiveField, SeenFields
from engine.seeding import generator

LUMA = (0.299, 0.587, 0.114)
CHANNELS = 6
SHARE = 0.9


class ReceptiveField(Params):
    """What a person can move."""

    picture: PictureSource = picture("photo-china", help="A sample, or your own: turned grey, cut square, sized to n.")
    network: Literal["small", "alexnet", "vgg16", "own"] = choice(
        "alexnet",
        label="Network",
        help="Whose convolutions and pools the picture goes through.",
        names={"small": "A small one", "alexnet": "AlexNet", "vgg16": "VGG-16", "own": "Your own rows"},
    )
    layer: int = integer(6, low=1, high=40, hint=(1, 18, 1), label="Layer", help="Whose unit to look through.")
    own: str = text(
        "conv 5 2 2, conv 3 1 1, pool 2 2, conv 3 1 1",
        longest=600,
        label="Your own rows",
        help="Window, stride and padding of each layer; used when the network is your own.",
    )
    weights: Literal["random", "equal"] = choice(
        "random",
        label="Weights",
        help="Random ones with ReLU and max pooling, or all the same, where the gradient counts paths.",
        names={"random": "Random", "equal": "All equal"},
    )
    side: int = integer(227, low=8, high=256, hint=(32, 256, 1), unit="px", label="Input side n", help="The picture's.")
    down: float = number(
        0.5, low=0.0, high=1.0, label="Place, from the top", help="A click on the picture sets it.", more=True
    )
    across: float = number(
        0.5, low=0.0, high=1.0, label="Place, from the left", help="A click on the picture sets it.", more=True
    )


def layers_of(params: ReceptiveField) -> list[Layer]:
    """The chosen network's rows up to the chosen layer, or all of them if it has fewer."""
    stack = parse_layers(params.own) if params.network == "own" else STACKS[params.network]
    return stack[: params.layer]


def square(source: str | Picture, n: int) -> Tensor:
    """The middle square of a picture in grey levels from 0 to 1, (n, n)."""
    small = fit_within(source if isinstance(source, Picture) else picture_sample(source), 512).pixels
    side = min(small.shape[:2])
    top, left = ((length - side) // 2 for length in small.shape[:2])
    grey = torch.from_numpy(small[top : top + side, left : left + side] / np.float32(255)) @ torch.tensor(LUMA)
    return interpolate(grey[None, None], (n, n), mode="bilinear", antialias=True)[0, 0].clamp(0, 1)


_sample = cache(square)  # the shipped pictures at the sizes asked for


def unit_at(field: Field, place: float, n: int) -> int:
    """The unit of a layer whose field has its middle nearest to a place, a share of the picture's side n."""
    return min(max(round((place * n - field.start) / field.jump), 0), field.n - 1)


def box_of(n: int, layers: list[Layer], unit: tuple[int, int]) -> Box:
    """The pixels that the last layer's unit at this row and column depends on."""
    (top, bottom), (left, right) = (cone(n, layers, u)[0] for u in unit)
    return Box(top, bottom, left, right)


def gradient(params: ReceptiveField, image: Tensor, layers: list[Layer], unit: tuple[int, int]) -> Tensor:
    """The unit's gradient by every pixel, (n, n)."""
    if params.weights == "equal":
        rows, columns = (paths(params.side, layers, u) for u in unit)
        return torch.outer(rows, columns)
    return random_gradient(image - image.mean(), layers, unit, CHANNELS, generator(params.seed))


def run(params: ReceptiveField) -> Frames:
    """One frame: the fields at the place by arithmetic, and the chosen unit's gradient."""
    n, layers = params.side, layers_of(params)
    fields = receptive_field(n, [layer.rule for layer in layers])
    units = [(unit_at(f, params.down, n), unit_at(f, params.across, n)) for f in fields[1:]]
    boxes = [box_of(n, layers[:number], unit) for number, unit in enumerate(units, start=1)]
    image = square(params.picture, n) if isinstance(params.picture, Picture) else _sample(params.picture, n)
    slope = gradient(params, image, layers, units[-1])
    row, column, side = effective_square(slope, SHARE)
    reach = side // 2
    inner = Box(*(min(max(at + by, 0), n - 1) for at in (row, column) for by in (-reach, reach)))
    down = tuple(cone(n, layers, units[-1][1]))
    names = tuple(f"{number}: {layer}" for number, layer in enumerate(layers, start=1))
    seen = SeenFields(image.numpy(), names, tuple(boxes), tuple(fields), down)
    last, box = fields[-1], boxes[-1]
    yield Frame(
        figures={
            "Picture": figures.picture(seen),
            "Effective field": figures.effective(EffectiveField(slope.numpy(), box, inner)),
            "The way down": figures.way_down(seen),
        },
        says=(
            f"Layer {len(layers)} has {last.n} x {last.n} units, {last.jump} pixels apart, each with a field of {last.size} "
            f"pixels a side; the unit at row {units[-1][0]}, column {units[-1][1]} sees {box.height} x {box.width} pixels of "
            f"the picture, and {SHARE:.0%} of its gradient lies within {side} x {side}."
        ),
        metrics={
            "Units n": f"{last.n} x {last.n}",
            "Jump": f"{last.jump} px",
            "Field size": f"{last.size} px",
            f"{SHARE:.0%} of the gradient": f"{side} px a side",
        },
        note=""
        if last.size <= n
        else f"The field is wider than the picture: beyond its {n} pixels the unit sees padding.",
        tables={"Layer by layer": table(fields, layers, units)},
    )


def table(fields: list[Field], layers: list[Layer], units: list[tuple[int, int]]) -> dict[str, list[Any]]:
    """n, jump, size and start of every layer."""
    return {
        "layer": ["input", *(f"{i}, {layer.kind}" for i, layer in enumerate(layers, start=1))],
        "window f": ["", *(str(layer.f) for layer in layers)],
        "stride s": ["", *(str(layer.stride) for layer in layers)],
        "padding p": ["", *(str(layer.padding) for layer in layers)],
        "n": [field.n for field in fields],
        "jump": [field.jump for field in fields],
        "size": [field.size for field in fields],
        "start": [field.start for field in fields],
        "unit": ["", *(f"{row}, {column}" for row, column in units)],
    }


def respond(params: ReceptiveField, event: Event) -> Mapping[str, Any]:
    """A click on the picture or on the gradient picks the unit there."""
    if event.figure not in ("Picture", "Effective field") or not (math.isfinite(event.x) and math.isfinite(event.y)):
        return {}
    down, across = (round(min(max(at / params.side, 0.0), 1.0), 3) for at in (event.y, event.x))
    return {"down": down, "across": across}


LAB = Lab(
    slug="receptive-field",
    summary="Click your picture to see which of its pixels a unit sees, layer by layer, and how much each of them counts.",
    params=ReceptiveField,
    run=run,
    look_for=(
        "Each thin square is the field of a unit one layer lower at the same place, so the squares grow as you raise the "
        "layer: by (f − 1) jumps a layer, and a stride makes every later jump longer. The gradient tells how much of the "
        "field counts: with equal weights the paths pile up in the middle like a bell curve. Click a corner: how much of the "
        "field is left, and what fills the rest? And how many 3 × 3 layers see as far as one of 7 × 7?"
    ),
    maths=(
        r"$$n_l = \Big\lfloor \frac{n_{l-1} + 2p - f}{s} \Big\rfloor + 1, \qquad j_l = j_{l-1}\, s, \qquad "
        r"r_l = r_{l-1} + (f - 1)\, j_{l-1}, \qquad start_l = start_{l-1} + \Big( \frac{f-1}{2} - p \Big) j_{l-1}$$"
        "\n\n"
        r"with $j_0 = r_0 = 1$ and $start_0 = 0.5$, the middle of the first pixel: $j$ is the jump, $r$ the size of the field. "
        r"Unit $i$ of layer $l$ depends on units $i s - p$ to $i s - p + f - 1$ of layer $l - 1$, and its effective field is "
        r"$\lvert \partial a^{[l]}_{i} / \partial x \rvert$, drawn as its root so that the rim can be seen."
    ),
    code=(receptive_field, cone, paths, random_unit, random_gradient, effective_square),
    presets={
        "VGG-16": {"network": "vgg16", "side": 224, "layer": 18},
        "Three 3 x 3": {"network": "own", "own": "conv 3 1 1, conv 3 1 1, conv 3 1 1", "layer": 3, "side": 32},
        "One 7 x 7": {"network": "own", "own": "conv 7 1 3", "layer": 1, "side": 32},
        "Paths of a deep stack": {"network": "vgg16", "side": 224, "layer": 13, "weights": "equal"},
        "In a corner": {"down": 0.05, "across": 0.05},
    },
    rows=(("Picture", "Effective field"), ("The way down",)),
    listens=("click",),
    respond=respond,
)
