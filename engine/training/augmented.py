"""The same small network trained with several distortions of its few examples, over a few seeds, all side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.func import grad, vmap

from engine.data.few import Few
from engine.functional.augmentation import Strengths, distort, draw_variant
from engine.functional.losses import cross_entropy
from engine.functional.optimizers import State, adam
from engine.models.small import Parameters, forward, initialize
from engine.seeding import generator

NONE, ALL = "none", "all"
COPIES = 16


class Look(NamedTuple):
    """The share of the dev set that each network gets right after ``step`` updates: (arms, seeds)."""

    step: int
    dev: Tensor


def variants(x: Tensor, strengths: Strengths, count: int, generator: torch.Generator, fill: Tensor) -> Tensor:
    """``count`` distorted copies of pictures (m, c, h, w) in [0, 1], as levels (count, m, c, h, w); one if nothing is done."""
    copies = [distort(x, draw_variant(strengths, generator), fill) for _ in range(count if strengths.kinds else 1)]
    return (torch.stack(copies) * 255).round().to(torch.uint8)


def arms(few: Few, strengths: Strengths, seed: int) -> dict[str, Tensor]:
    """Ways to train, by name: each one's distorted examples as levels (copies, seeds, m, c, h, w).

    Without distortions comes first, then each alone, then all together where there are several. Grey pictures have no
    colour to shift; what lies outside is black on them, and elsewhere the mean colour.
    """
    x, grey = few.x.flatten(0, 1), few.x.shape[2] == 1
    fill = torch.zeros(1) if grey else x.mean((0, 2, 3))
    possible = strengths._replace(color=0.0, pca=0.0) if grey else strengths
    ways = {NONE: Strengths(), **{kind: possible.only(kind) for kind in possible.kinds}}
    ways |= {ALL: possible} if len(possible.kinds) > 1 else {}
    copies = {name: variants(x, way, COPIES, generator(seed, 10), fill) for name, way in ways.items()}
    return {name: levels.view(-1, *few.x.shape) for name, levels in copies.items()}


def cost(params: Parameters, x: Tensor, y: Tensor) -> Tensor:
    """The mean cross-entropy of one network on levels x (m, c, h, w) and classes y (m,)."""
    return cross_entropy(forward(params, x), y)


def accuracy(params: Sequence[Tensor], x: Tensor, y: Tensor) -> Tensor:
    """The share of pictures x (m, c, h, w) of classes y (m,) that one network gets right."""
    return (forward(list(params), x).argmax(-1) == y).float().mean()


def train(
    few: Few, arms: Sequence[Tensor], seed: int, steps: int, rate: float, batch: int, looks: int
) -> Iterator[Look]:
    """Train a network for each arm and each seed of ``few`` by Adam; yields at the start and ``looks`` times.

    ``arms`` holds each arm's variants (copies, seeds, m, c, h, w) as levels. The arms of a seed share its start and its
    batches, so that they differ by the distortions alone.
    """
    seeds, m = few.y.shape
    channels, side = few.x.shape[2:4]
    starts = [initialize(channels, side, len(few.classes), generator(seed, 20 + i)) for i in range(seeds)]
    params = [torch.stack(layer).repeat(len(arms), *[1] * layer[0].ndim) for layer in zip(*starts, strict=True)]
    generators = [generator(seed, 30 + i) for i in range(seeds)]
    state: State = {}
    slope, lanes, every = vmap(grad(cost)), torch.arange(seeds)[:, None], max(1, steps // looks)
    for step in range(steps + 1):
        if step % every == 0 or step == steps:
            right = torch.stack([accuracy(one, *few.dev) for one in zip(*params, strict=True)])
            yield Look(step, right.view(len(arms), seeds))
        if step == steps:
            return
        chosen = torch.stack([torch.randperm(m, generator=g)[:batch] for g in generators])  # (seeds, batch)
        draws = torch.stack([torch.rand(chosen.shape[1], generator=g) for g in generators])
        x = torch.cat([arm[(draws * len(arm)).long(), lanes, chosen] for arm in arms]).float() / 255
        params, state = adam(params, list(slope(params, x, few.y[lanes, chosen].repeat(len(arms), 1))), state, rate)
