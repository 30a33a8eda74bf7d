"""Verification as binary classification: a logistic unit on how two encodings differ, beside the distance and its threshold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from engine.data.faces import identities
from engine.figures import curves
from engine.figures import verifying as figures
from engine.figures.theme import AMBER, BLUE, GREEN
from engine.functional.faces import best_threshold, chi_square, error_rates, squared_distance
from engine.functional.similarity import Unit, chi_square_of_signed, fit_units, manhattan, probability
from engine.lab import Frame, Frames, Lab, Mistake
from engine.models.crowd import Crowd, crowd
from engine.models.embedding import trained
from engine.params import Params, integer, number
from engine.results.curves import Race
from engine.results.verifying import Errors, PairPicture
from engine.seeding import generator
from engine.training import paced, recorded, thinned

MANHATTAN, CHI, DISTANCE = "|f − f′|", "χ²", "distance"
COLORS = {MANHATTAN: BLUE, CHI: AMBER, DISTANCE: GREEN}
EACH, SHOWN, ACROSS, FEW = 3, 6, 3, 8


class FaceBinary(Params):
    """What a person can move."""

    likeness: float = number(
        0.6,
        low=0.0,
        high=0.95,
        hint=(0.0, 0.95, 0.05),
        label="Likeness",
        help="How much the other person of a pair resembles the first.",
    )
    people: int = integer(
        100, low=10, high=500, hint=(20, 250, 10), label="People to learn from", help="Two pairs are made of each."
    )
    tested: int = integer(
        100, low=10, high=500, hint=(20, 250, 10), label="People to test on", help="Others, as many pairs."
    )
    l2: float = number(
        0.03, low=1e-5, high=10.0, log=True, label="Weight decay", help="Holds the weights of both units near 0."
    )
    rate: float = number(0.05, low=1e-4, high=1.0, log=True, label="Learning rate", help="Of Adam, for both units.")
    steps: int = integer(150, low=1, high=2000, hint=(10, 500, 10), label="Steps", help="Updates, each on all pairs.")
    variation: float = number(
        1.0, low=0.0, high=1.5, label="Variation", help="How much pose, expression and light differ.", more=True
    )


class Pairs(NamedTuple):
    """Encodings a, b (m, n) of pairs and whether each is of one person (m,); pictures (m, 2, 64, 64, 3)."""

    a: Tensor
    b: Tensor
    same: Tensor
    pictures: Tensor

    def features(self) -> Tensor:
        """How much every number differs (2, m, n): absolutely, and by chi-square."""
        return torch.stack([manhattan(self.a, self.b), chi_square_of_signed(self.a, self.b)])

    def distances(self) -> Tensor:
        """Squared distances (m,)."""
        return squared_distance(self.a, self.b)


def paired(seen: Crowd) -> Pairs:
    """Of everyone's two pictures a pair of one person; of the first and another person's, who is alike, a pair of two."""
    n = len(seen.encodings) // EACH
    pictures, encodings = (x[: EACH * n].view(n, EACH, *x.shape[1:]) for x in seen)
    first, second, other = encodings.unbind(1)
    shown = torch.cat([pictures[:, :2], pictures[:, ::2]])
    return Pairs(torch.cat([first, first]), torch.cat([second, other]), torch.arange(2 * n) < n, shown)


def gathered(params: FaceBinary, people: int, stream: int) -> Iterator[Pairs]:
    """Pairs of so many people, more and more of them; their encodings are frozen."""
    random = generator(params.seed, stream)
    who = identities(people, random)
    alike = torch.lerp(identities(people, random), who, params.likeness)
    order = torch.stack([who, who, alike], 1).flatten(0, 1)
    for seen in crowd(trained(), order, random, first=EACH * FEW, variation=params.variation):
        yield paired(seen)


def run(params: FaceBinary) -> Frames:
    """Faces are drawn and encoded, then both units learn; all are measured on the same pairs of other people."""
    total = params.people + params.tested
    for train in gathered(params, params.people, 1):
        start = next(fit_units(train.features(), train.same, rate=params.rate, l2=params.l2, steps=0))
        yield drawn(params, train, train, [start], 0.5 * len(train.same) / 2 / total)
    for test in gathered(params, params.tested, 2):
        yield drawn(params, train, test, [start], 0.5 * (params.people + len(test.same) / 2) / total)
    units = fit_units(train.features(), train.same, rate=params.rate, l2=params.l2, steps=params.steps)
    for history in paced(recorded(units)):
        yield drawn(params, train, test, history, 0.5 + 0.5 * history[-1].step / params.steps)


def scores(pairs: Pairs, unit: Unit) -> dict[str, Tensor]:
    """What each calls unlikely, by name (m,): one minus the units' probabilities, and the squared distance."""
    p = probability(pairs.features(), unit.w, unit.b)
    return {MANHATTAN: 1 - p[0], CHI: 1 - p[1], DISTANCE: pairs.distances()}


