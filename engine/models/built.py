"""A convolutional network from rows of layers, as a module and as the program that defines it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from engine.errors import BadInput

Row = tuple[Any, ...]


def build(rows: Sequence[Row], side: int, channels: int) -> nn.Sequential:
    """The network for pictures (m, channels, side, side); ReLU follows every layer with weights but the last.

    Raises:
        BadInput: A layer can't stand where it stands; the sentence says which one and why.
    """
    network = nn.Sequential()
    for name, module, _ in _parts(rows, side, channels):
        network.add_module(name, module)
    return network


def program(rows: Sequence[Row], side: int, channels: int) -> str:
    """The same network as a class of its own."""
    lines = [f"            {text},  # {name}" for name, _, text in _parts(rows, side, channels)]
    return "\n".join(
        [
            "from torch import Tensor, nn",
            "",
            "",
            "class Network(nn.Module):",
            f'    """Pictures (m, {channels}, {side}, {side}) to what the last layer makes of them."""',
            "",
            "    def __init__(self) -> None:",
            "        super().__init__()",
            "        self.layers = nn.Sequential(",
            *lines,
            "        )",
            "",
            "    def forward(self, x: Tensor) -> Tensor:",
            "        return self.layers(x)",
            "",
        ]
    )


def _parts(rows: Sequence[Row], side: int, channels: int) -> list[tuple[str, nn.Module, str]]:
    """Name, module and program text of each layer, activations and the flattening among them."""
    parts: list[tuple[str, nn.Module, str]] = []
    units, last = 0, max((i for i, row in enumerate(rows) if row[0] in ("conv", "dense")), default=-1)
    for i, (kind, *numbers) in enumerate(rows):
        if kind == "dense":
            if not units:
                units = channels * side**2
                parts.append(("flatten", nn.Flatten(), "nn.Flatten()"))
            module: nn.Module = nn.Linear(units, numbers[0])
            text, units = f"nn.Linear({units}, {numbers[0]})", numbers[0]
        else:
            _check(i, kind, numbers, side, units)
            module, text, side, channels = _sliding(kind, numbers, side, channels)
        parts.append((f"{kind}{i + 1}", module, text))
        if kind in ("conv", "dense") and i < last:
            parts.append((f"relu{i + 1}", nn.ReLU(), "nn.ReLU()"))
    return parts


def _sliding(kind: str, numbers: Sequence[int], side: int, channels: int) -> tuple[nn.Module, str, int, int]:
    """A layer that slides a window, its text, and the side and channels of its output."""
    if kind == "conv":
        filters, size, stride, padding = numbers
        arguments = f"{channels}, {filters}, {size}, stride={stride}, padding={padding}"
        after = (side + 2 * padding - size) // stride + 1
        return nn.Conv2d(channels, filters, size, stride, padding), f"nn.Conv2d({arguments})", after, filters
    size, stride = numbers
    name = "MaxPool2d" if kind == "max" else "AvgPool2d"
    return getattr(nn, name)(size, stride), f"nn.{name}({size}, stride={stride})", (side - size) // stride + 1, channels


def _check(place: int, kind: str, numbers: Sequence[int], side: int, units: int) -> None:
    what = f"Layer {place + 1} ({'conv' if kind == 'conv' else f'{kind} pool'})"
    if units:
        raise BadInput(
            f"{what} must stand before every dense layer, got it after one: there are no maps left to slide over."
        )
    size, padding = (numbers[1], numbers[3]) if kind == "conv" else (numbers[0], 0)
    if size > side + 2 * padding:
        holds = f"{side} x {side}" + (f" with padding {padding}" if padding else "")
        raise BadInput(f"{what} must have a window that fits into the {holds} that reach it, got {size} x {size}.")


def initialize(rows: Sequence[Row], side: int, channels: int, seed: int) -> nn.Sequential:
    """The network at a random start that depends on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build(rows, side, channels)
