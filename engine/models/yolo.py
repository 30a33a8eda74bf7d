"""A small one-shot detector on a grid, after YOLO (Redmon et al. 2016) and its anchors (Redmon and Farhadi 2016)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, relu

from engine.functional.boxes import shape_iou, slots

SIDE, GRID = 128, 8
CELL = SIDE / GRID
# An anchor that fits an object this well, but not best, isn't taught that nothing is there.
SPARED = 0.5
PLACE, NOTHING = 5.0, 0.5


class Down(nn.Module):
    """A convolution that halves the map, and one beside a skip connection."""

    def __init__(self, channels: int, wider: int) -> None:
        """From ``channels`` to ``wider`` channels."""
        super().__init__()
        self.halve = nn.Sequential(nn.Conv2d(channels, wider, 3, 2, 1, bias=False), nn.BatchNorm2d(wider), nn.ReLU())
        self.refine = nn.Sequential(nn.Conv2d(wider, wider, 3, 1, 1, bias=False), nn.BatchNorm2d(wider))

    def forward(self, x: Tensor) -> Tensor:
        """(m, channels, h, w) -> (m, wider, h / 2, w / 2)."""
        x = self.halve(x)
        return relu(x + self.refine(x))


class Yolo(nn.Module):
    """Pictures (m, 3, 128, 128) in [0, 1] to a grid (m, 8, 8, A, 5 + C) of raw numbers; :meth:`grid` makes them readable."""

    anchors: Tensor

    def __init__(self, classes: int, anchors: Tensor | int = 3, widths: Sequence[int] = (16, 32, 64, 128)) -> None:
        """A network at its random start; ``anchors`` (A, 2) are widths and heights in pixels, or how many are to be loaded."""
        super().__init__()
        given = torch.ones(anchors, 2) if isinstance(anchors, int) else anchors
        self.register_buffer("anchors", given)
        ends = [3, *widths]
        self.body = nn.Sequential(*(Down(i, o) for i, o in pairwise(ends)))
        self.neck = nn.Sequential(
            nn.Conv2d(widths[-1], widths[-1], 3, 1, 1, bias=False), nn.BatchNorm2d(widths[-1]), nn.ReLU()
        )
        self.head = nn.Conv2d(widths[-1], len(given) * (5 + classes), 1)

    def forward(self, x: Tensor) -> Tensor:
        """Raw numbers: logits of pc, bx, by; log of bh and bw over their anchor's; logits of the classes."""
        raw = self.head(self.neck(self.body((x - 0.5) / 0.25)))  # (m, A (5 + C), 8, 8)
        return raw.view(len(x), len(self.anchors), -1, *raw.shape[-2:]).permute(0, 3, 4, 1, 2)

    def grid(self, raw: Tensor) -> Tensor:
        """Raw numbers as a target is written: pc, bx, by, bh, bw in cells and class probabilities (m, 8, 8, A, 5 + C)."""
        sides = self.anchors.flip(1) / CELL * raw[..., 3:5].clamp(-4, 4).exp()
        return torch.cat([raw[..., :3].sigmoid(), sides, raw[..., 5:].softmax(-1)], -1)


def loss(raw: Tensor, anchors: Tensor, scene: Tensor, boxes: Tensor, classes: Tensor) -> Tensor:
    """The cost of raw numbers (m, S, S, A, 5 + C) against n objects: ``scene`` (n,) each is in, ``boxes`` (n, 4), ``classes``.

    An object teaches the slot of its middle's cell and best anchor its place, size and class; every other slot learns that
    nothing is there, but for anchors of that cell that fit nearly as well.
    """
    at = slots(boxes, (SIDE, SIDE), GRID, anchors)
    row, column, best = at.unbind(1)
    there = torch.zeros_like(raw[..., 0])
    counted = torch.ones_like(there)
    sides = boxes[:, 2:] - boxes[:, :2]
    counted[scene, row, column] = (shape_iou(sides, anchors) < SPARED).to(raw.dtype)
    there[scene, row, column, best] = 1
    counted[scene, row, column, best] = 1
    weight = counted * torch.where(there > 0, 1.0, NOTHING)
    found = binary_cross_entropy_with_logits(raw[..., 0], there, weight, reduction="sum")
    mine = raw[scene, row, column, best]  # (n, 5 + C)
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2 / CELL - at[:, [1, 0]]
    place = (mine[:, 1:3].sigmoid() - middle).square().sum() + (
        mine[:, 3:5] - (sides / anchors[best]).log().flip(1)
    ).square().sum()
    named = cross_entropy(mine[:, 5:], classes, reduction="sum")
    return (found + PLACE * place + named) / max(len(boxes), 1)
