"""Training of an encoding of faces by triplets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from engine.functional.faces import Mining, squared_distance, triplets
from engine.functional.losses import triplet_loss


class Moment(NamedTuple):
    """After so many updates: the mean loss of the last batch's triplets, and the share of them that still teach.

    ``spread`` is the mean squared distance of any two encodings of the batch: near 0, the network has collapsed.
    """

    step: int
    loss: float
    active: float
    spread: float


def fit_embedding(
    network: nn.Module,
    draw: Callable[[], tuple[Tensor, Tensor]],
    generator: torch.Generator,
    *,
    mining: Mining,
    margin: float,
    rate: float,
    steps: int,
) -> Iterator[Moment]:
    """Train in place by AdamW under a one-cycle rate; yields after each update. ``draw`` gives faces and whose they are."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=max(2, steps))
    for step in range(1, steps + 1):
        pictures, people = draw()
        network.train()
        encodings = network(pictures)
        anchor, positive, negative = encodings[triplets(encodings, people, mining, generator)].unbind(1)
        loss = triplet_loss(anchor, positive, negative, margin)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            gain = squared_distance(anchor, negative) - squared_distance(anchor, positive)
            spread = squared_distance(encodings[:, None], encodings).mean()
            yield Moment(step, loss.item(), (gain < margin).float().mean().item(), spread.item())
