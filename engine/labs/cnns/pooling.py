"""Max and average pooling, window by window: forward, then the gradient on its way back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from engine.errors import BadInput
from engine.figures import windows as figures
from engine.functional.convolution import pool_backward, pool_forward, pool_mask, spread
from engine.lab import Event, Frame, Frames, Lab
from engine.params import Params, choice, integer
from engine.results.windows import (
    Box,
    Panels,
    Pooled,
    Slide,
    alone,
    known,
    left_out,
    opening,
    pooled,
    section,
    shown,
    unknown,
    window_at,
)
from engine.seeding import generator

COURSE = ((1, 3, 2, 1), (2, 9, 1, 1), (1, 3, 2, 3), (5, 6, 1, 2))
LARGEST, STEEPEST = 9, 5


class Pooling(Params):
    """What a person can move."""

    kind: Literal["max", "average"] = choice(
        "max", label="Pooling", help="What stands for a window.", names={"max": "Largest number", "average": "Mean"}
    )
    f: int = integer(2, low=1, high=4, label="Window f", help="Rows and columns of the window.")
    stride: int = integer(2, low=1, high=4, label="Stride s", help="How far the window moves at a time.")
    picture: Literal["course", "numbers", "ties"] = choice(
        "course",
        label="Input",
        help="The course's 4 x 4 example, numbers from 0 to 9 by the seed, or only 0, 1, 2 so that windows hold ties.",
        names={"course": "The course's 4 x 4", "numbers": "Numbers", "ties": "Many ties"},
    )
    n: int = integer(5, low=4, high=8, label="Input n", help="Rows and columns of the input; the course's has 4.")
    step: int = integer(
        1,
        low=1,
        high=2 * 64,
        hint=(1, 64, 1),
        label="Step",
        help="Where to open: the windows forward, then backward. Clicking the input or an output sets it too.",
    )


def chosen_input(params: Pooling) -> Tensor:
    """The input (n, n) in whole numbers."""
    if params.picture == "course":
        return torch.tensor(COURSE, dtype=torch.float64)
    most = LARGEST + 1 if params.picture == "numbers" else 3
    return torch.randint(most, (params.n, params.n), generator=generator(params.seed)).double()


def chosen_slide(params: Pooling) -> Slide:
    """How the window slides."""
    return Slide(len(COURSE) if params.picture == "course" else params.n, params.f, 0, params.stride)


def both_ways(params: Pooling) -> Pooled:
    """Forward, and backward from a gradient by the output of whole numbers from 1 to 5."""
    slide = chosen_slide(params)
    grad = torch.randint(1, STEEPEST + 1, (slide.side, slide.side), generator=generator(params.seed + 1)).double()
    return pooled(chosen_input(params), grad, slide, params.kind)


def run(params: Pooling) -> Frames:
    """One frame a window forward, then one a window backward."""
    result = both_ways(params)
    steps = section(2 * result.slide.count, params.step - 1)
    for step in steps:
        back, window = divmod(step, result.slide.count)
        handed = float(result.gathered[window].sum()) if back else 0.0
        yield Frame(
            figures=draw(result, bool(back), window),
            says=backward_in_words(result, window) if back else forward_in_words(result, window),
            note=left_out(steps, 2 * result.slide.count),
            metrics={
                "Step": f"{step + 1} of {2 * result.slide.count}",
                "Pass": "backward" if back else "forward",
                "Output": f"{result.slide.side} × {result.slide.side}",
                "dA handed back": f"{shown(handed)} of {shown(result.grad.sum())}",
            },
            progress=(step - steps.start + 1) / len(steps),
        )


def draw(result: Pooled, back: bool, window: int) -> dict[str, Any]:
    """The figures of one step, what isn't known yet left empty."""
    slide, place = result.slide, result.slide.place(window)
    here, box = Box(*place, 1, 1), slide.box(window)
    shares, gathered = result.shares[place], result.gathered[window]
    order = np.arange(1, slide.count + 1).reshape(slide.side, slide.side)
    reach = float(np.abs(result.gathered).max())
    output = alone(result.output) if back else alone(known(result.output, window + 1), here)
    return {
        "Input A_prev": figures.grid(alone(result.x, box, lost=slide.lost), LARGEST),
        "One window": figures.grid(alone(result.patches[place], taken(shares)), LARGEST),
        "Output A": figures.grid(output, LARGEST, steps=order),
        "Gradient dA_prev": figures.grid(alone(gathered, box) if back else alone(unknown(gathered)), reach),
        "Mask × gradient": figures.grid(masked(result, place) if back else alone(unknown(shares)), STEEPEST),
        "Gradient dA": figures.grid(alone(result.grad, here if back else None), STEEPEST, steps=order + slide.count),
    }


