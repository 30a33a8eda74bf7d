"""Which classes a classifier takes for which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from engine.results import Array


@dataclass(frozen=True)
class Confusion:
    """``counts`` (C, C): how many examples of the row's class were put in the column's; ``classes`` names both."""

    classes: tuple[str, ...]
    counts: Array


def confusion(classes: Sequence[str], labels: Tensor, chosen: Tensor) -> Confusion:
    """Count the pairs of labels (m,) and chosen classes (m,), whole numbers below C."""
    n = len(classes)
    pairs = labels.long() * n + chosen.long()
    return Confusion(tuple(classes), torch.bincount(pairs, minlength=n * n).reshape(n, n).numpy(force=True))
