"""Judging pairs of encodings: all pairs of a set of faces, and how well they are told apart by a threshold of others."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from engine.functional.faces import best_threshold, error_rates, squared_distance

# Nobody of those known; somebody who may be anybody.
UNKNOWN, ANYBODY = -1, -2


class Pairs(NamedTuple):
    """Pairs of faces ``first`` and ``second`` (p,), their squared distances (p,), and whether they show one person (p,)."""

    first: Tensor
    second: Tensor
    distances: Tensor
    same: Tensor


def all_pairs(encodings: Tensor, people: Tensor) -> Pairs:
    """Every two faces (m, n) of which at least one is of a known person (m,).

    Index -1 is a stranger, nobody of those known; -2 may be anybody and is left out.
    """
    first, second = torch.triu_indices(len(people), len(people), 1)
    a, b = people[first], people[second]
    known = (a != UNKNOWN) | (b != UNKNOWN)
    known &= (a != ANYBODY) & (b != ANYBODY)
    first, second, same = first[known], second[known], (a == b)[known]
    return Pairs(first, second, squared_distance(encodings[first], encodings[second]), same)


def accuracy(distances: Tensor, same: Tensor, threshold: float) -> float:
    """The share of pairs (p,) judged right."""
    return float(((distances <= threshold) == same).float().mean())


def balanced(distances: Tensor, same: Tensor, threshold: float) -> float:
    """The share judged right if pairs of one person were as many as pairs of two: 1 - (FAR + FRR) / 2."""
    rates = error_rates(distances, same, torch.tensor([threshold]))
    return 1 - float(rates.false_accept + rates.false_reject) / 2


def cross_validated(pairs: Pairs, people: Tensor, folds: int, generator: torch.Generator) -> float:
    """The share of pairs judged right by thresholds chosen on other people, the mean over folds (Huang et al. 2007, LFW).

    People are dealt to folds at random; a fold's threshold is the best one for pairs without anybody of the fold, and judges
    all pairs with somebody of it.
    """
    count = int(people.max()) + 1
    dealt = torch.empty(count, dtype=torch.long)
    dealt[torch.randperm(count, generator=generator)] = torch.arange(count) % folds
    a, b = (dealt[people[each].clamp(min=0)] for each in (pairs.first, pairs.second))
    known = (people[pairs.first] != UNKNOWN) & (people[pairs.second] != UNKNOWN)
    shares = []
    for fold in range(folds):
        chosen = known & (a != fold) & (b != fold)
        held = known & ((a == fold) | (b == fold))
        threshold, _ = best_threshold(pairs.distances[chosen], pairs.same[chosen])
        shares.append(accuracy(pairs.distances[held], pairs.same[held], threshold))
    return sum(shares) / folds
