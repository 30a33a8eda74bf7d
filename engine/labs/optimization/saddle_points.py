"""Local optima, saddles and plateaus: how rare minima are in many dimensions, and how long an optimizer is held up."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.figures.theme import AMBER, BLUE, GREY, OPTIMIZERS, figure, line, points
from engine.functional.optimizers import OPTIMIZERS as UPDATES
from engine.functional.optimizers import descend, momentum
from engine.lab import Frame, Frames, Lab
from engine.params import Params, integer, number
from engine.seeding import generator

MOST_DIMENSIONS = 10
NAMES = {"sgd": "Plain", "momentum": "Momentum", "rmsprop": "RMSprop", "adam": "Adam"}
# The averaging form of the course, so that one rate means the same for all.
RACERS: dict[str, Callable[..., Any]] = {**UPDATES, "momentum": partial(momentum, beta=0.9, dampening=0.9)}
STEPS = 2000
ESCAPED = 1.0


class SaddlePoints(Params):
    """What a person can move."""

    dimensions: int = integer(
        2, low=1, high=MOST_DIMENSIONS, label="Dimensions", help="Of the critical point whose curvatures are shown."
    )
    samples: int = integer(
        2000, low=100, high=20_000, hint=(200, 5000, 100), label="Critical points", help="Drawn for every dimension."
    )
    distance: float = number(
        1e-3,
        low=1e-8,
        high=0.5,
        log=True,
        label="Start beside the saddle",
        help="How far from the ridge that leads into it.",
    )
    rate: float = number(
        0.05,
        low=1e-4,
        high=0.4,
        log=True,
        label="Learning rate α",
        help="Of every optimizer in the race away from the saddle.",
    )
    flatness: float = number(
        1.0,
        low=0.01,
        high=2.0,
        log=True,
        label="Curvature",
        help="Of the way down. A small one makes a plateau of the saddle.",
    )


def hessians(count: int, n: int, random: torch.Generator) -> Tensor:
    """Random quadratic forms: symmetric matrices with normal entries (the Gaussian orthogonal ensemble), (count, n, n)."""
    a = torch.randn(count, n, n, generator=random, dtype=torch.float64)
    return (a + a.mT) / 2**0.5


def curvatures(count: int, n: int, random: torch.Generator) -> Tensor:
    """The curvatures along the axes of random critical points, ascending, (count, n)."""
    return torch.linalg.eigvalsh(hessians(count, n, random))


def share_of_minima(curvature: Tensor) -> tuple[float, float]:
    """The share of critical points that curve up in every direction, and its standard error."""
    share = float((curvature > 0).all(-1).double().mean())
    return share, float(np.sqrt(share * (1 - share) / len(curvature)))


def height(point: Tensor, curvature: float) -> Tensor:
    """A saddle at (0, 0): x² / 2 up along x, -curvature · y² / 2 down along y, for points (..., 2)."""
    return (point[..., 0] ** 2 - curvature * point[..., 1] ** 2) / 2


def slope(point: Tensor, curvature: float) -> Tensor:
    """(x, -curvature · y) for a point (2,)."""
    return torch.stack([point[0], -curvature * point[1]])


def escape(name: str, params: SaddlePoints) -> Tensor:
    """|y| at every step of one optimizer until it is past 1, from beside the ridge, (k,)."""
    start = torch.tensor([1.0, params.distance], dtype=torch.float64)
    cost, downhill = (partial(f, curvature=params.flatness) for f in (height, slope))
    path, _ = descend(cost, downhill, start, params.rate, STEPS, RACERS[name])
    y = path[:, 1].abs()
    gone = torch.nonzero(y > ESCAPED)
    return y[: int(gone[0]) + 1] if len(gone) else y


def run(params: SaddlePoints) -> Frames:
    """One frame: the share of minima by dimension, the curvatures of one dimension, and the race away from a saddle."""
    found = [curvatures(params.samples, n, generator(params.seed, n)) for n in range(1, MOST_DIMENSIONS + 1)]
    shares = np.array([share_of_minima(curvature) for curvature in found])
    here, error = shares[params.dimensions - 1]
    races = {name: escape(name, params) for name in RACERS}
    taken = {name: len(y) - 1 for name, y in races.items() if float(y[-1]) > ESCAPED}
    first = min(taken, key=lambda name: taken[name]) if taken else ""
    plain = f"{taken['sgd']} steps" if "sgd" in taken else f"over {STEPS}"
    yield Frame(
        figures={
            "Share of minima": shares_by_dimension(shares, params.dimensions),
            "Curvatures": histogram(found[params.dimensions - 1]),
            "Leaving a saddle": race(races),
        },
        says=(
            f"Of {params.samples:,} random critical points in {params.dimensions} dimensions {here:.2%} are minima; plain "
            f"descent leaves the saddle after {plain}."
        ),
        metrics={
            "Minima": f"{here:.2%} ± {error:.2%}",
            "Every way up, if fair": f"{0.5**params.dimensions:.2%}",
            "Plain descent leaves": plain,
            "First away": f"{NAMES[first]}, {taken[first]} steps" if first else "none",
        },
    )


def shares_by_dimension(shares: np.ndarray, chosen: int) -> Any:
    """The measured share of minima with its error, beside that of fair coins, on a log axis."""
    n = np.arange(1, len(shares) + 1)
    seen = shares[:, 0] > 0
    bars = {"type": "data", "array": 2 * shares[seen, 1], "color": BLUE}
    traces = [
        line(n, 0.5**n, "(1/2)ⁿ", GREY, line={"color": GREY, "dash": "dot"}, hoverinfo="skip"),
        points(
            n[seen], shares[seen, 0], "measured", BLUE, error_y=bars, hovertemplate="n = %{x}: %{y:.3%}<extra></extra>"
        ),
    ]
    if seen[chosen - 1]:
        traces.append(
            points([chosen], [shares[chosen - 1, 0]], "shown", AMBER, marker={"size": 14, "symbol": "circle-open"})
        )
    yaxis = {"type": "log", "tickformat": ".2~%"}
    return figure(traces, x="dimensions n", y="share of minima", yaxis=yaxis, xaxis={"dtick": 1})


def histogram(curvature: Tensor) -> Any:
    """How the curvatures spread around zero: those below it are ways down."""
    counts, edges = np.histogram(curvature.flatten().numpy(), 41)
    middle = (edges[1:] + edges[:-1]) / 2
    colors = [OPTIMIZERS["adam"] if m < 0 else BLUE for m in middle]
    bars = {"type": "bar", "x": middle, "y": counts / counts.sum(), "marker": {"color": colors}, "name": "curvature"}
    bars |= {"hovertemplate": "%{x:.2f}: %{y:.1%}<extra></extra>"}
    return figure([bars], x="curvature (ways down in red)", y="share", bargap=0.05, showlegend=False)


def race(races: dict[str, Tensor]) -> Any:
    """How far each optimizer is from the ridge at every step, up to where it counts as away."""
    traces = []
    for name, y in races.items():
        at = np.unique(np.linspace(0, len(y) - 1, 300).astype(int))
        hover = f"{NAMES[name]}, step %{{x}}: %{{y:.2g}}<extra></extra>"
        traces.append(line(at, y.numpy()[at], NAMES[name], OPTIMIZERS[name], hovertemplate=hover))
    yaxis = {"type": "log", "exponentformat": "power"}
    return figure(traces, x="step", y="distance from the ridge", yaxis=yaxis, height=320)


LAB = Lab(
    slug="saddle-points",
    summary="Count how seldom a flat spot in many dimensions is a minimum, and race optimizers away from a saddle.",
    params=SaddlePoints,
    run=run,
    look_for=(
        "A critical point is a minimum only if it curves up along every axis. If each axis tossed a fair coin that would be "
        "(1/2)ⁿ, and the measured share falls faster still, since the curvatures of one point repel each other. So in a "
        "network a flat spot is nearly always a saddle or a plateau. Start closer to the ridge, or make the way down flat: "
        "which optimizer needs the same number of steps whatever the slope is, and why?"
    ),
    maths=(
        r"$$\nabla J = 0, \qquad H = \nabla^2 J, \qquad \text{a minimum if all eigenvalues } \lambda_i(H) > 0$$"
        "\n\n"
        r"For a random symmetric $H$ the share of minima is $\tfrac12$ in one dimension, "
        r"$\tfrac{2-\sqrt2}{4} \approx 0.146$ in two, and falls like $e^{-\frac{\ln 3}{4} n^2}$ (Dean and Majumdar 2006)."
        "\n\n"
        r"On $J = \tfrac12 (x^2 - c\,y^2)$ plain descent multiplies $y$ by $1 + \alpha c$ a step: it leaves after "
        r"$\ln(1/y_0) / \ln(1 + \alpha c)$ steps, which a small $c$, a plateau, makes many."
    ),
    code=(hessians, share_of_minima, escape, descend),
    presets={
        "One dimension": {"dimensions": 1},
        "Ten dimensions": {"dimensions": 10},
        "On the ridge": {"distance": 1e-8},
        "Plateau": {"flatness": 0.02},
    },
    rows=(("Share of minima", "Curvatures"), ("Leaving a saddle",)),
)
