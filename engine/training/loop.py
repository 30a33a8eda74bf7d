"""Gradient descent on networks, one or a fleet at a time, as a stream of steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import torch
from torch import Tensor

from engine.data.planar import Examples
from engine.functional import mlp
from engine.functional.mlp import Parameters, forward, predict
from engine.functional.optimizers import Rate, State, sgd
from engine.functional.regularization import dropout_mask
from engine.training.fleet import Fleet

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
class Recipe:
    """How to train: everything but the data and the start.

    ``rate``, ``l2`` and ``l1`` are numbers, or tensors (F,) with one for each network of a fleet. ``update`` is an
    optimizer of :mod:`engine.functional.optimizers`. ``schedule`` turns the number of updates made into a factor on the
    rate. ``keep`` holds the share of activations kept by dropout, one for each hidden layer or none at all. ``batch`` is
    the number of examples an update, 0 for all.
    """

    activation: str = "tanh"
    rate: Rate = 0.1
    update: Callable[[Sequence[Tensor], Sequence[Tensor], State, Rate], tuple[list[Tensor], State]] = sgd
    schedule: Callable[[int], float] | None = None
    l2: Rate = 0.0
    l1: Rate = 0.0
    keep: tuple[float, ...] = ()
    batch: int = 0


@dataclass(frozen=True)
class Step:
    """Networks after ``step`` updates, and their cost on both sets, each (...).

    ``flat`` holds the parameters, which later updates leave alone, as ``fleet`` lays them out.
    """

    step: int
    fleet: Fleet
    flat: Tensor
    train: Tensor
    dev: Tensor

    @property
    def params(self) -> Parameters:
        """The networks' [W1, b1, ..., WL, bL]."""
        return self.fleet.unpack(self.flat)

    @cached_property
    def finite(self) -> bool:
        """False once the training has blown up; in a fleet, once every network of it has."""
        return bool(torch.isfinite(self.train).any())


