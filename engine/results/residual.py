"""Plain and residual networks while depth grows."""

from __future__ import annotations

from dataclasses import dataclass

from engine.results import Array


@dataclass(frozen=True)
class DepthRace:
    """Training costs of networks of several depths, ``cost`` (depths, 2, seeds, k) at ``steps`` (k,): plain, residual."""

    depths: tuple[int, ...]
    steps: Array
    cost: Array

    @property
    def latest(self) -> Array:
        """The costs at the last step, (depths, 2, seeds)."""
        return self.cost[..., -1]


@dataclass(frozen=True)
class GradientNorms:
    """The size of the gradient by each layer's weights at the start and now, (layers, 2, seeds): plain, residual."""

    start: Array
    now: Array


@dataclass(frozen=True)
class Identities:
    """How far a block's output lies from its input, (2, seeds, k), as its second layer is shrunk by ``scales`` (k,)."""

    scales: Array
    distance: Array
