"""Transposed convolution: every input number lays down its multiple of the kernel, and overlaps add."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from engine.figures import stamps
from engine.functional.convolution import conv_forward, spread
from engine.functional.transposed import (
    convolution_matrix,
    stamps_a_cell,
    stamps_so_far,
    tent,
    transposed,
    transposed_matrix,
    transposed_size,
)
from engine.lab import Event, Frame, Frames, Lab
from engine.params import Matrix, Params, choice, integer, matrix
from engine.results.windows import Box, left_out, opening, picked, section, shown
from engine.seeding import generator

COURSE_X, COURSE_K = ((2, 1), (3, 2)), ((1, 2, 1), (2, 0, 1), (0, 2, 1))
MOST_ENTRIES = 1300
COUNTED = 5
KERNELS = {"course": "The course's 3 x 3", "ones": "All ones", "tent": "Bilinear", "own": "Your own"}
INPUTS = {"course": "The course's 2 x 2", "numbers": "Numbers", "ones": "All ones", "one": "A single 1"}


class TransposedConv(Params):
    """What a person can move."""

    input: Literal["course", "numbers", "ones", "one"] = choice(
        "course", label="Input", help="The course's example, or n x n cells; numbers follow the seed.", names=INPUTS
    )
    kernel: Literal["course", "ones", "tent", "own"] = choice(
        "course", label="Kernel", help="The stamp: each input cell lays down its multiple of it.", names=KERNELS
    )
    stride: int = integer(2, low=1, high=4, label="Stride s", help="How far apart the stamps lie in the output.")
    padding: int = integer(1, low=0, high=3, label="Padding p", help="Rings cut away from the output's border.")
    step: int = integer(
        2,
        low=1,
        high=75,
        hint=(1, 25, 1),
        label="Stamp",
        help="Which stamp to open at; click an input cell to pick it.",
    )
    f: int = integer(3, low=1, high=7, hint=(1, 5, 1), label="Kernel f", help="Rows and columns of ones and bilinear.")
    n: int = integer(3, low=1, high=5, label="Input n", help="Rows and columns; the course's input has 2.", more=True)
    channels: int = integer(
        1, low=1, high=3, label="Input channels", help="Each has a kernel of its own; all stamps add up.", more=True
    )
    extra: int = integer(
        1, low=0, high=3, label="Output padding", help="Rows added at the end, below s; the course's has 1.", more=True
    )
    own: Matrix = matrix(
        COURSE_K, low=-9, high=9, label="Your own kernel", help="Used when the kernel is your own, f is its.", more=True
    )


def chosen_input(params: TransposedConv) -> Tensor:
    """The input (c, n, n); further channels are turned by quarters."""
    n = params.n
    x = {
        "course": lambda: torch.tensor(COURSE_X),
        "numbers": lambda: torch.randint(0, 6, (n, n), generator=generator(params.seed)),
        "ones": lambda: torch.ones(n, n),
        "one": lambda: torch.arange(n * n).view(n, n) == n * n // 2,
    }[params.input]()
    return torch.stack([x.rot90(turns) for turns in range(params.channels)]).double()


def chosen_kernels(params: TransposedConv) -> Tensor:
    """One kernel for each input channel, (c, 1, f, f), further ones turned by quarters."""
    k = tent(params.f) if params.kernel == "tent" else torch.ones(params.f, params.f)
    if params.kernel in ("course", "own"):
        k = torch.tensor(COURSE_K if params.kernel == "course" else params.own)
    return torch.stack([k.rot90(turns) for turns in range(params.channels)])[:, None].double()


def extra_of(params: TransposedConv) -> int:
    """The output padding, which must stay below the stride."""
    return min(params.extra, params.stride - 1)


def size_of(params: TransposedConv) -> int:
    """The output's side; BadInput if there is none."""
    n, f = chosen_input(params).shape[-1], chosen_kernels(params).shape[-1]
    return transposed_size(n, f, params.padding, params.stride, extra_of(params))


def both_products(params: TransposedConv) -> tuple[float, float]:
    """⟨conv(y), x⟩ and ⟨y, transposed(x)⟩ for a y (side, side) of whole numbers drawn by the seed: the same number."""
    x, w, side = chosen_input(params), chosen_kernels(params), size_of(params)
    y = torch.randint(-5, 6, (1, 1, side, side), generator=generator(params.seed, 1)).double()
    down = conv_forward(y, w, w.new_zeros(len(w)), params.stride, params.padding)[0]
    up = transposed(x[None], w, params.stride, params.padding, extra_of(params))
    return float((down * x).sum()), float((y * up).sum())


def run(params: TransposedConv) -> Frames:
    """One frame a stamp."""
    x, w, side = chosen_input(params), chosen_kernels(params), size_of(params)
    sums, counts = (t.numpy() for t in stamps_so_far(x, w, params.stride, extra_of(params)))
    canvases, reach = np.where(counts > 0, sums, np.nan), float(np.abs(sums).max()) or 1.0
    counted = stamps_a_cell(w.shape[-1], params.stride, COUNTED).numpy()
    kernels, measured, both = stamps.kernels(w.numpy(), counted), metrics(params, side), matrices(params)
    steps = section(x.numel(), params.step - 1)
    for t in steps:
        c, i, j = (int(at) for at in np.unravel_index(t, x.shape))
        box = Box(i * params.stride - params.padding, j * params.stride - params.padding, w.shape[-1], w.shape[-1])
        yield Frame(
            figures={
                **stamps.one(x.numpy(), w.numpy(), (c, i, j)),
                "Output": stamps.output(canvases[t], params.padding, box, reach),
                **kernels,
                **(stamps.matrices(*both, t) if both else {}),
            },
            says=(
                f"Stamp {t + 1} of {x.numel()}: input {shown(float(x[c, i, j]))} in row {i}, column {j} lays its multiple of "
                f"the {box.width} × {box.width} kernel over rows {box.top} to {box.top + box.height - 1} and columns "
                f"{box.left} to {box.left + box.width - 1}, adding to {met(counts, t)} cells that hold something already."
            ),
            note=f"{size_in_words(params, side)} {left_out(steps, x.numel())}".rstrip(),
            metrics={"Stamp": f"{t + 1} of {x.numel()}", **measured},
            progress=(t - steps.start + 1) / len(steps),
        )


