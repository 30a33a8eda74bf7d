"""Boxes in a picture: area, intersection, and intersection over union.

A box is (x1, y1, x2, y2) in pixels: its left, top, right and bottom edge, with y pointing down. A box whose right edge isn't
right of its left, or whose bottom isn't below its top, holds nothing.
"""

from __future__ import annotations

import torch
from torch import Tensor


def area(boxes: Tensor) -> Tensor:
    """Width times height, in px²: (..., 4) -> (...)."""
    sides = boxes[..., 2:] - boxes[..., :2]  # (..., 2) width and height
    return sides.clamp(min=0).prod(dim=-1)


def intersection(a: Tensor, b: Tensor) -> Tensor:
    """The box that each box of ``a`` (N, 4) shares with each of ``b`` (M, 4): (N, M, 4), without area where they are apart."""
    top_left = torch.maximum(a[:, None, :2], b[None, :, :2])  # (N, M, 2)
    bottom_right = torch.minimum(a[:, None, 2:], b[None, :, 2:])  # (N, M, 2)
    return torch.cat([top_left, bottom_right], dim=-1)


def iou(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of every box of ``a`` (N, 4) with every box of ``b`` (M, 4): (N, M), from 0 to 1.

    Two boxes without area have a union of 0 and an IoU of 0 here, where ``torchvision.ops.box_iou`` gives NaN.
    """
    shared = area(intersection(a, b))  # (N, M)
    union = area(a)[:, None] + area(b)[None, :] - shared
    return shared / torch.where(union > 0, union, 1)
