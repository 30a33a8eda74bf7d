"""Triplet loss: the map of faces moves while a small network learns who belongs together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from engine.data.faces import draw_faces, identities
from engine.figures import embedding_map as figures
from engine.figures.pictures import tiles
from engine.functional.faces import Mining, squared_distance, triplets
from engine.functional.losses import triplet_loss
from engine.lab import Frame, Frames, Lab
from engine.models.crowd import levels
from engine.models.embedding import initialize
from engine.params import Params, choice, integer, number
from engine.results.embedding_map import Course, FaceMap
from engine.seeding import generator
from engine.training import paced, recorded, thinned
from engine.training.faces import Moment, fit_embedding
from engine.training.mapped import Held, Look, looks

SIDE, WIDTHS, THUMB = 32, (3, 8, 16, 32), 16
POOL_EACH, HELD_PEOPLE, HELD_EACH, SHOWN = 4, 24, 4, 7
COLLAPSED, EARLY = 0.02, 20


class Triplets(Params):
    """What a person can move."""

    margin: float = number(
        0.3, low=0.0, high=4.0, hint=(0.0, 1.5, 0.05), label="Margin α", help="How much further the negative must be."
    )
    mining: Mining = choice(
        "semi-hard",
        label="Triplets",
        help="Any negative, the nearest beyond the positive, or the nearest of all.",
        names={"random": "Random", "semi-hard": "Semi-hard", "hard": "Hard"},
    )
    rate: float = number(
        0.02, low=1e-4, high=1.0, log=True, label="Learning rate", help="Highest step; rises, then falls."
    )
    steps: int = integer(120, low=1, high=2000, hint=(20, 500, 10), label="Steps", help="Updates of the network.")
    people: int = integer(
        100, low=4, high=500, hint=(8, 250, 2), label="Training people", help="Four pictures are drawn of each."
    )
    size: int = integer(16, low=2, high=64, hint=(2, 32, 1), label="Numbers", help="How many an encoding has.")
    batch: int = integer(
        16,
        low=2,
        high=48,
        label="People a batch",
        help="Three pictures of each; the more, the harder the hardest.",
        more=True,
    )


def pool(params: Triplets) -> Tensor:
    """The training people's pictures (people, 4, 3, 32, 32)."""
    random = generator(params.seed, 1)
    who = identities(params.people, random).repeat_interleave(POOL_EACH, 0)
    return draw_faces(who, random, SIDE).pictures.view(params.people, POOL_EACH, 3, SIDE, SIDE)


def held_out(seed: int) -> Held:
    """Faces of people whom training never sees."""
    random = generator(seed, 2)
    whose = torch.arange(HELD_PEOPLE).repeat_interleave(HELD_EACH)
    return Held(draw_faces(identities(HELD_PEOPLE, random)[whose], random, SIDE).pictures, whose)


