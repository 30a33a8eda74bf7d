"""One-shot learning: people come one by one; a similarity only stores them, a classifier must retrain."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from engine.data.faces import draw_faces, identities
from engine.figures import verifying as figures
from engine.figures.theme import AMBER, BLUE, GREY
from engine.functional.faces import identify
from engine.lab import Frame, Frames, Lab
from engine.models import small
from engine.models.crowd import encode, levels
from engine.models.embedding import trained
from engine.params import Params, choice, integer, number
from engine.results.verifying import PairPicture
from engine.seeding import generator
from engine.training.classes import fit_classes, linear

FIRST, SHOWN, ACROSS, POOLED = 3, 9, 3, 2
SIMILARITY, SOFTMAX, STALE = "similarity", "softmax, retrained", "softmax, left as it was"
COLORS = {SIMILARITY: BLUE, SOFTMAX: AMBER, STALE: GREY}


class OneShot(Params):
    """What a person can move."""

    people: int = integer(16, low=3, high=60, hint=(3, 30, 1), label="People", help="Who come one after another.")
    shots: int = integer(1, low=1, high=10, label="Pictures to enrol", help="How many each person brings.")
    classifier: Literal["pixels", "encodings"] = choice(
        "pixels",
        label="Softmax reads",
        help="Pixels through a small network of its own, or the same encodings as the similarity.",
        names={"pixels": "Pixels", "encodings": "Encodings"},
    )
    steps: int = integer(
        40, low=1, high=400, hint=(5, 150, 5), label="Steps", help="Updates at every retraining, from scratch."
    )
    rate: float = number(0.01, low=1e-4, high=1.0, log=True, label="Learning rate", help="Of Adam, for the softmax.")
    new: int = integer(
        4, low=1, high=20, hint=(1, 10, 1), label="New pictures", help="Of each person, to measure on.", more=True
    )
    variation: float = number(
        1.0, low=0.0, high=1.5, label="Variation", help="How much pose, expression and light differ.", more=True
    )


@dataclass
class Sides:
    """Enrolled or new pictures so far: ``pixels`` (m, 3, 64, 64), ``encodings`` (m, n), whose they are (m,)."""

    pixels: list[Tensor] = field(default_factory=list)
    encodings: list[Tensor] = field(default_factory=list)
    whose: list[Tensor] = field(default_factory=list)

    def add(self, pixels: Tensor, encodings: Tensor, person: int) -> None:
        """One more person's."""
        self.pixels.append(pixels)
        self.encodings.append(encodings)
        self.whose.append(torch.full((len(pixels),), person))

    def read(self, classifier: str) -> tuple[Tensor, Tensor]:
        """What a classifier reads, pictures at half their size or encodings, and the classes (m,)."""
        if classifier == "encodings":
            return torch.cat(self.encodings), torch.cat(self.whose)
        return avg_pool2d(torch.cat(self.pixels), POOLED) - 0.5, torch.cat(self.whose)


def softmax(params: OneShot, enrolled: Sides, people: int) -> Callable[[Tensor], Tensor]:
    """A classifier of so many people, trained from scratch on their enrolled pictures: what it answers (m,)."""
    x, y = enrolled.read(params.classifier)
    forward = linear if x.ndim == 2 else small.forward
    start = (
        [torch.zeros(people, x.shape[1]), torch.zeros(people)]
        if x.ndim == 2
        else small.initialize(3, x.shape[-1], people, generator(params.seed, 3))
    )
    fitted = fit_classes(forward, start, x, y, rate=params.rate, steps=params.steps)
    return lambda new: forward(fitted, new).argmax(1)


def similar(enrolled: Sides, new: Tensor) -> Tensor:
    """Whose enrolled picture is nearest to each new encoding (m, n): (m,)."""
    return torch.cat(enrolled.whose)[identify(new, torch.cat(enrolled.encodings), math.inf)]


@dataclass
class Record:
    """What was measured so far, by name: shares of new pictures that were named right, and milliseconds to enrol."""

    people: list[int] = field(default_factory=list)
    right: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in COLORS})
    spent: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in COLORS})


