"""Limited-memory BFGS (Nocedal 1980) on box-bounded points, without a line search: one slope a step, its length capped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from engine.functional.optimizers import State

MEMORY = 20
LEAST_CURVATURE = 1e-10


class Pair(NamedTuple):
    """A step taken and the change of slope that it met, both of the point's shape."""

    step: Tensor
    change: Tensor


def direction(slope: Tensor, pairs: Sequence[Pair]) -> Tensor:
    """-H slope, with H the inverse curvature that the pairs tell of, oldest first: Nocedal's two loops."""
    q, weights = slope.clone(), list[Tensor]()
    for step, change in reversed(pairs):
        weights.append((step * q).sum() / (step * change).sum())
        q -= weights[-1] * change
    if pairs:
        step, change = pairs[-1]
        q *= (step * change).sum() / change.square().sum()
    for (step, change), weight in zip(pairs, reversed(weights), strict=True):
        q += (weight - (change * q).sum() / (step * change).sum()) * step
    return -q


def lbfgs(point: Tensor, slope: Tensor, state: State, first: float, longest: float) -> tuple[Tensor, State]:
    """The next point, and the state to give back with its slope.

    A step is at most ``longest`` in root mean square, the first exactly ``first``, down the slope. The pairs hold the
    steps really taken, so whoever brings a point back into its bounds does no harm.
    """
    pairs = list(state.get("pairs", ()))
    if state:
        pair = Pair(point - state["point"], slope - state["slope"])
        if (pair.step * pair.change).sum() > LEAST_CURVATURE * pair.change.square().sum():
            pairs = [*pairs, pair][-MEMORY:]
    move = direction(slope, pairs)
    length = move.square().mean().sqrt().clamp(min=1e-30)
    move = move * ((longest / length).clamp(max=1) if pairs else first / length)
    return point + move, {"pairs": pairs, "point": point, "slope": slope}
