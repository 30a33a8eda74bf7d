"""Who is it: a database of encodings, a threshold, and how errors grow with the people enrolled."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from engine.data.albums import Album
from engine.data.faces import identities
from engine.data.media import Picture, fit_within
from engine.data.people import drawn, name_of, unique
from engine.errors import BadInput
from engine.figures import recognition as figures
from engine.figures.pictures import tile_at, tiles
from engine.functional.faces import NOBODY, error_rates, identify, squared_distance
from engine.functional.identification import if_independent, named_right, nearest_others, strangers_let_in
from engine.functional.pairs import UNKNOWN, all_pairs
from engine.lab import Event, Frame, Frames, Lab
from engine.models.crowd import resembling
from engine.models.recognizing import DRAWN, recognizer
from engine.params import AlbumSource, Params, album, choice, integer, number
from engine.results.recognition import threshold_curves
from engine.seeding import generator

TILED, ACROSS, THUMB = 12, 4, 64
STRANGERS, STUDIED, ROUNDS, BATCH = 6, 64, 20, 16
COUNTS = (1, 2, 4, 8, 16, 32, 63)
BETWEEN_SECONDS, LAST = 0.5, 1.2


class FaceDatabase(Params):
    """What a person can move."""

    threshold: float = number(
        0.35, low=0.0, high=4.0, hint=(0.0, 1.2, 0.01), label="Threshold",
        help="Nobody is recognised whose squared distance to all who are enrolled is larger.",
    )  # fmt: skip
    people: AlbumSource = album(
        "drawn",
        sets=("drawn",),
        label="Enrolled",
        help="Drawn people, or your own: upload or take pictures of each, the class being the name; several a person help.",
        names={"drawn": "Drawn people"},
    )
    asking: AlbumSource = album(
        "held out",
        sets=("held out",),
        label="Who asks",
        help="New pictures of the enrolled and of strangers, or your own pictures; of your own people one each is held out.",
        names={"held out": "New pictures, and strangers"},
    )
    which: int = integer(
        1, low=1, high=500, hint=(1, 12, 1), label="Face", help="The asking face whose distances are shown."
    )
    enrolled: int = integer(
        8, low=1, high=24, label="Drawn people", help="So many drawn people are enrolled, if they are drawn."
    )
    each: int = integer(2, low=1, high=6, label="Pictures of each", help="So many pictures of a drawn person are kept.")
    rule: Literal["nearest", "mean"] = choice(
        "nearest",
        label="Several pictures",
        help="Compare with each picture of a person, or with their mean.",
        more=True,
    )
    likeness: float = number(
        0.5, low=0.0, high=0.9, hint=(0.0, 0.9, 0.05), label="Family likeness",
        help="How much all drawn people look alike: 0 strangers, towards 1 one family.", more=True,
    )  # fmt: skip


@dataclass(frozen=True)
class Kept:
    """The database (m, n) with its owners (m,), askers (a, n), who they are (a,) or -1, and small pictures of both.

    ``study`` are the distances (64, 64) from new pictures of 64 drawn people to their enrolled ones.
    """

    names: tuple[str, ...]
    database: Tensor
    owners: Tensor
    askers: Tensor
    truth: Tensor
    thumbs: tuple[np.ndarray, ...]
    asking: tuple[np.ndarray, ...]
    study: Tensor


@dataclass(frozen=True)
class Gathered:
    """Pictures of the enrolled with their owners, and of the askers with who they are: -1 strangers, -2 not told."""

    names: tuple[str, ...]
    pictures: list[np.ndarray]
    owners: list[int]
    asking: list[np.ndarray]
    truth: list[int]
    photographs: bool


def gathered(params: FaceDatabase) -> Gathered:
    """Who is enrolled and who asks."""
    own = _own(params.people) if isinstance(params.people, Album) else _drawn(params)
    if not isinstance(params.asking, Album):
        return own
    known = [own.names.index(x) if x in own.names else UNKNOWN if x else UNKNOWN - 1 for x in params.asking.labels]
    return replace(own, asking=[p.pixels for p in params.asking.pictures], truth=known, photographs=True)


def _own(people: Album) -> Gathered:
    """A person's own pictures; the last one of whoever has several is held out to ask."""
    names = unique(people.labels)
    if not names:
        raise BadInput("Every person must have a name, from a folder in a zip or typed beside the pictures, got none.")
    found = Gathered(names, [], [], [], [], True)
    last = {label: i for i, label in enumerate(people.labels) if people.labels.count(label) > 1}
    for i, (picture, label) in enumerate(zip(people.pictures, people.labels, strict=True)):
        if not label or last.get(label) == i:
            found.asking.append(picture.pixels)
            found.truth.append(names.index(label) if label else UNKNOWN - 1)
        else:
            found.pictures.append(picture.pixels)
            found.owners.append(names.index(label))
    return found


