"""Windows of one picture: where they lie, how many there are, and what is cut out of them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import interpolate


def window_count(height: int, width: int, size: int, stride: int) -> tuple[int, int]:
    """How many size x size windows fit down and across, ``stride`` pixels apart: ⌊(n - size)/stride⌋ + 1, or none."""
    return max(0, (height - size) // stride + 1), max(0, (width - size) // stride + 1)


def window_boxes(height: int, width: int, sizes: Sequence[int], stride: int) -> Tensor:
    """The windows of every size, size by size, row by row, as boxes (n, 4): left, top, right, bottom in pixels."""
    found = [
        (left, top, left + size, top + size)
        for size in sizes
        for top in range(0, height - size + 1, stride)
        for left in range(0, width - size + 1, stride)
    ]
    return torch.tensor(found, dtype=torch.float32).view(-1, 4)


def cut(picture: Tensor, boxes: Tensor, side: int) -> Tensor:
    """What lies in boxes (n, 4) of whole pixels of a picture (3, h, w), each resized to (n, 3, side, side), antialiased."""
    parts = [picture[None, :, top:bottom, left:right] for left, top, right, bottom in boxes.long().tolist()]
    resized = [interpolate(x, (side, side), mode="bilinear", antialias=True, align_corners=False) for x in parts]
    return torch.cat(resized) if resized else picture.new_zeros(0, 3, side, side)
