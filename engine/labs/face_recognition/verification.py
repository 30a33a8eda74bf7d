"""Verification against recognition: one threshold, two errors, and what becomes of them with many people."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from engine.data.faces import identities
from engine.figures import verifying as figures
from engine.functional.faces import equal_error, error_rates, squared_distance, verify
from engine.functional.identification import if_independent, named_right, nearest_others, strangers_let_in
from engine.lab import Frame, Frames, Lab
from engine.models.crowd import Crowd, crowd, resembling
from engine.models.embedding import trained
from engine.params import Params, integer, number
from engine.results.verifying import ByPeople, Errors, PairPicture
from engine.seeding import generator

FURTHEST, FINE, ROUNDS, WORST, ACROSS = 4.0, 401, 8, 3, 3
MOST_PEOPLE = 400
COUNTS = (1, 2, 3, 5, 8, 12, 20, 30, 50, 80, 120, 200, 300)


class Verification(Params):
    """What a person can move."""

    threshold: float = number(
        0.33, low=0.0, high=FURTHEST, hint=(0.0, 2.0, 0.01), label="Threshold τ", help="Same person, if d is at most τ."
    )
    enrolled: int = integer(
        20, low=1, high=MOST_PEOPLE, hint=(1, 100, 1), log=True, label="People enrolled K", help="For recognition, 1:K."
    )
    people: int = integer(
        120, low=13, high=MOST_PEOPLE, hint=(20, 300, 10), label="People", help="Two pictures are drawn of each."
    )
    likeness: float = number(
        0.0, low=0.0, high=0.95, label="Likeness", help="How much all resemble one of them, as relatives do."
    )
    variation: float = number(
        1.0, low=0.0, high=1.5, label="Variation", help="How much pose, expression and light differ between pictures."
    )
    noise: float = number(0.03, low=0.0, high=0.3, label="Noise", help="The deviation of a pixel.", more=True)


@dataclass(frozen=True)
class Kept:
    """What the view draws from: distances (n, n) from everyone's second picture to everyone's first, and the rest of it.

    ``nearest`` (rounds, n, 2k) are smallest distances to k counts of others, then to one fewer each. ``shown`` are pairs
    of indices and their pictures (p, 2, 64, 64, 3).
    """

    distances: Tensor
    counts: tuple[int, ...]
    nearest: Tensor
    shown: tuple[tuple[int, int], ...]
    pictures: np.ndarray


def compared(seen: Crowd, seed: int) -> Kept:
    """Everyone's first picture is enrolled, everyone's second is a visitor."""
    n = len(seen.encodings) // 2
    enrolled, visiting = seen.encodings[: 2 * n].view(n, 2, -1).unbind(1)
    distances = squared_distance(visiting[:, None], enrolled)
    counts = tuple(k for k in COUNTS if k < n)
    both = [*counts, *(k - 1 for k in counts)]
    nearest = nearest_others(distances, both, ROUNDS, generator(seed, 2))
    shown = worst(distances)
    pictures = np.stack([np.stack([seen.pictures[2 * j].numpy(), seen.pictures[2 * i + 1].numpy()]) for i, j in shown])
    return Kept(distances, counts, nearest, shown, pictures)


def worst(distances: Tensor) -> tuple[tuple[int, int], ...]:
    """The furthest pairs of one person, then the nearest pairs of two: visitor and enrolled."""
    own = distances.diagonal().argsort(descending=True)[:WORST].tolist()
    others = distances.clone().fill_diagonal_(torch.inf)
    near = others.flatten().argsort()[:WORST].tolist()
    return (*((i, i) for i in own), *(divmod(k, len(distances)) for k in near))


def run(params: Verification) -> Frames:
    """A few people at once, then more and more; what the threshold decides is drawn by :func:`view`."""
    random = generator(params.seed, 1)  # stream 0 of seed 0 drew the people whom the network learned from
    people = resembling(identities(params.people, random), params.likeness).repeat_interleave(2, 0)
    for seen in crowd(trained(), people, random, first=2 * 13, variation=params.variation, noise=params.noise):
        kept = compared(seen, params.seed)
        n = len(kept.distances)
        says = f"{n} people whom the network never saw give {n} pairs of one person and {n * (n - 1):,} of two."
        yield Frame(figures={}, says=says, progress=n / params.people, state=kept)


def view(params: Verification, frame: Frame) -> Frame:
    """Both errors at the threshold, the curves, and recognition among K people."""
    kept: Kept = frame.state
    tau, d = params.threshold, kept.distances
    diagonal = torch.eye(len(d), dtype=torch.bool)
    flat, same = d.flatten(), diagonal.flatten()
    at = torch.linspace(0, FURTHEST, FINE)
    errors = Errors(at.numpy(), *(rate.numpy() for rate in error_rates(flat, same, at)))
    accept, reject = (float(rate) for rate in error_rates(flat, same, torch.tensor([tau])))
    equal = equal_error(flat, same)
    people, k = recognised(kept, tau, accept), min(params.enrolled, kept.counts[-1])
    stranger = float(np.interp(k, people.people, people.strangers))
    return replace(
        frame,
        figures={
            "Distances": figures.distances(d[diagonal].numpy(), d[~diagonal].numpy(), tau, FURTHEST),
            "Both errors": figures.by_threshold(errors, tau, (accept, reject)),
            "ROC": figures.roc(
                {"verification": errors}, {"verification": (accept, reject)}, {"verification": figures.SAME}
            ),
            "One of K": figures.by_people(people, k),
            "Worst pairs": figures.pairs(judged(kept, tau), ACROSS),
        },
        says=f"{frame.says} At τ = {tau:g}, {accept:.2%} of different pairs are accepted and {reject:.2%} of same pairs "
        f"rejected; among {k} people enrolled, {stranger:.1%} of strangers are let in.",
        metrics={
            "False accept": f"{accept:.2%}",
            "False reject": f"{reject:.2%}",
            "Equal error": f"{equal.rate:.2%} at {equal.threshold:.2f}",
            f"Strangers let in, K = {k}": f"{stranger:.1%}",
        },
    )


def recognised(kept: Kept, threshold: float, false_accept: float) -> ByPeople:
    """Recognition among every number of people: simulated, and as if all comparisons were independent."""
    counts, k = torch.tensor(kept.counts), len(kept.counts)
    strangers = strangers_let_in(kept.nearest[..., :k], threshold)
    named = named_right(kept.distances.diagonal(), kept.nearest[..., k:], threshold)
    return ByPeople(*(x.numpy() for x in (counts, strangers, if_independent(false_accept, counts), named)))


def judged(kept: Kept, threshold: float) -> list[PairPicture]:
    """The worst pairs with their verdict."""
    result = []
    for (i, j), (one, other) in zip(kept.shown, kept.pictures, strict=True):
        d = float(kept.distances[i, j])
        right = (d <= threshold) == (i == j)
        words = f"{'one person' if i == j else 'two people'}, d {d:.2f} {'✓' if right else '✗'}"
        result.append(PairPicture(one, other, words, right))
    return result


LAB = Lab(
    slug="verification",
    summary="Ask whether two pictures show one person, set the threshold, and see what becomes of its errors among K people.",
    params=Verification,
    run=run,
    look_for=(
        "Move the threshold: what it gains in one error it pays in the other, and no threshold makes both zero where the "
        "histograms overlap. A false accept rate that looks tiny for one pair is met K times when a visitor is compared with K "
        "people. Which threshold lets in at most 1 % of strangers when 100 are enrolled, and how many members does it turn "
        "away? Why does the simulated curve stay below the formula?"
    ),
    maths=(
        r"$$\text{same person} \iff d(x, x') = \lVert f(x) - f(x') \rVert^2 \le \tau$$"
        "\n\n"
        r"$$\text{FAR}(\tau) = P(d \le \tau \mid \text{two people}), \qquad "
        r"\text{FRR}(\tau) = P(d > \tau \mid \text{one person})$$"
        "\n\n"
        r"$$P(\text{stranger let in among } K) = 1 - (1 - \text{FAR})^K \quad \text{if comparisons were independent}$$"
        "\n\n"
        r"They are not: some faces are easily taken for many, so the simulated share, the mean of $1 - (1 - p_i)^K$ over "
        r"visitors, is at most that by Jensen's inequality."
    ),
    code=(verify, error_rates, nearest_others, strangers_let_in, if_independent),
    presets={
        "Strict": {"threshold": 0.12},
        "Lenient": {"threshold": 0.9},
        "A family": {"likeness": 0.7},
        "Always facing us": {"variation": 0.2},
        "Noisy pictures": {"noise": 0.12},
    },
    trains=True,
    rows=(("Distances", "Both errors"), ("ROC", "One of K"), ("Worst pairs",)),
    views=("threshold", "enrolled"),
    view=view,
)
