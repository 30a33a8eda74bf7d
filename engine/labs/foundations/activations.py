"""Activation functions and their derivatives, with saturation marked and a point to move along them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor

from engine.figures.theme import AMBER, BLUE, GREEN, GREY, PURPLE, VERMILION, figure, line, points
from engine.functional import activations
from engine.lab import Event, Frame, Frames, Lab, Mistake
from engine.params import Params, choice, number

REACH = 8.0
FLAT = 0.05
COLORS = {"sigmoid": BLUE, "tanh": GREEN, "relu": VERMILION, "leaky_relu": PURPLE}
NAMES = {"relu": "ReLU", "leaky_relu": "Leaky ReLU", "tanh": "tanh", "all": "All four"}
Function = Callable[[Tensor], Tensor]


class Activations(Params):
    """What a person can move."""

    z: float = number(
        1.0, low=-REACH, high=REACH, hint=(-REACH, REACH, 0.1), label="z", help="Where to read value and slope."
    )
    function: Literal["sigmoid", "tanh", "relu", "leaky_relu", "all"] = choice(
        "all", label="Function", help="One alone shows its tangent and where it saturates.", names=NAMES
    )
    slope: float = number(
        0.1,
        low=0.0,
        high=1.0,
        hint=(0.0, 0.5, 0.01),
        label="Slope of leaky ReLU",
        help="Below zero; the course takes 0.01.",
    )


def functions(slope: float) -> dict[str, tuple[Function, Function]]:
    """Each function with its derivative."""
    return {
        "sigmoid": (activations.sigmoid, activations.sigmoid_derivative),
        "tanh": (activations.tanh, activations.tanh_derivative),
        "relu": (activations.relu, activations.relu_derivative),
        "leaky_relu": (
            partial(activations.leaky_relu, slope=slope),
            partial(activations.leaky_relu_derivative, slope=slope),
        ),
    }


def saturated(z: Tensor, derivative: Function) -> list[tuple[float, float]]:
    """The stretches of z (n,) in which the slope is below 0.05, as (from, to)."""
    flat = (derivative(z) < FLAT).tolist()
    stretches: list[tuple[float, float]] = []
    for at, is_flat, was_flat in zip(z.tolist(), flat, [False, *flat[:-1]], strict=True):
        if is_flat:
            stretches = [*stretches[:-1], (stretches[-1][0], at)] if was_flat else [*stretches, (at, at)]
    return stretches


def run(params: Activations) -> Frames:
    """One frame: the functions, their derivatives, and both at z."""
    shown = {name: pair for name, pair in functions(params.slope).items() if params.function in (name, "all")}
    here = torch.tensor(params.z, dtype=torch.float64)
    read = {name: (float(g(here)), float(d(here))) for name, (g, d) in shown.items()}
    told = "; ".join(
        f"{NAMES.get(name, name)} {value:.3f} with slope {slope:.3f}" for name, (value, slope) in read.items()
    )
    yield Frame(
        figures={"Functions": curves(params, shown, 0), "Derivatives": curves(params, shown, 1)},
        says=f"At z = {params.z:g}: {told}.",
        metrics={
            f"{NAMES.get(name, name.capitalize())}": f"{value:.3f}, slope {slope:.3f}{' (flat)' * (slope < FLAT)}"
            for name, (value, slope) in read.items()
        },
        tables={
            "At z": {
                "function": [NAMES.get(name, name) for name in read],
                "g(z)": [f"{value:.6g}" for value, _ in read.values()],
                "g'(z)": [f"{slope:.6g}" for _, slope in read.values()],
                "saturated": ["yes" if slope < FLAT else "no" for _, slope in read.values()],
            }
        },
    )


def curves(params: Activations, shown: Mapping[str, tuple[Function, Function]], which: int) -> Any:
    """The functions (0) or their derivatives (1), a point on each at z, and where a single one is nearly flat."""
    z = torch.linspace(-REACH, REACH, 321, dtype=torch.float64)
    here = torch.tensor([params.z], dtype=torch.float64)
    traces, shapes = [], []
    for name, pair in shown.items():
        hover = {"hovertemplate": "z = %{x:.2f}: %{y:.4f}"}
        y = pair[which](z)
        title = NAMES.get(name, name)
        traces.append(line(z.float().numpy(), y.float().numpy(), title, COLORS[name], **hover))
        marker = {"size": 11, "color": COLORS[name]}
        at = pair[which](here).float().numpy()
        traces.append(points(here.float().numpy(), at, title, COLORS[name], marker=marker, showlegend=False, **hover))
        if len(shown) == 1:
            edges = saturated(z, pair[1])
            plain = {
                "type": "rect",
                "xref": "x",
                "yref": "paper",
                "y0": 0,
                "y1": 1,
                "line": {"width": 0},
                "layer": "below",
            }
            shapes = [{**plain, "x0": low, "x1": high, "fillcolor": GREY, "opacity": 0.18} for low, high in edges]
            if which == 0:
                value, slope = float(pair[0](here)), float(pair[1](here))
                x = torch.tensor([params.z - 2, params.z + 2])
                traces.append(
                    line(x.numpy(), (value + slope * (x - params.z)).numpy(), "tangent", AMBER, hoverinfo="skip")
                )
    ends = ([-1.3, 3.0], [-0.05, 1.1])[which]
    title = ("g(z)", "g'(z)")[which]
    yaxis = {"range": ends}
    return figure(traces, x="z", y=title, xaxis={"range": [-REACH, REACH]}, yaxis=yaxis, shapes=shapes)


def respond(params: Activations, event: Event) -> Mapping[str, Any]:
    """A click on either figure moves z there."""
    if event.figure not in ("Functions", "Derivatives") or not math.isfinite(event.x):
        return {}
    return {"z": min(max(round(event.x, 2), -REACH), REACH)}


def relu_at_zero(params: Activations) -> Mistake:
    """The difference quotients of ReLU at zero from both sides, and what PyTorch takes."""
    h, zero = 1e-3, torch.zeros((), dtype=torch.float64, requires_grad=True)
    right, left = (float(activations.relu(torch.tensor(step).double()) / step) for step in (h, -h))
    (taken,) = torch.autograd.grad(torch.relu(zero), zero)
    return Mistake(
        "The derivative at z = 0 is said to be 1, as if there were one.",
        f"From the right the slope is {right:g}, from the left {left + 0.0:g}: there is none. PyTorch takes {float(taken):g}.",
    )


LAB = Lab(
    slug="activations",
    summary="Move along sigmoid, tanh, ReLU and leaky ReLU, and read the slope that training gets to see.",
    params=Activations,
    run=run,
    look_for=(
        "Away from zero sigmoid and tanh flatten: in the shaded stretches the slope is below 0.05 and a unit hardly learns. "
        "ReLU keeps the slope 1 for ever on one side and has none on the other, where a unit can die; the leaky one always "
        "passes something back. What is the largest slope of the sigmoid, and what does a chain of ten such units leave of a "
        "gradient at best?"
    ),
    maths=(
        r"$$\sigma(z) = \frac{1}{1 + e^{-z}}, \quad \sigma' = \sigma (1 - \sigma) \le \tfrac14 \qquad "
        r"\tanh(z) = \frac{e^z - e^{-z}}{e^z + e^{-z}}, \quad \tanh' = 1 - \tanh^2 \le 1$$"
        "\n\n"
        r"$$\mathrm{ReLU}(z) = \max(0, z), \quad \mathrm{ReLU}'(z) = [z > 0] \qquad "
        r"\mathrm{leaky}(z) = \max(s z, z), \quad \mathrm{leaky}'(z) = [z > 0] + s\,[z \le 0]$$"
    ),
    code=(
        activations.sigmoid_derivative,
        activations.tanh_derivative,
        activations.relu_derivative,
        activations.leaky_relu_derivative,
        saturated,
    ),
    presets={
        "Steepest": {"z": 0.0},
        "Saturated sigmoid": {"function": "sigmoid", "z": 5.0},
        "tanh": {"function": "tanh", "z": 0.5},
        "Dead ReLU": {"function": "relu", "z": -2.0},
        "Leaky": {"function": "leaky_relu", "z": -2.0, "slope": 0.01},
    },
    mistakes={"relu-at-zero": relu_at_zero},
    rows=(("Functions", "Derivatives"),),
    listens=("click",),
    respond=respond,
)
