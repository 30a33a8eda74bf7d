"""Momentum beside plain descent on a ravine: the velocity remembers, so zigzags cancel and the way along adds up."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from engine.figures import descent as figures
from engine.figures.theme import BLUE, GREY, figure, line
from engine.functional.optimizers import descend, momentum, sgd
from engine.functional.surfaces import Surface, ravine, ravine_slope
from engine.lab import Frame, Frames, Lab
from engine.labs.optimization._ravine import OnRavine, Update, ravine_of, respond, walk
from engine.params import choice, integer, number
from engine.results.descent import paths

if TYPE_CHECKING:
    import plotly.graph_objects as go

MOST = 1e6


class Momentum(OnRavine):
    """What a person can move."""

    beta: float = number(
        0.9, low=0.0, high=0.999, hint=(0.0, 0.99, 0.01), label="β", help="How much of the last velocity stays."
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
        60,
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
    form: Literal["averaging", "summing"] = choice(
        "averaging",
        label="Velocity",
        help="The course averages slopes, v = βv + (1 − β)dJ; PyTorch sums them, v = βv + dJ.",
        names={"averaging": "Averages slopes (course)", "summing": "Sums slopes (PyTorch)"},
    )


def taken(params: Momentum) -> tuple[Surface, dict[str, tuple[Tensor, Tensor]]]:
    """The ravine, and the points and costs of both from one start at one rate."""
    dampening = params.beta if params.form == "averaging" else 0.0
    updates: dict[str, Update] = {"sgd": sgd, "momentum": partial(momentum, beta=params.beta, dampening=dampening)}
    surface = ravine_of(params.stretch)
    return surface, walk(surface, params, params.rate, params.steps, updates)


def velocity(path: Tensor, rate: float) -> Tensor:
    """What was stepped along, (k, 2), for a path (k + 1, 2): v = (p_t - p_{t+1}) / rate."""
    return (path[:-1] - path[1:]) / rate


def crossings(path: Tensor) -> int:
    """How often a path changes sides of the ravine's floor."""
    side = path[:, 1].sign()
    return int((side[1:] * side[:-1] < 0).sum())


def limit(params: Momentum, beta: float) -> float:
    """The rate above which the path leaves: 2 / stretch times (1 + beta), and over (1 - beta) where slopes are averaged."""
    summed = 2 * (1 + beta) / params.stretch
    return summed / (1 - beta) if params.form == "averaging" else summed


def run(params: Momentum) -> Frames:
    """One frame: both paths, the velocity, and the cost by step."""
    surface, found = taken(params)
    result = paths(surface, found)
    plain, moved = (path for path, _ in found.values())
    ends = {name: float(costs[-1]) for name, (_, costs) in found.items()}
    why, remedy = trouble(params)
    yield Frame(
        figures={
            "Path": figures.paths(result),
            "Velocity": draw_velocity(moved, surface.slope(moved[:-1]), params.rate),
            "Cost by step": figures.costs(result, params.steps),
        },
        says=(
            f"After {params.steps} steps plain descent has crossed the floor of the ravine {crossings(plain)} times and costs "
            f"{ends['sgd']:.2g}; with momentum it was {crossings(moved)} times and {ends['momentum']:.2g}."
        ),
        metrics={
            "Plain cost": f"{ends['sgd']:.2g}",
            "Cost with momentum": f"{ends['momentum']:.2g}",
            "Crossings": f"{crossings(plain)} and {crossings(moved)}",
            "Averages over 1/(1−β)": f"{1 / (1 - params.beta):.3g} slopes",
        },
        diverged=why,
        remedy=remedy,
    )


def trouble(params: Momentum) -> tuple[str, dict[str, Any]]:
    """Which of the two leaves the ravine at this rate, and a rate that both bear."""
    edges = {"Plain descent": 2 / params.stretch, "Momentum": limit(params, params.beta)}
    left = [
        f"{name} leaves the ravine above a rate of {edge:.3g}" for name, edge in edges.items() if params.rate > edge
    ]
    return (f"{' and '.join(left)}.", {"rate": float(f"{0.9 * min(edges.values()):.2g}")}) if left else ("", {})


def draw_velocity(path: Tensor, slopes: Tensor, rate: float) -> go.Figure:
    """The slope met at every step and the velocity that it was stepped with, in both directions."""
    step = torch.arange(1, len(path)).float().numpy()
    traces = []
    for axis, dash in ((1, "solid"), (0, "dot")):
        for name, values, color in (("slope", slopes, GREY), ("velocity", velocity(path, rate), BLUE)):
            y = values[:, axis].clamp(-MOST, MOST).float().numpy()
            label, hover = f"{name} {'xy'[axis]}", "step %{x}: %{y:.3g}"
            traces.append(line(step, y, label, color, line={"color": color, "dash": dash}, hovertemplate=hover))
    return figure(traces, x="step", y="slope, velocity")


LAB = Lab(
    slug="momentum",
    summary="Give the descent a velocity that remembers earlier slopes, and race it against plain descent down a ravine.",
    params=Momentum,
    run=run,
    look_for=(
        "Plain descent bounces between the walls. The slopes across the ravine change sign at each bounce and cancel in "
        "the velocity, while those along it agree and add up. Raise the rate past 2 / steepness: plain descent leaves, "
        "momentum doesn't. Which β makes the velocity so heavy that it overshoots the minimum along the ravine and swings back?"
    ),
    maths=(
        r"$$v_{dW} := \beta\, v_{dW} + (1-\beta)\, dW, \qquad W := W - \alpha\, v_{dW}$$"
        "\n\n"
        r"PyTorch leaves out $1-\beta$: $v := \beta v + dW$. That is the course's path at the rate $\alpha / (1-\beta)$, "
        r"or the other way round, the course's rate $\alpha$ is PyTorch's $\alpha\,(1-\beta)$."
        "\n\n"
        r"On $J = \tfrac12(x^2 + s\,y^2)$ plain descent stays for $\alpha < \frac{2}{s}$, momentum for "
        r"$\alpha < \frac{2}{s} \cdot \frac{1+\beta}{1-\beta}$."
    ),
    code=(momentum, sgd, descend, ravine, ravine_slope, velocity),
    presets={
        "No memory": {"beta": 0.0},
        "Heavy": {"beta": 0.98, "steps": 200},
        "Plain leaves": {"rate": 0.1},
        "Summed": {"form": "summing", "rate": 0.02},
        "Steep walls": {"stretch": 80.0, "rate": 0.024, "steps": 120},
    },
    rows=(("Path",), ("Velocity", "Cost by step")),
    listens=("click",),
    respond=respond,
)
