"""Training of a network on pictures that fit into memory: one tensor, fresh orders, and a rate that rises and falls."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import affine_grid, cross_entropy, grid_sample


@dataclass(frozen=True)
class Epoch:
    """After so many passes over the training set: its mean cost on the way, and the share of test pictures found."""

    epoch: float
    cost: float
    accuracy: float


def fit_pictures(
    network: nn.Module,
    train: tuple[Tensor, Tensor],
    test: tuple[Tensor, Tensor],
    *,
    rate: float,
    epochs: int,
    batch: int,
    generator: torch.Generator,
    change: Callable[[Tensor], Tensor] | None = None,
    looks: int = 1,
) -> Iterator[Epoch]:
    """Train a classifier in place by Adam under a one-cycle rate (Smith and Topin 2018), yielding ``looks`` times an epoch.

    ``train`` and ``test`` are pictures (m, ...) and classes (m,); ``change`` alters each batch of pictures, to augment it.
    Nothing is copied or collated on the way, which for small networks is most of a DataLoader's time.
    """
    x, y = train
    starts = range(0, len(x) - len(x) % batch or len(x), batch)
    trained = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=rate, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=max(2, epochs * len(starts)))
    yield Epoch(0, float("nan"), share_found(network, *test))
    costs: list[float] = []
    pause = max(1, len(starts) // looks)
    for epoch in range(epochs):
        order = torch.randperm(len(x), generator=generator).to(x.device)
        for number, i in enumerate(starts, start=1):
            chosen = order[i : i + batch]
            network.train()
            loss = cross_entropy(network(x[chosen] if change is None else change(x[chosen])), y[chosen])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            costs.append(loss.item())
            if number == len(starts) or (number % pause == 0 and len(starts) - number >= pause):
                yield Epoch(epoch + number / len(starts), sum(costs) / len(costs), share_found(network, *test))
                costs.clear()


def distorted(x: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Pictures (m, c, h, w), each moved, turned and stretched at random; what comes in repeats the border.

    At strength 1 by up to a sixteenth of the side, ten degrees, and an eighth along each side.
    """
    spread = strength * (2 * torch.rand(5, len(x), generator=generator) - 1)
    turn, wide, high = spread[0] * math.radians(10), 1 + spread[1] / 8, 1 + spread[2] / 8
    rows = [torch.stack([turn.cos() * wide, -turn.sin() * high, spread[3] / 8], 1)]
    rows += [torch.stack([turn.sin() * wide, turn.cos() * high, spread[4] / 8], 1)]
    grid = affine_grid(torch.stack(rows, 1), list(x.shape), align_corners=False)
    return grid_sample(x, grid.to(x.device), padding_mode="border", align_corners=False)


@torch.inference_mode()
def share_found(network: nn.Module, x: Tensor, y: Tensor) -> float:
    """The share of pictures whose class the network finds."""
    network.eval()
    return float((network(x).argmax(1) == y).float().mean())
