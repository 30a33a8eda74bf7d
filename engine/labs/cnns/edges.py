"""Kernels that find edges, and a kernel learned by descent to give the same map."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from engine.data.media import Picture, fit_within
from engine.data.samples import picture_sample
from engine.figures import images as figures
from engine.functional.convolution import (
    EDGE_KERNELS,
    conv_forward,
    critical_rate,
    kernel_moments,
    learn_kernel,
    windows,
)
from engine.lab import Event, Frame, Frames, Lab
from engine.params import Matrix, Params, PictureSource, choice, integer, matrix, number, picture, toggle
from engine.results.images import KernelFit, KernelMap
from engine.seeding import generator

SIDE = 128
FRAMES = 30
BLOWN_UP = 1e6
LUMA = (0.299, 0.587, 0.114)

NAMES = {
    "vertical": "Vertical edges", "horizontal": "Horizontal edges",
    "sobel-vertical": "Sobel, vertical", "sobel-horizontal": "Sobel, horizontal",
    "scharr-vertical": "Scharr, vertical", "scharr-horizontal": "Scharr, horizontal",
    "laplacian": "Laplacian", "own": "Your own",
}  # fmt: skip
PICKED = "Where the window of the sum starts. Clicking the picture or the response sets it too."
DIAGONAL = ((1, 1, 0), (1, 0, -1), (0, -1, -1))


class Edges(Params):
    """What a person can move."""

    picture: PictureSource = picture("photo-china", help="A sample, or your own picture; it is turned grey and shrunk.")
    kernel: Literal[
        "vertical", "horizontal", "sobel-vertical", "sobel-horizontal", "scharr-vertical", "scharr-horizontal",
        "laplacian", "own",
    ] = choice("vertical", label="Kernel", help="The weights that slide over the picture.", names=NAMES)  # fmt: skip
    own: Matrix = matrix(
        DIAGONAL, low=-100, high=100, label="Your own kernel", help="3, 5 or 7 rows; used when the kernel is your own."
    )
    absolute: bool = toggle(False, label="Absolute value", help="Show dark-to-bright and bright-to-dark edges alike.")
    rate: float = number(
        0.9, low=0.01, high=2.0, hint=(0.05, 1.2, 0.05), label="Learning rate", help="1 is critical: above it diverges."
    )
    steps: int = integer(
        10_000,
        low=1,
        high=200_000,
        hint=(100, 50_000, 1),
        log=True,
        label="Steps",
        help="Updates of the learned kernel.",
    )
    row: int = integer(23, low=0, high=SIDE - 1, label="Window's row", help=PICKED, more=True)
    column: int = integer(18, low=0, high=SIDE - 1, label="Window's column", help=PICKED, more=True)


def chosen_kernel(params: Edges) -> Tensor:
    """The kernel (f, f) that the parameters name."""
    return torch.tensor(params.own if params.kernel == "own" else EDGE_KERNELS[params.kernel], dtype=torch.float64)


def grey_levels(source: str | Picture) -> Tensor:
    """A picture's brightness (h, w) in whole levels from 0 to 255, its longer side at most 128 pixels."""
    small = fit_within(source if isinstance(source, Picture) else picture_sample(source), SIDE)
    return (torch.from_numpy(small.pixels.astype(np.float64)) @ torch.tensor(LUMA, dtype=torch.float64)).round()


def respond_to(image: Tensor, kernel: Tensor) -> Tensor:
    """The map of one kernel (f, f) over one picture (h, w): (h - f + 1, w - f + 1)."""
    return conv_forward(image[None, None], kernel[None, None], image.new_zeros(1))[0, 0]


def frame_steps(steps: int) -> set[int]:
    """The steps that are shown: about 30, spaced by ratios, because descent does most of its work early."""
    return {0, steps, *(round(steps ** (i / FRAMES)) for i in range(FRAMES))}


def learning(grey: Tensor, target: Tensor, params: Edges) -> Iterator[KernelFit]:
    """A random kernel that descends until it gives the map of ``target``, at the steps that are shown."""
    image = (grey - grey.mean()) / 255  # centred: a bright picture would stretch the cost along one direction
    moments = kernel_moments(image, respond_to(image, target))
    start = torch.randn(target.shape, generator=generator(params.seed), dtype=torch.float64)
    rate = params.rate * critical_rate(moments[0])
    shown, history = frame_steps(params.steps), list[tuple[int, float]]()
    for step, (learned, cost) in enumerate(learn_kernel(moments, start, rate, params.steps)):
        blown_up = bool(history) and cost > BLOWN_UP * history[0][1]
        if step in shown or blown_up:
            history.append((step, cost))
            taken, costs = np.array(history).T
            yield KernelFit(learned.numpy(), taken, costs, blown_up)
        if blown_up:
            return


