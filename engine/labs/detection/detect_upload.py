"""Detectors that thousands of others use on a person's own picture, one-shot and two-stage side by side."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

import numpy as np
from torch import Tensor

from engine.data.looked import LOOK_NAMES, LookAt, Looked, looked_at
from engine.data.media import Picture, fit_within
from engine.figures import looked as figures
from engine.functional.coco import as_box
from engine.lab import Frame, Frames, Lab
from engine.labs._waiting import waited
from engine.models import bundled
from engine.models.detecting import Found
from engine.models.detectors import BUNDLED, LEAST, NAMES, Detector, Proposed, atlas, bring, chosen, kept, placed
from engine.models.measuring import measured
from engine.params import Params, PictureSource, choice, number, picture
from engine.results.looked import Kept

LONGEST, SHOWN = 2048, 448
ALL = "proposals"
FIRST, SECOND, CURVE, COUNTS = "Found", "Beside it", "Boxes left by score threshold", "Things found"
One = Literal["yolo", "ssdlite320_mobilenet_v3_large", "retinanet_resnet50_fpn_v2", "fcos_resnet50_fpn"]
Two = Literal["proposals", "fasterrcnn_mobilenet_v3_large_320_fpn", "fasterrcnn_resnet50_fpn_v2"]


class Detect(Params):
    """What a person can move."""

    look: LookAt = choice(
        "scene", label="Look at", help="A scene that the bundled detector knows, or the picture.", names=LOOK_NAMES
    )
    picture: PictureSource = picture("photo-china", help="A sample, or your own, which is always looked at.")
    one: One = choice(
        "yolo", label="One-shot detector", help="It boxes everything in one pass; fetched once, then kept.", names=NAMES
    )
    beside: Two = choice(
        "fasterrcnn_mobilenet_v3_large_320_fpn",
        label="Beside it",
        help="A two-stage detector, or all that the first one proposes before any threshold.",
        names={ALL: "All its proposals", **NAMES},
    )
    score: float = number(
        0.5, low=LEAST, high=1.0, hint=(LEAST, 0.95, 0.05), label="Score threshold", help="Boxes below it are dropped."
    )
    overlap: float = number(
        0.5, low=0.0, high=1.0, hint=(0.05, 0.95, 0.05), label="IoU threshold",
        help="A box that overlaps a better one of its class by more is suppressed.",
    )  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """A detector's proposals for the picture, with what they cost."""

    name: str
    title: str
    stages: str
    labels: tuple[str, ...]
    proposed: Proposed
    ms: float
    peak: int
    weights: int


@dataclass(frozen=True)
class Seen:
    """What :func:`view` draws from: the picture as shown, its true boxes if it was drawn, and the answers."""

    name: str
    pixels: np.ndarray
    factor: float
    truths: Tensor | None
    answers: tuple[Answer, ...]


def answer(found: Detector, pixels: np.ndarray) -> Answer:
    """Ask a detector, with its time and memory."""
    asked = measured(lambda: found.ask(pixels))
    return Answer(
        found.name, found.title, found.stages, found.labels, asked.answer, asked.ms, asked.peak, found.weights
    )


def run(params: Detect) -> Frames:
    """The first answer that can be had at once, then the fetching, then the answers of the detectors asked for."""
    looked = looked_at(params.look, params.picture, params.seed, LONGEST)
    early = cache(lambda: answer(atlas(), looked.pixels))
    done: list[Answer] = []
    notes: list[str] = []

    def waiting(sentence: str, share: float) -> Frame:
        return frame(looked, done or [early()], sentence, 0.9 * share)

    for name in (params.one, params.beside):
        if name == ALL:
            continue
        title = "" if name == BUNDLED else NAMES[name]
        found, why = yield from waited(bring(name), title, waiting)
        notes.append(why)
        if found.name not in [each.name for each in done]:
            if title and not why:
                yield waiting(f"{title} looks at the picture.", 1.0)
            done.append(answer(found, looked.pixels))
    if looked.scene is None and BUNDLED in [each.name for each in done]:
        notes.append(f"{atlas().title}: {bundled.card(BUNDLED).limits}")
    yield frame(looked, done, " ".join(filter(None, notes)), 1.0)


def frame(looked: Looked, answers: list[Answer], note: str, progress: float) -> Frame:
    """A frame with everything but what depends on the thresholds."""
    small = fit_within(Picture(looked.pixels.copy(), looked.name, ""), SHOWN).pixels
    who = " and ".join(each.title for each in answers)
    cost: dict[str, list[Any]] = {
        "detector": [each.title for each in answers],
        "stages": [each.stages for each in answers],
        "ms": [round(each.ms, 1) for each in answers],
        "peak in MB": [round(each.peak / 1e6, 1) for each in answers],
        "weights in MB": [round(each.weights / 1e6, 1) for each in answers],
        "proposals": [len(each.proposed.boxes) for each in answers],
    }
    return Frame(
        figures={},
        says=f"{who} looked at {looked.name}.",
        metrics={"Detector": who},
        note=note,
        progress=progress,
        tables={"Time and memory": cost},
        state=Seen(
            looked.name,
            small,
            small.shape[1] / looked.pixels.shape[1],
            looked.scene.boxes if looked.scene else None,
            tuple(answers),
        ),
    )


