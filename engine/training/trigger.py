"""Training of a listener for one word on clips made by overlay, and the clips of held-out voices that test it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from engine.data.overlay import Overlay, labels, overlay
from engine.data.utterances import clips
from engine.data.voices import Spoken
from engine.models.trigger import HOP, Trigger, frames, probability, trained
from engine.seeding import generator

HELD_OUT_SEED = 71
PIECE = 12  # clips: two minutes
MOST_PIECES = 30  # an hour
LARGEST = 1.0  # a gradient longer than this is shortened to it


@dataclass(frozen=True)
class Piece:
    """Two minutes of held-out clips: mel levels (PIECE, T, bands), and of each the frames at which its trigger words end."""

    x: Tensor
    ends: tuple[tuple[int, ...], ...]


def end_frames(made: Overlay) -> tuple[int, ...]:
    """The first frame that ends after each trigger word does."""
    return tuple(end // HOP for end in made.ends())


def held_out_clip(which: int) -> Overlay:
    """A clip of voices that no network learned from; the same number gives the same clip."""
    return overlay(clips(held_out=True), generator(HELD_OUT_SEED, which))


@lru_cache(maxsize=MOST_PIECES)
def held_out(piece: int) -> Piece:
    """The clips from piece · PIECE on."""
    made = [held_out_clip(piece * PIECE + i) for i in range(PIECE)]
    return Piece(frames(np.stack([clip.mix for clip in made])), tuple(end_frames(clip) for clip in made))


@lru_cache(maxsize=2 * MOST_PIECES)
def heard(width: int, piece: int) -> np.ndarray:
    """What the bundled network of some label width says of held-out clips, (PIECE, T)."""
    return probability(trained(width), held_out(piece).x).numpy()


def examples(
    pool: Sequence[Spoken], count: int, seconds: float, random: torch.Generator
) -> tuple[Tensor, list[tuple[int, ...]]]:
    """Mel levels (count, T, bands) of new clips and the samples at which their trigger words end."""
    made = [overlay(pool, random, seconds) for _ in range(count)]
    return frames(np.stack([clip.mix for clip in made])), [tuple(clip.ends()) for clip in made]


def targets(ends: Sequence[Sequence[int]], count: int, width: int) -> Tensor:
    """Labels (m, count) of clips whose trigger words end at some samples."""
    return torch.stack([labels(each, count, HOP, width) for each in ends])


@dataclass(frozen=True)
class Update:
    """After so many updates: the mean cost of a frame since the last look."""

    update: int
    cost: float


def fit_trigger(
    network: Trigger,
    x: Tensor,
    y: Tensor,
    *,
    updates: int,
    rate: float,
    batch: int,
    every: int,
    generator: torch.Generator,
) -> Iterator[Update]:
    """Train in place by Adam under a one-cycle rate, and yield after every ``every`` updates and after the last.

    ``x`` are mel levels (m, T, bands) and ``y`` labels (m, T); each batch is drawn anew. Stops where the cost isn't finite.
    """
    optimizer = torch.optim.Adam(network.parameters(), rate, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=max(2, updates))
    costs: list[Tensor] = []
    for update in range(1, updates + 1):
        network.train()
        chosen = torch.randint(len(x), (batch,), generator=generator)
        cost = binary_cross_entropy_with_logits(network(x[chosen]), y[chosen])
        optimizer.zero_grad()
        cost.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), LARGEST)
        optimizer.step()
        schedule.step()
        costs.append(cost.detach())
        if update % every == 0 or update == updates:
            mean = float(torch.stack(costs).mean())
            costs.clear()
            yield Update(update, mean)
            if not np.isfinite(mean):
                return
