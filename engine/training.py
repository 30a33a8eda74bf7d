"""Training loops as iterators: who iterates decides how far, and stopping is closing."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import torch

from engine.data.planar import Examples
from engine.functional.losses import binary_cross_entropy_with_logits
from engine.functional.mlp import Parameters, backward, forward, predict
from engine.functional.optimizers import sgd

T = TypeVar("T")

FRAME_SECONDS = 0.1
POINTS = 300


def paced(steps: Iterator[T], seconds: float = FRAME_SECONDS) -> Iterator[T]:
    """Thin a stream to about one item every ``seconds``, always keeping the first and the last.

    A person can't follow more than ten pictures a second, and drawing costs more than stepping.
    """
    due = 0.0
    last: T | None = None
    for step in steps:
        last = step
        now = time.monotonic()
        if now >= due:
            # Counted from here, so the time that drawing takes is part of the pause.
            due = now + seconds
            yield step
            last = None
    if last is not None:
        yield last


@dataclass(frozen=True)
class Step:
    """A network after ``step`` updates: its parameters, which later updates leave alone, and its cost on both sets."""

    step: int
    params: Parameters
    train: float
    dev: float

    @property
    def finite(self) -> bool:
        """False once the training has blown up."""
        return math.isfinite(self.train)


@torch.inference_mode()
def fit(
    params: Parameters,
    train: Examples,
    dev: Examples,
    activation: str,
    rate: float,
    steps: int,
    *,
    every: int = 0,
    batch: int = 0,
    generator: torch.Generator | None = None,
) -> Iterator[Step]:
    """Gradient descent on the binary cross-entropy of a network of :mod:`engine.functional.mlp`.

    Yields before the first update, after every ``every`` updates (0: about a three-hundredth of all) and after the last; a
    cost that isn't finite ends it. ``batch`` and ``generator`` are those of :func:`batches`.
    """
    every = every or max(1, steps // POINTS)
    drawn = batches(train, batch, generator)
    for step in range(steps + 1):
        if step % every == 0 or step == steps:
            now = Step(step, params, cost(params, train, activation), cost(params, dev, activation))
            yield now
            if not now.finite:
                return
        x, y = next(drawn)
        grads = backward(params, forward(params, x, activation), y, activation)
        params, _ = sgd(params, grads, {}, rate)


def recorded(steps: Iterator[Step]) -> Iterator[list[Step]]:
    """All steps so far, at every step: the clock may decide which of them are drawn, never what they hold."""
    history: list[Step] = []
    for step in steps:
        history.append(step)
        yield history


def batches(examples: Examples, size: int, generator: torch.Generator | None = None) -> Iterator[Examples]:
    """Mini-batches without end, every example once an epoch in a fresh order, the last batch smaller where it must be.

    A ``size`` of 0 gives all examples every time.
    """
    x, y = examples
    while not 0 < size < len(y):
        yield examples
    while True:
        order = torch.randperm(len(y), generator=generator).to(x.device)
        for chosen in torch.split(order, size):
            yield x[chosen], y[chosen]


def cost(params: Parameters, examples: Examples, activation: str) -> float:
    """The network's binary cross-entropy on a whole set."""
    x, y = examples
    return float(binary_cross_entropy_with_logits(forward(params, x, activation)[-1].squeeze(-1), y))


def accuracy(params: Parameters, examples: Examples, activation: str) -> float:
    """The share of a set that the network puts on the right side of probability one half."""
    x, y = examples
    return float(((predict(params, x, activation) > 0.5) == (y == 1)).float().mean())
