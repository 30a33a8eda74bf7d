"""Non-max suppression, a pick at a time, over boxes that a person drags or types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch

from engine.errors import BadInput
from engine.figures import suppression as figures
from engine.functional.boxes import Cut, batched_nms, filter_by_score, iou, nms, nms_steps
from engine.lab import Event, Frame, Frames, Lab
from engine.labs.detection._rows import LETTERS, LONGEST, SIDE, answered, boxes, classes, read, write
from engine.params import Params, choice, integer, number, text, toggle
from engine.results.detection import CLASSES, State, Suppression

STREET = (
    "8 44 44 76 0.92 car, 12 40 48 74 0.81 car, 5 50 40 80 0.66 car, 52 38 92 72 0.88 car, 56 42 96 78 0.7 car, "
    "30 18 46 70 0.85 pedestrian, 32 22 49 74 0.62 pedestrian, 64 60 82 97 0.83 motorcycle, 66 57 81 94 0.78 pedestrian, "
    "70 8 84 22 0.35 motorcycle"
)
CROWD = (
    "20 10 50 90 0.9 pedestrian, 32 12 62 92 0.85 pedestrian, 44 10 74 90 0.8 pedestrian, 56 12 86 92 0.75 pedestrian"
)


class Suppressing(Params):
    """What a person can move."""

    rows: str = text(
        STREET,
        longest=LONGEST,
        label="Boxes",
        help="Rows x0 y0 x1 y1 score class. Or drag a box by its middle or an edge, draw a new one beside them, or drag one "
        "out of the picture to be rid of it.",
    )
    score: float = number(
        0.4,
        low=0.0,
        high=1.0,
        hint=(0.0, 1.0, 0.05),
        label="Score threshold",
        help="Only boxes that score above it stay.",
    )
    overlap: float = number(
        0.5,
        low=0.0,
        high=1.0,
        hint=(0.0, 1.0, 0.05),
        label="IoU threshold",
        help="A box is discarded if its IoU with a pick is above it.",
    )
    per_class: bool = toggle(True, label="Per class", help="A box is discarded only for a pick of its own class.")
    step: int = integer(2, low=1, high=17, label="Step", help="Which step to open at; beyond the last is the last.")
    new: Literal["car", "pedestrian", "motorcycle"] = choice(
        "car", label="Class of a new box", help="What a click on the picture adds.", more=True
    )
    new_score: float = number(
        0.75,
        low=0.0,
        high=1.0,
        hint=(0.0, 1.0, 0.05),
        label="Score of a new box",
        help="Of the box that a click adds.",
        more=True,
    )


def cuts(params: Suppressing) -> tuple[Suppression, list[Cut]]:
    """The boxes before anything is picked, and every pick with what it discards, as indices into all boxes."""
    rows = read(params.rows, scored=True)
    every, scores, kinds = boxes(rows), torch.tensor([row.score for row in rows], dtype=torch.float64), classes(rows)
    left, left_scores, index = filter_by_score(every, scores, torch.arange(len(rows)), params.score)
    picks = [
        Cut(int(index[pick]), index[out], overlaps)
        for pick, out, overlaps in nms_steps(
            left, left_scores, params.overlap, kinds[index] if params.per_class else None
        )
    ]
    states: list[State] = ["waiting" if row.score > params.score else "low" for row in rows]
    decided = np.ones(len(rows), np.int16)
    for number_of, cut in enumerate(picks, start=2):
        decided[[cut.pick, *cut.discarded.tolist()]] = number_of
    start = Suppression(
        every.numpy(), scores.numpy(), kinds.numpy(), tuple(LETTERS[: len(rows)]), tuple(states),
        np.full(len(rows), np.nan), decided, 1,
    )  # fmt: skip
    return start, picks


def after(before: Suppression, cut: Cut, per_class: bool) -> Suppression:
    """The moment after one more pick."""
    states: list[State] = ["kept" if state == "pick" else state for state in before.states]
    compared = [state == "waiting" for state in states]
    compared[cut.pick] = False
    if per_class:
        compared = [
            waits and kind == before.classes[cut.pick] for waits, kind in zip(compared, before.classes, strict=True)
        ]
    pick = torch.from_numpy(before.boxes[cut.pick])[None]
    overlaps = iou(pick, torch.from_numpy(before.boxes))[0].numpy()
    states[cut.pick] = "pick"
    for i in cut.discarded.tolist():
        states[i] = "discarded"
    return replace(before, states=tuple(states), overlaps=np.where(compared, overlaps, np.nan), step=before.step + 1)


def run(params: Suppressing) -> Frames:
    """One frame before anything is picked, then one a pick."""
    moment, picks = cuts(params)
    yield shown(params, moment, [], len(picks))
    for t, cut in enumerate(picks, start=1):
        moment = after(moment, cut, params.per_class)
        yield shown(params, moment, picks[:t], len(picks))


def shown(params: Suppressing, moment: Suppression, done: list[Cut], count: int) -> Frame:
    """A moment as a frame."""
    kept = [moment.names[cut.pick] for cut in done]
    gone = sum(len(cut.discarded) for cut in done)
    low, left = (moment.states.count(state) for state in ("low", "waiting"))
    return Frame(
        figures={
            "Boxes": figures.boxes(moment, SIDE),
            "Scores": figures.scores(moment, params.score),
            "Overlap with the pick": figures.overlaps(moment, params.overlap),
        },
        says=sentence(moment, done[-1], params.overlap)
        if done
        else f"{low} of {len(moment.scores)} boxes score too low; {left} wait.",
        metrics={"Kept": f"{len(kept)}", "Discarded": f"{gone}", "Waiting": f"{left}", "Low score": f"{low}"},
        tables={
            "Picks": {
                "Pick": kept,
                "Class": [CLASSES[moment.classes[cut.pick]] for cut in done],
                "Score": [f"{moment.scores[cut.pick]:.2f}" for cut in done],
                "Discards (IoU)": [discards(moment, cut) or "none" for cut in done],
            }
        }
        if done
        else {},
        progress=(len(done) + 1) / (count + 1),
    )


def discards(moment: Suppression, cut: Cut) -> str:
    """The boxes discarded for a pick, with their IoU."""
    pairs = zip(cut.discarded.tolist(), cut.overlaps.tolist(), strict=True)
    return ", ".join(f"{moment.names[i]} ({overlap:.2f})" for i, overlap in pairs)


def sentence(moment: Suppression, cut: Cut, threshold: float) -> str:
    """What the last pick did."""
    name, score = moment.names[cut.pick], moment.scores[cut.pick]
    out = discards(moment, cut)
    because = f"discards {out}, above an IoU of {threshold:g}" if out else f"discards none at an IoU of {threshold:g}"
    return f"{name} has the highest score left, {score:.2f}: it is kept and {because}; {moment.states.count('waiting')} wait."


def respond(params: Suppressing, event: Event) -> Mapping[str, Any]:
    """A dragged box moves its row; a click beside the boxes, or a box drawn there, adds one."""
    if event.figure != "Boxes":
        return {}
    try:
        rows = read(params.rows, scored=True)
    except BadInput:
        return {}
    changed = answered(rows, event, params.new, params.new_score)
    return {"rows": write(changed, scored=True)} if changed else {}


LAB = Lab(
    slug="nms",
    summary="Drag overlapping detections and step through what non-max suppression keeps and discards.",
    params=Suppressing,
    run=run,
    look_for=(
        "Each step keeps the best box left and discards what overlaps it too much: that is a guess that both are the same "
        "object. A low IoU threshold merges neighbours that stand close, a high one leaves duplicates, and scores alone "
        "decide who stays. In the crowd, which IoU threshold keeps all four pedestrians, and what would it let through "
        "elsewhere?"
    ),
    maths=(
        r"Drop every box with $p_c$ times its class probability at or below the score threshold. Then, while boxes are left: "
        r"keep $b^* = \arg\max_b \text{score}(b)$ and discard every $b$ with $\text{IoU}(b, b^*) > t$, "
        r"of the same class if the classes are treated apart."
    ),
    code=(nms_steps, nms, batched_nms, filter_by_score, iou),
    presets={
        "All classes together": {"per_class": False},
        "A crowd": {"rows": CROWD, "overlap": 0.4},
        "Strict": {"overlap": 0.1},
        "Lenient": {"overlap": 0.8, "step": 17},
        "Scores too high to pass": {"score": 0.83},
        "A chain": {"rows": "5 30 45 70 0.7 car, 25 30 65 70 0.9 car, 45 30 85 70 0.8 car", "overlap": 0.3},
    },
    rows=(("Boxes", "Scores"), ("Overlap with the pick",)),
    listens=("drag", "draw", "click"),
    respond=respond,
    opens=lambda params: min(params.step - 1, len(cuts(params)[1])),
)
