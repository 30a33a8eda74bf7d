"""Training of an encoding of faces, looked at now and then by faces of people whom it never sees."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from engine.functional.faces import equal_error, squared_distance
from engine.functional.plane import plane
from engine.training.faces import Moment

EVERY = 4


class Held(NamedTuple):
    """Faces that are only looked at: ``pictures`` (m, 3, s, s), and whose each is (m,)."""

    pictures: Tensor
    people: Tensor


class Look(NamedTuple):
    """The latest moment, None at the start, with encodings (m, n) of the held-out faces and their picture (m, 2).

    ``named`` is the share whose nearest other face is of the same person, ``error`` the equal error rate of all pairs.
    """

    moment: Moment | None
    encodings: Tensor
    flat: Tensor
    named: float
    error: float


def look(network: nn.Module, held: Held, moment: Moment | None, before: Tensor | None) -> Look:
    """What the network makes of the held-out faces now; ``before`` is the last picture of them."""
    with torch.no_grad():
        encodings = network.eval()(held.pictures)
    distances = squared_distance(encodings[:, None], encodings)
    one, other = torch.triu_indices(len(encodings), len(encodings), 1)
    same = held.people[one] == held.people[other]
    nearest = distances.fill_diagonal_(torch.inf).argmin(1)
    named = float((held.people[nearest] == held.people).float().mean())
    error = equal_error(distances[one, other], same).rate
    return Look(moment, encodings, plane(encodings, before), named, error)


def looks(network: nn.Module, held: Held, moments: Iterator[Moment], steps: int) -> Iterator[Look]:
    """A look at the start, one every few of the ``steps`` moments, and one at the last."""
    seen = look(network, held, None, None)
    yield seen
    for moment in moments:
        if moment.step % EVERY == 0 or moment.step == steps:
            seen = look(network, held, moment, seen.flat)
            yield seen
