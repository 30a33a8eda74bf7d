"""Local optima, saddles and plateaus: how rare minima are in many dimensions, and how long an optimizer is held up."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from engine.figures import descent as figures
from engine.figures.descent import NAMES
from engine.figures.theme import AMBER, BLUE, GREY, NEGATIVE, OPTIMIZERS, POSITIVE, figure, line, points
from engine.functional.optimizers import OPTIMIZERS as UPDATES
from engine.functional.optimizers import momentum
from engine.functional.surfaces import SURFACES, Surface
from engine.lab import Frame, Frames, Lab
from engine.params import Params, integer, number
from engine.results.descent import paths
from engine.seeding import generator

if TYPE_CHECKING:
    import plotly.graph_objects as go

MOST_DIMENSIONS = 10
# The averaging form of the course, so that one rate means the same for all.
RACERS: dict[str, Callable[..., Any]] = {**UPDATES, "momentum": partial(momentum, beta=0.9, dampening=0.9)}
STEPS = 1000
# Of the Gaussian orthogonal ensemble, for one, two and three dimensions.
KNOWN = (1 / 2, (2 - math.sqrt(2)) / 4, (math.pi - 2 * math.sqrt(2)) / (4 * math.pi))


class SaddlePoints(Params):
    """What a person can move."""

    dimensions: int = integer(
        2, low=1, high=MOST_DIMENSIONS, label="Dimensions", help="Of the critical points whose curvatures are shown."
    )
    samples: int = integer(
        2000, low=100, high=10_000, hint=(200, 5000, 100), label="Critical points", help="Drawn for every dimension."
    )
    rate: float = number(
        0.05, low=1e-4, high=0.4, log=True, label="Learning rate α", help="Of every optimizer in both races."
    )
    distance: float = number(
        1e-3,
        low=1e-8,
        high=0.5,
        log=True,
        label="Start beside the saddle",
        help="How far from the ridge that leads into it.",
    )
    flatness: float = number(
        1.0,
        low=0.01,
        high=2.0,
        log=True,
        label="Curvature",
        help="Of the saddle's way down; a small one is nearly flat.",
    )
    plain: float = number(
        3.0,
        low=1.5,
        high=6.0,
        hint=(1.5, 6.0, 0.1),
        label="Start on the plateau",
        help="How far from its well: the slope falls off like exp(−r²/2).",
    )


def hessians(count: int, n: int, random: torch.Generator) -> Tensor:
    """Random quadratic forms: symmetric matrices with normal entries (the Gaussian orthogonal ensemble), (count, n, n)."""
    a = torch.randn(count, n, n, generator=random, dtype=torch.float64)
    return (a + a.mT) / 2**0.5


def share_of_minima(forms: Tensor) -> tuple[float, float]:
    """The share of critical points (count, n, n) that curve up in every direction, and its standard error.

    Those are the forms that Cholesky's factorization succeeds on.
    """
    share = float((torch.linalg.cholesky_ex(forms).info == 0).double().mean())
    return share, math.sqrt(share * (1 - share) / len(forms))


@lru_cache(maxsize=16)
def measured(samples: int, seed: int) -> np.ndarray:
    """The share of minima and its error in 1, 2, ... dimensions, (dimensions, 2)."""
    n = range(1, MOST_DIMENSIONS + 1)
    return np.array([share_of_minima(hessians(samples, each, generator(seed, each))) for each in n])


def curvatures(params: SaddlePoints) -> Tensor:
    """The eigenvalues of the same forms in the dimensions shown, (samples, dimensions)."""
    forms = hessians(params.samples, params.dimensions, generator(params.seed, params.dimensions))
    return torch.linalg.eigvalsh(forms)


def saddle(curvature: float) -> Surface:
    """J = (x² - curvature · y²) / 2: up along x, down along y."""
    scale = torch.tensor([1.0, -curvature], dtype=torch.float64)
    return Surface(
        cost=lambda p: (scale * p * p).sum(-1) / 2,
        slope=lambda p: scale * p,
        x=(-1.2, 1.2),
        y=(-1.0, 1.0),
        start=(1.0, 0.0),
        least=-curvature,
    )


def escape(
    surface: Surface, start: tuple[float, float], rate: float, update: Any, away: Callable[[Tensor], Any]
) -> Tensor:
    """An optimizer's points (k, 2) from a start to the first that counts as away, or until ``STEPS`` are over."""
    path, state = [torch.tensor(start, dtype=torch.float64)], {}  # type: tuple[list[Tensor], Any]
    while len(path) <= STEPS and not away(path[-1]):
        [point], state = update([path[-1]], [surface.slope(path[-1])], state, rate)
        path.append(point)
    return torch.stack(path)


