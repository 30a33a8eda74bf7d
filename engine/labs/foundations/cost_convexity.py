"""Squared error against cross-entropy of one sigmoid unit: one surface has flat regions, the other is convex."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.figures.curves import race
from engine.figures.theme import AMBER, BLUE, MARK, SEQUENTIAL, VERMILION, figure, line, points
from engine.functional.activations import sigmoid
from engine.functional.losses import binary_cross_entropy_with_logits
from engine.functional.optimizers import descend
from engine.lab import Event, Frame, Frames, Lab
from engine.params import Params, integer, number
from engine.results.curves import Race
from engine.seeding import generator

REACH, SIDE = 12.0, 49
COLORS = {"Squared error": VERMILION, "Cross-entropy": BLUE}
FLAT = 0.005


class CostConvexity(Params):
    """What a person can move."""

    w: float = number(
        -8.0, low=-REACH, high=REACH, hint=(-REACH, REACH, 0.25), label="Start w", help="A click sets it too."
    )
    b: float = number(
        6.0, low=-REACH, high=REACH, hint=(-REACH, REACH, 0.25), label="Start b", help="A click sets it too."
    )
    rate: float = number(
        2.0, low=1e-3, high=100.0, log=True, label="Learning rate α", help="The same on both surfaces."
    )
    steps: int = integer(100, low=1, high=1000, hint=(10, 500, 10), label="Steps", help="Updates on each surface.")
    m: int = integer(
        20, low=4, high=200, hint=(4, 100, 2), label="Examples", help="Numbers x of two classes.", more=True
    )
    overlap: float = number(
        0.8, low=0.1, high=3.0, label="Overlap", help="Deviation of each class around -1 and 1.", more=True
    )


@dataclass(frozen=True)
class Cost:
    """One cost of a sigmoid unit: J, its gradient and its Hessian as functions of (w, b), x (m,) and y (m,)."""

    value: Callable[..., Tensor]
    slope: Callable[..., Tensor]
    hessian: Callable[..., Tensor]


def _unit(wb: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """The unit's z and its output a = sigmoid(z) for parameters (..., 2): (..., m) each."""
    z = wb[..., :1] * x + wb[..., 1:]
    return z, sigmoid(z)


def _moments(weight: Tensor, x: Tensor) -> Tensor:
    """mean(weight * [x, 1] [x, 1]ᵀ) for weights (..., m): (..., 2, 2)."""
    cross = (weight * x).mean(-1)
    rows = [torch.stack([(weight * x * x).mean(-1), cross], -1), torch.stack([cross, weight.mean(-1)], -1)]
    return torch.stack(rows, -2)