def batch(pictures: Tensor, size: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Three pictures each (size x 3, 3, 32, 32) of so many of the people, and whose each is."""
    people = torch.randperm(len(pictures), generator=random)[:size]
    chosen = torch.rand(len(people), POOL_EACH, generator=random).argsort(1)[:, : POOL_EACH - 1]
    whose = torch.arange(len(people)).repeat_interleave(POOL_EACH - 1)
    return pictures[people[:, None], chosen].flatten(0, 1), whose


def train(params: Triplets) -> Iterator[Look]:
    """The network at its random start, and now and then as it learns."""
    network, random = initialize(params.seed, params.size, WIDTHS, SIDE), generator(params.seed, 3)

    def moments() -> Iterator[Moment]:
        pictures = pool(params)
        yield from fit_embedding(
            network,
            lambda: batch(pictures, params.batch, random),
            random,
            mining=params.mining,
            margin=params.margin,
            rate=params.rate,
            steps=params.steps,
        )

    return looks(network, held_out(params.seed), moments(), params.steps)


def run(params: Triplets) -> Frames:
    """The untrained map at once, then the map as it moves."""
    held = held_out(params.seed)
    for history in paced(recorded(train(params))):
        yield drawn(params, held, history)


def drawn(params: Triplets, held: Held, history: Sequence[Look]) -> Frame:
    """The map of some of the people never seen, the course of the training, and the triplet that is worst."""
    now, course = history[-1], followed(history, params.steps)
    step, spread = int(course.steps[-1]), float(course.spread[-1])
    collapsed = now.moment is not None and step >= min(EARLY, params.steps) and spread < COLLAPSED
    shown = held.people < SHOWN
    thumbs = levels(avg_pool2d(held.pictures[shown], SIDE // THUMB)).numpy()
    sentence = (
        f"Every face now has nearly the same encoding ({spread:.3f} apart), so the loss stays at the margin, "
        f"{params.margin:g}: the network has collapsed."
    )
    last = step == params.steps
    return Frame(
        figures={
            "Map of people never seen": figures.faces(
                FaceMap(now.flat[shown].numpy(), thumbs, held.people[shown].numpy())
            ),
            "Training": figures.course(course, params.margin),
            "People never seen": figures.unseen(course),
            "Furthest from satisfied": worst(params, held, now.encodings),
        },
        says=f"After {step} steps the nearest other face is of the same person for {now.named:.0%} of the faces of people "
        f"never seen, with an equal error rate of {now.error:.1%}; faces lie {spread:.2f} apart on average.",
        metrics={
            "Nearest is right": f"{now.named:.0%}",
            "Equal error": f"{now.error:.1%}",
            "Active triplets": f"{course.active[-1]:.0%}" if now.moment else "–",
            "Step": f"{step} of {params.steps}",
        },
        progress=step / params.steps,
        note=sentence if collapsed and not last else "",
        diverged=f"{sentence} Hard negatives at a high rate do this: try semi-hard ones." if collapsed and last else "",
        remedy={"mining": "semi-hard", "rate": min(params.rate, 0.02)} if collapsed and last else {},
    )


def followed(history: Sequence[Look], steps: int) -> Course:
    """The numbers of a history, thinned; before the first update, loss and active triplets are not known."""
    rows = []
    for each in thinned(history):
        apart = float(squared_distance(each.encodings[:, None], each.encodings).mean())
        moment = each.moment or Moment(0, float("nan"), float("nan"), apart)
        rows.append((*moment, each.named, each.error))
    at, loss, active, spread, named, error = np.array(rows, np.float32).T
    return Course(at, loss, active, spread, named, error, steps)


def worst(params: Triplets, held: Held, encodings: Tensor) -> Any:
    """The triplet of held-out faces, chosen as in training, whose positive lies furthest beyond its negative."""
    found = triplets(encodings, held.people, params.mining, generator(params.seed, 4))
    anchor, positive, negative = encodings[found].unbind(1)
    near, far = squared_distance(anchor, positive), squared_distance(anchor, negative)
    k = int((near - far).argmax())
    captions = ["anchor", f"positive, d {near[k]:.2f}", f"negative, d {far[k]:.2f}"]
    return tiles(list(levels(held.pictures[found[k]]).numpy()), captions, 3, height=190)


LAB = Lab(
    slug="triplet",
    summary="Pull a person's faces together and push others away, and watch the map of faces move as a network learns it.",
    params=Triplets,
    run=run,
    look_for=(
        "Each border colour is a person whom training never sees, and yet the colours gather. Random triplets are soon "
        "satisfied: the share of active ones falls, and with it what there is to learn from. The nearest negatives of all pull "
        "so hard at the start that every face may run to one point, where the loss equals the margin. Which triplets name most "
        "people after the same number of steps? And what does a margin of 0 lead to?"
    ),
    maths=(
        r"$$L(A, P, N) = \max\big(\lVert f(A) - f(P) \rVert^2 - \lVert f(A) - f(N) \rVert^2 + \alpha,\ 0\big), \qquad "
        r"J = \frac{1}{t} \sum_{i=1}^{t} L(A^{(i)}, P^{(i)}, N^{(i)})$$"
        "\n\n"
        r"A triplet is active while $d(A, P) + \alpha > d(A, N)$. Semi-hard negatives satisfy $d(A, N) > d(A, P)$; hard ones "
        r"are the nearest of all. Where $f$ is constant, every $d = 0$ and $L = \alpha$: without the margin that would be a "
        r"minimum. The course sums over triplets; the mean differs by a factor. "
        r"The map shows the two main directions of all encodings."
    ),
    code=(triplet_loss, triplets, fit_embedding),
    presets={
        "Random": {"mining": "random"},
        "Hard, patiently": {"mining": "hard", "rate": 0.005, "steps": 200},
        "Collapse": {"mining": "hard", "rate": 0.3, "steps": 80},
        "No margin": {"margin": 0.0},
        "Two numbers": {"size": 2},
    },
    trains=True,
    rows=(("Map of people never seen", "Training"), ("People never seen", "Furthest from satisfied")),
)
