"""Training of a grid detector on scenes that are drawn as it learns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch

from engine.data.scenes import Scenes
from engine.models.yolo import Yolo, loss


class Moment(NamedTuple):
    """After so many updates: the mean cost of the last few batches."""

    step: int
    cost: float


def fit_detector(
    network: Yolo, draw: Callable[[], Scenes], *, rate: float, steps: int, recent: int = 10
) -> Iterator[Moment]:
    """Train in place by AdamW under a one-cycle rate, each batch drawn anew; yields before the first update and after each."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=max(2, steps))
    costs: list[float] = []
    device = network.anchors.device
    yield Moment(0, float("nan"))
    for step in range(1, steps + 1):
        scenes = draw()
        network.train()
        raw = network(scenes.pictures.to(device))
        cost = loss(raw, network.anchors, *(t.to(device) for t in (scenes.scene, scenes.boxes, scenes.classes)))
        optimizer.zero_grad()
        cost.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        costs.append(cost.item())
        yield Moment(step, sum(costs[-recent:]) / len(costs[-recent:]))
