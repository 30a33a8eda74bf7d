"""Boxes in a picture: overlap, non-max suppression, anchors, objects written into a grid, and average precision.

A box is (x1, y1, x2, y2) in pixels: its left, top, right and bottom edge, with y pointing down. A box whose right edge isn't
right of its left, or whose bottom isn't below its top, holds nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from engine.errors import BadInput

BLOCK = 256


def area(boxes: Tensor) -> Tensor:
    """Width times height, in px²: (..., 4) -> (...)."""
    return _area(*boxes.unbind(dim=-1))


def intersection(a: Tensor, b: Tensor) -> Tensor:
    """The box that each box of ``a`` (N, 4) shares with each of ``b`` (M, 4): (N, M, 4), without area where they are apart."""
    return torch.stack(_shared(a[:, None], b[None]), dim=-1)


def iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of every box of ``a`` (N, 4) with every box of ``b`` (M, 4): (N, M), from 0 to 1.

    Two boxes without area have a union of 0 and an IoU of 0 here, where ``torchvision.ops.box_iou`` gives NaN.
    """
    return paired_iou(a[:, None], b[None])


def paired_iou(a: Tensor, b: Tensor) -> Tensor:
    """The same of boxes (..., 4) with boxes (..., 4), pair by pair: (...)."""
    inside = _area(*_shared(a, b))
    union = area(a) + area(b) - inside
    return inside / torch.where(union > 0, union, 1)


