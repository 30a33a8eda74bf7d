"""A made year of daily temperatures."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def temperatures(days: int, noise: float, generator: torch.Generator) -> Tensor:
    """Mean temperature of each day in °C, (days,) float64: a mild winter, a hot summer, and weather of deviation ``noise``.

    The weather remembers yesterday: half of today's deviation is yesterday's.
    """
    day = torch.arange(days, dtype=torch.float64)
    season = 22 - 7 * torch.cos(2 * math.pi * (day - 15) / 365)
    fresh = noise * math.sqrt(0.75) * torch.randn(days, generator=generator, dtype=torch.float64)
    weather = [fresh[0] / math.sqrt(0.75)]
    for today in fresh[1:]:
        weather.append(weather[-1] / 2 + today)
    return season + torch.stack(weather)
