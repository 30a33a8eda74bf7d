"""How well detections fit the truth: matching, precision and recall, average precision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from engine.data.detections import Labelled
from engine.functional.boxes import average_precision, paired_iou

Rule = Literal["free", "best"]


def match_detections(
    boxes: Tensor,
    scores: Tensor,
    truths: Tensor,
    threshold: float,
    groups: tuple[Tensor, Tensor] | None = None,
    rule: Rule = "free",
) -> Tensor:
    """Which truth (m, 4) each detection (n, 4) finds: its index, or -1 for a false alarm, (n,).

    From the highest score (n,) down, a detection takes the truth of the highest IoU of at least the threshold: of those still
    free (COCO), or, under the rule "best", of all, and nothing if that is taken (PASCAL VOC). ``groups``, whole numbers (n,)
    and (m,), let only detections and truths of the same group meet, such as those of one class in one picture.
    """
    groups = groups or (torch.zeros(len(boxes), dtype=torch.long), torch.zeros(len(truths), dtype=torch.long))
    order = scores.argsort(descending=True, stable=True)
    found, truth = _pairs(groups[0][order], groups[1])
    overlap = paired_iou(boxes[order[found]], truths[truth]).double()
    by_overlap = overlap.argsort(descending=True, stable=True)
    ranked = by_overlap[found[by_overlap].argsort(stable=True)]  # by detection, then from the highest IoU
    if rule == "best" and len(ranked):
        first = found[ranked].diff(prepend=found.new_tensor([-1])) != 0
        ranked = ranked[first]
    ranked = ranked[overlap[ranked] >= threshold]
    matches, free = [-1] * len(boxes), [True] * len(truths)
    for detection, candidate in zip(order[found[ranked]].tolist(), truth[ranked].tolist(), strict=True):
        if matches[detection] < 0 and free[candidate]:
            matches[detection], free[candidate] = candidate, False
    return torch.tensor(matches, dtype=torch.long)


def _pairs(groups: Tensor, truth_groups: Tensor) -> tuple[Tensor, Tensor]:
    """The indices (p,) of every detection with every truth of its group, by detection."""
    ordered, order = truth_groups.sort(stable=True)
    start, end = torch.searchsorted(ordered, groups), torch.searchsorted(ordered, groups, right=True)
    count = end - start
    found = torch.arange(len(groups)).repeat_interleave(count)
    before = (count.cumsum(0) - count).repeat_interleave(count)
    return found, order[start.repeat_interleave(count) + torch.arange(len(found)) - before]


def average_precisions(
    found: Labelled,
    truths: Labelled,
    thresholds: Sequence[float] = (0.5,),
    points: int | None = None,
    rule: Rule = "free",
) -> Tensor:
    """Average precision (T, C) at every IoU threshold for every class over all pictures, NaN for a class without truths.

    The scores of the truths don't matter. The mean average precision is their ``nanmean()``.
    """
    count = int(torch.cat([found.classes, truths.classes, found.classes.new_zeros(1)]).max()) + 1
    groups = found.pictures * count + found.classes, truths.pictures * count + truths.classes
    rows = []
    for threshold in thresholds:
        correct = match_detections(found.boxes, found.scores, truths.boxes, threshold, groups, rule) >= 0
        of_class = [(found.classes == c, int((truths.classes == c).sum())) for c in range(count)]
        rows.append([average_precision(found.scores[own], correct[own], m, points) for own, m in of_class])
    return torch.tensor(rows, dtype=torch.float64)
