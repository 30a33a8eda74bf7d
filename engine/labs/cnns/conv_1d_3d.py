"""Convolution over one axis and over three: the window slides along a heartbeat and through a volume."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from engine.data.volumes import SOLIDS, heartbeat
from engine.figures import sliding as figures
from engine.functional.convolution_nd import conv_nd, kernel_nd
from engine.lab import Event, Frame, Frames, Lab
from engine.params import Params, choice, integer, number
from engine.results.sliding import SignalSlide, VolumeSlide
from engine.seeding import generator

FILTERS = (16, 32)
CONVS: dict[str, type[nn.Module]] = {"signal": nn.Conv1d, "picture": nn.Conv2d, "volume": nn.Conv3d}
MOST = 24


class Conv1d3d(Params):
    """What a person can move."""

    kernel: Literal["average", "change", "peak", "random"] = choice(
        "change",
        label="Kernel",
        help="The weights that slide: a mean, the change along time or depth, the middle against the rest, or noise.",
        names={"average": "Average", "change": "Change", "peak": "Peak", "random": "Random"},
    )
    step: int = integer(
        3, low=0, high=MOST, hint=(0, 10, 1), label="Window", help="How many steps the window has gone, in both."
    )
    solid: Literal["head", "ball", "doughnut"] = choice(
        "head",
        label="Volume",
        help="What is drawn in the cube of voxels.",
        names={"head": "A head, as in a CT scan", "ball": "A ball", "doughnut": "A doughnut"},
    )
    size: Literal["3", "5", "7"] = choice("5", label="Kernel size f", help="f numbers for a signal, f³ for a volume.")
    stride: int = integer(1, low=1, high=3, label="Stride s", help="How far the window moves in a step.")
    n: int = integer(14, low=10, high=MOST, label="Input size n", help="n samples, and n slices of n x n voxels.")
    noise: float = number(
        0.03, low=0.0, high=0.5, hint=(0.0, 0.3, 0.01), label="Noise", help="Its deviation, in both.", more=True
    )
    beats: int = integer(1, low=1, high=3, label="Heartbeats", help="How many the samples span.", more=True)
    row: int = integer(
        4, low=0, high=MOST, label="Window's row", help="Of the volume's windows. Clicking a slice sets it.", more=True
    )
    column: int = integer(
        4, low=0, high=MOST, label="Window's column", help="As the row; clicking a slice sets both.", more=True
    )

    @property
    def f(self) -> int:
        """The kernel's size as a number."""
        return int(self.size)

    @property
    def windows(self) -> int:
        """How many windows fit along one axis."""
        return (self.n - self.f) // self.stride + 1


def inputs(params: Conv1d3d) -> tuple[Tensor, Tensor]:
    """The noisy signal (n,) and the noisy volume (n, n, n)."""
    random = generator(params.seed, 0)
    time = (torch.arange(params.n) + 0.5) / params.n * params.beats
    clean = heartbeat(time), SOLIDS[params.solid](params.n)
    signal, volume = (x + params.noise * torch.randn(x.shape, generator=random) for x in clean)
    return signal, volume.clamp(min=0)


