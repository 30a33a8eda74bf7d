"""A window that slides over a small padded picture, step by step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from engine.errors import BadInput
from engine.figures import windows as figures
from engine.functional.convolution import conv_forward, output_size, windows, zero_pad
from engine.lab import Event, Frame, Frames, Lab, Mistake
from engine.params import Matrix, Params, choice, integer, matrix
from engine.results.windows import (
    Box,
    Slide,
    alone,
    known,
    left_out,
    opening,
    padded,
    picked,
    products,
    section,
    window_at,
    written,
)
from engine.seeding import generator

STRIDES, PADDINGS = range(1, 5), range(5)
MOST = 17**2
CORNER = ((1, 2, 0), (0, -1, 0), (0, 0, 1))
SHAPES = {"edge": "Vertical edge", "sum": "All ones", "corner": "Lopsided", "own": "Your own"}


class PaddingStride(Params):
    """What a person can move."""

    f: int = integer(3, low=1, high=7, hint=(1, 5, 1), label="Kernel f", help="Rows and columns of the kernel.")
    padding: Literal["valid", "same", "own"] = choice(
        "same",
        label="Padding",
        help="Valid: no zeros. Same: p = (f − 1)/2, which keeps the size at stride 1. Or your own p.",
        names={"valid": "Valid, p = 0", "same": "Same, p = (f − 1)/2", "own": "Your own p"},
    )
    p: int = integer(2, low=0, high=4, label="Your own p", help="Rings of zeros around the picture.")
    stride: int = integer(2, low=1, high=4, label="Stride s", help="How far the window moves at a time.")
    mode: Literal["correlation", "convolution"] = choice(
        "correlation",
        label="Operation",
        help="Deep learning's convolution is cross-correlation; the mathematicians' turns the kernel by 180° first.",
        names={"correlation": "Cross-correlation", "convolution": "True convolution"},
    )
    window: int = integer(
        5,
        low=1,
        high=MOST,
        hint=(1, 81, 1),
        label="Window",
        help="Which window to open at. Clicking the input or the output picks one too; beyond the last is the last.",
    )
    n: int = integer(6, low=3, high=9, label="Picture n", help="Rows and columns of the picture.", more=True)
    picture: Literal["numbers", "edge"] = choice(
        "numbers",
        label="Picture",
        help="Whole numbers from 0 to 9 by the seed, or a bright half of tens.",
        names={"numbers": "Numbers", "edge": "Bright half"},
        more=True,
    )
    kernel: Literal["edge", "sum", "corner", "own"] = choice(
        "corner", label="Kernel", help="The weights that slide over the picture.", names=SHAPES, more=True
    )
    own: Matrix = matrix(
        CORNER,
        low=-9,
        high=9,
        label="Your own kernel",
        help="Used when the kernel is your own, and f is its.",
        more=True,
    )


def chosen_picture(params: PaddingStride) -> Tensor:
    """The picture (n, n) in whole numbers."""
    if params.picture == "edge":
        return (10.0 * (torch.arange(params.n) < params.n // 2)).expand(params.n, params.n).double()
    return torch.randint(10, (params.n, params.n), generator=generator(params.seed)).double()


def chosen_kernel(params: PaddingStride) -> Tensor:
    """The kernel (f, f) as it is written down."""
    if params.kernel == "own":
        return torch.tensor(params.own, dtype=torch.float64)
    kernel = torch.full((params.f, params.f), float(params.kernel == "sum"), dtype=torch.float64)
    if params.kernel == "edge":
        kernel[:, 0], kernel[:, -1] = 1, -1
    if params.kernel == "corner":
        kernel.diagonal().copy_(torch.arange(params.f) - 1)
        kernel[0, 0], kernel[0, -1] = 1, 2
    return kernel


def chosen_slide(params: PaddingStride) -> Slide:
    """How the window slides."""
    f = len(chosen_kernel(params))
    return Slide(params.n, f, {"valid": 0, "same": (f - 1) // 2, "own": params.p}[params.padding], params.stride)


def slide_over(picture: Tensor, kernel: Tensor, slide: Slide, flipped: bool) -> Tensor:
    """The output (side, side) of one kernel (f, f) over one picture (n, n); true convolution flips the kernel first."""
    weights = kernel.flip(0, 1) if flipped else kernel
    no_bias = picture.new_zeros(1)
    return conv_forward(picture[None, None], weights[None, None], no_bias, slide.stride, slide.padding)[0, 0]


def size_table(n: int, f: int) -> np.ndarray:
    """The output's side by padding (5 rows) and stride (4 columns), NaN where no window fits."""
    fits = [[output_size(n, f, p, s) if f <= n + 2 * p else math.nan for s in STRIDES] for p in PADDINGS]
    return np.array(fits, np.float32)


