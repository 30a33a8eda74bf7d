"""A small gated recurrent unit trained, formula by formula, to carry the subject's number to a far verb."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, one_hot

from engine.data.sequences import INDEX, WORDS, draws, sentence
from engine.functional.recurrent import GruStates, gru_forward
from engine.functional.recurrent_weights import GruWeights, initialize_gru
from engine.seeding import generator

UNKNOWN = len(WORDS)
MOST_GAP = 6
TRAIN, HELD_OUT = 500, 200
CLOSED = -1.0  # the update gate's first bias: it starts rather closed


class Sentences(NamedTuple):
    """Sentences up to their verb: words one-hot (m, T, V), padded by zeros, how many there are, and 1 where it is were."""

    x: Tensor
    lengths: Tensor
    plural: Tensor

    def chosen(self, rows: Tensor) -> Sentences:
        """Some of them, no longer than the longest."""
        lengths = self.lengths[rows]
        return Sentences(self.x[rows, : int(lengths.max())], lengths, self.plural[rows])


class Reader(NamedTuple):
    """A gated unit with a sigmoid output: Wy (1, n_c), by (1,)."""

    cell: GruWeights
    Wy: Tensor
    by: Tensor

    def logits(self, c: Tensor) -> Tensor:
        """The logit of were for each state c (..., n_c): (...)."""
        return (c @ self.Wy.T + self.by)[..., 0]


class Look(NamedTuple):
    """After so many updates: the share of held-out verbs found, the mean Γu on the way there, and the reader."""

    update: int
    accuracy: float
    opened: float
    reader: Reader


def one_hots(words: list[list[str]]) -> Tensor:
    """Words as one-hot vectors (m, T, V); a word that isn't known, and the padding, are zeros."""
    longest = max(map(len, words))
    indices = [[INDEX.get(word, UNKNOWN) for word in row] + [UNKNOWN] * (longest - len(row)) for row in words]
    return one_hot(torch.tensor(indices), len(WORDS) + 1)[..., :-1].float()


def sentences(count: int, random: torch.Generator) -> Sentences:
    """Sentences with 0 to ``MOST_GAP`` words between the subject and its verb."""
    uniform = draws(random)
    plural = [next(uniform) < 0.5 for _ in range(count)]
    words = [sentence(each, int(next(uniform) * (MOST_GAP + 1)), uniform) for each in plural]
    return Sentences(one_hots(words), torch.tensor([len(row) for row in words]), torch.tensor(plural).float())


def read(reader: Reader, batch: Sentences) -> tuple[Tensor, Tensor, GruStates]:
    """The logit of were after each sentence's last word (m,), the mean Γu over its words (), and all states."""
    states = gru_forward(reader.cell, batch.x)
    last = states.c[torch.arange(len(batch.lengths)), batch.lengths - 1]
    inside = torch.arange(batch.x.shape[1]) < batch.lengths[:, None]
    return reader.logits(last), states.update[inside].mean(), states


def fit(
    units: int, *, simplified: bool, price: float, rate: float, updates: int, batch: int, seed: int, every: int = 5
) -> Iterator[Look]:
    """Train by Adam on the cross-entropy at the verb plus ``price`` times the mean Γu, so that writing costs something."""
    data = sentences(TRAIN + HELD_OUT, generator(seed, 1))
    test = data.chosen(torch.arange(TRAIN, TRAIN + HELD_OUT))
    cell = initialize_gru(len(WORDS), units, generator(seed, 2), simplified=simplified)
    outward = torch.randn(1, units, generator=generator(seed, 3)) / units**0.5
    cell = GruWeights._make(w if w is None else w.float().requires_grad_() for w in cell._replace(bu=cell.bu + CLOSED))
    reader = Reader(cell, outward.requires_grad_(), torch.zeros(1, requires_grad=True))
    yield look(0, reader, test)
    optimizer = torch.optim.Adam([w for w in (*cell, reader.Wy, reader.by) if w is not None], lr=rate, fused=True)
    random = generator(seed, 4)
    for update in range(1, updates + 1):
        some = data.chosen(torch.randint(TRAIN, (batch,), generator=random))
        logits, opened, _ = read(reader, some)
        loss = binary_cross_entropy_with_logits(logits, some.plural) + price * opened
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if update % every == 0 or update == updates:
            yield look(update, reader, test)


@torch.no_grad()
def look(update: int, reader: Reader, test: Sentences) -> Look:
    """How well the reader does, with a copy of it."""
    logits, opened, _ = read(reader, test)
    found = float(((logits > 0) == (test.plural > 0)).float().mean())
    cell = GruWeights._make(w if w is None else w.detach().clone() for w in reader.cell)
    return Look(update, found, float(opened), Reader(cell, reader.Wy.detach().clone(), reader.by.detach().clone()))
