"""What excites the units of a convolutional network most, after Zeiler and Fergus 2014, section 4."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from engine.functional.convolution import Field, receptive_field
from engine.models.atlas20 import Atlas20

NINE = 9


class Peaks(NamedTuple):
    """What a layer's units have shown so far.

    ``value``, ``picture``, ``row`` and ``column`` (units, up to 9) are each unit's strongest activations, one a picture,
    the strongest first; ``total`` and ``silent`` (units,) are the sum of all activations and the count of those at 0, of
    ``seen`` places a unit.
    """

    value: Tensor
    picture: Tensor
    row: Tensor
    column: Tensor
    total: Tensor
    silent: Tensor
    seen: int

    @property
    def places(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The strongest activations and where they are: value, picture, row, column."""
        return self.value, self.picture, self.row, self.column


def layer_maps(network: Atlas20, x: Tensor) -> Iterator[tuple[str, Tensor]]:
    """The activations (m, units, h, w) after the stem and after each block, for pictures x (m, 3, height, width)."""
    a = network.stem(network.scaled(x))
    yield "stem", a
    for number, block in enumerate(network.blocks, start=1):
        a = block(a)
        yield f"block{number}", a


def layer_fields(network: Atlas20, n: int) -> dict[str, Field]:
    """What a unit of each layer sees of a picture n pixels wide; the way round a block's skip sees less, so it adds none."""
    stem = network.stem[0]
    assert isinstance(stem, nn.Conv2d)
    steps, ends = [stem], {"stem": 1}
    for number, block in enumerate(network.blocks, start=1):
        steps += [block.conv1, block.conv2]  # type: ignore[list-item]
        ends[f"block{number}"] = len(steps)
    shapes = [(c.kernel_size[0], c.stride[0], int(c.padding[0])) for c in steps]
    fields = receptive_field(n, shapes)
    return {layer: fields[end] for layer, end in ends.items()}


def field_box(field: Field, row: int, column: int) -> tuple[int, int, int, int]:
    """The pixels that a unit sees: from (left, top) up to but without (right, bottom); they may lie outside the picture."""
    left, top = (round(field.start - field.size / 2) + field.jump * at for at in (column, row))
    return left, top, left + field.size, top + field.size


def first_peaks(maps: Tensor, first: int) -> Peaks:
    """The peaks of the pictures ``first``, ``first`` + 1, ... from one layer's activations (m, units, h, w)."""
    m, units, _, w = maps.shape
    value, place = maps.flatten(2).max(-1)  # (m, units)
    picture = torch.arange(first, first + m).expand(units, m)
    silent = (maps == 0).sum((0, 2, 3))
    every = Peaks(value.T, picture, place.T // w, place.T % w, maps.sum((0, 2, 3)), silent, maps[:, 0].numel())
    return strongest_of(every)


def strongest_of(peaks: Peaks) -> Peaks:
    """Each unit's nine strongest; of equals the picture seen first."""
    order = peaks.value.argsort(dim=1, descending=True, stable=True)[:, :NINE]
    value, picture, row, column = (part.gather(1, order) for part in peaks.places)
    return peaks._replace(value=value, picture=picture, row=row, column=column)


def merged(one: Peaks, other: Peaks) -> Peaks:
    """The peaks over the pictures of both, ``one``'s seen first."""
    pairs = zip(one.places, other.places, strict=True)
    value, picture, row, column = (torch.cat(pair, 1) for pair in pairs)
    total, silent, seen = one.total + other.total, one.silent + other.silent, one.seen + other.seen
    return strongest_of(Peaks(value, picture, row, column, total, silent, seen))


@torch.no_grad()
def search(network: Atlas20, batches: Iterable[Tensor]) -> Iterator[tuple[int, dict[str, Peaks]]]:
    """How many pictures have been seen, and every layer's peaks among them, after each batch (m, 3, h, w)."""
    found: dict[str, Peaks] = {}
    seen = 0
    for x in batches:
        for layer, maps in layer_maps(network, x):
            fresh = first_peaks(maps, seen)
            found[layer] = merged(found[layer], fresh) if layer in found else fresh
        seen += len(x)
        yield seen, dict(found)