@torch.inference_mode()
def fit(
    start: Parameters,
    train: Examples,
    dev: Examples,
    recipe: Recipe,
    steps: int,
    *,
    every: int = 0,
    generator: torch.Generator | Sequence[torch.Generator] | None = None,
) -> Iterator[Step]:
    """Train on the cross-entropy, and yield before the first update, after every ``every`` and after the last.

    ``start`` is one network, or a fleet: parameters with a leading dimension. A fleet shares x (m, n) and y (m,) and the
    batches drawn by ``generator``; or each network draws its own from a generator of its own, or has its own examples,
    x (F, m, n) and y (F, m). ``every`` of 0 is about a three-hundredth of all. Costs leave the penalties out. A cost that
    isn't finite, in a fleet all of them, ends it.
    """
    fleet = Fleet(start, recipe.activation)
    lead = start[0].shape[:-2]
    sets = [_columns(examples, lead) for examples in (train, dev)]
    drawn = batches(sets[0], recipe.batch, generator)
    l2, l1 = (_decay(fleet, strength, train[1].shape[-1]) for strength in (recipe.l2, recipe.l1))
    base = fleet.spread(recipe.rate)
    every = every or max(1, steps // POINTS)
    masks: list[Tensor] = []
    state: State = {}
    for step in range(steps + 1):
        if step % every == 0 or step == steps:
            now = Step(step, fleet, fleet.flat.clone(), *(fleet.cost(*columns) for columns in sets))
            yield now
            if not now.finite or step == steps:
                return
        x, labels = next(drawn)
        if recipe.keep:
            masks = _masks(recipe.keep, start, x, generator)
        fleet.gradient(x, labels, masks)
        if l2 is not None:
            fleet.grad.addcmul_(fleet.flat, l2)
        if l1 is not None:
            fleet.grad.addcmul_(fleet.flat.sign(), l1)
        state = _advance(fleet, recipe, state, base * recipe.schedule(step) if recipe.schedule else base)


def _advance(fleet: Fleet, recipe: Recipe, state: State, rate: Rate) -> State:
    """One update of the parameters, in place."""
    if recipe.update is sgd and not isinstance(rate, Tensor):
        fleet.flat.sub_(fleet.grad, alpha=rate)  # the same in one operation saves a tenth of a small network's step
        return state
    [moved], state = recipe.update([fleet.flat], [fleet.grad], state, rate)
    fleet.flat.copy_(moved)
    return state


def _decay(fleet: Fleet, strength: Rate, m: int) -> Tensor | None:
    """What a penalty's gradient multiplies each parameter by, or its sign: strength / m on weights, 0 on biases."""
    if not isinstance(strength, Tensor) and strength == 0:
        return None
    decay = fleet.spread(strength / m, weights_only=True)
    assert isinstance(decay, Tensor)
    return decay


def _columns(examples: Examples, lead: tuple[int, ...]) -> Examples:
    """Examples as columns, widened to a fleet's leading dimension: x (..., n + 1, m) with a last row of ones, y (..., 1, m)."""
    x, y = examples
    columns = torch.cat([x, torch.ones_like(x[..., :1])], -1).mT.contiguous(), y.unsqueeze(-2)
    return columns[0].expand(*lead, *columns[0].shape[-2:]), columns[1].expand(*lead, *columns[1].shape[-2:])


def _masks(
    keep: Sequence[float], start: Parameters, x: Tensor, generator: torch.Generator | Sequence[torch.Generator] | None
) -> list[Tensor]:
    """Dropout's masks for one batch, one a hidden layer: (n_l, m), shared by a fleet, or of each network's own generator."""
    shapes = [(b.shape[-1], x.shape[-1]) for b in start[1:-2:2]]
    if isinstance(generator, Sequence):
        each = [[dropout_mask(s, k, g) for s, k in zip(shapes, keep, strict=True)] for g in generator]
        return [torch.stack(layer).to(x) for layer in zip(*each, strict=True)]
    return [dropout_mask(s, k, generator).to(x) for s, k in zip(shapes, keep, strict=True)]


def recorded(steps: Iterator[T]) -> Iterator[list[T]]:
    """All steps so far, at every step: the clock may decide which of them are drawn, never what they hold."""
    history: list[T] = []
    for step in steps:
        history.append(step)
        yield history


def thinned(history: Sequence[T], most: int = POINTS) -> Sequence[T]:
    """At most ``most`` items of a history, evenly spaced, the last always among them."""
    stride = max(1, -(-len(history) // most))
    return history[::-1][::stride][::-1]


def batches(
    columns: Examples, size: int, generator: torch.Generator | Sequence[torch.Generator] | None = None
) -> Iterator[Examples]:
    """Mini-batches without end, every example once an epoch in a fresh order, the last batch smaller where it must be.

    Examples are the last dimension of both tensors. A ``size`` of 0 gives all of them every time. Several generators draw
    an order each, for the networks of a fleet along the first dimension.
    """
    m = columns[1].shape[-1]
    while not 0 < size < m:
        yield columns
    while True:
        if isinstance(generator, Sequence):
            order = torch.stack([torch.randperm(m, generator=g) for g in generator])[:, None].to(columns[0].device)
            shuffled = [torch.take_along_dim(part, order, -1) for part in columns]
        else:
            order = torch.randperm(m, generator=generator).to(columns[0].device)
            shuffled = [part[..., order] for part in columns]
        yield from zip(*(torch.split(part, size, -1) for part in shuffled), strict=True)


def cost(params: Parameters, examples: Examples, activation: str) -> Tensor:
    """The networks' cross-entropy on a whole set, (...)."""
    x, y = examples
    z = forward(params, x, activation)[-1]
    return mlp.cost(z, y.expand(z.shape[:-1]))


def accuracy(params: Parameters, examples: Examples, activation: str) -> Tensor:
    """The share of a set that the networks put in its class, (...): beyond probability one half, or the likeliest of C."""
    x, y = examples
    probability = predict(params, x, activation)
    chosen = probability.argmax(-1) if params[-1].shape[-1] > 1 else (probability > 0.5)
    return (chosen == y).float().mean(-1)