def run(params: OneShot) -> Frames:
    """A frame for everyone who comes; nobody of them was in the network's training."""
    random, network = generator(params.seed, 1), trained()  # stream 0 drew people for the network's training
    enrolled, new, record = Sides(), Sides(), Record()
    stale: Callable[[Tensor], Tensor] | None = None
    for person, identity in enumerate(identities(params.people, random)):
        both = identity.expand(params.shots + params.new, -1)
        pictures = draw_faces(both, random, variation=params.variation).pictures
        began = time.perf_counter()
        encodings = encode(network, pictures[: params.shots])
        stored = time.perf_counter() - began
        enrolled.add(pictures[: params.shots], encodings, person)
        new.add(pictures[params.shots :], encode(network, pictures[params.shots :]), person)
        began = time.perf_counter()
        retrained = softmax(params, enrolled, person + 1)
        learned = time.perf_counter() - began
        stale = retrained if stale is None or person < FIRST else stale
        x, truth = new.read(params.classifier)
        answers = {SIMILARITY: similar(enrolled, torch.cat(new.encodings)), SOFTMAX: retrained(x), STALE: stale(x)}
        record.people.append(person + 1)
        for name, answer in answers.items():
            record.right[name].append(float((answer == truth).float().mean()))
        record.spent[SIMILARITY].append(1000 * stored)
        record.spent[SOFTMAX].append(1000 * learned)
        yield drawn(params, record, enrolled, new, answers)


def drawn(params: OneShot, record: Record, enrolled: Sides, new: Sides, answers: dict[str, Tensor]) -> Frame:
    """The measurements so far, and the last people's new pictures with what both answer."""
    here = np.array(record.people)
    right = {name: (np.array(values), COLORS[name]) for name, values in record.right.items()}
    spent = {name: (np.array(values), COLORS[name]) for name, values in record.spent.items() if values}
    now = {name: values[-1] for name, values in record.right.items()}
    ratio = record.spent[SOFTMAX][-1] / record.spent[SIMILARITY][-1]
    return Frame(
        figures={
            "Named right on new pictures": figures.by_arrival(here, right, "share", range=[0, 1.03], tickformat=".0%"),
            "Time to enrol one more": figures.by_arrival(here, spent, "ms", type="log"),
            "Enrolled beside new": figures.pairs(beside(enrolled, new, answers), ACROSS),
        },
        says=f"With {here[-1]} people the similarity names {now[SIMILARITY]:.0%} of new pictures, the retrained softmax "
        f"{now[SOFTMAX]:.0%}, the one left as it was {now[STALE]:.0%}.",
        metrics={
            "Similarity": f"{now[SIMILARITY]:.0%}",
            "Softmax, retrained": f"{now[SOFTMAX]:.0%}",
            "Softmax, left as it was": f"{now[STALE]:.0%}",
            "Retraining takes": f"{ratio:.0f} times as long",
        },
        progress=int(here[-1]) / params.people,
        note="The bundled network never saw any of these people.",
    )


def beside(enrolled: Sides, new: Sides, answers: dict[str, Tensor]) -> list[PairPicture]:
    """The enrolled and a new picture of those who came last."""
    result, each = [], len(new.pixels[0])
    for k in range(max(0, len(new.pixels) - SHOWN), len(new.pixels)):
        found = {name: int(answer[k * each]) for name, answer in answers.items()}
        words = " · ".join(f"{name.split(',')[0]} {'✓' if found[name] == k else '✗'}" for name in (SIMILARITY, SOFTMAX))
        one, other = (levels(side.pixels[k][:1])[0].numpy() for side in (enrolled, new))
        result.append(PairPicture(one, other, words, found[SIMILARITY] == k))
    return result


LAB = Lab(
    slug="one-shot",
    summary="Enrol people by one picture each: a similarity only stores them, a softmax classifier must learn anew.",
    params=OneShot,
    run=run,
    look_for=(
        "Everyone who comes gives the softmax one more output, so it is trained again from scratch, and with one picture "
        "of each it learns little about new poses and light. Left as it was with the first three, it can never name a "
        "newcomer. The similarity stores one encoding and goes on, though its network never saw any of these people. How "
        "many pictures must each bring before the softmax on pixels comes near? And what is left of the gap when it reads "
        "the same encodings?"
    ),
    maths=(
        r"$$\hat k(x) = \arg\min_k\, d(x, x_k), \qquad d(x, x_k) = \lVert f(x) - f(x_k) \rVert^2$$"
        "\n\n"
        r"One more person is one more stored $f(x_K)$. A softmax has one output a person,"
        "\n\n"
        r"$$\hat y = \text{softmax}(W a + b), \qquad W \in \mathbb{R}^{K \times n}$$"
        "\n\n"
        r"so $K + 1$ people need another $W$, learned from $K + 1$ pictures. Left as it was with $K_0$ people, it names at "
        r"most $K_0 / K$ of them."
    ),
    code=(similar, softmax, identify, fit_classes),
    presets={
        "Softmax on encodings": {"classifier": "encodings", "rate": 0.1},
        "Five pictures each": {"shots": 5, "people": 12},
        "Thirty people": {"people": 30, "steps": 20},
        "Always facing us": {"variation": 0.2},
    },
    trains=True,
    measures=True,
    rows=(("Named right on new pictures", "Time to enrol one more"), ("Enrolled beside new",)),
)