def _drawn(params: FaceDatabase) -> Gathered:
    random, n = generator(params.seed, 80), params.enrolled
    people = resembling(identities(24 + STRANGERS, random), params.likeness)
    inside, outside = people[:n], people[24:]
    enrolled = drawn(inside.repeat_interleave(params.each, 0), random)
    asking = drawn(torch.cat([inside[:STRANGERS], outside]), random)
    owners = torch.arange(n).repeat_interleave(params.each).tolist()
    truth = [*range(min(n, STRANGERS)), *[UNKNOWN] * STRANGERS]
    return Gathered(tuple(map(name_of, range(n))), enrolled, owners, asking, truth, False)


def run(params: FaceDatabase) -> Frames:
    """The pictures at once, then their encodings, then what a growing database does."""
    given = gathered(params)
    model, note = recognizer(given.photographs)
    together = [*given.pictures, *given.asking]
    thumbs = tuple(_small(pixels) for pixels in together)
    m, parts, last = len(given.pictures), list[Tensor](), time.monotonic()
    yield waiting(thumbs[m:] or thumbs, f"{len(together)} pictures wait to be encoded.", 0.0, note)
    chips = []
    for k, pixels in enumerate(together):
        chips.append(model.faces(pixels)[0].chip)
        if len(chips) == BATCH or k == len(together) - 1 or given.photographs:
            parts.append(model.encode(chips))
            chips = []
        if time.monotonic() - last > BETWEEN_SECONDS:
            last = time.monotonic()
            yield waiting(
                thumbs[m:] or thumbs, f"{k + 1} of {len(together)} pictures are encoded.", 0.8 * k / len(together), note
            )
    encodings, study = torch.cat(parts), studied(params)
    truth, owners = torch.tensor(given.truth, dtype=torch.long), torch.tensor(given.owners)
    kept = Kept(given.names, encodings[:m], owners, encodings[m:], truth, thumbs[:m], thumbs[m:], study)
    says = f"{len(encodings)} encodings, {m} of {len(given.names)} people enrolled, are kept in this session's memory only."
    yield Frame(
        figures={}, says=says, note=note, metrics={"Encodings kept": f"{len(encodings)}, {m} enrolled"}, state=kept
    )


def waiting(thumbs: tuple[np.ndarray, ...], sentence: str, share: float, note: str) -> Frame:
    """A frame before everything is encoded."""
    shown = thumbs[:TILED]
    picture = tiles(shown, ["not compared yet"] * len(shown), ACROSS, height=360)
    return Frame(figures={"Who asks": picture}, says=sentence, progress=share, note=note)


def _small(pixels: np.ndarray) -> np.ndarray:
    return fit_within(Picture(pixels.copy(), "", ""), THUMB).pixels


def studied(params: FaceDatabase) -> Tensor:
    """Squared distances (64, 64) from a new picture of each of 64 drawn people to an enrolled one of each."""
    random = generator(params.seed, 81)
    people = resembling(identities(STUDIED, random), params.likeness)
    new, old = (DRAWN.encode(drawn(people, random)) for _ in range(2))
    return squared_distance(new[:, None], old)


def database(kept: Kept, rule: str) -> tuple[Tensor, Tensor]:
    """Encodings (m, n) to compare with and their owners (m,): all pictures, or the mean of each person's."""
    if rule == "nearest":
        return kept.database, kept.owners
    owners = torch.tensor(sorted(set(kept.owners.tolist())))
    return torch.stack([kept.database[kept.owners == k].mean(0) for k in owners]), owners


def recognised(query: Tensor, encodings: Tensor, owners: Tensor, threshold: float) -> Tensor:
    """Whom each query (a, n) shows by the nearest of the encodings (m, n): an owner (a,), or -1 for nobody near enough."""
    nearest = identify(query, encodings, threshold)
    return torch.where(nearest == NOBODY, NOBODY, owners[nearest.clamp(min=0)])


def view(params: FaceDatabase, frame: Frame) -> Frame:
    """Who is recognised at this threshold, and how often that goes wrong."""
    if frame.state is None:
        return frame
    kept: Kept = frame.state
    encodings, owners = database(kept, params.rule)
    drawings, metrics, says = {}, dict(frame.metrics), frame.says
    if len(kept.askers):
        k = min(params.which, len(kept.askers)) - 1
        answers = recognised(kept.askers, encodings, owners, params.threshold)
        to_each = by_person(kept, encodings, owners)
        drawings["Who asks"] = asked(kept, answers, to_each, k)
        drawings["Distances of the chosen face"] = figures.nearest(kept.names, to_each[k].numpy(), params.threshold)
        answer = said(kept, int(answers[k]))
        metrics["Answer"] = answer
        told = kept.truth >= UNKNOWN
        right = int((answers == kept.truth)[told].sum())
        says += f" Face {k + 1}: {answer}, at {float(to_each[k].min()):.2f}. {right} of {int(told.sum())} answers are right."
        metrics |= {"Right answers": f"{right} of {int(told.sum())}"} if told.any() else {}
    everyone, whose = torch.cat([kept.database, kept.askers]), torch.cat([kept.owners, kept.truth])
    pairs = all_pairs(everyone, whose)
    if bool(pairs.same.any()) and not bool(pairs.same.all()):
        drawings["Errors by threshold"] = figures.errors(
            threshold_curves(pairs.distances, pairs.same, LAST), params.threshold
        )
        rates = error_rates(pairs.distances, pairs.same, torch.tensor([params.threshold]))
        both = f"{float(rates.false_accept):.1%}, {float(rates.false_reject):.1%}"
        metrics["False accepts, rejects"] = both
    drawings["Errors by people enrolled"] = grown(kept.study, params)
    return replace(frame, figures=drawings, metrics=metrics, says=says)


