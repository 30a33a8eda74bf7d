"""What taggers make of sentences, and how well they do over a training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.functional.tagging import Span, spans
from engine.results import Array


@dataclass(frozen=True)
class Marked:
    """A sentence with its names: ``shown`` words, the ``tags`` taken, and the probability (T, k) of each of k ``kinds``."""

    shown: tuple[str, ...]
    tags: tuple[str, ...]
    kinds: tuple[str, ...]
    probabilities: Array

    @property
    def spans(self) -> list[Span]:
        """The names found."""
        return spans(self.tags)

    def sure(self, span: Span) -> float:
        """The mean probability of the kind over a name's words."""
        return float(self.probabilities[span.start : span.end, self.kinds.index(span.kind)].mean())


@dataclass(frozen=True)
class Race:
    """Runs with a band: after ``steps`` (k,), the ``middle``, ``low`` and ``high`` (n, k) of each of n ``names``."""

    names: tuple[str, ...]
    steps: Array
    middle: Array
    low: Array
    high: Array


@dataclass(frozen=True)
class Unrolled:
    """A network of one layer over a sentence, one way or both: the probability (T,) of a name, and the word asked about."""

    words: tuple[str, ...]
    probabilities: Array
    both_ways: bool
    asked: int

    def read(self, t: int) -> bool:
        """Whether the answer at the asked word depends on word ``t``."""
        return self.both_ways or t <= self.asked


@dataclass(frozen=True)
class Grid:
    """Activations of every layer, the first at the bottom, each (units, T), over the signs, with answers and truths."""

    signs: tuple[str, ...]
    layers: tuple[Array, ...]
    answers: tuple[str, ...]
    truths: tuple[str, ...]


@dataclass(frozen=True)
class ByDepth:
    """For each network ``name``, how many numbers it learns and the accuracy (seeds,) of each start."""

    names: tuple[str, ...]
    sizes: tuple[int, ...]
    accuracies: tuple[Array, ...]


def marked(shown: Sequence[str], logits: Tensor, tags: Sequence[str]) -> Marked:
    """From logits (T, C) in the order of ``tags``; the probability of a kind is that of its B and its I together."""
    probabilities = torch.softmax(logits, -1).numpy(force=True)
    kinds = list(dict.fromkeys(tag.rpartition("-")[2] for tag in tags))
    columns = [[i for i, tag in enumerate(tags) if tag.rpartition("-")[2] == kind] for kind in kinds]
    summed = np.stack([probabilities[:, c].sum(1) for c in columns], 1)
    taken = tuple(tags[i] for i in logits.argmax(-1).tolist())
    return Marked(tuple(shown), taken, tuple(kinds), summed.astype(np.float32))


def raced(names: Sequence[str], steps: Sequence[int], values: Sequence[Array]) -> Race:
    """From one array (k, seeds) a name: the mean over seeds, and the lowest and the highest of them."""
    ends = [np.stack([part(v, 1) for v in values]).astype(np.float32) for part in (np.mean, np.min, np.max)]
    return Race(tuple(names), np.array(steps, np.int32), *ends)
