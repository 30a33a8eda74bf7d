"""Sliding windows in one pass: dense layers turned into convolutions answer every window of a larger picture at once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor

from engine.data.media import Picture
from engine.data.pasted import scene
from engine.data.pixels import opened, to_levels, to_tensor
from engine.figures import scanned as figures
from engine.lab import Event, Frame, Frames, Lab, Mistake
from engine.models.windowed import (
    CLASSES,
    SHAPES,
    SIDE,
    STRIDE,
    as_convolutions,
    crop_by_crop,
    crops,
    grid,
    in_one_pass,
    initialize,
)
from engine.params import Params, PictureSource, choice, integer, picture
from engine.results.scanned import LAYERS, Both, Scanned, both_ways, layer_table, multiplications
from engine.seeding import generator
from engine.training.windowed import trained

LARGEST = 64
WAYS = ("One pass", "Crop by crop", "One batch")


class ConvSliding(Params):
    """What a person can move."""

    side: int = integer(
        28,
        low=SIDE,
        high=LARGEST,
        hint=(SIDE, LARGEST, 2),
        unit="px",
        label="Picture",
        help="Its side; 14 is one window.",
    )
    source: Literal["scene", "own"] = choice(
        "scene",
        label="What is in it",
        help="Shapes like those of the training, or a picture of your own, shrunk and squared.",
        names={"scene": "Drawn shapes", "own": "Your picture"},
    )
    picture: PictureSource = picture("shapes", label="Your picture", help="A sample, or your own picture.")
    window: int = integer(
        1,
        low=1,
        high=676,
        hint=(1, 64, 1),
        label="Window",
        help="Which answer to look into; point at one, or click one.",
    )
    epochs: int = integer(6, low=0, high=20, hint=(0, 12, 1), label="Epochs", help="Passes over 1200 training windows.")


def chosen_picture(params: ConvSliding) -> Tensor:
    """The picture (3, side, side) in [0, 1]."""
    if params.source == "own":
        return squared(opened(params.picture), params.side)
    count = max(1, round((params.side / 20) ** 2))
    return scene(params.side, params.side, SHAPES, count, (5.0, 6.8), generator(params.seed, 4))[0]


def squared(source: Picture, side: int) -> Tensor:
    """The middle square of a picture, shrunk to (3, side, side), antialiased."""
    from torchvision.transforms import v2

    whole = to_tensor([source.pixels])
    square = v2.functional.center_crop(whole, [min(whole.shape[2:])] * 2)
    small: Tensor = v2.functional.resize(square, [side, side], antialias=True)
    return small[0].clamp(0, 1)


def run(params: ConvSliding) -> Frames:
    """The untrained network at once, then the trained one: the two forms agree whatever the weights."""
    picture = chosen_picture(params)
    start = initialize(params.seed).requires_grad_(False)
    yield draw(params, both_ways(start, picture), "The network is untrained yet.", 0.0 if params.epochs else 1.0)
    if params.epochs:
        network, share = trained(params.seed, params.epochs)
        note = f"The network was just trained on 14 × 14 windows and names {share:.1%} of held-out ones right."
        yield draw(params, both_ways(network, picture), note, 1.0)


def draw(params: ConvSliding, both: Both, note: str, progress: float) -> Frame:
    """A frame with everything but what depends on the window."""
    work, (down, across) = multiplications(params.side), grid(params.side, params.side)
    total, apart = work.sum(1), float((both.one_pass - both.by_crops).abs().max())
    return Frame(
        figures={
            "Work": figures.stacked(WAYS, LAYERS, work, "multiplications"),
            "Time of both": figures.times(WAYS, both.times),
        },
        says=(
            f"One pass over {params.side} × {params.side} pixels gives {down} × {across} answers in {both.times[0]:.2g} ms; "
            f"cropping {down * across} windows takes {both.times[1]:.3g} ms, {total[1] / 1e6:.3g} million multiplications "
            f"instead of {total[0] / 1e6:.3g}, and the logits differ by at most {apart:.1e}."
        ),
        note=note,
        metrics={
            "Answers": f"{down} × {across}",
            "Largest difference": f"{apart:.1e}",
            "Multiplications": f"{1 - total[0] / total[1]:.0%} less",
            "Time": f"{both.times[1] / both.times[0]:.1f} times less",
        },
        progress=progress,
        tables={"Layers": layer_table(params.side)},
        state=both,
    )


def scanned(picture: Tensor, logits: Tensor) -> Scanned:
    """The answers to a picture's windows as probabilities."""
    return Scanned(to_levels(picture), torch.softmax(logits, 0).numpy(), CLASSES, SIDE, STRIDE)