def by_person(kept: Kept, encodings: Tensor, owners: Tensor) -> Tensor:
    """The smallest squared distance (a, K) of each asker to each person."""
    apart = squared_distance(kept.askers[:, None], encodings)
    return torch.stack([apart[:, owners == k].min(1).values for k in range(len(kept.names))], 1)


def said(kept: Kept, answer: int) -> str:
    """A name, or that there is none."""
    return kept.names[answer][:20] if answer != NOBODY else "not recognised"


def asked(kept: Kept, answers: Tensor, to_each: Tensor, chosen: int) -> Any:
    """The asking faces with their answers, wrong ones told."""
    captions = []
    for i, answer in enumerate(answers[:TILED].tolist()):
        wrong = kept.truth[i] >= UNKNOWN and answer != int(kept.truth[i])
        name = kept.names[answer][:12] if answer != NOBODY else "nobody"
        captions.append(f"{'✗ ' if wrong else ''}{name} {float(to_each[i].min()):.2f}")
    return tiles(kept.asking[:TILED], captions, ACROSS, chosen=chosen if chosen < TILED else None, height=360)


def grown(study: Tensor, params: FaceDatabase) -> Any:
    """Errors of drawn people at this threshold as more of them are enrolled, and what independent errors would give."""
    others = nearest_others(study, [*COUNTS, *(k - 1 for k in COUNTS)], ROUNDS, generator(params.seed, 82))
    strangers, among = others[..., : len(COUNTS)], others[..., len(COUNTS) :]
    pair = float((study[~torch.eye(len(study), dtype=torch.bool)] <= params.threshold).float().mean())
    counts = torch.tensor(COUNTS)
    curves = {
        "strangers let in": strangers_let_in(strangers, params.threshold),
        "if independent": if_independent(pair, counts),
        "wrong or no name": 1 - named_right(study.diagonal(), among, params.threshold),
    }
    return figures.by_people(counts.numpy(), {name: y.numpy() for name, y in curves.items()})


def respond(params: FaceDatabase, event: Event) -> Mapping[str, Any]:
    """A click on an asking face chooses it."""
    if event.figure != "Who asks" or not (math.isfinite(event.x) and math.isfinite(event.y)):
        return {}
    k = tile_at(event.x, event.y, TILED, ACROSS)
    return {} if k is None else {"which": k + 1}


LAB = Lab(
    slug="face-database",
    summary="Enrol people by a few pictures and let a network say who it is, or that it is nobody it knows.",
    params=FaceDatabase,
    run=run,
    look_for=(
        "Each enrolled picture was encoded once and only its numbers are kept: a new person needs no training, and a question "
        "costs one encoding and K subtractions. Every person more is one more chance to take a stranger for somebody, so an "
        "error that is rare for one pair is common for a crowd. Lower the threshold until no stranger passes: how many of the "
        "enrolled are not recognised any more?"
    ),
    maths=(
        r"$$k^* = \arg\min_k \lVert f(x) - f(x_k) \rVert^2, \qquad \text{answer} = \begin{cases} k^* & \text{if } "
        r"\lVert f(x) - f(x_{k^*}) \rVert^2 \le \tau \\ \text{not recognised} & \text{otherwise} \end{cases}$$"
        "\n\n"
        r"A stranger passes one of $K$ comparisons with probability $1 - (1 - \text{FAR})^K$ if these are independent. People "
        r"who look alike make them dependent. Licences for photographs: dlib and its face detector under the Boost licence; "
        r"its five landmarks and its encoder, $f(x) \in \mathbb{R}^{128}$, are in the public domain (CC0)."
    ),
    code=(recognised, nearest_others, strangers_let_in, error_rates),
    presets={
        "Nobody unknown gets in": {"threshold": 0.1},
        "Everybody is somebody": {"threshold": 1.0, "which": 9},
        "A family": {"likeness": 0.75},
        "One picture each, 24 people": {"each": 1, "enrolled": 24},
    },
    trains=True,
    rows=(("Who asks", "Distances of the chosen face"), ("Errors by threshold", "Errors by people enrolled")),
    listens=("click",),
    respond=respond,
    views=("threshold", "which", "rule"),
    view=view,
)
