"""RMSprop beside plain descent on a ravine: each direction is divided by the root of its own mean square slope."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from engine.figures import descent as figures
from engine.figures.theme import GREEN, GREY, figure, line
from engine.functional.averages import exponentially_weighted
from engine.functional.optimizers import descend, rmsprop, sgd
from engine.functional.surfaces import ravine, ravine_slope
from engine.lab import Frame, Frames, Lab, Mistake
from engine.labs.optimization._ravine import OnRavine, Update, ravine_of, respond, walk
from engine.params import integer, number
from engine.results.descent import paths

if TYPE_CHECKING:
    import plotly.graph_objects as go

TINY = 1e-6
# Powers of ten.
SIZES = (-4, 3)


class RMSprop(OnRavine):
    """What a person can move."""

    beta: float = number(
        0.9, low=0.0, high=0.9999, hint=(0.0, 0.999, 0.001), label="β", help="How much of the last mean square stays."
    )
    rate: float = number(
        0.0395,
        low=1e-4,
        high=10.0,
        hint=(0.001, 1.0, 0.0005),
        log=True,
        label="Learning rate α",
        help="The same for both.",
    )
    steps: int = integer(
        80,
        low=1,
        high=500,
        hint=(1, 200, 1),
        label="Steps",
        help="How far the paths have grown; move it to replay them.",
    )
    stretch: float = number(
        50.0,
        low=1.0,
        high=200.0,
        hint=(1.0, 100.0, 1.0),
        label="Steepness of the walls",
        help="How many times steeper the ravine is across than along.",
    )
    degrees: float = number(
        0.0,
        low=0.0,
        high=90.0,
        hint=(0.0, 90.0, 1.0),
        label="Turn of the ravine",
        help="RMSprop knows the axes only: a ravine that runs between them is harder.",
        unit="°",
    )
    epsilon: float = number(
        1e-8, low=1e-12, high=10.0, log=True, label="ε", help="Added to the root, so that nothing is divided by zero."
    )


def settings(params: RMSprop) -> dict[str, Any]:
    """The coefficients by the names that the optimizers give them."""
    return {"beta": params.beta, "epsilon": params.epsilon}


def taken(params: RMSprop, **updates: Update) -> dict[str, tuple[Tensor, Tensor]]:
    """The points and costs of each optimizer, by name, from one start at one rate."""
    return walk(ravine_of(params.stretch, params.degrees), params, params.rate, params.steps, updates)


def mean_squares(slopes: Tensor, beta: float) -> Tensor:
    """s after each of the slopes (k, 2): the weighted average of their squares, from zero, (k, 2)."""
    return torch.stack([exponentially_weighted(g * g, beta, corrected=False) for g in slopes.unbind(-1)], -1)


def run(params: RMSprop) -> Frames:
    """One frame: both paths, s in both directions, and the cost by step."""
    surface = ravine_of(params.stretch, params.degrees)
    found = taken(params, sgd=sgd, rmsprop=partial(rmsprop, **settings(params)))
    result = paths(surface, found)
    path, costs = found["rmsprop"]
    plain = float(found["sgd"][1][-1])
    slopes = surface.slope(path[:-1])
    s = mean_squares(slopes, params.beta)
    factors = params.rate / (s[-1].sqrt() + params.epsilon)
    edge = 2 / max(params.stretch, 1.0)
    yield Frame(
        figures={
            "Path": figures.paths(result),
            "Root of s": draw_root(slopes, s),
            "Cost by step": figures.costs(result, params.steps),
        },
        says=(
            f"After {params.steps} steps RMSprop costs {float(costs[-1]):.2g} and plain descent {plain:.2g}; "
            f"RMSprop now multiplies slopes by {float(factors[0]):.3g} along x and by {float(factors[1]):.3g} along y, "
            f"plain descent both by {params.rate:g}."
        ),
        metrics={
            "Plain cost": f"{plain:.2g}",
            "RMSprop's cost": f"{float(costs[-1]):.2g}",
            "Rate along x": f"{float(factors[0]):.3g}",
            "Rate along y": f"{float(factors[1]):.3g}",
        },
        diverged=f"Plain descent leaves the ravine above a rate of {edge:.3g}." if params.rate > edge else "",
        remedy={"rate": float(f"{0.9 * edge:.2g}")} if params.rate > edge else {},
    )


def draw_root(slopes: Tensor, s: Tensor) -> go.Figure:
    """The size of the slope met at every step, and the root of s that it is divided by, in both directions."""
    step = torch.arange(1, len(s) + 1).float().numpy()
    traces = []
    for axis, dash in ((1, "solid"), (0, "dot")):
        for name, values, color in (("|slope {}|", slopes.abs(), GREY), ("√s {}", s.sqrt(), GREEN)):
            y = values[:, axis].clamp(1e-12, 1e12).float().numpy()
            label = name.format("xy"[axis])
            style = {"color": color, "dash": dash}
            traces.append(line(step, y, label, color, line=style, hovertemplate="step %{x}: %{y:.3g}"))
    yaxis = {"type": "log", "exponentformat": "power", "range": SIZES}
    return figure(traces, x="step", y="size", yaxis=yaxis, margin=figures.ROOM)


def mixed(
    params: list[Tensor], grads: list[Tensor], state: dict[str, Any], rate: float, beta: float, epsilon: float
) -> tuple[list[Tensor], dict[str, Any]]:
    """The notes' line on one parameter: s <- beta * v + (1 - beta) * dp², with v the average of the slopes."""
    [p], [g] = params, grads
    v = beta * state.get("v", torch.zeros_like(p)) + (1 - beta) * g
    s = beta * v + (1 - beta) * g * g
    return [p - rate * g / (s.sqrt() + epsilon)], {"v": v, "s": s}


