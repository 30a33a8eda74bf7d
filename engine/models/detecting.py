"""Asking a grid detector: every slot's box once, then thresholds and suppression as often as one likes."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from engine.data.detections import Labelled
from engine.data.scenes import Scenes
from engine.functional.boxes import average_precision, batched_nms, decode_grid, filter_by_score, precision_recall
from engine.functional.detection_scores import match_detections
from engine.models.yolo import SIDE, Yolo

LEAST, OVERLAP = 0.02, 0.5
BATCH = 32


class Raw(NamedTuple):
    """All slots of m pictures, before any threshold: boxes (m, n, 4) in pixels, scores (m, n) and classes (m, n)."""

    boxes: Tensor
    scores: Tensor
    classes: Tensor


class Found(NamedTuple):
    """What is left of one picture: boxes (k, 4), scores (k,) from the highest down, classes (k,)."""

    boxes: Tensor
    scores: Tensor
    classes: Tensor


@torch.inference_mode()
def detect(network: Yolo, pictures: Tensor) -> Raw:
    """Run the network once on pictures (m, 3, 128, 128)."""
    network.eval()
    parts = [decode_grid(network.grid(network(x)), (SIDE, SIDE)) for x in torch.split(pictures, BATCH)]
    return Raw(*(torch.cat(part).cpu() for part in zip(*parts, strict=True)))


def kept(raw: Raw, i: int, score: float, overlap: float) -> Found:
    """What a score threshold and non-max suppression per class leave of picture ``i``."""
    boxes, scores, classes = filter_by_score(raw.boxes[i], raw.scores[i], raw.classes[i], score)
    order = batched_nms(boxes, scores, classes, overlap)
    return Found(boxes[order], scores[order], classes[order])


class Scored(NamedTuple):
    """How a class fares: average precision, and precision and recall (n,) from the best-scored detection on."""

    average: float
    precision: Tensor
    recall: Tensor


def believed(raw: Raw) -> Labelled:
    """What is left of all pictures when nearly every score counts, as a detector is scored."""
    count, slots = raw.scores.shape
    every = Labelled(
        raw.boxes.flatten(0, 1),
        raw.classes.flatten(),
        torch.arange(count).repeat_interleave(slots),
        raw.scores.flatten(),
    )
    above = every.of(every.scores.double() > LEAST)
    group = above.pictures * (int(raw.classes.max()) + 1) + above.classes
    return above.of(batched_nms(above.boxes, above.scores, group, OVERLAP))


def scored(found: Labelled, scenes: Scenes, classes: int, overlap: float = 0.5) -> list[Scored]:
    """Each class's score over all scenes, where a box must overlap the truth by ``overlap``; NaN for one that isn't there."""
    groups = found.pictures * classes + found.classes, scenes.scene * classes + scenes.classes
    correct = match_detections(found.boxes, found.scores, scenes.boxes, overlap, groups) >= 0
    told = []
    for kind in range(classes):
        mine, truths = found.classes == kind, int((scenes.classes == kind).sum())
        curve = precision_recall(found.scores[mine], correct[mine], truths)
        told.append(Scored(average_precision(found.scores[mine], correct[mine], truths), *curve))
    return told


def mean_average_precision(network: Yolo, scenes: Scenes, classes: int, overlap: float = 0.5) -> float:
    """The mean average precision over the classes that the scenes hold."""
    averages = [each.average for each in scored(believed(detect(network, scenes.pictures)), scenes, classes, overlap)]
    return float(torch.tensor(averages).nanmean())
