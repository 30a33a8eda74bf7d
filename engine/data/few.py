"""A few small labelled pictures for several trainings, and a dev set that they share."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from engine.data.tabular import TABULAR

DEV = 300


class Few(NamedTuple):
    """Pictures ``x`` (seeds, m, c, h, w) in [0, 1] of classes ``y`` (seeds, m), and the dev set's x (n, c, h, w), y (n,)."""

    x: Tensor
    y: Tensor
    dev: tuple[Tensor, Tensor]
    classes: tuple[str, ...]


def few(name: str, m: int, seeds: int, generator: torch.Generator) -> Few:
    """Examples of a set of pictures in :data:`TABULAR`; no two trainings share one, and none is in the dev set."""
    held = TABULAR[name]()
    assert held.picture is not None
    h, w, channels = held.picture
    order = torch.randperm(len(held.y), generator=generator)[: DEV + seeds * m]
    x = (held.x / held.x.max()).view(-1, h, w, channels).permute(0, 3, 1, 2)[order].contiguous()
    y = held.y[order]
    return Few(x[DEV:].view(seeds, m, channels, h, w), y[DEV:].view(seeds, m), (x[:DEV], y[:DEV]), held.classes)
