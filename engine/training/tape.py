"""Minimising by a framework's tape: what autograd records of a cost, and torch.optim along its gradients."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import Node

from engine.functional.expressions import Expression
from engine.functional.idioms import OPTIMIZERS, Descent


@dataclass(frozen=True)
class Point:
    """Where a descent stands after ``step`` updates: the variables, the cost there and its gradient."""

    step: int
    at: Mapping[str, float]
    cost: float
    gradient: tuple[float, ...]

    @property
    def finite(self) -> bool:
        """Whether the descent can go on from here."""
        return all(map(math.isfinite, (*self.at.values(), self.cost, *self.gradient)))


@dataclass(frozen=True)
class Record:
    """An entry of the tape: PyTorch's name of it, its node's place in the cost, the nodes that it hands its share on to,
    and the derivative of the cost by its node.
    """

    function: str
    place: int
    hands_to: tuple[int, ...]
    slope: float


def minimise(descent: Descent) -> Iterator[Point]:
    """Descend with torch.optim on autograd's gradients: yields the start and every step, and ends where it isn't finite."""
    variables = _leaves(descent.start)
    point = _measured(descent.cost, variables, 0)
    yield point
    if not (point.finite and descent.steps):
        return
    # Not before the start is out: the first optimizer of a process takes PyTorch a second.
    update = getattr(torch.optim, OPTIMIZERS[descent.optimizer])(variables.values(), lr=descent.rate)
    for step in range(1, descent.steps + 1):
        update.step()
        update.zero_grad()
        point = _measured(descent.cost, variables, step)
        yield point
        if not point.finite:
            return


def _leaves(start: Mapping[str, float]) -> dict[str, Tensor]:
    """Variables whose every use autograd records."""
    return {name: torch.tensor(x, dtype=torch.float64, requires_grad=True) for name, x in start.items()}


def _measured(cost: Expression, variables: Mapping[str, Tensor], step: int) -> Point:
    """The cost, recorded, and its gradient, played back into ``.grad``."""
    result = cost.forward(variables)[-1]
    result.backward()  # type: ignore[no-untyped-call]
    gradient = tuple(0.0 if x.grad is None else float(x.grad) for x in variables.values())
    return Point(step, {name: float(x.detach()) for name, x in variables.items()}, float(result.detach()), gradient)


def tape(cost: Expression, at: Mapping[str, float]) -> list[Record]:
    """What autograd recorded while the cost was computed here, in that order; it is played back from the last to the first."""
    values = cost.forward(_leaves(at))
    entries = [value.grad_fn or _accumulator(value) for value in values]
    reached = _reached(entries[-1])
    places = {entry: place for place, entry in enumerate(entries) if entry in reached}
    slopes = torch.autograd.grad(values[-1], [values[i] for i in places.values()])
    return [
        Record(
            type(entry).__name__,
            place,
            tuple(places[before] for before, _ in entry.next_functions if before is not None),
            float(slope),
        )
        for (entry, place), slope in zip(places.items(), slopes, strict=True)
    ]


def _accumulator(leaf: Tensor) -> Node | None:
    """The entry that adds up a variable's gradient; a plain number has none."""
    return torch.autograd.graph.get_gradient_edge(leaf).node if leaf.requires_grad else None


def _reached(last: Node | None) -> set[Node]:
    """Every entry that the last one leads back to, itself too."""
    reached: set[Node] = set()
    ahead = [last]
    while ahead:
        entry = ahead.pop()
        if entry is not None and entry not in reached:
            reached.add(entry)
            ahead += [before for before, _ in entry.next_functions]
    return reached


def astray(descent: Descent, history: Sequence[Point]) -> tuple[str, dict[str, Any]]:
    """A sentence that says when a descent went wrong, why and what to try, and the changed parameters; empty if it didn't.

    The parameters are ``rate`` and ``start``, where w starts.
    """
    first, now, rate = history[0], history[-1], descent.rate
    slower = {"rate": max(float(f"{rate / 10:.1g}"), 1e-6)}
    when = f"step {now.step:,}"
    if not first.finite:
        at = ", ".join(f"{name} = {x:g}" for name, x in first.at.items())
        return f"The cost has no finite value or slope at the start, {at}: start elsewhere.", _elsewhere(
            descent.cost, first.at
        )
    if now.finite:
        if now.step < descent.steps or now.cost <= first.cost + 1e-9 * (1 + abs(first.cost)):
            return "", {}
        return f"The cost rose, because a rate of {rate:g} overshoots: try a lower one.", slower
    if math.isnan(now.cost):
        return f"By {when} the path left the region where the cost has a value: try a lower rate than {rate:g}.", slower
    if history[-2].cost < first.cost:
        return f"The cost fell without end by {when}: it has no lowest point on this side, so try another cost.", {}
    return (
        f"The cost overflowed by {when}: a rate of {rate:g} overshoots further at every step, so try a lower one.",
        slower,
    )


def _elsewhere(cost: Expression, at: Mapping[str, float]) -> dict[str, Any]:
    """The whole w nearest to this one where the cost and its slopes are finite, if there is one up to 100."""
    w = torch.arange(-100, 101, dtype=torch.float64)
    values = cost.forward({**{name: torch.full_like(w, x) for name, x in at.items()}, "w": w})
    slopes = cost.backward(values)
    good = w[torch.stack([values[-1], *(slopes[i] for i in cost.variables.values())]).isfinite().all(0)]
    return {"start": float(good[(good - at["w"]).abs().argmin()])} if len(good) else {}