def view(params: Detect, frame: Frame) -> Frame:
    """The boxes that the thresholds leave, counted by class; from the stored proposals, so no network runs again."""
    seen: Seen = frame.state
    left = {each.title: kept(each.proposed, params.score, params.overlap) for each in seen.answers}
    named = {each.title: dict(Counter(names_of(each, left[each.title]))) for each in seen.answers}
    first = seen.answers[0]
    drawn = {FIRST: boxes(seen, first, left[first.title], f"{first.title}: {len(left[first.title].boxes)} boxes")}
    if len(seen.answers) > 1:
        other = seen.answers[1]
        told = f"{other.title}: {len(left[other.title].boxes)} boxes"
        drawn[SECOND] = boxes(seen, other, left[other.title], told)
    else:
        every = kept(first.proposed, LEAST, 1.0)
        drawn[SECOND] = boxes(seen, first, every, f"{first.title}: all {len(first.proposed.boxes)} proposals")
    drawn[CURVE] = figures.kept(thinning(seen.answers, params.score, params.overlap))
    drawn[COUNTS] = figures.counts(named)
    told = "; ".join(f"{each.title} leaves {listed(named[each.title])}" for each in seen.answers)
    return replace(
        frame,
        figures=drawn,
        says=f"{frame.says} Above a score of {params.score:g}, {told}.",
        metrics={"Boxes left": " and ".join(str(len(each.boxes)) for each in left.values()), **frame.metrics},
        tables={"Things found": counted(named), **frame.tables},
        files={
            f"{each.name}.json": as_coco(left[each.title], each.labels, each.name == BUNDLED) for each in seen.answers
        },
    )


def names_of(asked: Answer, found: Found) -> list[str]:
    """The class of each box in words."""
    return [asked.labels[k] for k in found.classes.tolist()]


def boxes(seen: Seen, asked: Answer, found: Found, told: str) -> Any:
    """The shown picture with boxes."""
    scaled = (found.boxes * seen.factor).numpy(), found.classes.numpy(), found.scores.numpy()
    truths = (seen.truths * seen.factor).numpy() if seen.truths is not None else None
    return figures.found(seen.pixels, *scaled, asked.labels, told, truths)


def thinning(answers: tuple[Answer, ...], now: float, overlap: float) -> Kept:
    """How many boxes each detector leaves at every score threshold: what is suppressed doesn't depend on it."""
    at = np.linspace(LEAST, 1, 77).astype(np.float32)
    counts = {}
    for each in answers:
        scores = each.proposed.scores[chosen(each.proposed, LEAST, overlap)].numpy()
        counts[each.title] = (scores[:, None] > at).sum(0)
    return Kept(at, counts, now)


def listed(named: Mapping[str, int]) -> str:
    """The classes and their numbers in words."""
    return (
        ", ".join(f"{count} {name}" for name, count in sorted(named.items(), key=lambda n: (-n[1], n[0]))) or "nothing"
    )


def counted(named: Mapping[str, Mapping[str, int]]) -> dict[str, list[Any]]:
    """A row a class, a column a detector, and the sum last."""
    classes = sorted({name for each in named.values() for name in each})
    columns = {title: [each.get(name, 0) for name in classes] for title, each in named.items()}
    return {"class": [*classes, "all"], **{title: [*column, sum(column)] for title, column in columns.items()}}


def as_coco(found: Found, labels: tuple[str, ...], counts_from_zero: bool) -> bytes:
    """COCO's results format, with each category's name: the numbers are those of the network's classes, from 1 on."""
    results = [
        {
            "image_id": 1,
            "category_id": kind + counts_from_zero,
            "category_name": labels[kind],
            "bbox": as_box(box),
            "score": round(score, 6),
        }
        for box, score, kind in zip(*(part.tolist() for part in found), strict=True)
    ]
    return json.dumps(results, indent=1).encode()


LAB = Lab(
    slug="detect-upload",
    summary="Give detectors your own picture: what they find, what thresholds leave of it, and what it costs.",
    params=Detect,
    run=run,
    look_for=(
        "A detector proposes far more boxes than it shows: lower the score threshold and they come out, raise the IoU "
        "threshold and every thing is boxed several times. Both are applied to stored answers, so no network runs again. A "
        "two-stage detector first asks where anything is, then what; a one-shot detector does both at once. Which of them is "
        "sure of more things in your picture, and what does that cost in time and memory?"
    ),
    maths=(
        r"$$\{(b_i, s_i, c_i)\} \;\to\; s_i > t \;\to\; \text{of each class: drop } i \text{ if } "
        r"\exists\, j \text{ kept}: s_j > s_i,\ \text{IoU}(b_i, b_j) > u$$"
        "\n\n"
        r"One-shot: $b, s, c$ for every anchor from one pass. Two-stage: proposals first, then "
        r"$(b, c)$ from each proposal's cut of the maps."
        "\n\n"
        "Peak memory is the most that the picture, the maps and the boxes hold at one moment; weights are counted apart."
    ),
    code=(chosen, placed, measured, view),
    presets={
        "All its proposals": {"beside": ALL, "score": 0.1},
        "No suppression": {"beside": ALL, "overlap": 1.0, "score": 0.1},
        "Two pretrained detectors": {"one": "ssdlite320_mobilenet_v3_large", "look": "picture"},
        "The heavy ones": {
            "one": "retinanet_resnet50_fpn_v2",
            "beside": "fasterrcnn_resnet50_fpn_v2",
            "look": "picture",
        },
    },
    trains=True,
    measures=True,
    rows=((FIRST, SECOND), (CURVE, COUNTS)),
    views=("score", "overlap"),
    view=view,
)
