"""How long a piece of work takes on the device in use."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TypeVar

import torch

from engine.device import device

T = TypeVar("T")


def timed(task: Callable[[], T], calls: int) -> tuple[T, float]:
    """What the task gives, and the milliseconds that the quickest of its calls took; a CUDA device is waited for."""
    best = math.inf
    for _ in range(calls):
        began = time.perf_counter()
        result = task()
        if device().type == "cuda":
            torch.cuda.synchronize()
        best = min(best, 1000 * (time.perf_counter() - began))
    return result, best
