"""A language model of counted n-grams."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor


class Ngrams:
    """P(next token | the last ones), from counts of runs of at most ``order`` tokens out of ``size``.

    A context's counts are mixed with what the next shorter context says, as if that had been seen ``prior`` times; behind
    the shortest stands that all tokens are equally likely. MacKay and Peto 1995.
    """

    def __init__(self, sequences: Iterable[Sequence[int]], size: int, order: int = 4, prior: float = 1.0) -> None:
        """Count."""
        self.size, self.order, self.prior = size, order, prior
        self.counts: dict[tuple[int, ...], Counter[int]] = {}
        for tokens in sequences:
            for i, token in enumerate(tokens):
                for n in range(min(order - 1, i) + 1):
                    self.counts.setdefault(tuple(tokens[i - n : i]), Counter())[token] += 1

    def next(self, before: Sequence[int]) -> Tensor:
        """The probabilities (size,) of the next token after some."""
        chances = torch.full((self.size,), 1 / self.size)
        for n in range(min(self.order - 1, len(before)) + 1):
            counts = self.counts.get(tuple(before[len(before) - n :]))
            if counts is None:
                break
            seen = torch.zeros(self.size)
            seen[list(counts)] = torch.tensor([float(count) for count in counts.values()])
            chances = (seen + self.prior * chances) / (seen.sum() + self.prior)
        return chances