def view(params: ConvSliding, frame: Frame) -> Frame:
    """The window of one answer on the picture."""
    result = scanned(frame.state.picture, frame.state.one_pass)
    at = min(params.window, math.prod(result.grid)) - 1
    drawn = {"Picture": figures.window(result, at), "Answers of one pass": figures.answers(result, at)}
    return replace(frame, figures=drawn)


def respond(params: ConvSliding, event: Event) -> Mapping[str, Any]:
    """Pointing at an answer shows its window; a click on the picture picks the window nearest to it."""
    if not (math.isfinite(event.x) and math.isfinite(event.y)):
        return {}
    down, across = grid(params.side, params.side)
    if event.figure == "Answers of one pass":
        row, column = round(event.y), round(event.x)
        return {"window": row * across + column + 1} if 0 <= row < down and 0 <= column < across else {}
    if event.figure != "Picture" or event.kind != "click":
        return {}
    blank = scanned(torch.zeros(3, params.side, params.side), torch.zeros(1, down, across))
    return {"window": blank.nearest(event.x, event.y) + 1}


def window_size(params: ConvSliding) -> Mistake:
    """What the windows of a 16 x 16 picture are, counted."""
    windows = crops(torch.zeros(3, 16, 16))
    whole = (16 - 16) // STRIDE + 1
    return Mistake(
        wrong=f"Four windows of 16 x 16 in a 16 x 16 picture; only {whole} of that size fits.",
        right=(
            f"{len(windows)} windows of {windows.shape[-2]} x {windows.shape[-1]}, {STRIDE} pixels apart: "
            f"((16 − {SIDE})/{STRIDE} + 1)² = {len(windows)}."
        ),
    )


LAB = Lab(
    slug="conv-sliding",
    summary="Turn a network's dense layers into convolutions, and let one pass answer every window of a larger picture.",
    params=ConvSliding,
    run=run,
    look_for=(
        "Point at an answer to see the window that it belongs to: the windows lie 2 pixels apart because the network pools "
        "once by 2. The answers are the same numbers as those of the crops, but the convolution is shared between windows "
        "that overlap, while the first dense layer works anew in each. Which layer takes most of the multiplications that "
        "are left at 28 x 28, and what would a deeper stack of convolutions change?"
    ),
    maths=(
        r"A dense layer on maps of $5 \times 5 \times 16$ is a convolution with $400$ kernels of $5 \times 5 \times 16$:"
        "\n\n"
        r"$$z_k = \sum_{u,v,c} W_{k,uvc}\, a_{uvc} + b_k \quad\Rightarrow\quad "
        r"z_{k,ij} = \sum_{u,v,c} W_{k,uvc}\, a_{i+u,\,j+v,\,c} + b_k$$"
        "\n\n"
        r"The dense layers after it become $1 \times 1$ convolutions. An $n \times n$ picture has "
        r"$\left(\lfloor (n - 14)/2 \rfloor + 1\right)^2$ windows of $14 \times 14$: 1 at 14, 4 at 16, 64 at 28."
    ),
    code=(as_convolutions, in_one_pass, crop_by_crop, crops, both_ways),
    presets={
        "14 x 14": {"side": 14},
        "16 x 16": {"side": 16, "window": 4},
        "64 x 64": {"side": 64, "window": 340},
        "Untrained": {"epochs": 0},
        "Your picture": {"source": "own", "side": 64, "window": 100},
    },
    trains=True,
    measures=True,
    mistakes={"sliding-size": window_size},
    rows=(("Picture", "Answers of one pass"), ("Work", "Time of both")),
    listens=("click", "hover"),
    respond=respond,
    views=("window",),
    view=view,
)
