"""Live training of a recurrent network of any shape."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_

from engine.data.shapes import IGNORED
from engine.models.shapes import Shaped

LOOKS = 25


@dataclass(frozen=True)
class Progress:
    """After ``update`` updates: the mean cost since the last look, and the shares of held-out steps and whole answers right."""

    update: int
    cost: float
    steps: float
    whole: float


def right(network: Shaped, x: Tensor, y: Tensor) -> tuple[float, float]:
    """The shares of steps and of whole answers that a network finds by itself."""
    wanted = y != IGNORED
    found = (network.answer(x, y.shape[1])[:, : y.shape[1]] == y) | ~wanted
    return float(found[wanted].float().mean()), float(found.all(1).float().mean())


def fit_shape(
    network: Shaped,
    train: tuple[Tensor, Tensor],
    test: tuple[Tensor, Tensor],
    *,
    rate: float,
    updates: int,
    batch: int,
    decay: float,
    generator: torch.Generator,
) -> Iterator[Progress]:
    """Train in place by AdamW under a rate that falls to zero, the gradient's norm held to 1.

    ``decay`` is AdamW's weight decay: with so few examples it makes the network find the rule and not the list.
    """
    x, y = train
    with torch.no_grad():
        first = _cost(network, x[:batch], y[:batch])
    yield Progress(0, float(first), *right(network, *test))
    # Not before the start is out: the first optimizer of a process takes PyTorch a second.
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=decay, fused=True)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.02, total_iters=updates)
    pause, costs = max(1, updates // LOOKS), list[float]()
    for update in range(1, updates + 1):
        chosen = torch.randint(len(x), (batch,), generator=generator)
        cost = _cost(network, x[chosen], y[chosen])
        optimizer.zero_grad()
        cost.backward()  # type: ignore[no-untyped-call]
        clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        costs.append(float(cost.detach()))
        if update % pause == 0 or update == updates:
            yield Progress(update, sum(costs) / len(costs), *right(network, *test))
            costs.clear()


def _cost(network: Shaped, x: Tensor, y: Tensor) -> Tensor:
    return cross_entropy(network(x, y).flatten(0, 1), y.flatten(), ignore_index=IGNORED)
