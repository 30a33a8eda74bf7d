"""Networks as rows of layers: their tables, their stages, and the arithmetic of one layer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import torch
from torch import nn

from engine.models.counting import NETWORKS, SIDES, USUAL_SIDE, Layer, count, layers, numbered

# What a table or a figure of layers leaves out: layers without weights that keep the shape.
QUIET = ("norm", "activation", "other")
DENSE = "dense"


@dataclass(frozen=True)
class Stage:
    """The layers between two changes of the map's size: ``halvings`` of the input's side, or -1 behind the last map."""

    label: str
    halvings: int
    layers: tuple[Layer, ...]
    names: tuple[str, ...]

    @property
    def parameters(self) -> int:
        """Parameters of all its layers."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def multiplications(self) -> int:
        """Multiplications of all its layers for one input."""
        return sum(layer.multiplications for layer in self.layers)


@dataclass(frozen=True)
class Architecture:
    """A network's layers for one picture of ``side`` pixels along each side."""

    title: str
    side: int
    layers: tuple[Layer, ...]

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def multiplications(self) -> int:
        """Of convolutions and dense layers, for one picture."""
        return sum(layer.multiplications for layer in self.layers)

    @property
    def memory(self) -> int:
        """Bytes of all activations of one picture in single precision, those that are overwritten left out."""
        return sum(layer.memory for layer in self.layers)

    @cached_property
    def names(self) -> list[str]:
        """A short name for each layer."""
        return numbered(self.layers)

    @cached_property
    def shown(self) -> list[int]:
        """The layers that convolve, pool or multiply, by their place."""
        return [at for at, layer in enumerate(self.layers) if layer.kind not in QUIET and not _idle(layer)]

    @cached_property
    def stages(self) -> list[Stage]:
        """The layers grouped by the size of their map, in order; those behind the last map are dense."""
        found: dict[int, list[int]] = {}
        for at, halvings in enumerate(self._halvings()):
            found.setdefault(halvings, []).append(at)
        stages = []
        for halvings, places in found.items():
            members = tuple(self.layers[at] for at in places)
            side = max(layer.side for layer in members)
            label = DENSE if halvings < 0 else f"{side} × {side}"
            stages.append(Stage(label, halvings, members, tuple(self.names[at] for at in places)))
        return stages

    def _halvings(self) -> list[int]:
        """How often each layer's stage has halved the input's side; what sees a whole map counts with what follows."""
        halvings, side = [], 1
        for layer in reversed(self.layers):
            side = layer.side if layer.side > 1 else side
            halvings.append(-1 if side == 1 else round(math.log2(self.side / side)))
        return halvings[::-1]

    def table(self) -> dict[str, list[Any]]:
        """One row a layer, those without weights that keep the shape left out."""
        rows = [(self.names[at], self.layers[at]) for at in self.shown]
        return {
            "Layer": [name for name, _ in rows],
            "Window": [window(layer) for _, layer in rows],
            "Output": [shape(layer.shape) for _, layer in rows],
            "Parameters": [f"{layer.parameters:,}" for _, layer in rows],
            "Multiplications": [f"{layer.multiplications:,}" for _, layer in rows],
            "Activations (kB)": [f"{layer.memory / 1000:,.1f}" for _, layer in rows],
        }


def architecture(name: str, side: int = 0) -> Architecture:
    """A network of :data:`NETWORKS` for a picture of this side, or of the side it was published with."""
    return Architecture(NETWORKS[name], side or SIDES.get(name, USUAL_SIDE), layers(name, side))


def totals(names: Sequence[str]) -> dict[str, list[Any]]:
    """Several networks, a row each, each at the side it was published with."""
    rows = [architecture(name) for name in names]
    return {
        "Network": [row.title for row in rows],
        "Parameters": [f"{row.parameters:,}" for row in rows],
        "Multiplications": [f"{row.multiplications:,}" for row in rows],
        "Activations (MB)": [f"{row.memory / 1e6:,.1f}" for row in rows],
    }


@lru_cache(maxsize=64)
def convolutions(side: int, channels: int, filters: int, kernels: tuple[int, ...]) -> tuple[Layer, ...]:
    """Same convolutions between the same two shapes, one for each size of kernel."""
    with torch.device("meta"):
        models = [nn.Conv2d(channels, filters, f, padding=f // 2) for f in kernels]
    return tuple(row for model in models for row in count(model, (channels, side, side)))


def shape(sizes: Sequence[int]) -> str:
    """Height by width by channels, as the course writes a shape given as (channels, height, width)."""
    return " × ".join(f"{n}" for n in (*sizes[1:], sizes[0]))


def _idle(layer: Layer) -> bool:
    """Whether a layer only adapts the size of other pictures and has nothing to do for this one."""
    return layer.kind == "pool" and not layer.stride and layer.inputs == layer.shape


def window(layer: Layer) -> str:
    """A layer's window in words, nothing where it slides none."""
    if not layer.stride:
        return f"to {layer.side} × {layer.side}" if layer.kind == "pool" else ""
    high, wide = layer.kernel
    parts = [f"{high} × {wide}", f"stride {layer.stride}"]
    parts += [f"padding {layer.padding}"] if layer.padding else []
    parts += [f"{layer.groups} groups"] if layer.groups > 1 else []
    return ", ".join(parts)


def arithmetic(layer: Layer) -> dict[str, str]:
    """Where a layer's output shape, parameters and multiplications come from, written out."""
    c, out = layer.inputs[0], layer.shape[0]
    numbers = math.prod(layer.shape)
    steps = {"Input": shape(layer.inputs)}
    if layer.stride:
        (f, _), s, p, n = layer.kernel, layer.stride, layer.padding, layer.inputs[1]
        steps["Side"] = f"⌊({n} + 2·{p} − {f}) / {s}⌋ + 1 = {layer.side}"
    steps["Output"] = shape(layer.shape)
    if layer.kind in ("conv", "depthwise"):
        weights = f"{layer.kernel[0]}·{layer.kernel[1]}·{c // layer.groups}"
        bias = layer.parameters - math.prod(layer.kernel) * (c // layer.groups) * out
        steps["Parameters"] = f"{weights}·{out}{f' + {bias}' if bias else ''} = {layer.parameters:,}"
        steps["Multiplications"] = f"{numbers:,} outputs · {weights} = {layer.multiplications:,}"
    elif layer.kind == "dense":
        steps["Parameters"] = f"{c:,}·{out:,} + {layer.parameters - c * out:,} = {layer.parameters:,}"
        steps["Multiplications"] = f"{c:,}·{out:,} = {layer.multiplications:,}"
    else:
        steps["Parameters"] = "0: it takes the largest or the mean of each window"
    return steps


def steps(layer: Layer, more: Mapping[str, str]) -> dict[str, list[str]]:
    """The arithmetic of a layer as two columns, with more rows below."""
    written = {**arithmetic(layer), **more}
    return {"What": list(written), "How": list(written.values())}


def millions(n: float) -> str:
    """A large number with three digits, in thousands, millions or billions."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if n >= size:
            return f"{n / size:.3g} {unit}" if n / size < 999.5 else f"{n / size:.0f} {unit}"
    return f"{n:.0f}"
