"""Scoring a detector: which detections count, precision and recall, and mean average precision."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from engine.data.detections import SIDE, Labelled, detect, truths
from engine.figures import detection_scores as figures
from engine.functional.boxes import average_precision, iou, precision_recall
from engine.functional.detection_scores import average_precisions, match_detections
from engine.lab import Event, Frame, Frames, Lab
from engine.params import Params, choice, integer, number
from engine.results.detection import CLASSES, VERDICTS, Curve, Judged, Ranked
from engine.seeding import generator

COCO = tuple(0.5 + 0.05 * i for i in range(10))
POINTS = {"all": None, "eleven": 11, "hundred": 101}
NEAR = 0.1


class Scoring(Params):
    """What a person can move."""

    threshold: float = number(
        0.5,
        low=0.05,
        high=0.99,
        hint=(0.05, 0.95, 0.05),
        label="IoU threshold",
        help="The lowest IoU with an object at which a detection counts.",
    )
    noise: float = number(
        2.0,
        low=0.0,
        high=20.0,
        hint=(0.0, 10.0, 0.5),
        unit="px",
        label="Noise",
        help="How far the edges of boxes are off.",
    )
    misses: float = number(
        0.15, low=0.0, high=1.0, hint=(0.0, 1.0, 0.05), label="Misses", help="The share of objects that isn't found."
    )
    false_alarms: float = number(
        1.0,
        low=0.0,
        high=8.0,
        hint=(0.0, 8.0, 0.5),
        label="False alarms",
        help="Boxes around nothing, in each picture.",
    )
    duplicates: float = number(
        0.2, low=0.0, high=1.0, hint=(0.0, 1.0, 0.05), label="Duplicates", help="The share of finds reported twice."
    )
    rank: int = integer(
        1, low=1, high=2000, hint=(1, 150, 1), label="Detection", help="By rank; a click on the ranking picks it."
    )
    points: Literal["all", "eleven", "hundred"] = choice(
        "all",
        label="Average over",
        help="All recalls, as PASCAL VOC since 2010, or 11 of them, as before, or 101, as COCO.",
        names={"all": "All recalls", "eleven": "11 recalls", "hundred": "101 recalls"},
        more=True,
    )
    rule: Literal["free", "best"] = choice(
        "free",
        label="Matching",
        help="A detection takes the best object still free, as in COCO, or insists on the best of all, as in PASCAL VOC.",
        names={"free": "Best free object", "best": "Best of all"},
        more=True,
    )
    pictures: int = integer(20, low=2, high=100, label="Pictures", help="Each with five objects.", more=True)


def made(params: Scoring) -> tuple[Labelled, Labelled]:
    """The truths, and the detections from the highest score down."""
    truth = truths(params.pictures, 5, generator(params.seed))
    faults = params.noise, params.misses, params.false_alarms, params.duplicates
    found = detect(truth, *faults, generator(params.seed, 1))
    return truth, found.of(found.scores.argsort(descending=True, stable=True))


def nearest(truth: Labelled, found: Labelled) -> Tensor:
    """The highest IoU (n,) of each detection with an object of its class in its picture."""
    same = (found.pictures[:, None] == truth.pictures) & (found.classes[:, None] == truth.classes)
    return (iou(found.boxes, truth.boxes) * same).amax(1)


def judge(truth: Labelled, found: Labelled, threshold: float, rule: Literal["free", "best"]) -> tuple[Tensor, Tensor]:
    """The truth that each detection finds, -1 for none, and its verdict, both (n,)."""
    groups = tuple(each.pictures * len(CLASSES) + each.classes for each in (found, truth))
    match = match_detections(found.boxes, found.scores, truth.boxes, threshold, (groups[0], groups[1]), rule)
    best = nearest(truth, found)
    wrong = torch.where(best >= threshold, 1, torch.where(best >= NEAR, 2, 3))
    return match, torch.where(match >= 0, 0, wrong)


def run(params: Scoring) -> Frames:
    """One frame: all scores, and one detection judged."""
    truth, found = made(params)
    match, verdicts = judge(truth, found, params.threshold, params.rule)
    curves = [curve(truth, found, verdicts == 0, kind, POINTS[params.points]) for kind in range(len(CLASSES))]
    value = float(np.nanmean([each.average for each in curves]))
    every = average_precisions(found, truth, COCO, POINTS[params.points], params.rule).nanmean(1)
    chosen = min(params.rank, len(found.scores)) - 1
    missed = len(truth.scores) - int((match >= 0).sum())
    why = reason(truth, found, verdicts, chosen, params.threshold) if chosen >= 0 else "The detector found nothing."
    yield Frame(
        figures={
            "Precision and recall": figures.precision_recall(curves),
            "mAP by threshold": figures.by_threshold(np.array(COCO), every.numpy(), params.threshold, value),
            "Ranking": figures.ranking(Ranked(found.scores.numpy(), verdicts.numpy(), found.classes.numpy(), chosen)),
            "One picture": figures.judged(picture_of(truth, found, verdicts, chosen)),
        },
        says=(
            f"At an IoU of {params.threshold:g}, {int((match >= 0).sum())} of {len(found.scores)} detections count and "
            f"{missed} of {len(truth.scores)} objects are missed: mAP {value:.3f}, and "
            f"{float(every.mean()):.3f} over 0.5 to 0.95."
        ),
        note=why,
        metrics={
            f"mAP at {params.threshold:g}": f"{value:.3f}",
            "mAP at 0.5 to 0.95": f"{float(every.mean()):.3f}",
            "Missed": f"{missed} of {len(truth.scores)}",
            "This detection": VERDICTS[verdicts[chosen]] if chosen >= 0 else "none",
        },
        tables={"By class": by_class(truth, found, verdicts, curves)},
    )


def curve(truth: Labelled, found: Labelled, correct: Tensor, kind: int, points: int | None) -> Curve:
    """One class's precision against its recall, and its average precision."""
    own, count = found.classes == kind, int((truth.classes == kind).sum())
    precision, recall = precision_recall(found.scores[own], correct[own], count)
    average = average_precision(found.scores[own], correct[own], count, points)
    return Curve(CLASSES[kind], recall.numpy(), precision.numpy(), average)


