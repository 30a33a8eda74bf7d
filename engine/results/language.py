"""What a language model's labs show: tokens, one-hot vectors, probabilities of a sequence, perplexity and samples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.functional.language import Vocabulary, at_temperature
from engine.results import Array


@dataclass(frozen=True)
class Tokens:
    """A tokenized text: every token as typed, its index, and what that index stands for."""

    typed: tuple[str, ...]
    indices: tuple[int, ...]
    read: tuple[str, ...]
    eos: int
    unk: int


@dataclass(frozen=True)
class OneHot:
    """One-hot vectors as columns: ``values`` (rows, k) for some rows of the vocabulary, ``None`` where rows are left out.

    ``first`` is the position t of the first column, and ``tokens`` are the columns' own.
    """

    rows: tuple[tuple[int, str] | None, ...]
    values: Array
    tokens: tuple[str, ...]
    first: int


@dataclass(frozen=True)
class Coverage:
    """The share of a text that a vocabulary of the most frequent tokens knows, by its size: ``sizes``, ``share`` (k,)."""

    sizes: Array
    share: Array
    chosen: int
    chosen_share: float


@dataclass(frozen=True)
class Scored:
    """A sequence and the probability of each of its tokens after those before it: ``chances`` (T,)."""

    tokens: tuple[str, ...]
    chances: Array

    @property
    def log10(self) -> float:
        """The power of ten of their product."""
        return float(np.log10(self.chances.astype(np.float64)).sum())


@dataclass(frozen=True)
class Costs:
    """Mean cost of a token in nats, in training and on what is held out (NaN if nothing is), (k,) each, up to ``last``.

    ``uniform`` is the cost of a model that finds every token equally likely, log V.
    """

    steps: Array
    train: Array
    dev: Array
    uniform: float
    last: int


@dataclass(frozen=True)
class NextToken:
    """The likeliest next tokens: their probability as learned, at a temperature, and their share among so many draws."""

    tokens: tuple[str, ...]
    learned: Array
    tempered: Array
    drawn: Array
    draws: int


@dataclass(frozen=True)
class Written:
    """Texts, each with the label of its row."""

    labels: tuple[str, ...]
    begin: str
    texts: tuple[str, ...]


def one_hot_rows(vectors: Tensor, vocabulary: Vocabulary, tokens: Sequence[str], first: int) -> OneHot:
    """Of vectors (k, V) the rows where one is 1, and the first and last of the vocabulary."""
    size = len(vocabulary)
    kept = sorted({0, 1, size - 2, size - 1} & set(range(size)) | set(vectors.argmax(1).tolist()))
    rows: list[tuple[int, str] | None] = []
    values: list[Array] = []
    for before, row in zip([-1, *kept], kept, strict=False):
        if row > before + 1:
            rows.append(None)
            values.append(np.full(len(vectors), np.nan, np.float32))
        rows.append((row, vocabulary.tokens[row]))
        values.append(vectors[:, row].numpy())
    return OneHot(tuple(rows), np.stack(values), tuple(tokens), first)


def coverage(tokens: Iterable[str], chosen: int, most: int = 120) -> Coverage:
    """How much of the tokens the most frequent ones make up."""
    counts = np.array(sorted(Counter(tokens).values(), reverse=True))
    share = np.cumsum(counts) / counts.sum()
    sizes = np.unique(np.geomspace(1, len(counts), most).round().astype(int))
    return Coverage(sizes.astype(np.float32), share[sizes - 1], chosen, float(share[min(chosen, len(share)) - 1]))


def next_token(
    logits: Tensor, vocabulary: Vocabulary, temperature: float, draws: int, most: int, generator: torch.Generator
) -> NextToken:
    """What follows by logits (V,), the likeliest first, with <UNK> rejected."""
    logits = logits.index_fill(-1, torch.tensor([vocabulary.unk]), -torch.inf)
    learned, tempered = at_temperature(logits, 1.0), at_temperature(logits, temperature)
    drawn = torch.multinomial(tempered, draws, replacement=True, generator=generator)
    share = drawn.bincount(minlength=len(vocabulary)) / draws
    best = learned.topk(min(most, len(vocabulary) - 1)).indices
    names = tuple(vocabulary.decode(best.tolist()))
    return NextToken(names, learned[best].numpy(), tempered[best].numpy(), share[best].numpy(), draws)
