"""Detect, align, encode, compare: from pictures of people to pairs judged by a threshold."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.data.albums import Album
from engine.data.faces import identities
from engine.data.media import Picture, fit_within
from engine.data.people import drawn, name_of, portraits, unique
from engine.figures import recognition as figures
from engine.figures.pictures import tiles
from engine.functional.faces import best_threshold, equal_error, error_rates, squared_distance
from engine.functional.pairs import ANYBODY, UNKNOWN, Pairs, accuracy, all_pairs, balanced, cross_validated
from engine.lab import Event, Frame, Frames, Lab
from engine.models.dlib_faces import Found, encode, faces
from engine.models.recognizing import Recognizer, recognizer
from engine.params import AlbumSource, Params, album, integer, number
from engine.results.recognition import Comparison, Named, threshold_curves
from engine.seeding import generator

TILED, ACROSS, THUMB, SHOWN, MOST_CELLS = 12, 4, 64, 360, 24
PEOPLE, EACH = 6, 3
# With more pictures than this, the largest face of each is enough.
MANY, BETWEEN_SECONDS = 40, 0.7
FOLDS, FEWEST = 10, 10


class FacePipeline(Params):
    """What a person can move."""

    faces: AlbumSource = album(
        "portrait",
        sets=("portrait", "drawn"),
        help="A portrait and altered copies, drawn people, or your own pictures: a zip with one folder a person.",
        names={"portrait": "A portrait, altered, among others", "drawn": "Drawn people"},
    )
    which: int = integer(
        1, low=1, high=2000, hint=(1, 18, 1), label="Face", help="The face that all others are compared with."
    )
    threshold: float = number(
        0.36, low=0.0, high=4.0, hint=(0.0, 1.2, 0.01), label="Threshold",
        help="Faces whose squared distance is at most this count as one person; 0.36 is the model's own.",
    )  # fmt: skip


@dataclass(frozen=True)
class Kept:
    """What the view draws from: m faces, the pictures (m,) they lie in, people (m,) by index or -1, and their pairs."""

    names: tuple[str, ...]
    faces: tuple[Found, ...]
    place: tuple[int, ...]
    people: Tensor
    encodings: Tensor
    pairs: Pairs
    total: int


def gathered(source: str | Album, seed: int) -> tuple[Sequence[Picture], Sequence[str]]:
    """Pictures and the person on each, or nothing where that is nobody in particular."""
    if isinstance(source, Album):
        return source.pictures, source.labels
    if source == "portrait":
        return portraits()
    random = generator(seed, 90)
    people = identities(PEOPLE, random).repeat_interleave(EACH, 0)
    names = [name_of(k // EACH) for k in range(len(people))]
    pictures = [Picture(pixels, name, "") for pixels, name in zip(drawn(people, random), names, strict=True)]
    return pictures, names


def run(params: FacePipeline) -> Frames:
    """The pictures at once, then each one's faces, found, aligned and encoded."""
    pictures, labels = gathered(params.faces, params.seed)
    names, (found, place, whose), parts = unique(labels), (list[Found](), list[int](), list[int]()), list[Tensor]()
    kept = Kept(names, (), (), torch.zeros(0, dtype=torch.long), torch.zeros(0, 1), _no_pairs(), len(pictures))
    yield Frame(
        figures={}, says=f"{len(pictures)} pictures wait for their faces to be found.", progress=0.0, state=kept
    )
    model, note = recognizer(params.faces != "drawn")
    last = time.monotonic()
    for k, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        own = model.faces(picture.pixels)[: 1 if len(pictures) > MANY else None]
        parts.append(model.encode([face.chip for face in own]))
        found += [face._replace(chip=_small(face.chip)) for face in own]
        place += [k] * len(own)
        # The largest face is the person's; whoever stands beside may be anybody.
        alone = names.index(label) if label else UNKNOWN if len(own) == 1 else ANYBODY
        whose += [alone, *[ANYBODY] * (len(own) - 1)]
        done = (k + 1) / len(pictures)
        if done == 1 or time.monotonic() - last > BETWEEN_SECONDS:
            people, encodings = torch.tensor(whose), torch.cat(parts)
            pairs = all_pairs(encodings, people)
            kept = Kept(names, tuple(found), tuple(place), people, encodings, pairs, len(pictures))
            yield judged(params, model, kept, note, done)
            last = time.monotonic()


def _no_pairs() -> Pairs:
    nothing = torch.zeros(0, dtype=torch.long)
    return Pairs(nothing, nothing, torch.zeros(0), torch.zeros(0, dtype=torch.bool))


def _small(pixels: np.ndarray) -> np.ndarray:
    return fit_within(Picture(pixels.copy(), "", ""), THUMB).pixels