def by_class(truth: Labelled, found: Labelled, verdicts: Tensor, curves: list[Curve]) -> dict[str, list[Any]]:
    """What each class's detections are, counted."""
    table: dict[str, list[Any]] = {"Class": list(CLASSES), "AP": [score_text(each.average) for each in curves]}
    table["Objects"] = [int((truth.classes == kind).sum()) for kind in range(len(CLASSES))]
    for i, verdict in enumerate(VERDICTS):
        table[verdict.capitalize()] = [int(((found.classes == k) & (verdicts == i)).sum()) for k in range(len(CLASSES))]
    return table


def score_text(average: float) -> str:
    """An average precision in words, which a class without objects has none of."""
    return "none" if np.isnan(average) else f"{average:.3f}"


def picture_of(truth: Labelled, found: Labelled, verdicts: Tensor, chosen: int) -> Judged:
    """The picture of the detection looked at, or the first one."""
    picture = found.pictures[chosen] if chosen >= 0 else truth.pictures[0]
    here, there = (found.pictures == picture).nonzero().flatten(), truth.of(truth.pictures == picture)
    at = here.tolist().index(chosen) if chosen >= 0 else -1
    boxes, kinds = found.boxes[here].numpy(), found.classes[here].numpy()
    return Judged(there.boxes.numpy(), there.classes.numpy(), boxes, kinds, verdicts[here].numpy(), at, SIDE)


def reason(truth: Labelled, found: Labelled, verdicts: Tensor, chosen: int, threshold: float) -> str:
    """Why the detection looked at counts or doesn't."""
    best = float(nearest(truth, found.of(torch.tensor([chosen]))))
    name, score = CLASSES[found.classes[chosen]], found.scores[chosen]
    because = (
        f"it counts, because its IoU with a free {name} reaches {threshold:g}.",
        f"it is a duplicate, because a detection of a higher score took that {name} already.",
        f"it is badly placed, because its best IoU with a {name} stays below {threshold:g}.",
        f"it is a false alarm, because there is hardly any {name} where it lies.",
    )[int(verdicts[chosen])]
    return f"Detection {chosen + 1}, a {name} of score {score:.2f} with a best IoU of {best:.2f}: {because}"


def respond(params: Scoring, event: Event) -> Mapping[str, Any]:
    """A click on the ranking picks a detection, one on the curve over thresholds a threshold."""
    if event.figure == "Ranking" and 0.5 <= event.x <= 2000:
        return {"rank": max(1, round(event.x))}
    if event.figure == "mAP by threshold" and 0.05 <= event.x <= 0.99:
        return {"threshold": min(max(round(event.x / 0.05) * 5, 5), 95) / 100}
    return {}


LAB = Lab(
    slug="detection-map",
    summary="Give a made-up detector its faults and see what each of them costs in mean average precision.",
    params=Scoring,
    run=run,
    look_for=(
        "From the highest score down, a detection counts if it overlaps an object of its class enough that none before it "
        "took. Noise costs nothing at a low IoU threshold and everything at a high one; misses cut the curve short; false "
        "alarms and duplicates hurt only as far as they outscore what is right. Which costs more: a tenth of misses or one "
        "false alarm a picture?"
    ),
    maths=(
        r"$$\text{precision}_k = \frac{\text{correct among the best } k}{k}, \qquad "
        r"\text{recall}_k = \frac{\text{correct among the best } k}{\text{objects}}$$"
        "\n\n"
        r"$$\text{AP} = \sum_k (r_k - r_{k-1}) \max_{j \ge k} p_j, \qquad \text{mAP} = \frac{1}{C} \sum_c \text{AP}_c$$"
        "\n\n"
        r"With 11 or 101 points, AP is the mean of $\max_{r_j \ge r} p_j$ over equally spaced recalls $r$."
    ),
    code=(match_detections, precision_recall, average_precision, average_precisions),
    presets={
        "Perfect": {"noise": 0.0, "misses": 0.0, "false_alarms": 0.0, "duplicates": 0.0},
        "Half missed": {"noise": 0.0, "misses": 0.5, "false_alarms": 0.0, "duplicates": 0.0},
        "Imprecise": {"noise": 4.0, "misses": 0.0, "false_alarms": 0.0, "duplicates": 0.0, "threshold": 0.75},
        "Without suppression": {"noise": 1.0, "misses": 0.0, "false_alarms": 0.0, "duplicates": 1.0, "rank": 120},
        "Sees ghosts": {"noise": 1.0, "misses": 0.0, "false_alarms": 6.0, "duplicates": 0.0, "rank": 100},
    },
    rows=(("Precision and recall", "mAP by threshold"), ("Ranking", "One picture")),
    listens=("click",),
    respond=respond,
)
