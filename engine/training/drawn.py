"""Training of a network in place on batches that are drawn as they are asked for."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

T = TypeVar("T")
LOOKS = 30


@dataclass(frozen=True)
class Look(Generic[T]):
    """After so many updates: the mean cost of the batches since the last look, NaN before the first, and what was seen."""

    step: int
    cost: float
    seen: T

    @property
    def blown(self) -> bool:
        """Whether the cost has left the numbers a computer holds."""
        return self.step > 0 and not math.isfinite(self.cost)


def fit_drawn(
    network: nn.Module,
    batch: Callable[[], tuple[Tensor, Tensor]],
    loss: Callable[[Tensor, Tensor], Tensor],
    look: Callable[[], T],
    *,
    rate: float,
    steps: int,
    looks: int = LOOKS,
) -> Iterator[Look[T]]:
    """Train by Adam under a one-cycle rate (Smith and Topin 2018), looking at the network now and then, first at its start.

    ``batch`` gives inputs (m, ...) and targets (m, ...) of the next update, ``loss`` takes outputs and targets, ``look`` finds
    the network in evaluation mode and no gradients kept. It ends after ``steps`` updates, or with a cost that isn't finite.
    """
    optimizer = torch.optim.Adam(network.parameters(), lr=rate, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=max(2, steps), pct_start=0.2)
    every, costs = max(1, steps // looks), list[float]()
    yield Look(0, math.nan, _seen(network, look))
    for step in range(1, steps + 1):
        x, y = batch()
        network.train()
        cost = loss(network(x), y)
        optimizer.zero_grad()
        cost.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        costs.append(cost.item())
        blown = not math.isfinite(costs[-1])
        if blown or step == steps or (step % every == 0 and steps - step >= every):
            yield Look(step, sum(costs) / len(costs), _seen(network, look))
            costs.clear()
        if blown:
            return


def _seen(network: nn.Module, look: Callable[[], T]) -> T:
    network.eval()
    with torch.no_grad():
        return look()
