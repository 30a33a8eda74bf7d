"""Boxes and masks as COCO's JSON has them (Lin et al. 2014; cocodataset.org, "data format" and "results format")."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


def as_box(box: Sequence[float]) -> list[float]:
    """Left, top, right, bottom to left, top, width, height, to a hundredth of a pixel."""
    x0, y0, x1, y1 = box
    return [round(x, 2) for x in (x0, y0, x1 - x0, y1 - y0)]


def run_lengths(mask: Tensor) -> dict[str, Any]:
    """A mask (h, w) as uncompressed run lengths: pixels without, with, without..., column after column."""
    flat = mask.T.flatten().to(torch.int8)
    ends = (flat[1:] != flat[:-1]).nonzero().flatten() + 1
    edges = torch.cat([torch.tensor([0]), ends, torch.tensor([len(flat)])])
    counts = edges.diff().tolist()
    return {"size": list(mask.shape), "counts": [0, *counts] if bool(flat[0]) else counts}


def bounds(mask: Tensor) -> list[int]:
    """The box of a mask (h, w) that isn't empty, as left, top, width, height."""
    rows, columns = mask.any(1).nonzero().flatten(), mask.any(0).nonzero().flatten()
    left, top = int(columns[0]), int(rows[0])
    return [left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top]