def responses(params: Conv1d3d) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Input, kernel and response without batch and channel, for the signal and for the volume."""
    found = []
    for x in inputs(params):
        kernel = kernel_nd(params.kernel, params.f, x.dim(), generator(params.seed, x.dim()))
        found.append((x, kernel, conv_nd(x[None, None], kernel[None, None], torch.zeros(1), params.stride)[0, 0]))
    return found


def feature_maps(params: Conv1d3d, signal: Tensor, kernel: Tensor) -> list[Tensor]:
    """The activations (o, filters) of two layers with ReLU: random filters, the chosen kernel the first of all."""
    random, maps, a = generator(params.seed, 4), list[Tensor](), signal[None, None]
    for filters, stride in zip(FILTERS, (params.stride, 1), strict=True):
        if a.shape[-1] < params.f:
            break
        w = torch.randn(filters, a.shape[1], params.f, generator=random) * math.sqrt(2 / (a.shape[1] * params.f))
        if not maps:
            w[0, 0] = kernel
        a = torch.relu(conv_nd(a, w, torch.zeros(filters), stride))
        maps.append(a[0].T)
    return maps


def shapes(params: Conv1d3d) -> dict[str, list[str]]:
    """The shapes and parameters of both layers, counted on PyTorch's own modules: place first, channels last."""
    table: dict[str, list[str]] = {"": ["input", "layer 1", "layer 2", "parameters"]}
    for d, (name, conv) in enumerate(CONVS.items(), start=1):
        x, column, count = torch.empty(1, 1, *(params.n,) * d, device="meta"), [], 0
        column.append(written(x))
        for filters, stride in zip(FILTERS, (params.stride, 1), strict=True):
            if x.shape[-1] < params.f:
                column.append("doesn't fit")
                continue
            layer = conv(x.shape[1], filters, params.f, stride, device="meta")
            x, count = layer(x), count + sum(p.numel() for p in layer.parameters())
            column.append(written(x))
        table[f"{d}-D, a {name}"] = [*column, f"{count:,}"]
    return table


def written(x: Tensor) -> str:
    """A shape as the course writes it, 10 × 10 × 16: the places, then the channels."""
    return " × ".join(map(str, (*x.shape[2:], x.shape[1])))


def compact(column: Sequence[str]) -> str:
    """Shapes as in 14³→10³×16→6³×32: equal places as a power, a single channel left out."""
    short = []
    for shape in column:
        *places, channels = shape.split(" × ")
        power = places[0] + {1: "", 2: "²", 3: "³"}[len(places)] if places else channels
        short.append(power if not places or channels == "1" else f"{power}×{channels}")
    return "→".join(short)


def run(params: Conv1d3d) -> Frames:
    """One frame a window: the signal's, and the volume's at the same step along its depth."""
    (signal, k1, r1), (volume, k3, r3) = responses(params)
    time = torch.linspace(-0.5, params.n - 0.5, 201)
    smooth = time.numpy(), heartbeat((time + 0.5) / params.n * params.beats).numpy()
    maps, table = feature_maps(params, signal, k1), shapes(params)
    row, column = (min(at, params.windows - 1) for at in (params.row, params.column))
    for step in range(params.windows):
        one = SignalSlide(signal.numpy(), k1.numpy(), r1.numpy(), params.stride, step, smooth)
        three = VolumeSlide(volume.numpy(), k3.numpy(), r3.numpy(), params.stride, (step, row, column))
        yield frame(params, one, three, [m.numpy() for m in maps], table)


def frame(
    params: Conv1d3d, one: SignalSlide, three: VolumeSlide, maps: list[Any], table: Mapping[str, list[str]]
) -> Frame:
    """Both windows at one step."""
    at, f = one.at, params.f
    sums = (three.window * three.kernel).sum((1, 2))
    # The second layer slides by one over the first layer's places, so the f last places up to this one see it.
    seen = max(0, at - f + 1), min(at, params.windows - f)
    layers = {"Layer 1 of the signal": figures.features(maps[0], (at, at))}
    if len(maps) > 1:
        layers["Layer 2 of the signal"] = figures.features(maps[1], seen)
    here, there = float(one.response[at]), float(three.response[three.at])
    return Frame(
        figures={
            "Signal": figures.signal(one),
            "Response to the signal": figures.response(one),
            "One window": figures.products(one),
            **layers,
            "Volume": figures.slices(three),
            "Kernel of the volume": figures.kernel_slices(three),
            "Response to the volume": figures.response_slice(three),
        },
        says=(
            f"Window {at} of {params.windows}: {f} products add up to {here:.3f} on the signal and {f**3} to {there:.3f} in "
            f"the volume; two layers turn {params.n} numbers into {', then '.join(table['1-D, a signal'][1:3])}."
        ),
        metrics={
            "Signal": compact(table["1-D, a signal"][:3]),
            "Volume": compact(table["3-D, a volume"][:3]),
            "Sum on the signal": f"{here:.3f}",
            "Sum in the volume": f"{there:.3f}",
        },
        progress=(at + 1) / params.windows,
        tables={
            "Shapes: places × channels": dict(table),
            "The volume's sum, slice by slice": {
                "slice of the kernel": [*map(str, range(f)), "all"],
                f"sum of {f * f} products": [f"{s:.3f}" for s in (*sums, sums.sum())],
            },
        },
    )