def drawn(params: FaceBinary, train: Pairs, test: Pairs, history: list[Unit], progress: float) -> Frame:
    """The state after the latest update."""
    unit = history[-1]
    threshold, _ = best_threshold(train.distances(), train.same)
    limits = {MANHATTAN: 0.5, CHI: 0.5, DISTANCE: threshold}
    found = scores(test, unit)
    right = {name: float(((x <= limits[name]) == test.same).float().mean()) for name, x in found.items()}
    marks = {name: error_rates(x, test.same, torch.tensor([limits[name]])) for name, x in found.items()}
    roc = {name: swept(x, test.same) for name, x in found.items()}
    costs = np.array([(u.step, *u.cost.tolist()) for u in thinned(history)], np.float32).T
    weighed = {name: (w.numpy(), COLORS[name]) for name, w in zip((MANHATTAN, CHI), unit.w, strict=True)}
    named = ", ".join(f"{share:.1%} by {name}" for name, share in right.items())
    return Frame(
        figures={
            "ROC on the same pairs": figures.roc(
                roc,
                {name: (float(mark.false_accept), float(mark.false_reject)) for name, mark in marks.items()},
                COLORS,
            ),
            "Cost of both units": curves.race(
                Race((MANHATTAN, CHI), costs[0], costs[1:]), params.steps, COLORS, height=360, showlegend=True
            ),
            "Weight of every number": figures.weights(weighed),
            "Least sure pairs, by |f − f′| and χ²": figures.pairs(unsure(test, unit, found), ACROSS),
        },
        says=f"Of {len(test.same)} pairs, after {unit.step} updates, {named} are judged right.",
        metrics={name: f"{share:.1%} right" for name, share in right.items()}
        | {"Step": f"{unit.step} of {params.steps}"},
        progress=min(1.0, progress),
        note=f"The distance's threshold, {threshold:.2f}, and both units come from the pairs to learn from.",
    )


def swept(x: Tensor, same: Tensor) -> Errors:
    """Both errors of a score (m,) at every threshold that changes them, from accepting nobody on."""
    at = torch.cat([x.min()[None] - 1, x.sort().values])
    return Errors(at.numpy(), *(rate.numpy() for rate in error_rates(x, same, at)))


def unsure(pairs: Pairs, unit: Unit, found: dict[str, Tensor]) -> list[PairPicture]:
    """The pairs whose probability by |f - f'| is nearest to one half, with the probability of one person by both units."""
    result = []
    for k in (found[MANHATTAN] - 0.5).abs().argsort(stable=True)[:SHOWN].tolist():
        one, other = pairs.pictures[k].numpy()
        p, chi, same = 1 - float(found[MANHATTAN][k]), 1 - float(found[CHI][k]), bool(pairs.same[k])
        words = f"{'same' if same else 'two'}: {p:.0%}, {chi:.0%}"
        result.append(PairPicture(one, other, words, (p >= 0.5) == same))
    return result


def sigmoid_inside(params: FaceBinary) -> Mistake:
    """The notes' form, with the sigmoid on the differences, beside the right one, both with the weights of one unit."""
    pairs = next(gathered(params, FEW, 1))
    *_, unit = fit_units(pairs.features(), pairs.same, rate=params.rate, l2=params.l2, steps=100)
    w, b = unit.w[0], unit.b[0]
    one, other = pairs.a[-1], pairs.b[-1]
    wrong, swapped = (float((w * torch.sigmoid(x)).sum() + b) for x in (one - other, other - one))
    right = float(probability(manhattan(one, other), w, b))
    return Mistake(
        wrong=f"Σₖ wₖ σ(fₖ − f′ₖ) + b = {wrong:.2f}, and {swapped:.2f} with the pictures swapped: no probability",
        right=f"σ(Σₖ wₖ |fₖ − f′ₖ| + b) = {right:.3f} either way, for a pair of two people",
    )


LAB = Lab(
    slug="face-binary",
    summary="Judge pairs of faces by a logistic unit on how their encodings differ, beside the plain distance.",
    params=FaceBinary,
    run=run,
    look_for=(
        "All three read the same frozen encodings of the same pairs. The distance weighs every number alike and has one thing "
        "to learn, its threshold; a unit can trust some numbers more than others, but has 33 things to learn. Test pairs "
        "are of other people, so too little to learn from shows. When do the units beat the distance, with many people or "
        "with few, and what does weight decay do to the answer?"
    ),
    maths=(
        r"$$\hat y = \sigma\Big(\sum_k w_k\, \lvert f_k(x^{(i)}) - f_k(x^{(j)}) \rvert + b\Big), \qquad "
        r"\chi^2_k = \frac{(f_k(x^{(i)}) - f_k(x^{(j)}))^2}{f_k(x^{(i)}) + f_k(x^{(j)})}$$"
        "\n\n"
        r"$$J = -\frac{1}{m} \sum \big(y \log \hat y + (1 - y) \log(1 - \hat y)\big) + \frac{\lambda}{2} \lVert w \rVert^2$$"
        "\n\n"
        r"$\chi^2$ takes no negative numbers, so every $f_k$ is first moved from $[-1, 1]$ to $[0, 1]$. Beside both, "
        r"$\lVert f(x^{(i)}) - f(x^{(j)}) \rVert^2 \le \tau$, as the triplet loss taught the network, with the $\tau$ that "
        r"judges most pairs to learn from right. Encodings can be computed once and stored."
    ),
    code=(manhattan, chi_square_of_signed, chi_square, probability, fit_units),
    presets={
        "Strangers": {"likeness": 0.0},
        "Nearly twins": {"likeness": 0.85},
        "Few to learn from": {"people": 12, "l2": 0.0001, "steps": 400},
        "Many to learn from": {"people": 250},
    },
    mistakes={"triplet-manhattan": sigmoid_inside},
    trains=True,
    rows=(
        ("ROC on the same pairs", "Cost of both units"),
        ("Weight of every number",),
        ("Least sure pairs, by |f − f′| and χ²",),
    ),
)