def judged(params: FacePipeline, model: Recognizer, kept: Kept, note: str, done: float) -> Frame:
    """What doesn't depend on the view: how well pairs of known people are told apart."""
    lost = sum(math.isnan(face.sure) for face in kept.faces) if model.licence else 0
    metrics, tables = {"Faces": f"{len(kept.faces)} in {kept.place[-1] + 1} pictures"}, {}
    says = f"{model.title} found and encoded {len(kept.faces)} faces in {kept.place[-1] + 1} of {kept.total} pictures"
    says += f", {lost} of them only as a whole picture." if lost else "."
    pairs = kept.pairs
    if both_kinds(pairs):
        tables["Thresholds"] = table(params, model, kept)
        metrics["Equal error rate"] = f"{equal_error(pairs.distances, pairs.same).rate:.2%}"
        metrics["Best threshold"] = f"{best_threshold(pairs.distances, pairs.same)[0]:.3f}"
        share = validated(params, kept)
        if share is not None:
            metrics["Pair accuracy"] = f"{share:.2%}"
            says += f" Of pairs of people whom the threshold wasn't chosen on, {share:.2%} are judged right."
    return Frame(figures={}, says=says, metrics=metrics, tables=tables, progress=done, note=note, state=kept)


def both_kinds(pairs: Pairs) -> bool:
    """Whether there are pairs of one person and of two."""
    return bool(pairs.same.any()) and not bool(pairs.same.all())