def respond(params: Conv1d3d, event: Event) -> Mapping[str, Any]:
    """A click moves the window: along the signal or its response, or within a slice."""
    if not (math.isfinite(event.x) and math.isfinite(event.y)):
        return {}
    last = params.windows - 1

    def window(place: float) -> int:
        return round(min(max(place, 0), last))

    if event.figure == "Signal":
        return {"step": window((event.x - params.f // 2) / params.stride)}
    if event.figure == "Response to the signal":
        return {"step": window(event.x)}
    if event.figure == "Response to the volume":
        return {"row": window(event.y), "column": window(event.x)}
    place = figures.place_in_slice(params.n, event.x, event.y) if event.figure == "Volume" else None
    if place is None:
        return {}
    row, column = (window((at - params.f // 2) / params.stride) for at in place)
    return {"row": row, "column": column}


LAB = Lab(
    slug="conv-1d-3d",
    summary="Slide the same kind of kernel along a heartbeat and through a drawn volume, and follow the shapes.",
    params=Conv1d3d,
    run=run,
    look_for=(
        "Nothing changes but the number of axes: a window of f numbers, or of f·f·f, times a kernel of the same shape, summed "
        "to one number. 14 samples become 10 × 16 and 6 × 32, and 14 slices of 14 × 14 become 10 × 10 × 10 × 16 and "
        "6 × 6 × 6 × 32. Step through: the window goes forward in time, and deeper into the head. Where does the peak kernel "
        "answer most on the heartbeat, and why does the volume's second layer hold 25 times the weights of the signal's?"
    ),
    maths=(
        r"$$z_{i} = b + \sum_{u=0}^{f-1} x_{si+u}\, k_{u}, \qquad "
        r"z_{ijl} = b + \sum_{u,v,t=0}^{f-1} x_{si+u,\,sj+v,\,sl+t}\, k_{uvt}, \qquad "
        r"n \to \Big\lfloor \frac{n-f}{s} \Big\rfloor + 1$$"
        "\n\n"
        r"With $f = 5$, $s = 1$ and 16, then 32 filters: $14 \to 10 \times 16 \to 6 \times 32$, and "
        r"$14^3 \to 10^3 \times 16 \to 6^3 \times 32$. A layer has $(f^d c + 1)\,k$ parameters for $d$ axes, $c$ channels in "
        r"and $k$ filters."
    ),
    code=(conv_nd, kernel_nd, heartbeat, feature_maps, shapes),
    presets={
        "Find the heartbeat": {"kernel": "peak", "n": 24, "beats": 2, "step": 4},
        "Smooth the noise": {"kernel": "average", "noise": 0.2, "size": "3", "n": 24},
        "Into a doughnut": {"solid": "doughnut", "kernel": "peak", "size": "3", "step": 5},
        "Stride 2": {"stride": 2, "n": 20},
    },
    rows=(
        ("Signal", "Response to the signal", "One window"),
        ("Volume", "Kernel of the volume", "Response to the volume"),
        ("Layer 1 of the signal", "Layer 2 of the signal"),
    ),
    listens=("click",),
    respond=respond,
    opens=lambda params: min(params.step, params.windows - 1),
)
