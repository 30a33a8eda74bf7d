"""Normalizing inputs: one cost over raw, centred and scaled inputs, and descent on each at one rate."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.data.planar import Examples
from engine.examples import NAMES, PLANAR, Data, PlanarExamples, load
from engine.figures.curves import race
from engine.figures.theme import AMBER, BLUE, DEV, GREEN, MARK, SEQUENTIAL, TRAIN, VERMILION, figure, line, points
from engine.functional.losses import binary_cross_entropy_with_logits
from engine.functional.normalization import standardize
from engine.functional.optimizers import descend
from engine.lab import Frame, Frames, Lab, Mistake
from engine.params import ExamplesSource, examples, integer, number
from engine.results.curves import Race
from engine.seeding import generator

REACH, SIDE = 3.0, 27
COLORS = {"Raw": VERMILION, "Centred": AMBER, "Scaled": GREEN}


class InputNormalization(PlanarExamples):
    """What a person can move."""

    examples: ExamplesSource = examples("moons", sets=PLANAR, help="Two classes of points on the plane.", names=NAMES)
    stretch: float = number(
        4.0, low=0.1, high=50.0, hint=(0.2, 20.0, 0.1), log=True, label="Stretch of x₁", help="Its unit."
    )
    offset: float = number(
        3.0, low=-50.0, high=50.0, hint=(-10.0, 10.0, 0.5), label="Offset of x₂", help="Added to it."
    )
    rate: float = number(
        0.3, low=1e-4, high=100.0, hint=(0.001, 20.0, 0.001), log=True, label="Learning rate α", help="For all."
    )
    steps: int = integer(60, low=1, high=500, hint=(1, 200, 1), label="Steps", help="Updates of each path.")
    noise: float = number(
        1.5, low=0.0, high=3.0, label="Noise", help="Deviation added to every made example.", more=True
    )


def versions(train: Tensor, dev: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
    """Both sets raw, centred, and scaled too: always by the mean and the deviation of the training set."""
    scaled, mean, deviation = standardize(train)
    return {
        "Raw": (train, dev),
        "Centred": (train - mean, dev - mean),
        "Scaled": (scaled, standardize(dev, mean, deviation)[0]),
    }


def cost(w: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """The cost of one sigmoid unit without a bias at weights w (..., 2), for x (m, 2) and y (m,): (...)."""
    z = w @ x.T
    return binary_cross_entropy_with_logits(z, y.expand_as(z), -1)


def slope(w: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """dJ/dw = mean((sigmoid(w x) - y) x) at w (2,)."""
    return (torch.sigmoid(x @ w) - y) @ x / len(y)


def sets(params: InputNormalization) -> tuple[Examples, Examples]:
    """The training and dev set in their raw units, float64."""
    data: Data = load(params, generator(params.seed))
    unit, zero = torch.tensor([params.stretch, 1.0]).double(), torch.tensor([0.0, params.offset]).double()
    (x, y), (dev, dev_y) = ((x.cpu().double(), y.cpu().double()) for x, y in (data.train, data.dev))
    return (x * unit + zero, y), (dev * unit + zero, dev_y)


def run(params: InputNormalization) -> Frames:
    """One frame: three surfaces with their paths, and the costs along them."""
    (train, y), (dev, _) = sets(params)
    start = torch.tensor([-2.0, 2.0], dtype=torch.float64)
    made, costs, roundness = {}, {}, {}
    for name, (x, _) in versions(train, dev).items():
        path, costs[name] = descend(partial(cost, x=x, y=y), partial(slope, x=x, y=y), start, params.rate, params.steps)
        made[name] = surface(x, y, path)
        steep = torch.linalg.eigvalsh(x.T @ x / len(y))
        roundness[name] = float(steep[1] / steep[0].clamp(min=1e-12))
    ends = {name: float(values[-1]) for name, values in costs.items()}
    yield Frame(
        figures={
            **made,
            "Cost": raced(costs, params.steps),
            "Scaled examples": scatter(*versions(train, dev)["Scaled"]),
        },
        says=(
            f"After {params.steps} steps at rate {params.rate:g} the cost is {ends['Raw']:.3f} on raw, "
            f"{ends['Centred']:.3f} on centred and {ends['Scaled']:.3f} on scaled inputs."
        ),
        metrics={
            **{f"Cost, {name.lower()}": f"{end:.3f}" for name, end in ends.items()},
            "Longer than wide": " / ".join(f"{r**0.5:.3g}" for r in roundness.values()),
        },
    )


def surface(x: Tensor, y: Tensor, path: Tensor) -> Any:
    """The cost over both weights, the same window for all, with the path."""
    axis = torch.linspace(-REACH, REACH, SIDE, dtype=torch.float64)
    grid = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), -1)
    heights = cost(grid, x, y).clamp(min=1e-6).log10().float().numpy()
    w = axis.float().numpy()
    shown = {
        "type": "contour",
        "x": w,
        "y": w,
        "z": heights,
        "colorscale": SEQUENTIAL,
        "showscale": False,
        "ncontours": 18,
    }
    shown |= {"contours": {"coloring": "lines"}, "hovertemplate": "log₁₀ J = %{z:.2f}<extra></extra>", "name": "cost"}
    inside = path.clamp(-10 * REACH, 10 * REACH).float().numpy()
    steps = line(inside[:, 0], inside[:, 1], "steps", BLUE, mode="lines+markers", marker={"size": 5}, hoverinfo="skip")
    end = points(inside[-1:, 0], inside[-1:, 1], "last", MARK, marker={"size": 11}, hoverinfo="skip")
    window = {"range": [-REACH, REACH], "constrain": "domain"}
    axes = {"xaxis": window, "yaxis": {**window, "scaleanchor": "x"}}
    return figure([shown, steps, end], x="w₁", y="w₂", showlegend=False, height=270, **axes)


def raced(costs: dict[str, Tensor], steps: int) -> Any:
    """The costs along the three paths; one that left for good ends early."""
    table = np.full((len(costs), steps + 1), np.nan, np.float32)
    for row, values in zip(table, costs.values(), strict=True):
        row[: len(values)] = values.float().numpy()
    return race(Race(tuple(costs), np.arange(steps + 1, dtype=np.float32), table), steps, COLORS, height=320)


def scatter(train: Tensor, dev: Tensor) -> Any:
    """Both sets after scaling: the training set has mean 0 and deviation 1, the dev set only nearly."""
    traces = [
        points(
            x[:200, 0].float().numpy(), x[:200, 1].float().numpy(), name, color, marker={"size": 5}, hoverinfo="skip"
        )
        for name, x, color in (("train", train, TRAIN), ("dev", dev, DEV))
    ]
    return figure(traces, x="x₁", y="x₂", yaxis={"scaleanchor": "x"}, xaxis={"constrain": "domain"}, height=320)


def variance(params: InputNormalization) -> Mistake:
    """What both divisions leave of the deviations."""
    (train, _), _ = sets(params)
    centred = train - train.mean(0)
    wrong, right = (centred / divisor for divisor in (train.var(0, correction=0), train.std(0, correction=0)))
    told = [", ".join(f"{float(d):.3g}" for d in x.std(0, correction=0)) for x in (wrong, right)]
    return Mistake(
        f"Divided by the variance the deviations become {told[0]}.", f"By the deviation they become {told[1]}."
    )


LAB = Lab(
    slug="input-normalization",
    summary="Centre and scale two inputs of unlike size, and see the cost turn from a ravine into a bowl.",
    params=InputNormalization,
    run=run,
    look_for=(
        "All three start at the same weights and take the same number of steps at the same rate. On raw inputs the contours "
        "are long and the path bounces between their walls; on scaled ones it walks straight down. Raise the rate until the "
        "raw path leaves: how far can you raise it before the scaled one does? And why may the dev set not bring a mean of "
        "its own?"
    ),
    maths=(
        r"$$\mu = \frac1m \sum_i x^{(i)}, \qquad \sigma^2 = \frac1m \sum_i \big(x^{(i)} - \mu\big)^2, \qquad "
        r"x := \frac{x - \mu}{\sigma}$$"
        "\n\n"
        r"with $\mu$ and $\sigma$ of the training set for every set. Near its minimum the cost curves like "
        r"$\frac1m X X^T$; its contours are as many times longer than wide as the root of the ratio of its eigenvalues, and "
        r"descent needs $\alpha < 2 / \lambda_{max}$ while the slowest direction goes with $\lambda_{min}$."
    ),
    code=(standardize, versions, cost, slope, descend),
    presets={
        "Same units": {"stretch": 1.0, "offset": 0.0},
        "Long ravine": {"stretch": 10.0, "rate": 0.05},
        "Only off centre": {"stretch": 1.0, "offset": 8.0},
        "Fast": {"rate": 3.0},
    },
    mistakes={"divide-by-variance": variance},
    rows=(("Raw", "Centred", "Scaled"), ("Cost", "Scaled examples")),
)