def _shared(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Left, top, right and bottom edge (...) of what boxes (..., 4) share; apart, because many pairs go quicker so."""
    (left, top, right, bottom), (x1, y1, x2, y2) = a.unbind(dim=-1), b.unbind(dim=-1)
    return torch.maximum(left, x1), torch.maximum(top, y1), torch.minimum(right, x2), torch.minimum(bottom, y2)


def _area(left: Tensor, top: Tensor, right: Tensor, bottom: Tensor) -> Tensor:
    return (right - left).clamp(min=0) * (bottom - top).clamp(min=0)


def filter_by_score(boxes: Tensor, scores: Tensor, classes: Tensor, threshold: float) -> tuple[Tensor, Tensor, Tensor]:
    """The boxes (n, 4), scores (n,) and classes (n,) of those that score above the threshold, in their order."""
    above = scores.double() > threshold
    return boxes[above], scores[above], classes[above]


def nms(boxes: Tensor, scores: Tensor, threshold: float) -> Tensor:
    """Non-max suppression: the indices (k,) of the boxes (n, 4) that are kept, from the highest score (n,) to the lowest.

    The best box left is kept and every other whose IoU with it is above the threshold, from 0 to 1, is discarded, until
    none is left. Of equal scores the first comes first.
    """
    return batched_nms(boxes, scores, torch.zeros_like(scores), threshold)


def batched_nms(boxes: Tensor, scores: Tensor, classes: Tensor, threshold: float) -> Tensor:
    """Non-max suppression for each class (n,) alone: the indices (k,) of all that are kept, from the highest score down.

    Boxes come class by class and in blocks, which spares most pairs, and each block is freed first of what is kept before.
    """
    order = scores.argsort(descending=True, stable=True)
    kept = order[:0]
    for block in torch.split(order[classes[order].argsort(stable=True)], BLOCK):
        earlier = kept[classes[kept] == classes[block[:1]]]  # of the other classes, earlier ones don't come again
        block = block[~_same(boxes, classes, block, earlier, threshold).any(dim=1)]
        better = _same(boxes, classes, block, block, threshold).tril(
            diagonal=-1
        )  # (b, b): the second discards the first
        left, before = torch.ones(len(block), dtype=torch.bool, device=boxes.device), None
        # A box stays if none that stays discards it: after i rounds the first i are right, and mostly all of them are.
        while before is None or not torch.equal(left, before):
            before, left = left, ~(better & left).any(dim=1)
        kept = torch.cat([kept, block[left]])
    return order[torch.isin(order, kept)]


def _same(boxes: Tensor, classes: Tensor, a: Tensor, b: Tensor, threshold: float) -> Tensor:
    """Which boxes of indices (n,) and (m,) pass for the same object, (n, m); IoU is compared in double, as in torchvision."""
    return (iou(boxes[a], boxes[b]).double() > threshold) & (classes[a, None] == classes[b])


class Cut(NamedTuple):
    """One step of non-max suppression: the index of the box kept, and the indices and IoU (d,) of those discarded for it."""

    pick: int
    discarded: Tensor
    overlaps: Tensor


def nms_steps(boxes: Tensor, scores: Tensor, threshold: float, classes: Tensor | None = None) -> Iterator[Cut]:
    """Non-max suppression, a pick at a time; with ``classes`` (n,) a box is discarded only for one of its own class."""
    left = scores.argsort(descending=True, stable=True)
    while len(left):
        pick, left = left[0], left[1:]
        overlaps = iou(boxes[pick][None], boxes[left])[0]
        out = overlaps.double() > threshold
        if classes is not None:
            out &= classes[left] == classes[pick]
        yield Cut(int(pick), left[out], overlaps[out])
        left = left[~out]


def shape_iou(a: Tensor, b: Tensor) -> Tensor:
    """IoU of every shape (n, 2), a width and a height, with every shape (k, 2), laid on the same corner: (n, k)."""
    return iou(*(torch.cat([torch.zeros_like(sizes), sizes], dim=1) for sizes in (a, b)))


class Grouping(NamedTuple):
    """One step of k-means: centres (k, 2), the index (n,) of every shape's nearest one, and the mean IoU with the best."""

    anchors: Tensor
    nearest: Tensor
    mean_iou: float


Distance = Literal["iou", "euclidean"]


def kmeans_steps(
    sizes: Tensor, k: int, generator: torch.Generator, distance: Distance = "iou", most: int = 100
) -> Iterator[Grouping]:
    """k-means on box shapes (n, 2) with 1 - IoU as the distance, a step at a time (Redmon & Farhadi 2016, section 2).

    It starts from k of the shapes, each drawn with a chance proportional to its distance from those drawn before. Then every
    shape joins its nearest centre, and a centre moves to the mean of its own, until no shape changes its centre.
    """
    if not 1 <= k <= len(torch.unique(sizes, dim=0)):
        raise BadInput(f"The number of anchors must be at least 1 and at most the number of different shapes, got {k}.")
    anchors = sizes[torch.randint(len(sizes), (1,), generator=generator)]
    while len(anchors) < k:
        chance = _distance(sizes, anchors, distance).amin(1).clamp(min=0)
        anchors = torch.cat([anchors, sizes[torch.multinomial(chance, 1, generator=generator)]])
    before = torch.full((len(sizes),), -1)
    for _ in range(most):
        nearest = _distance(sizes, anchors, distance).argmin(1)
        yield Grouping(anchors, nearest, float(shape_iou(sizes, anchors).amax(1).mean()))
        if torch.equal(nearest, before):
            return
        before = nearest
        anchors = torch.stack([sizes[nearest == i].mean(0) if (nearest == i).any() else anchors[i] for i in range(k)])


def _distance(sizes: Tensor, anchors: Tensor, kind: Distance) -> Tensor:
    return torch.cdist(sizes, anchors) if kind == "euclidean" else 1 - shape_iou(sizes, anchors)


def kmeans_anchors(sizes: Tensor, k: int, generator: torch.Generator, starts: int = 10) -> Tensor:
    """The k anchors (k, 2), widths and heights, with the highest mean best IoU in several runs, from small to large.

    A mean isn't what raises IoU most, so the best step of a run needn't be its last.
    """
    seen = [step for _ in range(starts) for step in kmeans_steps(sizes, k, generator)]
    anchors = max(seen, key=lambda step: step.mean_iou).anchors
    return anchors[anchors.prod(1).argsort()]


def slots(boxes: Tensor, size: tuple[float, float], grid: int, anchors: Tensor | None = None) -> Tensor:
    """Where each object (n, 4) belongs: (n, 3), the row and column of its middle's cell and the index of its best anchor.

    ``size`` is the picture's width and height; ``anchors`` (A, 2) are in pixels, and the best has the highest IoU of shapes.
    A middle on the right or lower border belongs to the last cell.
    """
    cell = boxes.new_tensor(size) / grid
    column, row = (((boxes[:, :2] + boxes[:, 2:]) / 2 / cell).floor().clamp(0, grid - 1)).long().unbind(1)
    best = shape_iou(boxes[:, 2:] - boxes[:, :2], anchors).argmax(1) if anchors is not None else torch.zeros_like(row)
    return torch.stack([row, column, best], dim=1)


def encode_grid(
    boxes: Tensor, classes: Tensor, size: tuple[float, float], grid: int, count: int, anchors: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Objects (n, 4) of classes (n,) as a target (S, S, A, 5 + C), and which object each slot holds (S, S, A), -1 for none.

    A slot holds pc, bx, by, bh, bw and the one-hot class: bx and by are the middle's place in its cell, from 0 to 1, bh and
    bw are in sides of the cell and may exceed 1 (Redmon et al. 2016, section 2). Of objects that share a slot the first stays.
    """
    depth = 1 if anchors is None else len(anchors)
    at = slots(boxes, size, grid, anchors)
    n, flat = len(boxes), (at[:, 0] * grid + at[:, 1]) * depth + at[:, 2]
    held = torch.full((grid * grid * depth,), n, device=boxes.device)
    held = held.scatter_reduce(0, flat, torch.arange(n, device=boxes.device), "amin")
    taken = (held < n).nonzero().flatten()
    first = held[taken]
    cell = boxes.new_tensor(size) / grid
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2 / cell - at[:, [1, 0]]
    sides = (boxes[:, 2:] - boxes[:, :2]) / cell
    one_hot = torch.nn.functional.one_hot(classes.long(), count).to(boxes.dtype)
    rows = torch.cat([torch.ones_like(middle[:, :1]), middle, sides.flip(1), one_hot], dim=1)  # (n, 5 + C)
    target = boxes.new_zeros(grid * grid * depth, 5 + count)
    target[taken] = rows[first]
    held = held.where(held < n, -1)
    return target.view(grid, grid, depth, -1), held.view(grid, grid, depth)


def decode_grid(target: Tensor, size: tuple[float, float]) -> tuple[Tensor, Tensor, Tensor]:
    """What the slots of a grid (..., S, S, A, 5 + C) say: boxes (..., 4) in pixels, scores (...) and classes (...).

    A slot's score is pc times its highest class probability, the class's own being the chance given an object. Slots come
    flat: (..., S * S * A).
    """
    grid, depth = target.shape[-3], target.shape[-2]
    cell = target.new_tensor(size) / grid
    row, column = torch.meshgrid(*(torch.arange(grid, device=target.device),) * 2, indexing="ij")
    corner = torch.stack([column, row], dim=-1)[:, :, None].to(target.dtype)  # (S, S, 1, 2)
    middle, half = (target[..., 1:3] + corner) * cell, target[..., 3:5].flip(-1) * cell / 2
    best, classes = target[..., 5:].max(-1)
    lead = (*target.shape[:-4], grid * grid * depth)
    boxes = torch.cat([middle - half, middle + half], dim=-1)
    return boxes.reshape(*lead, 4), (target[..., 0] * best).reshape(lead), classes.reshape(lead)


def precision_recall(scores: Tensor, correct: Tensor, truths: int) -> tuple[Tensor, Tensor]:
    """Precision (n,) and recall (n,) of the best 1, 2, ... n detections by score (n,); ``correct`` (n,) tells which count."""
    right = correct[scores.argsort(descending=True, stable=True)].cumsum(0).double()
    return right / torch.arange(1, len(right) + 1), right / max(truths, 1)


def average_precision(scores: Tensor, correct: Tensor, truths: int, points: int | None = None) -> float:
    """Average precision of detections with scores (n,), of which ``correct`` (n,) count, where there are ``truths`` objects.

    The precision at a recall is the highest at that recall or a higher one. It is averaged over all recalls, which is the
    area below the curve (PASCAL VOC since 2010), or over so many equally spaced ``points``: 11 (VOC 2007), 101 (COCO).
    Without truths there is no average precision: NaN.
    """
    if truths == 0:
        return float("nan")
    precision, _ = precision_recall(scores, correct, truths)
    if not len(precision):
        return 0.0
    right = correct[scores.argsort(descending=True, stable=True)].cumsum(0)
    highest = precision.flip(0).cummax(0).values.flip(0)  # the envelope
    if points is None:
        return float((highest * right.diff(prepend=right.new_zeros(1))).sum() / truths)
    # Whole numbers, because a recall such as 3 / 10 and a level such as 0.1 * 3 differ in their last bit.
    wanted = torch.arange(points) * truths
    at = torch.searchsorted(right * (points - 1), wanted)  # the first that reaches each level
    return float(torch.cat([highest, highest.new_zeros(1)])[at].mean())
