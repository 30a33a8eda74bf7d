"""An inception module by branch, and GoogLeNet by module."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch

from engine.models.counting import Layer, count, layers
from engine.models.inception import BRANCHES, GOOGLENET, Inception

STEM = ("conv1", "conv2", "conv3")
# Behind which module a head hangs: its name here and in torchvision.
HEADS = {"4a": ("head 1", "aux1"), "4d": ("head 2", "aux2")}


@dataclass(frozen=True)
class Branch:
    """A branch's layers from the input on; ``channels`` is what it adds to the concatenation."""

    name: str
    steps: tuple[Layer, ...]

    @property
    def channels(self) -> int:
        """Channels of its last layer's output."""
        return self.steps[-1].shape[0]

    @property
    def multiplications(self) -> int:
        """Of its convolutions."""
        return sum(step.multiplications for step in self.steps)

    @property
    def parameters(self) -> int:
        """Weights and biases of its convolutions."""
        return sum(step.parameters for step in self.steps)


@dataclass(frozen=True)
class Part:
    """A part of GoogLeNet: multiplications as published, and as torchvision has them, and torchvision's parameters."""

    name: str
    kind: str
    published: int
    torchvision: int
    parameters: int


@lru_cache(maxsize=64)
def module(name: str, bottleneck: bool) -> tuple[Branch, ...]:
    """The four branches of one of GoogLeNet's modules, counted."""
    widths = GOOGLENET[name]
    with torch.device("meta"):
        rows = count(Inception(widths, BRANCHES, bottleneck), (widths.channels, widths.side, widths.side))
    found: dict[str, list[Layer]] = {branch: [] for branch in BRANCHES}
    for row in rows:
        if row.kind != "activation":
            found[row.name.split(".")[1]].append(row)
    return tuple(Branch(branch, tuple(steps)) for branch, steps in found.items())


def googlenet() -> tuple[Part, ...]:
    """GoogLeNet from stem to classifier, its two auxiliary heads behind the modules they hang on."""
    rows = layers("googlenet", 224, training=True)

    def part(label: str, kind: str, *paths: str, published: int | None = None) -> Part:
        members = [row for row in rows if row.name.split(".")[0] in paths]
        counted = sum(row.multiplications for row in members)
        return Part(
            label, kind, counted if published is None else published, counted, sum(r.parameters for r in members)
        )

    parts = [part("stem", "stem", *STEM)]
    for name in GOOGLENET:
        published = sum(branch.multiplications for branch in module(name, True))
        parts.append(part(name, "module", f"inception{name}", published=published))
        if name in HEADS:
            label, path = HEADS[name]
            parts.append(part(label, "head", path))
    return (*parts, part("end", "end", "fc"))


def reach(weight: float) -> dict[str, tuple[float, float, float]]:
    """For each part the weights of the losses whose gradient passes it: the last one's, head 2's and head 1's."""
    names = list(GOOGLENET)
    first, second = (names.index(name) for name in HEADS)
    return {name: (1.0, weight * (at <= second), weight * (at <= first)) for at, name in enumerate(names)}
