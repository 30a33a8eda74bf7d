"""Costs over one or two parameters, and paths taken on them."""

from __future__ import annotations

from dataclasses import dataclass

from engine.results import Array


@dataclass(frozen=True)
class Descent1D:
    """A cost curve over one parameter and the path taken on it: ``w``, ``cost`` (n,); ``path_w``, ``path_cost`` (k,)."""

    w: Array
    cost: Array
    path_w: Array
    path_cost: Array


@dataclass(frozen=True)
class Descent2D:
    """A cost surface over (w, b) and the path on it: ``cost`` is (len(b), len(w)); ``path`` (k, 2); ``path_cost`` (k,)."""

    w: Array
    b: Array
    cost: Array
    path: Array
    path_cost: Array
