"""Training of encoders and decoders by teacher forcing, and what they write on their own."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from engine.models.attending import Decoder

ABSENT = -1  # stands in the targets for what comes after the end
LARGEST = 1.0  # a gradient longer than this is shortened to it


class Batch(NamedTuple):
    """Inputs (m, Tx) or (m, Tx, n) with their lengths (m,), and target tokens (m, Ty), <EOS> included and ABSENT after it."""

    x: Tensor
    lengths: Tensor
    targets: Tensor


@dataclass(frozen=True)
class Update:
    """After so many updates: the mean cost of a target token over the batches since the last look."""

    step: int
    cost: float

    @property
    def finite(self) -> bool:
        """Whether there is anything left to train."""
        return math.isfinite(self.cost)


def fit_attending(
    network: nn.Module,
    draw: Callable[[], Batch],
    *,
    steps: int,
    rate: float,
    every: int = 0,
    warm: float = 0.1,
) -> Iterator[Update]:
    """Train in place by Adam on the mean cross-entropy of the target tokens.

    The network goes from inputs, lengths and targets to logits (m, Ty, V) and weights. The rate climbs over the share
    ``warm`` of the steps and then falls to 0 as a cosine. Yields before the first update, after every ``every`` and after the
    last; stops where the cost isn't finite.
    """
    optimizer = torch.optim.Adam(network.parameters(), rate, betas=(0.9, 0.98), fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps, warm))
    every, costs = every or max(1, steps // 60), list[Tensor]()
    for step in range(steps + 1):
        cost = cost_of(network, draw())
        costs.append(cost.detach())
        if step % every == 0 or step == steps:
            update = Update(step, float(torch.stack(costs).mean()))
            costs.clear()
            yield update
            if step == steps or not update.finite:
                return
        optimizer.zero_grad()
        cost.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), LARGEST)
        optimizer.step()
        schedule.step()


def _rate(step: int, steps: int, warm: float) -> float:
    """The share of the full rate at a step."""
    climb = max(1.0, warm * steps)
    if step < climb:
        return (step + 1) / (climb + 1)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, (step - climb) / max(1.0, steps - climb))))


def cost_of(network: nn.Module, batch: Batch) -> Tensor:
    """The mean cross-entropy of the target tokens that are there."""
    logits, _ = network(*batch)
    return cross_entropy(logits.flatten(0, 1), batch.targets.flatten(), ignore_index=ABSENT)


@torch.inference_mode()
def written(decoder: Decoder, a: Tensor, mask: Tensor, *, eos: int, longest: int) -> Tensor:
    """The tokens (m, T) that greedy search writes from activations (m, Tx, n_a) and a mask, ABSENT after <EOS>."""
    rows, state = decoder.first(a, mask)
    tokens, over = list[Tensor](), torch.zeros(len(a), dtype=torch.bool)
    while True:
        token = rows.argmax(-1)
        tokens.append(token.masked_fill(over, ABSENT))
        over = over | (token == eos)
        if over.all() or len(tokens) == longest:
            return torch.stack(tokens, 1)
        rows, state = decoder.step(token, state)


def exact(found: Tensor, targets: Tensor) -> Tensor:
    """Which rows (m,) of tokens (m, T) equal their targets (m, Ty) all along, lengths that differ filled up as ABSENT."""
    wide = max(found.shape[1], targets.shape[1])
    both = [nn.functional.pad(each, (0, wide - each.shape[1]), value=ABSENT) for each in (found, targets)]
    return (both[0] == both[1]).all(1)