def run(params: Edges) -> Frames:
    """The map at once beside a random kernel, then that kernel as it learns."""
    grey, kernel = grey_levels(params.picture), chosen_kernel(params)
    response = respond_to(grey, kernel)
    height, width = response.shape
    row, column = min(params.row, height - 1), min(params.column, width - 1)
    result = KernelMap(grey.numpy(), kernel.numpy(), response.numpy(), row, column)
    strongest = float(response.flatten()[response.abs().argmax()])
    fixed = {
        "Picture": figures.grey(result),
        "Response": figures.response(result, params.absolute),
        "One window": figures.window(result),
        "Kernel": figures.kernel(result.kernel, result.reach),
    }
    for fit in learning(grey, kernel, params):
        step, gap = int(fit.steps[-1]), float(np.abs(fit.kernel - result.kernel).max())
        yield Frame(
            figures={
                **fixed,
                "Learned kernel": figures.kernel(fit.kernel, result.reach),
                "Matching cost": figures.cost_by_step(fit.steps, fit.costs, params.steps),
            },
            says=(
                f"The kernel answers most strongly with {strongest:+.4g} on a map of {height} x {width}; after {step} steps "
                f"the learned kernel is off by at most {gap:.3g}."
            ),
            metrics={
                "Strongest response": f"{strongest:+.4g}",
                "Map": f"{height} x {width}",
                "Matching cost": f"{fit.costs[-1]:.3g}",
                "Largest gap to the kernel": f"{gap:.3g}",
            },
            progress=1.0 if fit.blown_up else step / params.steps,
            diverged="A rate above the critical one overshoots further at every step." if fit.blown_up else "",
            remedy={"rate": 0.9} if fit.blown_up else {},
        )


def respond(params: Edges, event: Event) -> Mapping[str, Any]:
    """A click picks a window: by its middle on the picture, by its place on the map."""
    if event.figure not in ("Picture", "Response") or not (math.isfinite(event.x) and math.isfinite(event.y)):
        return {}
    back = len(chosen_kernel(params)) // 2 if event.figure == "Picture" else 0
    row, column = (min(max(round(at) - back, 0), SIDE - 1) for at in (event.y, event.x))
    return {"row": row, "column": column}


LAB = Lab(
    slug="edges",
    summary="Slide a kernel over your own picture, and watch a random kernel learn to give the same map.",
    params=Edges,
    run=run,
    look_for=(
        "An edge kernel adds what lies on one side of its middle and subtracts the other: flat regions answer 0, bright to "
        "dark answers positive, dark to bright negative. The learned kernel is never shown the weights, only the map, and it "
        "finds them; its coarse pattern comes first, its fine one last, because neighbouring pixels are so alike. On "
        "the half-and-half picture the cost reaches 0 and yet the kernel is another one: why?"
    ),
    maths=(
        r"$$z_{ij} = \sum_{u=0}^{f-1} \sum_{v=0}^{f-1} x_{i+u,\,j+v}\, k_{uv}, \qquad "
        r"(n, n) * (f, f) \to (n - f + 1,\ n - f + 1)$$"
        "\n\n"
        r"$$J(k) = \frac{1}{N} \sum_{ij} (z_{ij} - t_{ij})^2, \qquad "
        r"\frac{\partial J}{\partial k_{uv}} = \frac{2}{N} \sum_{ij} (z_{ij} - t_{ij})\, x_{i+u,\,j+v}, \qquad "
        r"k := k - \alpha \frac{\partial J}{\partial k}$$"
        "\n\n"
        r"With $L$ the steepest curvature of $J$, descent settles for $\alpha < 2/L$, the critical rate."
    ),
    code=(conv_forward, windows, learn_kernel, kernel_moments, critical_rate),
    presets={
        "Horizontal": {"kernel": "horizontal"},
        "Sobel": {"kernel": "sobel-vertical"},
        "Scharr": {"kernel": "scharr-vertical"},
        "45 degrees": {"kernel": "own", "own": DIAGONAL},
        "Blur": {"kernel": "own", "own": ((0.04,) * 5,) * 5, "steps": 40_000},
        "One edge": {"picture": "half-and-half", "row": 10, "column": 10},
        "Diverges": {"rate": 1.05},
    },
    trains=True,
    rows=(("Picture", "Response"), ("One window", "Kernel", "Learned kernel"), ("Matching cost",)),
    listens=("click",),
    respond=respond,
)
