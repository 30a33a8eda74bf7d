"""Broadcasting as NumPy and PyTorch do it, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Axis:
    """One aligned axis: its size in both shapes, None where there is none, and in the result, None if they clash."""

    a: int | None
    b: int | None
    result: int | None


def align(a: Shape, b: Shape) -> list[Axis]:
    """The axes of both shapes from the left, lined up at their right ends."""
    axes = []
    for size_a, size_b in zip_longest(reversed(a), reversed(b)):
        sizes = {size for size in (size_a, size_b) if size not in (None, 1)}
        result = None if len(sizes) > 1 else sizes.pop() if sizes else 1
        axes.append(Axis(size_a, size_b, result))
    return axes[::-1]


def broadcast_shape(a: Shape, b: Shape) -> Shape | None:
    """The shape of the result: of every aligned pair the size that isn't 1; None if two sizes differ and neither is 1."""
    axes = align(a, b)
    return (
        None
        if any(axis.result is None for axis in axes)
        else tuple(axis.result for axis in axes if axis.result is not None)
    )


def clash(a: Shape, b: Shape) -> int | None:
    """Which axis fails, counted from the right as -1, -2, ...; the rightmost of several; None if none does."""
    for place, axis in enumerate(reversed(align(a, b)), 1):
        if axis.result is None:
            return -place
    return None
