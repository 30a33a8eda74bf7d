"""One equation of a propagation by hand, with the matrices in it."""

from __future__ import annotations

from dataclasses import dataclass

from engine.results import Array


@dataclass(frozen=True)
class Line:
    """The matrices of one equation: the result first, then what it uses; and the network's ``sizes`` with the active layer."""

    names: tuple[str, ...]
    matrices: tuple[Array, ...]
    sizes: tuple[int, ...]
    layer: int
    backward: bool
