"""Exploding gradients at the cliff of a recurrent network's cost: without clipping, by value, by norm."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from engine.figures import sequences as figures
from engine.functional.gradients import clip_by_norm, clip_by_value
from engine.lab import Event, Frame, Frames, Lab
from engine.params import Params, choice, integer, number
from engine.results.sequences import Cliff, clipped
from engine.seeding import generator
from engine.training import paced, recorded
from engine.training.clipping import CLIPS, ClipStep, clip_descent
from engine.training.sequences import Recurrents, errors

TARGET = 0.7
W, B, FINE = (2.0, 8.0), (-5.0, 1.0), 61
SYMBOLS, BATCH, UNITS, DELAY = 4, 16, 32, 3


class Clipping(Params):
    """What a person can move."""

    example: Literal["unit", "network"] = choice(
        "unit",
        label="What learns",
        help="One unit, whose cost can be drawn, or 32 units that repeat each symbol three steps later.",
        names={"unit": "One unit: the cliff", "network": "32 units: a delay line"},
    )
    norm: float = number(
        0.1, low=1e-3, high=1e3, hint=(0.01, 10.0, 0.01), log=True, label="Norm threshold",
        help="Clipping by norm shortens a longer gradient to this length.",
    )  # fmt: skip
    value: float = number(
        0.03, low=1e-4, high=1e3, hint=(0.001, 10.0, 0.001), log=True, label="Value threshold",
        help="Clipping by value holds every single component to this size.",
    )  # fmt: skip
    rate: float = number(0.5, low=1e-3, high=20.0, log=True, label="Learning rate α", help="Step size along the slope.")
    steps: int = integer(50, low=2, high=100, label="Time steps T", help="How often the recurrent weight is applied.")
    updates: int = integer(
        150, low=1, high=2000, hint=(10, 500, 10), label="Updates", help="How many steps every run takes."
    )
    start: float = number(
        5.5, low=W[0], high=W[1], label="Start w", help="Of the one unit; clicking its map sets it.", more=True
    )
    start_b: float = number(
        -2.6, low=B[0], high=B[1], label="Start b", help="Of the one unit; clicking its map sets it.", more=True
    )
    scale: float = number(
        2.0, low=0.1, high=5.0, label="Scale of the network's weights",
        help="The first recurrent weights have deviation this / √32; above about 1 gradients can grow.", more=True,
    )  # fmt: skip


def unit_cost(point: Tensor, steps: int) -> Tensor:
    """(a<T> - 0.7)² of a<t> = σ(w a<t-1> + b) at points w, b (..., 2); a<0> is σ(0.5). Pascanu et al. 2013, figure 6."""
    w, b = point.unbind(-1)
    a = torch.full_like(w, 0.5).sigmoid()
    for _ in range(steps):
        a = torch.sigmoid(w * a + b)
    return (a - TARGET) ** 2


def unit_runs(params: Clipping) -> Iterator[ClipStep]:
    """The one unit's three runs."""
    points = torch.tensor([[params.start, params.start_b]] * len(CLIPS), dtype=torch.float64, requires_grad=True)
    limits = {"value": params.value, "norm": params.norm}
    return clip_descent([points], lambda: unit_cost(points, params.steps), params.rate, params.updates, **limits)


def network_runs(params: Clipping) -> Iterator[ClipStep]:
    """Three runs of one network on the same batches."""
    random, length = generator(params.seed, 1), max(params.steps, DELAY + 1)
    first = Recurrents("rnn", 1, SYMBOLS, UNITS, SYMBOLS, generator(params.seed), scale=params.scale)
    network = Recurrents("rnn", len(CLIPS), SYMBOLS, UNITS, SYMBOLS, generator(params.seed))
    network.load_state_dict({name: p.expand(len(CLIPS), *p.shape[1:]) for name, p in first.state_dict().items()})

    def costs() -> Tensor:
        words = torch.randint(SYMBOLS, (BATCH, length), generator=random)
        return errors(network, (words, words[:, :-DELAY]))

    limits = {"value": params.value, "norm": params.norm}
    return clip_descent(list(network.parameters()), costs, params.rate, params.updates, **limits)


def cliff(steps: int) -> Cliff:
    """The one unit's cost over its weight and bias."""
    w, b = (torch.linspace(*ends, FINE, dtype=torch.float64) for ends in (W, B))
    cost = unit_cost(torch.stack(torch.meshgrid(w, b, indexing="xy"), -1), steps)
    return Cliff(*(part.float().numpy() for part in (w, b, cost)))


