"""Training loops as iterators: who iterates decides how far, and stopping is closing."""

from engine.training.fleet import Fleet
from engine.training.loop import (
    FRAME_SECONDS,
    POINTS,
    Recipe,
    Step,
    accuracy,
    batches,
    cost,
    fit,
    paced,
    recorded,
    thinned,
)
from engine.training.overflow import overflow

__all__ = [
    "FRAME_SECONDS",
    "POINTS",
    "Fleet",
    "Recipe",
    "Step",
    "accuracy",
    "batches",
    "cost",
    "fit",
    "overflow",
    "paced",
    "recorded",
    "thinned",
]
