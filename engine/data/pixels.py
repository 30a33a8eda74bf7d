"""Pictures as levels, the way files and screens hold them, and as tensors, the way networks take them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from engine.data.media import Picture
from engine.data.samples import picture_sample


def opened(source: str | Picture) -> Picture:
    """A sample by name, or the uploaded picture itself."""
    return source if isinstance(source, Picture) else picture_sample(source)


def to_tensor(pixels: Sequence[np.ndarray]) -> Tensor:
    """Levels (h, w, 3), all of one size, as pictures (m, 3, h, w) in [0, 1]."""
    return torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).float() / 255


def to_levels(x: Tensor) -> np.ndarray:
    """One picture (c, h, w) in [0, 1], grey or in colour, as levels (h, w, 3)."""
    return np.ascontiguousarray((x * 255).round().byte().expand(3, -1, -1).permute(1, 2, 0).numpy())
