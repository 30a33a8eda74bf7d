"""Pairs of sentences as batches, and how well a network translates those that it never saw."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from engine.data.translations import Pair, Words
from engine.models.attending import Translator
from engine.models.translator import EOS, LONGEST, TARGET_ROWS, english, read
from engine.training.attending import ABSENT, Batch, written

NEARBY = 8  # batches' worth of sentences of nearly the same length, from which a batch is drawn


def as_targets(sentences: Sequence[Words]) -> Tensor:
    """English sentences as rows (m, Ty) of tokens, <EOS> at the end of each and ABSENT after it."""
    rows = torch.full((len(sentences), max(map(len, sentences)) + 1), ABSENT)
    for row, words in zip(rows, sentences, strict=True):
        row[: len(words) + 1] = torch.tensor([*(TARGET_ROWS[word] for word in words), EOS])
    return rows


def as_batch(pairs: Sequence[Pair]) -> Batch:
    """Pairs as one batch."""
    return Batch(*read([pair.source for pair in pairs]), as_targets([pair.target for pair in pairs]))


def batches(pairs: Sequence[Pair], size: int, generator: torch.Generator) -> Callable[[], Batch]:
    """A function that draws a batch of sentences of nearly the same length, so that little of it is empty."""
    whole = as_batch(pairs)
    ends = (whole.targets != ABSENT).sum(1)
    order = whole.lengths.argsort(stable=True)
    near = min(len(order), NEARBY * size)

    def draw() -> Batch:
        begin = int(torch.randint(len(order) - near + 1, (), generator=generator))
        chosen = order[begin + torch.randperm(near, generator=generator)[:size]]
        x, lengths = whole.x[chosen], whole.lengths[chosen]
        return Batch(x[:, : int(lengths.max())], lengths, whole.targets[chosen, : int(ends[chosen].max())])

    return draw


@torch.inference_mode()
def translated(network: Translator, sentences: Sequence[Words], longest: int = LONGEST) -> list[Words]:
    """What greedy search makes of French sentences, at most so many words of each."""
    a, mask = network.encode(*read(sentences))
    return [english(row) for row in written(network.decoder, a, mask, eos=EOS, longest=longest).tolist()]
