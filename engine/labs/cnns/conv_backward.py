"""The gradients of a convolution, built window by window."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.errors import BadInput
from engine.figures.windows import PHONE, grid
from engine.functional.convolution import conv_backward, conv_forward, spread
from engine.lab import Event, Frame, Frames, Lab
from engine.params import Params, integer
from engine.results.windows import (
    Box,
    GradientStep,
    Panels,
    Slide,
    everywhere,
    factor,
    gradient_steps,
    left_out,
    opening,
    padded,
    products,
    ringed,
    section,
    shown,
    window_at,
)
from engine.seeding import generator

MOST, LONGEST = 2 * 10**2, 48
DROPPED = "Numbers on the border of dA_prev belong to the zeros there and are dropped."


class ConvBackward(Params):
    """What a person can move."""

    f: int = integer(2, low=1, high=3, label="Filter f", help="Rows and columns of a filter.")
    stride: int = integer(1, low=1, high=3, label="Stride s", help="How far the window moves at a time.")
    padding: int = integer(0, low=0, high=2, label="Padding p", help="Rings of zeros around the input.")
    channels: int = integer(1, low=1, high=2, label="Channels", help="How many grids the input has, and each filter.")
    filters: int = integer(1, low=1, high=2, label="Filters", help="How many filters there are, and maps in Z.")
    step: int = integer(
        3,
        low=1,
        high=MOST,
        hint=(1, 64, 1),
        label="Step",
        help="Where to open: every filter at the first window, then at the next. Clicking dZ or A_prev sets it too.",
    )
    n: int = integer(4, low=3, high=6, label="Input n", help="Rows and columns of the input.", more=True)


def chosen_slide(params: ConvBackward) -> Slide:
    """How the window slides."""
    return Slide(params.n, params.f, params.padding, params.stride)


def layer(params: ConvBackward) -> tuple[Tensor, Tensor, Tensor]:
    """A_prev (c, n, n), W (k, c, f, f) and dZ (k, side, side), in small whole numbers."""
    source, c, k, f = generator(params.seed), params.channels, params.filters, params.f
    side = chosen_slide(params).side
    x = torch.randint(0, 5, (c, params.n, params.n), generator=source)
    w = torch.randint(-2, 3, (k, c, f, f), generator=source)
    return x.double(), w.double(), torch.randint(-2, 4, (k, side, side), generator=source).double()


def run(params: ConvBackward) -> Frames:
    """One frame a step."""
    slide, (x, w, dz) = chosen_slide(params), layer(params)
    steps = section(dz.numel(), params.step - 1, LONGEST)
    for number, step in zip(steps, gradient_steps(x, w, dz, slide, steps), strict=True):
        i, j = slide.place(step.window)
        times = f"· {factor(step.dz)}"
        yield Frame(
            figures=draw(params, step),
            says=(
                f"Step {number + 1} of {dz.numel()}: the output in row {i}, column {j} of filter {step.filter + 1} has "
                f"dz = {step.dz:g}. Its window of dA_prev gains W {times}, dW gains the window of A_prev {times}, and db "
                f"gains {step.dz:g}."
            ),
            note=f"{DROPPED if params.padding else ''} {left_out(steps, dz.numel())}".strip(),
            metrics={
                "Step": f"{number + 1} of {dz.numel()}",
                "dz": f"{step.dz:g}",
                "db": ", ".join(shown(x) for x in step.db),
                "Filter": f"{step.filter + 1} of {params.filters}",
            },
            progress=(number - steps.start + 1) / len(steps),
        )


def draw(params: ConvBackward, step: GradientStep) -> dict[str, Any]:
    """What is given, what this step adds, and the sums so far."""
    slide, (x, w, dz) = chosen_slide(params), (tensor.numpy() for tensor in layer(params))
    c, p, k, box = params.channels, params.padding, step.filter, slide.box(step.window)
    channels, maps = numbered("channel", c), numbered("filter", params.filters)
    kernels = tuple(tuple(f"{m} {n}" for n in channels or ("",)) for m in maps or ("",)) if maps or channels else ()
    order = np.arange(1, dz.size + 1).reshape(*dz.shape[1:], len(dz)).transpose(2, 0, 1)
    by_channel: dict[str, Any] = {"names": (channels,) if channels else ()}
    by_map: dict[str, Any] = {"names": (maps,) if maps else ()}
    by_kernel: dict[str, Any] = {"names": kernels, "lit": {(k, a): Box(0, 0, slide.f, slide.f) for a in range(c)}}
    lit, here = everywhere(box, 1, c), {(0, k): Box(*slide.place(step.window), 1, 1)}
    slope = np.full_like(step.patch, step.dz)
    to_dx, to_dw = products(step.weights, slope)[None], products(step.patch, slope)[None]
    return {
        "dZ": grid(Panels(dz[None], lit=here, **by_map), 3.0, steps=order),
        "A_prev": grid(padded(x[None], p, lit=lit, lost=slide.lost, **by_channel), 4.0),
        "W": grid(Panels(w, **by_kernel), 2.0),
        "Added to dA_prev": grid(Panels((step.weights * slope)[None], texts=to_dx, **by_channel), 6.0, width=PHONE),
        "Added to dW": grid(Panels((step.patch * slope)[None], texts=to_dw, **by_channel), 12.0, width=PHONE),
        "dA_prev": grid(ringed(step.dx[None], p, lit=lit, **by_channel)),
        "dW": grid(Panels(step.dw, **by_kernel)),
        "db": grid(Panels(step.db[None, :, None, None], lit={(0, k): Box(0, 0, 1, 1)}, **by_map)),
    }


def numbered(what: str, count: int) -> tuple[str, ...]:
    """Names for several, none for one."""
    return tuple(f"{what} {i + 1}" for i in range(count)) if count > 1 else ()


def respond(params: ConvBackward, event: Event) -> Mapping[str, Any]:
    """A click picks an output, or the first window that covers a cell of the input."""
    try:
        slide = chosen_slide(params)
    except BadInput:
        return {}
    if event.figure not in ("dZ", "A_prev", "dA_prev"):
        return {}
    given = event.figure == "dZ"
    found = window_at(slide, event.x, event.y, given)
    if found is None or found[0] or found[1] >= (params.filters if given else params.channels):
        return {}
    return {"step": found[2] * params.filters + (found[1] if given else 0) + 1}


LAB = Lab(
    slug="conv-backward",
    summary="Build the gradients of a convolution by hand: every output number adds to its window, its filter and its bias.",
    params=ConvBackward,
    run=run,
    look_for=(
        "Each step takes one number dz of dZ. It adds dz times the filter to its window of dA_prev, dz times the window of "
        "A_prev to dW, and itself to db; where windows overlap, the sums pile up. With two filters both add to the same "
        "dA_prev, with two channels each has its own part of dW. Which cells of dA_prev collect the most terms, and why?"
    ),
    maths=(
        r"$$Z = W * A_{prev} + b$$"
        "\n\n"
        r"$$dA_{prev}[\text{window } h, w] \mathrel{+}= W_c\, dZ_{hwc}, \qquad dW_c \mathrel{+}= a_{slice}\, dZ_{hwc}, \qquad "
        r"db_c \mathrel{+}= dZ_{hwc}$$"
        "\n\n"
        r"for every row $h$, column $w$ and filter $c$ of $Z$, with $a_{slice}$ the window of the padded $A_{prev}$."
    ),
    code=(conv_forward, conv_backward, spread, gradient_steps),
    presets={
        "All steps": {"step": 9},
        "Two filters": {"filters": 2, "step": 4},
        "Two channels": {"channels": 2, "step": 5},
        "Stride 2, padded": {"f": 3, "stride": 2, "padding": 1, "n": 5, "step": 1},
        "Both, padded": {"f": 3, "padding": 1, "channels": 2, "filters": 2, "step": 15},
    },
    rows=(("dZ", "A_prev", "W"), ("Added to dA_prev", "Added to dW"), ("dA_prev", "dW", "db")),
    listens=("click",),
    respond=respond,
    opens=lambda params: opening(chosen_slide(params).count * params.filters, params.step - 1, LONGEST),
)