def run(params: PaddingStride) -> Frames:
    """One frame a window."""
    picture, kernel, slide = chosen_picture(params), chosen_kernel(params), chosen_slide(params)
    flipped = params.mode == "convolution"
    used = (kernel.flip(0, 1) if flipped else kernel).numpy()
    output = slide_over(picture, kernel, slide, flipped).numpy()
    patches = windows(zero_pad(picture, slide.padding), slide.f, slide.stride).numpy()
    fixed = fixed_figures(kernel, slide, flipped)
    reach = float(np.abs(output).max()) or 1.0
    steps = section(slide.count, params.window - 1)
    order = np.arange(1, slide.count + 1).reshape(output.shape)
    for t in steps:
        (i, j), box = slide.place(t), slide.box(t)
        patch, total = patches[i, j], f"sum {output[i, j]:g}"
        seen = padded(picture.numpy()[None, None], slide.padding, lit={(0, 0): box}, lost=slide.lost)
        yield Frame(
            figures={
                "Input": figures.grid(seen, 9.0),
                "Output": figures.grid(alone(known(output, t + 1), Box(i, j, 1, 1)), reach, steps=order),
                "One window": figures.grid(alone(patch * used, texts=products(patch, used)), total=total),
                **fixed,
            },
            says=(
                f"Window {t + 1} of {slide.count} covers rows {box.top} to {box.top + slide.f - 1} and columns {box.left} to "
                f"{box.left + slide.f - 1}: {written(patch.ravel(), used.ravel())} = {output[i, j]:g}."
            ),
            note=f"{size_in_words(params, slide)} {left_out(steps, slide.count)}".rstrip(),
            metrics={
                "Window": f"{t + 1} of {slide.count}",
                "Output": f"{slide.side} × {slide.side}",
                "Padding p": f"{slide.padding}",
                "Rows never reached": f"{slide.lost}",
            },
            progress=(t - steps.start + 1) / len(steps),
        )


def fixed_figures(kernel: Tensor, slide: Slide, flipped: bool) -> dict[str, Any]:
    """What every step shares: both kernels, the one in use framed, and the table of sizes."""
    whole, here = Box(0, 0, slide.f, slide.f), (slide.stride, slide.padding)
    return {
        "Kernel": figures.grid(alone(kernel.numpy(), None if flipped else whole)),
        "Kernel turned by 180°": figures.grid(alone(kernel.flip(0, 1).numpy(), whole if flipped else None)),
        "Output size": figures.sizes(size_table(slide.n, slide.f), STRIDES, PADDINGS, here, slide.n),
    }


