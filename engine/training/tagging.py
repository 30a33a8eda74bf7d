"""Training of taggers: batches of sentences of one length, so that none needs padding."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from engine.data.tagged import Sentence

# Sentences of one length: row numbers of the words and of the tags, (m, T) both.
Group = tuple[Tensor, Tensor]
LARGEST = 5.0  # a gradient longer than this is shortened to it


@dataclass(frozen=True)
class Update:
    """After so many updates: the mean cost of the batches since the last look, one for each network side by side."""

    step: int
    cost: Tensor


def grouped(sentences: Sequence[Sentence], words: Mapping[str, int], tags: Sequence[str]) -> list[Group]:
    """Sentences as numbers, together with all others of their length; a word without a row is 0."""
    number = {tag: i for i, tag in enumerate(tags)}
    by_length: dict[int, list[Sentence]] = {}
    for sentence in sentences:
        by_length.setdefault(len(sentence.words), []).append(sentence)
    return [
        (
            torch.tensor([[words.get(word, 0) for word in sentence.words] for sentence in same]),
            torch.tensor([[number[tag] for tag in sentence.tags] for sentence in same]),
        )
        for _, same in sorted(by_length.items())
    ]


def batches(groups: Sequence[Group], size: int, random: torch.Generator) -> Iterator[Group]:
    """Batches without end, each of one length; every sentence once an epoch, the order of batches and sentences fresh."""
    while True:
        epoch = []
        for x, y in groups:
            for chosen in torch.split(torch.randperm(len(x), generator=random), size):
                epoch.append((x[chosen], y[chosen]))
        for i in torch.randperm(len(epoch), generator=random).tolist():
            yield epoch[i]


def fit_tagger(
    network: nn.Module,
    groups: Sequence[Group],
    *,
    steps: int,
    rate: float,
    batch: int,
    generator: torch.Generator,
    unknown: float = 0.0,
    every: int = 0,
) -> Iterator[Update]:
    """Train in place by Adam on the mean cross-entropy of all words; a share ``unknown`` of them is read as unknown.

    Networks side by side, whose logits have a leading dimension, share batches and learn each for itself. The rate falls to
    a tenth over the last half. Yields before the first update, after every ``every`` and after the last.
    """
    optimizer = torch.optim.Adam([p for p in network.parameters() if p.requires_grad], rate, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, max(0.1, 2 * (1 - step / steps))))
    drawn, every = batches(groups, batch, generator), every or max(1, steps // 60)
    costs: list[Tensor] = []
    for step in range(steps + 1):
        x, y = next(drawn)
        if unknown:
            x = x.masked_fill(torch.rand(x.shape, generator=generator) < unknown, 0)
        cost = costs_of(network(x), y)
        costs.append(cost.detach())
        if step % every == 0 or step == steps:
            yield Update(step, torch.stack(costs).mean(0))
            costs.clear()
        if step == steps:
            return
        optimizer.zero_grad()
        cost.sum().backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), LARGEST * cost.numel() ** 0.5)
        optimizer.step()
        schedule.step()


def costs_of(logits: Tensor, y: Tensor) -> Tensor:
    """The mean cross-entropy of logits (..., m, T, C) for tags (m, T): (...)."""
    lead = logits.shape[:-3]
    each = cross_entropy(logits.flatten(0, -2), y.expand(*lead, *y.shape).flatten(), reduction="none")
    return each.view(*lead, y.numel()).mean(-1)


@torch.inference_mode()
def found_tags(network: nn.Module, groups: Sequence[Group]) -> list[tuple[Tensor, Tensor]]:
    """The likeliest tags (..., m, T) beside the true ones (m, T), group by group."""
    return [(network(x).argmax(-1), y) for x, y in groups]
