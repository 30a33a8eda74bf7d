"""Trainings that race each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from engine.results.curves import Race
from engine.training import Step


def rivals(histories: Mapping[str, Sequence[Step]]) -> Race:
    """The training costs of several trainings that report at the same steps; NaN from where one overflowed."""
    longest = max(histories.values(), key=len)
    costs = np.full((len(histories), len(longest)), np.nan, np.float32)
    for row, history in zip(costs, histories.values(), strict=True):
        row[: len(history)] = torch.stack([step.train for step in history]).numpy(force=True)
    costs[~np.isfinite(costs)] = np.nan
    return Race(tuple(histories), np.array([step.step for step in longest], np.float32), costs)
