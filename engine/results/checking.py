"""A gradient beside its measured approximation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from torch import Tensor

from engine.functional.gradients import gradient_difference
from engine.results import Array

RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹"


@dataclass(frozen=True)
class Components:
    """Each component's name and the matrix or vector it belongs to, its ``gradient`` and its ``approximation``, (P,) each."""

    names: tuple[str, ...]
    groups: tuple[str, ...]
    gradient: Array
    approximation: Array

    @property
    def apart(self) -> Array:
        """How far the two are apart, (P,)."""
        return np.abs(self.gradient - self.approximation)

    def farthest(self, count: int) -> list[int]:
        """The places of the ``count`` components that are farthest apart, the worst first."""
        return np.argsort(-self.apart, kind="stable")[:count].tolist()

    def table(self, count: int) -> dict[str, list[str]]:
        """The same as columns of text."""
        worst = self.farthest(count)
        return {
            "Component": [f"d{self.names[i]}" for i in worst],
            "Backpropagation g": [f"{self.gradient[i]:.9f}" for i in worst],
            "Differences g′": [f"{self.approximation[i]:.9f}" for i in worst],
            "Apart": [f"{self.apart[i]:.1e}" for i in worst],
        }


@dataclass(frozen=True)
class RatioCurves:
    """The ratio |g - g'| / (|g| + |g'|) by name at ``epsilons`` (E,), and at the chosen ``epsilon``."""

    epsilons: Array
    ratios: Mapping[str, Array]
    epsilon: float
    ratio: float


def ratio_curve(gradient: Tensor, approximations: Tensor) -> Array:
    """The ratio of a gradient (P,) and each of its approximations (E, P), (E,)."""
    return np.array([gradient_difference(gradient, row) for row in approximations])


def component_names(sizes: Sequence[int]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names such as W²[3,1] in the order of ``checking.pack``, and the group of each, such as W²."""
    names, groups = [], []
    for layer, (n_in, n_out) in enumerate(pairwise(sizes), 1):
        W, b = (letter + RAISED[layer] for letter in "Wb")
        names += [f"{W}[{i},{j}]" for i in range(1, n_out + 1) for j in range(1, n_in + 1)]
        names += [f"{b}[{i}]" for i in range(1, n_out + 1)]
        groups += [W] * (n_in * n_out) + [b] * n_out
    return tuple(names), tuple(groups)