def run(params: Clipping) -> Frames:
    """Some frames a second, from the start to the last update."""
    unit = params.example == "unit"
    surface = cliff(params.steps) if unit else None
    for history in paced(recorded(unit_runs(params) if unit else network_runs(params))):
        now, runs = history[-1], clipped(history, path=unit)
        drawn = {
            "Cost": figures.clipped_costs(runs, params.updates),
            "Gradient norm": figures.gradient_norms(runs, params.updates, params.norm),
        }
        if surface:
            drawn |= {"The cliff": figures.cliff(surface, runs), "In space": figures.cliff_in_space(surface, runs)}
            drawn |= {"The longest gradient": longest(history, params)}
        steepest = [max(float(step.norm[i]) for step in history) for i in range(len(CLIPS))]
        told = ", ".join(f"{name} {float(cost):.3g}" for name, cost in zip(CLIPS, now.cost, strict=True))
        lost = not math.isfinite(float(now.cost[2]))
        yield Frame(
            figures=drawn,
            says=f"After {now.update} updates the cost is, by clipping: {told}; the longest gradient without was "
            f"{steepest[0]:.3g}.".replace("nan", "overflowed"),
            metrics={f"Cost, {name}": f"{float(cost):.3g}" for name, cost in zip(CLIPS, now.cost, strict=True)}
            | {"Longest gradient": f"{steepest[0]:.3g}"},
            progress=1.0 if not now.cost.isfinite().any() else now.update / params.updates,
            diverged="The cost overflowed even with the norm clipped: try a lower learning rate." if lost else "",
            remedy={"rate": params.rate / 10 if params.rate > 0.01 else 0.001} if lost else {},
        )


def longest(history: list[ClipStep], params: Clipping) -> Any:
    """The longest gradient that the run without clipping met, as it is and clipped both ways."""
    raw = max(history, key=lambda step: float(step.norm[0])).gradient[0]
    [value], [norm] = clip_by_value([raw], params.value), clip_by_norm([raw], params.norm)
    arrows = {name: g.numpy() for name, g in zip(CLIPS, (raw, value, norm), strict=True)}
    return figures.directions(arrows, (params.value, params.norm))


def respond(params: Clipping, event: Event) -> Mapping[str, Any]:
    """A click on the map moves the start there."""
    inside = W[0] <= event.x <= W[1] and B[0] <= event.y <= B[1]
    return {"start": round(event.x, 2), "start_b": round(event.y, 2)} if event.figure == "The cliff" and inside else {}


LAB = Lab(
    slug="clipping",
    summary="Descend to the cliff in a recurrent network's cost, and see what clipping the gradient saves.",
    params=Clipping,
    run=run,
    trains=True,
    look_for=(
        "Where w and b make the unit's memory tip over, the cost jumps, and its slope there is thousands: one step throws the "
        "run without clipping off the map. By norm, the step keeps its direction and only loses its length; by value, the "
        "components are held one by one, which turns it: at the cliff all steps are diagonal, there and back for ever. Click "
        "the map for other starts, then let 32 units learn: at how few time steps do they manage without clipping?"
    ),
    maths=(
        r"$$\frac{\partial J}{\partial a^{\langle t \rangle}} = \frac{\partial J}{\partial a^{\langle T \rangle}} "
        r"\prod_{k=t+1}^{T} \frac{\partial a^{\langle k \rangle}}{\partial a^{\langle k-1 \rangle}}$$"
        "\n\n"
        r"By value: $g_i := \max(-c, \min(c, g_i))$. By norm: $g := g \cdot \min\big(1, \tfrac{c}{\lVert g \rVert}\big)$, "
        r"with one norm over all parameters."
        "\n\n"
        r"The one unit: $a^{\langle t \rangle} = \sigma(w\,a^{\langle t-1 \rangle} + b)$, "
        r"$J = (a^{\langle T \rangle} - 0.7)^2$ "
        "(Pascanu, Mikolov and Bengio 2013)."
    ),
    code=(clip_by_value, clip_by_norm, clip_descent, unit_cost),
    presets={
        "32 units": {"example": "network", "rate": 1.0, "steps": 40, "updates": 300, "value": 0.02, "norm": 0.5},
        "32 units, short": {"example": "network", "rate": 1.0, "steps": 8, "updates": 300, "value": 0.02, "norm": 0.5},
        "Few time steps": {"steps": 5},
        "Threshold too high": {"norm": 1000.0, "value": 1000.0},
        "Threshold too low": {"norm": 0.02, "value": 0.005},
    },
    rows=(("The cliff", "In space"), ("Cost", "Gradient norm"), ("The longest gradient",)),
    listens=("click",),
    respond=respond,
)
