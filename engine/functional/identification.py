"""From verification to recognition: how often one of K people is mistaken for somebody, measured by drawing them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def nearest_others(distances: Tensor, counts: Sequence[int], rounds: int, generator: torch.Generator) -> Tensor:
    """The smallest distance of each query to K others, drawn at random: (rounds, n, counts), infinity where K is 0.

    ``distances`` (n, n) lead from n queries to n people, each query showing the person of its own index, who is left out.
    """
    n = len(distances)
    others = distances[~torch.eye(n, dtype=torch.bool)].view(n, n - 1)
    order = torch.rand(rounds, n, n - 1, generator=generator).argsort(-1)
    nearest = others.expand(rounds, -1, -1).gather(-1, order).cummin(-1).values
    none = torch.full((rounds, n, 1), torch.inf, dtype=distances.dtype)
    return torch.cat([none, nearest], -1)[..., list(counts)]


def strangers_let_in(nearest: Tensor, threshold: float) -> Tensor:
    """The share (counts,) of strangers taken for one of K people, from the distances (rounds, n, counts) to the nearest."""
    return (nearest <= threshold).float().mean((0, 1))


def named_right(own: Tensor, nearest: Tensor, threshold: float) -> Tensor:
    """The share (counts,) of enrolled people who are named: their own distance (n,) passes and no other's is smaller."""
    return ((own <= threshold)[:, None] & (own[:, None] < nearest)).float().mean((0, 1))


def if_independent(false_accept: float, counts: Tensor) -> Tensor:
    """1 - (1 - FAR)^K for K (counts,): how often one of K comparisons accepts a stranger if none knows of the others."""
    return 1 - (1 - false_accept) ** counts