def squared_cost(wb: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """J = mean((a - y)² / 2), the course's squared error, (...)."""
    return ((_unit(wb, x)[1] - y) ** 2 / 2).mean(-1)


def squared_slope(wb: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """dJ/d(w, b) = mean((a - y) a (1 - a) [x, 1]), (..., 2): nearly 0 wherever a is sure, right or wrong."""
    a = _unit(wb, x)[1]
    d = (a - y) * a * (1 - a)
    return torch.stack([(d * x).mean(-1), d.mean(-1)], -1)


def squared_hessian(wb: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """mean(s (s + (a - y)(1 - 2a)) [x, 1] [x, 1]ᵀ) with s = a (1 - a), (..., 2, 2): negative where a is wrong enough."""
    a = _unit(wb, x)[1]
    s = a * (1 - a)
    return _moments(s * (s + (a - y) * (1 - 2 * a)), x)


def entropy_cost(wb: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """J = -mean(y log a + (1 - y) log(1 - a)), (...)."""
    z, _ = _unit(wb, x)
    return binary_cross_entropy_with_logits(z, y.expand_as(z), -1)


def entropy_slope(wb: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """dJ/d(w, b) = mean((a - y) [x, 1]), (..., 2)."""
    d = _unit(wb, x)[1] - y
    return torch.stack([(d * x).mean(-1), d.mean(-1)], -1)


def entropy_hessian(wb: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """mean(a (1 - a) [x, 1] [x, 1]ᵀ), (..., 2, 2): a sum of squares, so never negative in any direction."""
    a = _unit(wb, x)[1]
    return _moments(a * (1 - a), x)


COSTS = {
    "Squared error": Cost(squared_cost, squared_slope, squared_hessian),
    "Cross-entropy": Cost(entropy_cost, entropy_slope, entropy_hessian),
}


def examples(params: CostConvexity) -> tuple[Tensor, Tensor]:
    """x (m,) around -1 for class 0 and around 1 for class 1, and y (m,), float64."""
    y = (torch.arange(params.m) % 2).double()
    return 2 * y - 1 + params.overlap * torch.randn(params.m, generator=generator(params.seed), dtype=torch.float64), y


def square() -> tuple[Tensor, Tensor]:
    """The grid's axis (n,), and its points (w, b), (n, n, 2)."""
    axis = torch.linspace(-REACH, REACH, SIDE, dtype=torch.float64)
    return axis, torch.stack(torch.meshgrid(axis, axis, indexing="xy"), -1)


def run(params: CostConvexity) -> Frames:
    """One frame: both surfaces from above with their paths and flat regions, both in three dimensions, and the costs."""
    x, y = examples(params)
    start = torch.tensor([params.w, params.b], dtype=torch.float64)
    found: dict[str, Any] = {}
    costs, curved, told = {}, {}, []
    for name, cost in COSTS.items():
        value, slope = partial(cost.value, x=x, y=y), partial(cost.slope, x=x, y=y)
        path, costs[name] = descend(value, slope, start, params.rate, params.steps)
        axis, grid = square()
        heights, steep = value(grid), slope(grid).norm(dim=-1)
        least = torch.linalg.eigvalsh(cost.hessian(grid, x, y))[..., 0]
        curved[name] = float((least < -1e-12).double().mean())
        found[name] = above(axis, heights, steep, path)
        found[f"{name} in 3-D"] = solid(axis, heights, path, costs[name])
        told.append(f"{name.lower()} ends at {float(costs[name][-1]):.3f}")
    found["Cost by step"] = raced(costs, params.steps)
    yield Frame(
        figures=found,
        says=f"From w = {params.w:g}, b = {params.b:g} after {params.steps} steps {' and '.join(told)}.",
        metrics={
            "Squared error ends at": f"{float(costs['Squared error'][-1]):.4f}",
            "Cross-entropy ends at": f"{float(costs['Cross-entropy'][-1]):.4f}",
            "Curved down, squared error": f"{curved['Squared error']:.0%} of the plane",
            "Curved down, cross-entropy": f"{curved['Cross-entropy']:.0%} of the plane",
        },
    )


def above(axis: Tensor, heights: Tensor, steep: Tensor, path: Tensor) -> Any:
    """The surface from above, its flat regions hatched pale, and the path."""
    w = axis.float().numpy()
    contour: dict[str, Any] = {
        "type": "contour",
        "x": w,
        "y": w,
        "z": heights.float().numpy(),
        "colorscale": SEQUENTIAL,
        "ncontours": 20,
    }
    contour |= {"showscale": False, "contours": {"coloring": "lines"}, "name": "J"}
    contour |= {"hovertemplate": "w = %{x:.1f}, b = %{y:.1f}<br>J = %{z:.3f}<extra></extra>"}
    flat: dict[str, Any] = {
        "type": "heatmap",
        "x": w,
        "y": w,
        "z": np.where(steep.numpy() < FLAT, 1.0, np.nan).astype(np.float32),
    }
    flat |= {
        "colorscale": [[0, AMBER], [1, AMBER]],
        "opacity": 0.3,
        "showscale": False,
        "hoverinfo": "skip",
        "name": "flat",
    }
    inside = path.clamp(-2 * REACH, 2 * REACH).float().numpy()
    steps = line(inside[:, 0], inside[:, 1], "steps", BLUE, mode="lines+markers", marker={"size": 4}, hoverinfo="skip")
    end = points(inside[-1:, 0], inside[-1:, 1], "last", MARK, marker={"size": 11}, hoverinfo="skip")
    window = {"range": [-REACH, REACH], "constrain": "domain"}
    axes = {"xaxis": window, "yaxis": {**window, "scaleanchor": "x"}}
    return figure([flat, contour, steps, end], x="w", y="b", showlegend=False, height=360, **axes)


def solid(axis: Tensor, heights: Tensor, path: Tensor, cost: Tensor) -> Any:
    """The surface in three dimensions with the part of the path that lies over the square."""
    w = axis.float().numpy()[::2]
    z = heights.float().numpy()[::2, ::2]
    inside = (path.abs() <= REACH).all(1).numpy()
    bowl: dict[str, Any] = {
        "type": "surface",
        "x": w,
        "y": w,
        "z": z,
        "colorscale": SEQUENTIAL,
        "showscale": False,
        "opacity": 0.9,
    }
    bowl |= {"hoverinfo": "skip", "name": "J"}
    steps: dict[str, Any] = {
        "type": "scatter3d",
        "mode": "lines",
        "x": path[inside, 0].numpy(),
        "y": path[inside, 1].numpy(),
    }
    steps |= {"z": cost[inside].numpy(), "line": {"color": MARK, "width": 6}, "name": "steps", "hoverinfo": "skip"}
    axes = {"xaxis": {"title": {"text": "w"}}, "yaxis": {"title": {"text": "b"}}, "zaxis": {"title": {"text": "J"}}}
    scene = {**axes, "camera": {"eye": {"x": 1.5, "y": -1.5, "z": 0.9}}}
    return figure([bowl, steps], scene=scene, showlegend=False, margin={"l": 0, "r": 0, "t": 0, "b": 0}, height=300)


def raced(costs: Mapping[str, Tensor], steps: int) -> Any:
    """Both costs along their paths."""
    table = np.full((len(costs), steps + 1), np.nan, np.float32)
    for row, values in zip(table, costs.values(), strict=True):
        row[: len(values)] = values.float().numpy()
    return race(Race(tuple(costs), np.arange(steps + 1, dtype=np.float32), table), steps, COLORS, height=280)


def respond(params: CostConvexity, event: Event) -> Mapping[str, Any]:
    """A click on either surface moves the start there."""
    if event.figure not in COSTS or not (math.isfinite(event.x) and math.isfinite(event.y)):
        return {}
    return {name: min(max(round(at, 2), -REACH), REACH) for name, at in (("w", event.x), ("b", event.y))}


LAB = Lab(
    slug="cost-convexity",
    summary="Walk down both costs of one sigmoid unit from the same start: one has plateaus, the other none.",
    params=CostConvexity,
    run=run,
    look_for=(
        "Click a start in the shaded corner: the unit is sure and wrong there, its sigmoid is flat, and squared error passes "
        "hardly any slope back, so the path crawls. Cross-entropy cancels the flatness: its slope is just a − y. Its surface "
        "curves up everywhere, so it has one valley. Where must you start for squared error to be the quicker one?"
    ),
    maths=(
        r"$$a = \sigma(wx + b), \qquad J_{SE} = \frac1m \sum \tfrac12 (a - y)^2, \quad \nabla J_{SE} = \frac1m \sum (a - y)\,"
        r"a(1-a) \begin{pmatrix} x \\ 1 \end{pmatrix}$$"
        "\n\n"
        r"$$J_{CE} = -\frac1m \sum y \log a + (1-y) \log(1-a), \quad \nabla J_{CE} = \frac1m \sum (a - y) "
        r"\begin{pmatrix} x \\ 1 \end{pmatrix}, \quad H_{CE} = \frac1m \sum a(1-a) "
        r"\begin{pmatrix} x^2 & x \\ x & 1 \end{pmatrix} \succeq 0$$"
    ),
    code=(squared_slope, entropy_slope, squared_hessian, entropy_hessian, descend),
    presets={
        "Sure and wrong": {"w": -10.0, "b": 0.0},
        "Near the valley": {"w": 1.0, "b": 0.0},
        "No overlap": {"overlap": 0.2, "w": -5.0},
        "Slow": {"rate": 0.1},
    },
    rows=(("Squared error", "Cross-entropy"), ("Squared error in 3-D", "Cross-entropy in 3-D"), ("Cost by step",)),
    listens=("click",),
    respond=respond,
)
