"""Strings of spoken digits to write down, and the training of an attention decoder and a CTC head on one encoder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, ctc_loss
from torch.nn.utils.rnn import pad_sequence

from engine.data.utterances import Utterance, between, clips, drawn, held_out_voices, strung, varied
from engine.data.voices import DIGITS, Spoken
from engine.models.speller import EOS, Speller
from engine.seeding import generator

HELD_OUT_SEED = 83
PAUSES, AROUND, SPEEDS = (0.02, 0.3), (0.05, 0.5), (0.88, 1.14)
ABSENT = -1  # stands in the targets for what comes after the end
LARGEST = 1.0  # a gradient longer than this is shortened to it


def said_digits(said: Sequence[Spoken], random: torch.Generator) -> Utterance:
    """Digits after each other, each a little faster or slower, with pauses between and silence around them."""
    pauses = [between(*AROUND, random), *(between(*PAUSES, random) for _ in said[1:]), between(*AROUND, random)]
    return strung([varied(clip, between(*SPEEDS, random)) for clip in said], pauses)


@lru_cache(maxsize=32)
def held_out_digits(which: int, count: int) -> Utterance:
    """So many digits in a voice that no network learned from; the same numbers give the same sound."""
    random = generator(HELD_OUT_SEED, 100 * which + count)
    voice = held_out_voices()[which % len(held_out_voices())]
    pool = [clip for clip in clips(held_out=True) if clip.voice == voice and clip.word in DIGITS]
    return said_digits(drawn(pool, count, random), random)


def digits_of(utterance: Utterance) -> tuple[int, ...]:
    """What is said, as numbers."""
    return tuple(DIGITS.index(word) for word, _, _ in utterance.words)


class Strings(NamedTuple):
    """Mel levels (m, t, bands), and the digits (m, Ty) with <EOS>, ABSENT after it."""

    x: Tensor
    targets: Tensor

    def some(self, chosen: Tensor) -> Strings:
        """Some of them."""
        return Strings(self.x[chosen], self.targets[chosen])


def targets(utterances: Sequence[Utterance]) -> Tensor:
    """The digits (m, Ty), <EOS> after them."""
    each = [torch.tensor([*digits_of(utterance), EOS]) for utterance in utterances]
    return pad_sequence(each, batch_first=True, padding_value=ABSENT)


def costs(network: Speller, batch: Strings) -> tuple[Tensor, Tensor]:
    """The mean cross-entropy of a symbol by attention, and the mean CTC loss of a digit."""
    logits, _, frames = network(*batch)
    attending = cross_entropy(logits.flatten(0, 1), batch.targets.flatten(), ignore_index=ABSENT)
    there = (batch.targets >= 0) & (batch.targets != EOS)
    symbols, sizes = batch.targets[there] + 1, there.sum(1)
    lengths = torch.full((len(frames),), frames.shape[1])
    return attending, ctc_loss(frames.transpose(0, 1), symbols, lengths, sizes, zero_infinity=True)


@dataclass(frozen=True)
class Update:
    """After so many updates: the mean costs by attention and by CTC since the last look."""

    update: int
    attention: float
    ctc: float


def fit_speller(
    network: Speller, batch: Callable[[], Strings], *, updates: int, rate: float, every: int
) -> Iterator[Update]:
    """Train in place by Adam under a one-cycle rate on the sum of both costs, yielding after every ``every`` updates."""
    optimizer = torch.optim.Adam(network.parameters(), rate, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=max(2, updates))
    recent: list[Tensor] = []
    for update in range(1, updates + 1):
        network.train()
        both = torch.stack(costs(network, batch()))
        optimizer.zero_grad()
        both.sum().backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), LARGEST)
        optimizer.step()
        schedule.step()
        recent.append(both.detach())
        if update % every == 0 or update == updates:
            yield Update(update, *torch.stack(recent).mean(0).tolist())
            recent.clear()