def masked(result: Pooled, place: tuple[int, int]) -> Panels:
    """A window's mask times the gradient that its output got."""
    shares, grad = result.shares[place], result.grad[place]
    part = "1" if result.kind == "max" else f"1/{shares.size}"
    texts = np.where(shares == 0, f"0 × {grad:g}", f"{part} × {grad:g}").astype(object)
    return alone(shares, texts=texts)


def taken(shares: np.ndarray) -> Box:
    """The cells of a window (f, f) that its output is made of: those that get a share of the gradient back."""
    rows, columns = np.nonzero(shares)
    return Box(rows[0], columns[0], int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1)


def forward_in_words(result: Pooled, window: int) -> str:
    """What one window gives."""
    place = result.slide.place(window)
    patch, out = result.patches[place], result.output[place]
    numbers = ", ".join(f"{x:g}" for x in patch.ravel())
    ties = int((patch == out).sum()) if result.kind == "max" else 1
    tied = f"; it stands there {ties} times, and the first one counts, as in PyTorch" if ties > 1 else ""
    return f"Forward: the {'largest' if result.kind == 'max' else 'mean'} of {numbers} is {shown(out)}{tied}."


def backward_in_words(result: Pooled, window: int) -> str:
    """What one window hands back, and to how many cells that held something already."""
    place, area = result.slide.place(window), result.slide.f**2
    before = result.gathered[window - 1] if window else np.zeros_like(result.x)
    met = int(((result.gathered[window] != before) & (before != 0)).sum())
    sums = f"; {met} of its cells held a share already, and the shares add up" if met else ""
    how = "all of it to its largest number" if result.kind == "max" else f"1/{area} of it to each of its cells"
    return f"Backward: the window hands back its gradient {result.grad[place]:g}, {how}{sums}."


def respond(params: Pooling, event: Event) -> Mapping[str, Any]:
    """A click picks a window: forward by the input or the output, backward by the gradients."""
    try:
        slide = chosen_slide(params)
    except BadInput:
        return {}
    if event.figure not in ("Input A_prev", "Output A", "Gradient dA_prev", "Gradient dA"):
        return {}
    found = window_at(slide, event.x, event.y, event.figure in ("Output A", "Gradient dA"))
    if found is None or found[:2] != (0, 0):
        return {}
    return {"step": found[2] + 1 + (slide.count if event.figure.startswith("Gradient") else 0)}


LAB = Lab(
    slug="pooling",
    summary="Shrink a picture window by window, then watch each window hand its gradient back to the cells that made it.",
    params=Pooling,
    run=run,
    look_for=(
        "Forward, each window leaves one number; backward, the mask decides who gets its gradient: only the largest cell, or "
        "all of them alike. Make the stride smaller than the window, so that windows overlap and shares add up, and try the "
        "input with ties. Nothing here learns; what does the gradient by the input sum to, whatever the settings?"
    ),
    maths=(
        r"$$a_{ij} = \max_{u,v}\ x_{is+u,\,js+v} \qquad\text{or}\qquad a_{ij} = \frac{1}{f^2} \sum_{u,v} x_{is+u,\,js+v}$$"
        "\n\n"
        r"$$dA_{prev}[is+u,\,js+v] \mathrel{+}= m^{ij}_{uv}\, dA_{ij}, \qquad \sum_{u,v} m^{ij}_{uv} = 1$$"
        "\n\n"
        r"The mask $m^{ij}$ is 1 at the window's largest number, the first of several, or $1/f^2$ everywhere. "
        r"The size is $\lfloor (n - f)/s \rfloor + 1$, and there is nothing to learn."
    ),
    code=(pool_forward, pool_mask, pool_backward, spread, pooled),
    presets={
        "Backward": {"step": 5},
        "Average": {"kind": "average", "step": 5},
        "Overlapping": {"picture": "numbers", "stride": 1, "step": 20},
        "Overlapping average": {"picture": "numbers", "kind": "average", "f": 3, "stride": 1, "step": 18},
        "Ties": {"picture": "ties", "f": 3, "stride": 2, "step": 1},
        "Doesn't fit": {"picture": "numbers", "step": 8},
    },
    rows=(
        ("Input A_prev", "One window", "Output A"),
        ("Gradient dA_prev", "Mask × gradient", "Gradient dA"),
    ),
    listens=("click",),
    respond=respond,
    opens=lambda params: opening(2 * chosen_slide(params).count, params.step - 1),
)
