"""Plain and residual networks of several depths, trained step by step beside each other on the same batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.data.planar import Examples
from engine.models.residual import Networks

MEMORY = 0.9
PROBE = 64
SCALES = torch.linspace(0, 1, 11)


@dataclass(frozen=True)
class Look:
    """A look inside the networks.

    ``right`` is the share of the dev set that is put in its class, (depths, F). Of the deepest networks ``gradients`` are
    the gradient's size in each layer, (layers, F), and ``distance`` is what :func:`towards_identity` measures.
    """

    right: Tensor
    gradients: Tensor
    distance: Tensor


@dataclass(frozen=True)
class Moment:
    """Fleets of F networks after ``step`` updates.

    ``cost``, (depths, F), averages each network's batches over about the last ten steps. ``look`` is what costs more to
    know, renewed now and then only.
    """

    step: int
    cost: Tensor
    look: Look

    @property
    def finite(self) -> bool:
        """False once one of the networks has blown up."""
        return bool(torch.isfinite(self.cost).all())


def train_depths(
    fleets: Sequence[Networks],
    train: Examples,
    dev: Examples,
    rate: float,
    steps: int,
    batch: int,
    generator: torch.Generator,
    every: int,
) -> Iterator[Moment]:
    """Gradient descent with momentum 0.9: yields before the first update and after each, and ends where a cost overflows.

    All networks see the same batches, drawn by ``generator``; ``every`` is how many updates lie between two looks.
    """
    optimizers = [torch.optim.SGD(fleet.parameters(), rate, momentum=MEMORY) for fleet in fleets]
    average, (x, y) = torch.zeros((), device=train[0].device), train
    for step in range(steps + 1):
        at = torch.randperm(len(y), generator=generator)[:batch].to(y.device)
        costs = torch.stack([descend(fleet, x[at], y[at]) for fleet in fleets])
        average = MEMORY * average + (1 - MEMORY) * costs
        if step % every == 0 or step == steps:
            gradients, right = fleets[-1].gradient_norms(), torch.stack([accuracy(fleet, dev) for fleet in fleets])
            look = Look(right, gradients, towards_identity(fleets[-1], dev[0][:PROBE], SCALES))
        moment = Moment(step, average / (1 - MEMORY ** (step + 1)), look)
        yield moment
        if not moment.finite:
            return
        for optimizer in optimizers:
            optimizer.step()


def descend(fleet: Networks, x: Tensor, y: Tensor) -> Tensor:
    """Set the gradients of one batch, and return its costs, (F,)."""
    fleet.train()
    fleet.zero_grad()
    with torch.enable_grad():
        costs = fleet.costs(x, y)
        costs.sum().backward()  # type: ignore[no-untyped-call]
    return costs.detach()


@torch.no_grad()
def accuracy(fleet: Networks, examples: Examples) -> Tensor:
    """The share of a set that each network puts in its class, (F,)."""
    fleet.eval()
    x, y = examples
    return (fleet(x).argmax(-1) == y).float().mean(-1)


@torch.no_grad()
def towards_identity(fleet: Networks, x: Tensor, scales: Tensor) -> Tensor:
    """How far a middle identity block's output lies from its input as its last layer shrinks: (F, scales).

    The distance is a share of the input's size. Shrinking the second layer's weights and biases, or its γ and β under
    batch norm, by s makes the block g(s z + gate a). Empty if no block keeps its shape.
    """
    fleet.eval()
    a = fleet.entered(x)
    middle = len(fleet.chain) // 2
    for number, block in enumerate(fleet.chain):
        if number >= middle and block.stride == 1:
            z, skipped = block.branch(a), block.gate * a
            outs = [torch.relu(s * z + skipped) for s in scales]
            return torch.stack([_size(out - a, fleet.fleet) / _size(a, fleet.fleet) for out in outs], -1)
        a = block(a)
    return torch.empty(fleet.fleet, 0)


def _size(a: Tensor, fleet: int) -> Tensor:
    """The norm of each member's part of a (m, F c, h, w): (F,)."""
    return torch.unflatten(a, 1, (fleet, -1)).transpose(0, 1).flatten(1).norm(dim=1)
