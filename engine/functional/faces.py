"""Comparing faces by their encodings: distance, verification, identification, and how often both go wrong.

An encoding is a vector of n numbers that a network gives a face; the same person's should lie close together (Taigman et al.
2014, Schroff et al. 2015).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor

from engine.errors import BadInput

NOBODY = -1
Mining = Literal["random", "semi-hard", "hard"]


def squared_distance(a: Tensor, b: Tensor) -> Tensor:
    """d = ||f(a) - f(b)||^2 of encodings (..., n) and (..., n): (...)."""
    return (a - b).square().sum(-1)


def chi_square(a: Tensor, b: Tensor) -> Tensor:
    """(f - f')^2 / (f + f') of every number of encodings (..., n) without negative ones; 0 where both are (Taigman et al.)."""
    total = a + b
    return torch.where(total > 0, (a - b).square() / total.where(total > 0, 1), 0)


def verify(a: Tensor, b: Tensor, threshold: float) -> Tensor:
    """Whether two encodings (..., n) are of the same person: their squared distance is at most the threshold, (...)."""
    return squared_distance(a, b) <= threshold


def identify(query: Tensor, database: Tensor, threshold: float) -> Tensor:
    """Who of K people, by encodings (K, n), each query (..., n) shows: the nearest one's index, or -1 for nobody, (...).

    Nobody is near enough if the smallest squared distance exceeds the threshold, or if nobody is enrolled.
    """
    if not len(database):
        return torch.full(query.shape[:-1], NOBODY)
    nearest = squared_distance(query[..., None, :], database).min(-1)
    return torch.where(nearest.values <= threshold, nearest.indices, NOBODY)


def triplets(encodings: Tensor, people: Tensor, mining: Mining, generator: torch.Generator) -> Tensor:
    """For each two pictures of one person a picture of another: indices (t, 3) of anchor, positive and negative.

    ``encodings`` (m, n) are of the ``people`` (m,). The negative is any ("random"), the nearest to the anchor ("hard"), or the
    nearest of those further than the positive ("semi-hard"), and the furthest of all if none is (Schroff et al. 2015, 3.2).
    """
    same = people[:, None] == people
    anchor, positive = (same & ~torch.eye(len(people), dtype=torch.bool, device=people.device)).nonzero(as_tuple=True)
    distances = squared_distance(encodings[:, None], encodings).detach()
    others = ~same[anchor]  # (t, m)
    known = others.any(1)
    anchor, positive, others = anchor[known], positive[known], others[known]
    if mining == "random":
        negative = torch.rand(others.shape, generator=generator).to(distances).where(others, -1).argmax(1)
    else:
        apart = distances[anchor]
        negative = apart.where(others, torch.inf).argmin(1)
        if mining == "semi-hard":
            beyond = others & (apart > distances[anchor, positive][:, None])
            nearest, furthest = apart.where(beyond, torch.inf).argmin(1), apart.where(others, -1).argmax(1)
            negative = torch.where(beyond.any(1), nearest, furthest)
    return torch.stack([anchor, positive, negative], 1)


class ErrorRates(NamedTuple):
    """At each threshold (t,): the share of different pairs accepted, and the share of same pairs rejected."""

    false_accept: Tensor
    false_reject: Tensor


def error_rates(distances: Tensor, same: Tensor, thresholds: Tensor) -> ErrorRates:
    """How often pairs of these distances (p,) and truths (p,) are judged wrong at each threshold (t,).

    A pair is accepted if its distance is at most the threshold. A kind of pair that isn't there has no rate: NaN.
    """
    if distances.shape != same.shape:
        raise BadInput(f"Every distance must have a truth, got {len(distances)} distances and {len(same)} truths.")
    same = same.bool()
    accept, reject = (
        torch.searchsorted(distances[chosen].sort().values, thresholds, right=True) / chosen.sum()
        for chosen in (~same, same)
    )
    return ErrorRates(accept, 1 - reject)


class EqualError(NamedTuple):
    """Where false accepts and false rejects are equally frequent: that rate, and the threshold."""

    rate: float
    threshold: float


def equal_error(distances: Tensor, same: Tensor) -> EqualError:
    """The equal error rate of pairs, at the threshold between two distances where both errors are closest."""
    thresholds = _between(distances)
    rates = error_rates(distances, same, thresholds)
    best = int((rates.false_accept - rates.false_reject).abs().argmin())
    return EqualError(float(rates.false_accept[best] + rates.false_reject[best]) / 2, float(thresholds[best]))


def best_threshold(distances: Tensor, same: Tensor) -> tuple[float, float]:
    """The threshold that judges the most pairs right, and the share that it judges right."""
    thresholds = _between(distances)
    rates, positive = error_rates(distances, same, thresholds), same.float().mean()
    parts = [torch.nan_to_num(rate) * share for rate, share in zip(rates, (1 - positive, positive), strict=True)]
    right = 1 - parts[0] - parts[1]
    return float(thresholds[right.argmax()]), float(right.max())


def _between(distances: Tensor) -> Tensor:
    """A threshold between any two different distances (p,), one below all and one above."""
    steps = distances.sort().values
    return torch.cat([steps[:1] - 1, (steps[1:] + steps[:-1]) / 2, steps[-1:] + 1])
