"""Points of many dimensions on a plane, turned so that a picture of them can move on from the one before."""

from __future__ import annotations

import torch
from torch import Tensor


def plane(points: Tensor, before: Tensor | None = None) -> Tensor:
    """The two main components (m, 2) of points (m, n), and if there is a picture ``before`` (m, 2), turned nearest to it.

    Turning and mirroring is all that is free in such a picture (orthogonal Procrustes): no distance on it changes.
    """
    centred = points - points.mean(0)
    u, s, _ = torch.linalg.svd(centred, full_matrices=False)
    flat = u[:, :2] * s[:2]
    if before is None:
        return flat
    left, _, right = torch.linalg.svd(flat.T @ before)
    return flat @ left @ right