def met(counts: np.ndarray, t: int) -> int:
    """How many cells that hold something already stamp ``t`` adds to; ``counts`` are the stamps on each cell by then."""
    return int(((counts[t] > counts[t - 1]) & (counts[t - 1] > 0)).sum()) if t else 0


def metrics(params: TransposedConv, side: int) -> dict[str, str]:
    """What every step shares in numbers."""
    left, right = both_products(params)
    f, s = chosen_kernels(params).shape[-1], params.stride
    return {
        "Output": f"{side} × {side}",
        "Stamps a cell": f"up to {stamps_a_cell(f, s, COUNTED).max():g}, {'uneven' if f % s else 'even'}",
        "⟨conv(y), x⟩ = ⟨y, convᵀ(x)⟩": f"{left:.4g} = {right:.4g}",
    }


def matrices(params: TransposedConv) -> tuple[np.ndarray, np.ndarray] | None:
    """W (c n², side²), made by convolving, and the transposed convolution's matrix (side², c n²), made by stamping.

    None where they are too large to be looked at.
    """
    w, n, side = chosen_kernels(params), chosen_input(params).shape[-1], size_of(params)
    if len(w) * n**2 * side**2 > MOST_ENTRIES:
        return None
    down = convolution_matrix(w, side, params.stride, params.padding)
    return down.numpy(), transposed_matrix(w, n, params.stride, params.padding, extra_of(params)).numpy()


def size_in_words(params: TransposedConv, side: int) -> str:
    """The size formula with its numbers, and what becomes of the overlaps."""
    n, f = chosen_input(params).shape[-1], chosen_kernels(params).shape[-1]
    s, p, extra = params.stride, params.padding, extra_of(params)
    size = f"Size: (n − 1)s − 2p + f + extra = {n - 1}·{s} − 2·{p} + {f} + {extra} = {side}."
    if f < s:
        return f"{size} The kernel is smaller than the stride, so cells between the stamps stay empty."
    if f % s:
        return f"{size} The stride doesn't divide the kernel: some cells get more stamps than others, a checkerboard."
    return f"{size} The stride divides the kernel: inside, every cell gets {(f // s) ** 2} stamps."


def respond(params: TransposedConv, event: Event) -> Mapping[str, Any]:
    """A click on an input cell goes to its stamp."""
    x = chosen_input(params)
    cell = picked(event.x, event.y, x.shape[-1], x.shape[-1]) if event.figure == "Input" else None
    if cell is None or cell[0] or cell[1] >= len(x):
        return {}
    return {"step": int(np.ravel_multi_index(cell[1:], x.shape)) + 1}


LAB = Lab(
    slug="transposed-conv",
    summary="Stamp the kernel down once for every input cell, and watch the stamps add up to a larger picture.",
    params=TransposedConv,
    run=run,
    look_for=(
        "A convolution reads a window for each output; the transposed one writes a window for each input, and where the "
        "windows overlap their numbers add. Row by row, W of the convolution holds the same stamps that Wᵀ holds column by "
        "column. With a kernel of ones and a constant input, which strides leave the inside of the output even, and which "
        "make a checkerboard?"
    ),
    maths=(
        r"$$y_{is+u-p,\ js+v-p} \mathrel{+}= x_{ij}\, k_{uv}, \qquad n_{out} = (n - 1)s - 2p + f + \text{extra}$$"
        "\n\n"
        r"As vectors, the convolution is $x = W y$ and the transposed convolution $y = W^T x$: its adjoint, "
        r"$\langle W y, x \rangle = \langle y, W^T x \rangle$ for all $x$ and $y$, and not its inverse."
        "\n\n"
        r"A cell inside gets $\lfloor f/s \rfloor$ or $\lceil f/s \rceil$ stamps along each side: the same everywhere only "
        r"where $s$ divides $f$."
    ),
    code=(transposed, spread, convolution_matrix, transposed_matrix, both_products),
    presets={
        "First stamp": {"step": 1},
        "Checkerboard": {"input": "ones", "kernel": "ones", "padding": 0, "extra": 0, "step": 9},
        "Even stamps": {"input": "ones", "kernel": "ones", "f": 4, "step": 9, "extra": 0},
        "Bilinear": {"input": "one", "kernel": "tent", "f": 4, "step": 5, "extra": 0},
        "Gaps": {"input": "numbers", "kernel": "ones", "f": 2, "stride": 3, "padding": 0, "extra": 0, "step": 5},
        "Two channels": {"channels": 2, "step": 6},
    },
    rows=(
        ("Input", "Stamp", "Output"),
        ("Kernel", "Stamps on each cell"),
        ("Convolution W", "Transposed convolution Wᵀ"),
    ),
    listens=("click",),
    respond=respond,
    opens=lambda params: opening(chosen_input(params).numel(), params.step - 1),
)