def validated(params: FacePipeline, kept: Kept) -> float | None:
    """The share of pairs judged right by thresholds chosen on other people, if there are ten of two pictures or more."""
    counts = torch.bincount(kept.people[kept.people >= 0], minlength=len(kept.names))
    folds = min(FOLDS, len(kept.names) // 2)
    if len(kept.names) < FEWEST or int(counts.min()) < 2:
        return None
    return cross_validated(kept.pairs, kept.people, folds, generator(params.seed, 91))


def table(params: FacePipeline, model: Recognizer, kept: Kept) -> Mapping[str, list[Any]]:
    """How the pairs fare at the model's own threshold, where errors are equal, and at the best."""
    distances, same = kept.pairs.distances, kept.pairs.same
    chosen = {
        f"Own of {model.title}": model.threshold,
        "Equal errors": equal_error(distances, same).threshold,
        "Best on these pairs": best_threshold(distances, same)[0],
    }
    at = list(chosen.values())
    rates = error_rates(distances, same, torch.tensor(at))
    return {
        "threshold": list(chosen),
        "squared distance": [f"{t:.3f}" for t in at],
        "pairs right": [f"{accuracy(distances, same, t):.2%} of {len(same)}" for t in at],
        "if as many same as different": [f"{balanced(distances, same, t):.2%}" for t in at],
        "false accepts": [f"{float(rate):.2%}" for rate in rates.false_accept],
        "false rejects": [f"{float(rate):.2%}" for rate in rates.false_reject],
    }


def view(params: FacePipeline, frame: Frame) -> Frame:
    """The chosen face in its picture, the nearest ones to it, and what the threshold makes of all pairs."""
    kept: Kept = frame.state
    pictures = gathered(params.faces, params.seed)[0]
    k = min(params.which, max(1, len(kept.faces))) - 1
    if not kept.faces:
        shown = [fit_within(picture, 96).pixels for picture in pictures[:TILED]]
        names = [picture.name[:14] for picture in pictures[:TILED]]
        return replace(frame, figures={"Aligned faces": tiles(shown, names, ACROSS, height=360)})
    apart = squared_distance(kept.encodings, kept.encodings[k])
    order = apart.argsort(stable=True)[:TILED]
    captions = [f"{caption(kept, pictures, int(i))} {float(apart[i]):.2f}" for i in order]
    drawings = {
        "Picture": in_picture(kept, pictures[kept.place[k]], k, params.threshold),
        "Aligned faces": tiles([kept.faces[i].chip for i in order], captions, ACROSS, chosen=0, height=360),
        "Distances": figures.matrix(compared(kept, pictures), params.threshold),
    }
    metrics, pairs = dict(frame.metrics), kept.pairs
    if both_kinds(pairs):
        curves = threshold_curves(pairs.distances, pairs.same, max(1.2, params.threshold))
        rates = error_rates(pairs.distances, pairs.same, torch.tensor([params.threshold]))
        drawings["Errors by threshold"] = figures.errors(curves, params.threshold)
        drawings["ROC"] = figures.roc(curves, (float(rates.false_accept), 1 - float(rates.false_reject)))
        metrics.setdefault("Pair accuracy", f"{accuracy(pairs.distances, pairs.same, params.threshold):.2%}")
    near = int((apart <= params.threshold).sum()) - 1
    says = f"{frame.says} Within {params.threshold:g} of face {k + 1}, {caption(kept, pictures, k)}, lie {near} others."
    return replace(frame, figures=drawings, metrics=metrics, says=says)


def caption(kept: Kept, pictures: Sequence[Picture], i: int) -> str:
    """A face's person, or its picture's name where that is all there is to tell them apart."""
    name, own = pictures[kept.place[i]].name[:14], int(kept.people[i])
    return kept.names[own][:14] if own >= 0 and len(kept.names) > 1 else name


def in_picture(kept: Kept, picture: Picture, k: int, threshold: float) -> Any:
    """All faces of a picture, each with the nearest person of another picture, if near enough."""
    shown = fit_within(picture, SHOWN).pixels
    scale = shown.shape[1] / picture.pixels.shape[1]
    faces = []
    for i in (i for i, place in enumerate(kept.place) if place == kept.place[k]):
        others = (kept.people >= 0) & (torch.tensor(kept.place) != kept.place[k])
        apart = squared_distance(kept.encodings, kept.encodings[i]).where(others, torch.inf)
        known = bool(others.any()) and float(apart.min()) <= threshold
        text = kept.names[int(kept.people[apart.argmin()])][:16] if known else "not recognised"
        faces.append(Named(kept.faces[i].box * scale, kept.faces[i].points * scale, text, known, i == k))
    return figures.found(shown, faces)


def compared(kept: Kept, pictures: Sequence[Picture]) -> Comparison:
    """Distances of every two faces; with more than 24 the mean distances between people."""
    m = len(kept.faces)
    if m <= MOST_CELLS or len(kept.names) < 2:
        e = kept.encodings[:MOST_CELLS]
        names = Counter[str]()
        unlike = []
        for i in range(len(e)):
            name = caption(kept, pictures, i)
            names[name] += 1
            unlike.append(name if names[name] == 1 else f"{name} {names[name]}")
        return Comparison(tuple(unlike), squared_distance(e[:, None], e).numpy(), "faces")
    whose = [(kept.people == p).nonzero().flatten() for p in range(min(len(kept.names), 2 * MOST_CELLS))]
    means = [[_mean(kept.encodings[a], kept.encodings[b]) for b in whose] for a in whose]
    return Comparison(kept.names[: len(whose)], np.array(means, np.float32), "means of people")


def _mean(a: Tensor, b: Tensor) -> float:
    return float(squared_distance(a[:, None], b).mean()) if len(a) and len(b) else float("nan")


def respond(params: FacePipeline, event: Event) -> Mapping[str, Any]:
    """A click on a cell of the distances chooses that row's face."""
    if event.figure != "Distances" or not math.isfinite(event.y):
        return {}
    return {"which": min(max(round(event.y) + 1, 1), MOST_CELLS)}


LAB = Lab(
    slug="face-pipeline",
    summary="Find the faces in photographs, align and encode them, and judge which show one person.",
    params=FacePipeline,
    run=run,
    look_for=(
        "Light, blur, a turn of the head and a covered mouth move a face's encoding, but less far than another person's is "
        "away: that gap is what a threshold lives on. Faces of few pixels all look alike to the network and crowd together. "
        "Lower the threshold until the tiny or the blurred copy is rejected: which changes cost the most distance?"
    ),
    maths=(
        r"$$\text{picture} \to \text{box} \to \text{landmarks} \to \text{aligned face } x \to f(x) \in \mathbb{R}^{128}, "
        r"\qquad \text{same person} \iff \lVert f(x) - f(x') \rVert^2 \le \tau$$"
        "\n\n"
        r"$\text{FAR}(\tau)$ is the share of pairs of two people within $\tau$, $\text{FRR}(\tau)$ that of pairs of one person "
        r"beyond it; they are equal at the equal error rate. With ten people or more, pair accuracy is measured with "
        r"$\tau$ chosen on other people, fold by fold (LFW). dlib's own $\tau$ is $0.6^2 = 0.36$. Licences: dlib and its "
        r"detector under the Boost licence; its five landmarks and its encoder are in the public domain (CC0)."
    ),
    code=(faces, encode, all_pairs, cross_validated),
    presets={
        "Strict": {"threshold": 0.15},
        "Three faces at once": {"which": 17},
        "Too lenient": {"threshold": 0.75, "which": 8},
        "Drawn people": {"faces": "drawn"},
    },
    trains=True,
    rows=(("Picture", "Aligned faces"), ("Distances", "Errors by threshold"), ("ROC",)),
    listens=("click",),
    respond=respond,
    views=("which", "threshold"),
    view=view,
)
