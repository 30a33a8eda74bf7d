"""Compound scaling along φ, and the published networks."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from engine.functional.efficientnet import PUBLISHED, compound, cost
from engine.results.architectures import Architecture

PHIS: list[float] = np.linspace(0, 7.25, 30).round(4).tolist()


@lru_cache(maxsize=64)
def curve(constants: tuple[float, float, float]) -> tuple[list[float], list[float]]:
    """Parameters and multiplications along φ."""
    costs = [cost(*compound(phi, *constants)) for phi in PHIS]
    return [float(p) for p, _ in costs], [float(m) for _, m in costs]


def table(counted: dict[str, Architecture]) -> dict[str, list[str]]:
    """The published multipliers with what torchvision's modules count to."""
    rows = list(PUBLISHED.values())
    names = [name if name in counted else "" for name in PUBLISHED]
    return {
        "Network": [f"EfficientNet-{name}" for name in PUBLISHED],
        "Depth": [f"{row.depth:g}" for row in rows],
        "Width": [f"{row.width:g}" for row in rows],
        "Input": [f"{row.side} × {row.side}" for row in rows],
        "Parameters": [f"{counted[name].parameters:,}" if name else "" for name in names],
        "Multiplications": [f"{counted[name].multiplications:,}" if name else "" for name in names],
    }