def races(params: SaddlePoints) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Each optimizer's way off the saddle, until |y| > 1, and off the plateau, until half the depth of its well."""
    ridge, well = saddle(params.flatness), SURFACES["plateau"]
    off_saddle = {
        name: escape(ridge, (1.0, params.distance), params.rate, update, lambda p: abs(float(p[1])) > 1)
        for name, update in RACERS.items()
    }
    # A little off the axis, like any point on a plateau.
    start = (-params.plain * math.cos(0.5), -params.plain * math.sin(0.5))
    off_plateau = {
        name: escape(well, start, params.rate, update, lambda p: float(well.cost(p)) < 0.5)
        for name, update in RACERS.items()
    }
    return off_saddle, off_plateau


def run(params: SaddlePoints) -> Frames:
    """One frame: the share of minima by dimension, the curvatures of one dimension, and both races."""
    shares = measured(params.samples, params.seed)
    share, error = shares[params.dimensions - 1]
    off_saddle, off_plateau = races(params)
    ridge = saddle(params.flatness)
    from_above = paths(ridge, {name: (path, ridge.cost(path)) for name, path in off_saddle.items()})
    well = SURFACES["plateau"].cost
    told = [
        ", ".join(f"{taken(p)} with {NAMES[name]}" for name, p in race.items()) for race in (off_saddle, off_plateau)
    ]
    minima = f"{share:.2%}" if share else f"none of {params.samples:,}"
    yield Frame(
        figures={
            "Share of minima": shares_by_dimension(shares, params.dimensions),
            "Curvatures": histogram(curvatures(params)),
            "Saddle from above": figures.paths(from_above),
            "Leaving the saddle": curves({name: path[:, 1].abs() for name, path in off_saddle.items()}, "|y|", "log"),
            "Leaving the plateau": curves({name: well(path) for name, path in off_plateau.items()}, "cost J", "linear"),
        },
        says=(
            f"In n = {params.dimensions} dimensions {share:.2%} of {params.samples:,} random critical points are minima; "
            f"steps off the saddle: {told[0]}; off the plateau: {told[1]}."
        ),
        metrics={
            "Minima": f"{minima} ± {error:.2%}" if share else minima,
            "If signs were fair coins": f"{0.5**params.dimensions:.2%}",
            "Plain off the saddle": f"{taken(off_saddle['sgd'])} steps",
            "Plain off the plateau": f"{taken(off_plateau['sgd'])} steps",
        },
        tables={
            "Steps to leave": {
                "Optimizer": [NAMES[name] for name in RACERS],
                "Saddle": [taken(path) for path in off_saddle.values()],
                "Plateau": [taken(path) for path in off_plateau.values()],
            }
        },
    )


def taken(path: Tensor) -> str:
    """How many steps a path took, or that it never left."""
    return str(len(path) - 1) if len(path) <= STEPS else f"over {STEPS}"


