"""Gradient descent on a parabola and on a bowl, from too small a learning rate to one that diverges."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from engine.figures import descent as figures
from engine.functional.optimizers import descend, sgd
from engine.lab import Event, Frame, Frames, Lab
from engine.params import Params, choice, integer, number
from engine.results.descent import Descent1D, Descent2D

BEST_W, BEST_B = 5.0, 0.0
REACH = 12.0


class Descent(Params):
    """What a person can move."""

    surface: Literal["parabola", "bowl"] = choice(
        "parabola",
        label="Cost",
        help="The parabola w² − 10w + 25, or a bowl over w and b.",
        names={"parabola": "Parabola", "bowl": "Bowl"},
    )
    rate: float = number(
        0.1,
        low=1e-4,
        high=10.0,
        hint=(0.001, 1.5, 0.001),
        log=True,
        label="Learning rate α",
        help="Step size along the slope.",
    )
    steps: int = integer(20, low=0, high=200, hint=(0, 60, 1), label="Steps", help="How many updates to take.")
    start: float = number(
        -5.0,
        low=-7.0,
        high=17.0,
        hint=(-7.0, 17.0, 0.5),
        label="Start w",
        help="Where w starts. Clicking the figure sets it too.",
    )
    start_b: float = number(
        8.0,
        low=-12.0,
        high=12.0,
        hint=(-12.0, 12.0, 0.5),
        label="Start b",
        help="Where b starts, on the bowl only.",
        more=True,
    )
    stretch: float = number(
        4.0,
        low=1.0,
        high=50.0,
        hint=(1.0, 20.0, 0.5),
        label="Stretch of the bowl",
        help="How much steeper the bowl is along b than along w. 1 is round.",
        more=True,
    )


def cost(point: Tensor, stretch: float) -> Tensor:
    """J(w) = (w - 5)² = w² - 10w + 25, and on the bowl J(w, b) = (w - 5)² + stretch · b²."""
    w = point[..., 0]
    parabola = w**2 - 10 * w + 25
    return parabola if point.shape[-1] == 1 else parabola + stretch * point[..., 1] ** 2


def slope(point: Tensor, stretch: float) -> Tensor:
    """dJ/dw = 2w - 10, and dJ/db = 2 · stretch · b on the bowl."""
    w = point[..., :1]
    return torch.cat([2 * w - 10, 2 * stretch * point[..., 1:]], dim=-1)


def verdict(rate: float, steepest: float) -> str:
    """What the rate does on a quadratic: each step multiplies the distance to the minimum by 1 - rate · J''."""
    factor = 1 - rate * steepest
    if abs(factor) > 1:
        return "diverges"
    if abs(factor) == 1:
        return "bounces for ever"
    return "zigzags in" if factor < 0 else "glides in"


def run(params: Descent) -> Frames:
    """One frame: the path, and the cost at every step."""
    bowl = params.surface == "bowl"
    start = torch.tensor([params.start, params.start_b] if bowl else [params.start], dtype=torch.float64)
    path, costs = descend(
        lambda p: cost(p, params.stretch), lambda p: slope(p, params.stretch), start, params.rate, params.steps
    )
    steepest = 2 * params.stretch if bowl else 2.0
    figure = draw_bowl(path, costs, params) if bowl else draw_parabola(path, costs, params)
    word = verdict(params.rate, steepest)
    last = float(path[-1, 0])
    diverges = word == "diverges"
    yield Frame(
        figures={**figure, "Cost by step": figures.cost_by_step(costs.numpy())},
        says=f"After {len(path) - 1} steps at rate {params.rate:g} the path {word}: "
        f"w = {last:.4g}, cost {float(costs[-1]):.3g}.",
        metrics={
            "w": f"{last:.4g}",
            "Cost J": f"{float(costs[-1]):.3g}",
            "Steepest factor": f"{1 - params.rate * steepest:+.3g}",
            "The path": word,
        },
        diverged=f"A rate above {2 / steepest:g} overshoots further at every step." if diverges else "",
        remedy={"rate": round(0.5 / steepest, 3)} if diverges else {},
    )


def draw_parabola(path: Tensor, costs: Tensor, params: Descent) -> Mapping[str, Any]:
    """The figure of the parabola."""
    w = torch.linspace(BEST_W - REACH, BEST_W + REACH, 97, dtype=torch.float64)
    curve = cost(w[:, None], params.stretch)
    return {"Path": figures.curve(Descent1D(w.numpy(), curve.numpy(), path[:, 0].numpy(), costs.numpy()))}


def draw_bowl(path: Tensor, costs: Tensor, params: Descent) -> Mapping[str, Any]:
    """The two figures of the bowl, from above and in three dimensions."""
    w = torch.linspace(BEST_W - REACH, BEST_W + REACH, 41)
    b = torch.linspace(BEST_B - REACH, BEST_B + REACH, 41)
    grid = torch.stack(torch.meshgrid(w, b, indexing="xy"), dim=-1)
    heights = cost(grid, params.stretch)
    result = Descent2D(w.numpy(), b.numpy(), heights.numpy(), path.numpy(), costs.numpy())
    return {"Path": figures.contours(result), "Bowl": figures.surface(result)}


def respond(params: Descent, event: Event) -> Mapping[str, Any]:
    """A click on the path's figure moves the start there."""
    if event.figure != "Path" or not (math.isfinite(event.x) and math.isfinite(event.y)):
        return {}
    start = {"start": min(max(round(event.x, 2), -7.0), 17.0)}
    return {**start, "start_b": min(max(round(event.y, 2), -12.0), 12.0)} if params.surface == "bowl" else start


LAB = Lab(
    slug="gradient-descent",
    summary="Walk downhill on a cost by stepping against its slope, and see what the learning rate decides.",
    params=Descent,
    run=run,
    look_for=(
        "Raise the learning rate slowly: the path glides in, then overshoots, then bounces between the walls, then leaves. "
        "On a parabola every step multiplies the distance to w = 5 by the same factor, 1 − 2α, so the cost falls on a "
        "straight line of the log axis. Which rate reaches the minimum in a single step? And on the stretched bowl, why "
        "does no single rate suit both directions?"
    ),
    maths=(
        r"$$w := w - \alpha \frac{dJ}{dw}, \qquad J(w) = w^2 - 10w + 25 = (w-5)^2, \qquad \frac{dJ}{dw} = 2w - 10$$"
        "\n\n"
        r"$$w_{t+1} - 5 = (1 - 2\alpha)\,(w_t - 5), \qquad \text{so the path converges when } 0 < \alpha < 1$$"
        "\n\n"
        r"On the bowl $J(w, b) = (w-5)^2 + s\,b^2$ the steeper direction decides: $0 < \alpha < 1/s$ for a stretch $s \ge 1$."
    ),
    code=(descend, sgd, cost, slope, verdict),
    presets={
        "Too slow": {"rate": 0.005},
        "Just right": {"rate": 0.15},
        "One step": {"rate": 0.5},
        "Overshoots": {"rate": 0.9},
        "Diverges": {"rate": 1.03},
        "Stretched bowl": {"surface": "bowl", "rate": 0.1, "stretch": 9.0, "steps": 40},
    },
    rows=(("Path", "Bowl", "Cost by step"),),
    listens=("click",),
    respond=respond,
)