def size_in_words(params: PaddingStride, slide: Slide) -> str:
    """The size formula with its numbers, and what it rounds away."""
    reach = params.n + 2 * slide.padding - slide.f
    size = (
        f"Size: ⌊(n + 2p − f)/s⌋ + 1 = ⌊({params.n} + 2·{slide.padding} − {slide.f})/{slide.stride}⌋ + 1 = "
        f"⌊{reach / slide.stride:.4g}⌋ + 1 = {slide.side}."
    )
    rows = "row and column" if slide.lost == 1 else f"{slide.lost} rows and columns"
    lost = f" The stride doesn't fit: no window reaches the last {rows} of the padded picture." if slide.lost else ""
    skips = " A stride beyond f skips the cells between two windows." if slide.stride > slide.f else ""
    even = params.padding == "same" and slide.f % 2 == 0
    return size + lost + skips + (" An even f has no whole (f − 1)/2, so the size isn't kept." if even else "")


def respond(params: PaddingStride, event: Event) -> Mapping[str, Any]:
    """A click picks a window, by its output or by a cell that it covers, or a padding and a stride."""
    try:
        slide = chosen_slide(params)
    except BadInput:
        return {}
    if event.figure == "Output size":
        cell = picked(event.x, event.y, len(PADDINGS), STRIDES.stop)
        fits = cell and cell[:2] == (0, 0) and cell[3] in STRIDES
        return {"padding": "own", "p": cell[2], "stride": cell[3]} if cell and fits else {}
    if event.figure not in ("Input", "Output"):
        return {}
    found = window_at(slide, event.x, event.y, event.figure == "Output")
    return {"window": found[2] + 1} if found and found[:2] == (0, 0) else {}


def same_padding(params: PaddingStride) -> Mistake:
    """What one ring of zeros makes of the picture's size, counted."""
    n, f = params.n, min(len(chosen_kernel(params)), params.n + 2)
    side = len(slide_over(chosen_picture(params), torch.ones(f, f, dtype=torch.float64), Slide(n, f, 1), False))
    return Mistake(
        wrong=f"p = 1 makes {n} x {n} into {n + 1} x {n + 1}.",
        right=f"With f = {f} there are n + 2p − f + 1 = {n} + 2 − {f} + 1 = {side} windows along each side, as counted.",
    )


LAB = Lab(
    slug="padding-stride",
    summary="Slide a window over a small picture, step by step: zeros around it, strides, and what size comes out.",
    params=PaddingStride,
    run=run,
    look_for=(
        "Step through the windows, or click a number of the output to light the window that made it. Without padding, a "
        "3 x 3 kernel at stride 1 sees a corner once and a cell in the middle nine times; a stride that doesn't fit leaves "
        "dimmed cells that no window reaches. For which kernels does true convolution give the same output?"
    ),
    maths=(
        r"$$z_{ij} = \sum_{u=0}^{f-1} \sum_{v=0}^{f-1} x_{is+u-p,\ js+v-p}\, k_{uv}, \qquad "
        r"n_{out} = \left\lfloor \frac{n + 2p - f}{s} \right\rfloor + 1$$"
        "\n\n"
        r"Valid is $p = 0$. Same is $p = \frac{f-1}{2}$, so that $n_{out} = n$ at $s = 1$, and $\lceil n/s \rceil$ "
        r"for an odd $f$ otherwise. True convolution puts $k_{f-1-u,\,f-1-v}$ in place of $k_{uv}$."
    ),
    code=(conv_forward, windows, zero_pad, output_size, slide_over),
    presets={
        "Valid": {"padding": "valid", "stride": 1, "window": 6},
        "Same": {"padding": "same", "stride": 1, "window": 1},
        "Stride doesn't fit": {"padding": "valid", "stride": 2, "n": 8, "window": 9},
        "True convolution": {"mode": "convolution", "stride": 1},
        "The course's edge": {"picture": "edge", "kernel": "edge", "padding": "valid", "stride": 1, "window": 2},
        "5 x 5 kernel": {"f": 5, "n": 7, "stride": 1, "window": 25},
    },
    mistakes={"same-padding": same_padding},
    rows=(("Input", "One window", "Output"), ("Kernel", "Kernel turned by 180°", "Output size")),
    listens=("click",),
    respond=respond,
    opens=lambda params: opening(chosen_slide(params).count, params.window - 1),
)