def inside(
    params: list[Tensor], grads: list[Tensor], state: dict[str, Any], rate: float, beta: float, epsilon: float
) -> tuple[list[Tensor], dict[str, Any]]:
    """RMSprop on one parameter with epsilon under the root: p <- p - rate * dp / sqrt(s + epsilon)."""
    [p], [g] = params, grads
    s = beta * state.get("s", torch.zeros_like(p)) + (1 - beta) * g * g
    return [p - rate * g / (s + epsilon).sqrt()], {"s": s}


def mixes_v(params: RMSprop) -> Mistake:
    """Where the wrong s turns negative and has no root, or else how far it gets."""
    known = settings(params)
    wrong, right = taken(params, wrong=partial(mixed, **known), right=partial(rmsprop, **known)).values()
    done = len(wrong[0]) - 1
    outcome = f"costs {float(wrong[1][-1]):.2g} after {done} steps"
    if done < params.steps:
        outcome = f"turns negative at step {done + 1}, where it has no root"
    return Mistake(
        f"Mixed with V, which keeps the sign of the slopes, S {outcome}.",
        f"An average of squares is never negative: after {params.steps} steps the cost is {float(right[1][-1]):.2g}.",
    )


def where_epsilon(params: RMSprop) -> Mistake:
    """The first step both ways at a tiny slope, and where both paths end."""
    tiny, known = torch.tensor([TINY], dtype=torch.float64), settings(params)
    first = [-float(f([0 * tiny], [tiny], {}, params.rate, **known)[0][0]) for f in (inside, rmsprop)]
    ends = taken(params, inside=partial(inside, **known), outside=partial(rmsprop, **known)).values()
    under, outside = (
        f"a first slope of {TINY:g} moves {step:.2g}, and this path ends at a cost of {float(costs[-1]):.3g}"
        for step, (_, costs) in zip(first, ends, strict=True)
    )
    return Mistake(f"Under the root: {under}.", f"Outside, as in PyTorch: {outside}. Both are in use.")


LAB = Lab(
    slug="rmsprop",
    summary="Divide each direction by the size of its own recent slopes, and walk down a ravine as if it were round.",
    params=RMSprop,
    run=run,
    look_for=(
        "Across the ravine slopes are large, so s is large there and steps are cut; along it they are small and steps are "
        "lifted. Both directions then shrink at about the same pace, and the path heads straight for the minimum. Near it the "
        "steps don't shrink below the rate: it hovers. Turn the ravine by 45°: why does dividing each axis help so little?"
    ),
    maths=(
        r"$$s_{dW} := \beta\, s_{dW} + (1-\beta)\, dW^2, \qquad "
        r"W := W - \alpha \frac{dW}{\sqrt{s_{dW}} + \varepsilon}$$"
        "\n\n"
        r"with the square taken element by element. In the first step $s = (1-\beta)\,dW^2$, so every direction moves by "
        r"$\alpha / \sqrt{1-\beta}$ whatever its slope."
    ),
    code=(rmsprop, mean_squares, descend, ravine, ravine_slope),
    presets={
        "Short memory": {"beta": 0.5},
        "Long memory": {"beta": 0.999},
        "Plain leaves": {"rate": 0.2},
        "Turned": {"degrees": 45.0, "steps": 200},
        "Large ε": {"epsilon": 5.0},
    },
    mistakes={"rmsprop-mixes-v": mixes_v, "rmsprop-epsilon": where_epsilon},
    rows=(("Path",), ("Root of s", "Cost by step")),
    listens=("click",),
    respond=respond,
)