def shares_by_dimension(shares: np.ndarray, chosen: int) -> go.Figure:
    """The measured share of minima with its error, beside the known ones and that of fair coins, on a log axis."""
    n = np.arange(1, len(shares) + 1)
    seen = shares[:, 0] > 0
    bars = {"type": "data", "array": 2 * shares[seen, 1], "color": BLUE}
    hover = "n = %{x}: %{y:.3%}<extra></extra>"
    known = {"symbol": "line-ew-open", "size": 22}
    traces = [
        line(n, 0.5**n, "(1/2)ⁿ", GREY, line={"color": GREY, "dash": "dot"}, hovertemplate=hover),
        points(n[: len(KNOWN)], KNOWN, "exact", GREY, marker=known, hovertemplate=hover),
        points(n[seen], shares[seen, 0], "measured", BLUE, error_y=bars, hovertemplate=hover),
    ]
    if seen[chosen - 1]:
        ring = {"size": 14, "symbol": "circle-open"}
        traces.append(points([chosen], [shares[chosen - 1, 0]], "shown", AMBER, marker=ring, hoverinfo="skip"))
    yaxis = {"type": "log", "exponentformat": "power", "range": [-4, 0]}
    return figure(traces, x="dimensions n", y="share of minima", yaxis=yaxis, xaxis={"dtick": 1}, margin=figures.ROOM)


def histogram(curvature: Tensor) -> go.Figure:
    """How the curvatures spread around zero: those below it are ways down."""
    counts, edges = np.histogram(curvature.flatten().numpy(), 41)
    middle, share = (edges[1:] + edges[:-1]) / 2, counts / counts.sum()
    traces = []
    for name, color, side in (("ways up", POSITIVE, middle >= 0), ("ways down", NEGATIVE, middle < 0)):
        bars = {"type": "bar", "x": middle[side], "y": share[side], "marker": {"color": color}, "name": name}
        traces.append(
            {**bars, "width": float(edges[1] - edges[0]), "hovertemplate": "%{x:.2f}: %{y:.1%}<extra></extra>"}
        )
    return figure(traces, x="curvature λ", y="share", bargap=0.05)


def curves(heights: Mapping[str, Tensor], y: str, scale: str) -> go.Figure:
    """A number by step for each optimizer, up to where it is away."""
    traces = []
    for name, values in heights.items():
        at = np.unique(np.linspace(0, len(values) - 1, 300).astype(int)).astype(np.float32)
        hover = f"{NAMES[name]}, step %{{x}}: %{{y:.2g}}<extra></extra>"
        shown = values.float().numpy()[at.astype(int)]
        traces.append(line(at, shown, NAMES[name], OPTIMIZERS[name], hovertemplate=hover))
    yaxis = {"type": scale, "exponentformat": "power"}
    return figure(traces, x="step", y=y, yaxis=yaxis, margin=figures.ROOM)


LAB = Lab(
    slug="saddle-points",
    summary="Count how seldom a flat spot in many dimensions is a minimum, and race optimizers off a saddle and a plateau.",
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
        r"For a random symmetric $H$ the share of minima is $\tfrac12$ in one dimension, $\tfrac{2-\sqrt2}{4} \approx 0.146$ "
        r"in two, $\tfrac{\pi-2\sqrt2}{4\pi} \approx 0.025$ in three, and falls like $e^{-\frac{\ln 3}{4} n^2}$ "
        r"(Dean and Majumdar 2006)."
        "\n\n"
        r"On $J = \tfrac12 (x^2 - c\,y^2)$ plain descent multiplies $y$ by $1 + \alpha c$ a step: it leaves after "
        r"$\ln(1/y_0) / \ln(1 + \alpha c)$ steps, which a small $c$ makes many. The plateau is $J = 1 - e^{-r^2/2}$."
    ),
    code=(hessians, share_of_minima, escape, races),
    presets={
        "One dimension": {"dimensions": 1},
        "Ten dimensions": {"dimensions": 10},
        "On the ridge": {"distance": 1e-8},
        "Nearly flat": {"flatness": 0.02},
        "Far from the well": {"plain": 5.5},
    },
    rows=(("Share of minima", "Curvatures"), ("Saddle from above", "Leaving the saddle"), ("Leaving the plateau",)),
)
