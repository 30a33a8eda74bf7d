"""Scores of detections written out from the definitions of PASCAL VOC and COCO, slowly and in exact fractions."""

from __future__ import annotations

from fractions import Fraction

from torch import Tensor
from torchvision.ops import box_iou

from engine.data.detections import Labelled


def plain_verdicts(found: Labelled, truths: Labelled, threshold: float, rule: str) -> list[bool]:
    """Whether each detection counts: from the highest score down, the best object of its class in its picture, if it may."""
    correct, taken = [False] * len(found.scores), set()
    for i in ranked(found.scores):
        rivals = [
            (overlap(found.boxes[i], truths.boxes[j]), j)
            for j in range(len(truths.boxes))
            if truths.pictures[j] == found.pictures[i] and truths.classes[j] == found.classes[i]
        ]
        if rule == "free":
            rivals = [rival for rival in rivals if rival[1] not in taken]
        best, j = max(rivals, key=lambda rival: (rival[0], -rival[1]), default=(0.0, -1))
        if j >= 0 and best >= threshold and j not in taken:
            correct[i] = True
            taken.add(j)
    return correct


def overlap(a: Tensor, b: Tensor) -> float:
    return float(box_iou(a[None], b[None]).nan_to_num())


def ranked(scores: Tensor) -> list[int]:
    return sorted(range(len(scores)), key=lambda i: (-float(scores[i]), i))


def plain_average(scores: Tensor, correct: list[bool], truths: int, points: int | None) -> Fraction:
    """Average precision: the mean over recalls of the highest precision at that recall or a higher one."""
    curve, right = [], 0
    for place, i in enumerate(ranked(scores), start=1):
        right += correct[i]
        curve.append((Fraction(right, truths), Fraction(right, place)))
    levels = [Fraction(i, truths) for i in range(1, truths + 1)]
    if points:
        levels = [Fraction(i, points - 1) for i in range(points)]
    highest = [max((p for recall, p in curve if recall >= level), default=Fraction(0)) for level in levels]
    return sum(highest, Fraction(0)) / len(levels)


def plain_averages(
    found: Labelled, truths: Labelled, threshold: float, points: int | None, rule: str, classes: int
) -> list[float | None]:
    """Average precision of every class, None for one without objects."""
    correct = plain_verdicts(found, truths, threshold, rule)
    told: list[float | None] = []
    for kind in range(classes):
        own = (found.classes == kind).nonzero().flatten().tolist()
        count = int((truths.classes == kind).sum())
        mine = [correct[i] for i in own]
        told.append(float(plain_average(found.scores[own], mine, count, points)) if count else None)
    return told
