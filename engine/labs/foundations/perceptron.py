"""Perceptron and sigmoid unit: nudge w and b, and the step flips where the sigmoid moves a little."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from engine.figures.theme import AMBER, BLUE, DIVERGING, GREY, VERMILION, figure, line, points
from engine.functional.activations import sigmoid, step
from engine.lab import Frame, Frames, Lab
from engine.params import Params, number

REACH, SIDE = 3.0, 61
INPUTS = ((0.0, 0.0), (0.0, 1.0), (1.0, 0.0), (1.0, 1.0))
STEP, SMOOTH = VERMILION, BLUE


class Perceptron(Params):
    """What a person can move."""

    w1: float = number(1.0, low=-5.0, high=5.0, hint=(-3.0, 3.0, 0.05), label="w₁", help="Weight of the first input.")
    w2: float = number(1.0, low=-5.0, high=5.0, hint=(-3.0, 3.0, 0.05), label="w₂", help="Weight of the second input.")
    b: float = number(
        -1.5, low=-10.0, high=10.0, hint=(-4.0, 4.0, 0.05), label="b", help="The bias, or minus the threshold."
    )
    nudge: float = number(
        0.2, low=-3.0, high=3.0, hint=(-1.0, 1.0, 0.01), label="Nudge of b", help="A small change to look at."
    )
    x1: float = number(1.0, low=-REACH, high=REACH, hint=(-2.0, 2.0, 0.05), label="x₁", help="The first input.")
    x2: float = number(0.6, low=-REACH, high=REACH, hint=(-2.0, 2.0, 0.05), label="x₂", help="The second input.")


def weighted_sum(x: Tensor, w: Tensor, b: float | Tensor) -> Tensor:
    """z = w . x + b for inputs x (..., 2) and weights w (2,): (...)."""
    return x @ w + b


def run(params: Perceptron) -> Frames:
    """One frame: both outputs over z, both over the plane, and the truth table."""
    w = torch.tensor([params.w1, params.w2], dtype=torch.float64)
    x = torch.tensor([params.x1, params.x2], dtype=torch.float64)
    z = torch.stack([weighted_sum(x, w, b) for b in (params.b, params.b + params.nudge)])
    hard, smooth = step(z), sigmoid(z)
    moved = "flips" if hard[0] != hard[1] else "stays"
    by = float(smooth[1] - smooth[0])
    yield Frame(
        figures={
            "Output": outputs(z),
            "Step unit": plane(params, step, "step"),
            "Sigmoid unit": plane(params, sigmoid, "sigmoid"),
        },
        says=(
            f"z moves from {float(z[0]):.3g} to {float(z[1]):.3g}: the step unit {moved} at {float(hard[1]):g}, the sigmoid "
            f"moves by {by:+.3f} to {float(smooth[1]):.3f}."
        ),
        metrics={
            "z = w·x + b": f"{float(z[0]):.3g} → {float(z[1]):.3g}",
            "Step": f"{float(hard[0]):g} → {float(hard[1]):g}",
            "Sigmoid": f"{float(smooth[0]):.3f} → {float(smooth[1]):.3f}",
            "Moved by": f"{float(hard[1] - hard[0]):+g} and {by:+.3f}",
        },
        tables={"Both units on the corners": corners(w, params.b)},
    )


def outputs(z: Tensor) -> Any:
    """Both units over z, before the nudge as circles and after it filled."""
    reach = max(6.0, float(z.abs().max()) + 1)
    axis = torch.linspace(-reach, reach, 241, dtype=torch.float64)
    traces = []
    for name, g, color in (("step", step, STEP), ("sigmoid", sigmoid, SMOOTH)):
        shape = {"line": {"color": color, "shape": "hv" if name == "step" else "linear"}}
        traces.append(line(axis.numpy(), g(axis).numpy(), name, color, hovertemplate="z = %{x:.2f}: %{y:.3f}", **shape))
        for k, symbol in enumerate(("circle-open", "circle")):
            marker = {"size": 13, "symbol": symbol, "line": {"width": 2, "color": color}}
            hover = f"{name} {('before', 'after')[k]}: %{{y:.3f}}<extra></extra>"
            traces.append(
                points(
                    [float(z[k])], [float(g(z[k]))], name, color, marker=marker, showlegend=False, hovertemplate=hover
                )
            )
    return figure(
        traces, x="z", y="output", xaxis={"range": [-reach, reach]}, yaxis={"range": [-0.08, 1.08]}, height=300
    )


def plane(params: Perceptron, g: Any, name: str) -> Any:
    """A unit's output over the inputs after the nudge, the line z = 0 before and after, and the chosen input."""
    axis = torch.linspace(-REACH, REACH, SIDE, dtype=torch.float64)
    grid = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), -1)
    w = torch.tensor([params.w1, params.w2], dtype=torch.float64)
    after = weighted_sum(grid, w, params.b + params.nudge)
    x = axis.float().numpy()
    field = {
        "type": "heatmap",
        "x": x,
        "y": x,
        "z": g(after).float().numpy(),
        "zmin": 0,
        "zmax": 1,
        "colorscale": DIVERGING,
    }
    field |= {
        "showscale": False,
        "opacity": 0.6,
        "name": name,
        "hovertemplate": "%{x:.2f}, %{y:.2f}: %{z:.3f}<extra></extra>",
    }
    before = {
        "type": "contour",
        "x": x,
        "y": x,
        "z": weighted_sum(grid, w, params.b).float().numpy(),
        "showscale": False,
    }
    before |= {
        "contours": {"coloring": "none", "start": 0, "end": 0, "size": 1},
        "line": {"color": GREY, "dash": "dot", "width": 2},
    }
    before |= {"hoverinfo": "skip", "name": "z = 0 before"}
    edge = {**before, "z": after.float().numpy(), "line": {"color": "black", "width": 2}, "name": "z = 0"}
    at = points(
        [params.x1],
        [params.x2],
        "x",
        AMBER,
        marker={"size": 13, "line": {"width": 1, "color": "black"}},
        hoverinfo="skip",
    )
    corner = torch.tensor(INPUTS).T.numpy()
    small = points(corner[0], corner[1], "corners", GREY, marker={"size": 7, "symbol": "square"}, hoverinfo="skip")
    window = {"range": [-REACH, REACH], "constrain": "domain"}
    axes = {"xaxis": window, "yaxis": {**window, "scaleanchor": "x"}}
    return figure([field, before, edge, small, at], x="x₁", y="x₂", showlegend=False, height=340, **axes)


def corners(w: Tensor, b: float) -> dict[str, list[Any]]:
    """Both units on the four inputs of 0 and 1, as a truth table."""
    x = torch.tensor(INPUTS, dtype=torch.float64)
    z = weighted_sum(x, w, b)
    return {
        "x₁": [int(row[0]) for row in x],
        "x₂": [int(row[1]) for row in x],
        "z": [f"{v:.3g}" for v in z.tolist()],
        "step": [int(v) for v in step(z)],
        "sigmoid": [f"{v:.3f}" for v in sigmoid(z).tolist()],
    }


LAB = Lab(
    slug="perceptron",
    summary="Nudge the bias or a weight: the perceptron's answer flips or stays, the sigmoid's moves a little.",
    params=Perceptron,
    run=run,
    look_for=(
        "Both units look at the same z = w·x + b. Nudge the bias: far from z = 0 nothing happens to the step, and at z = 0 it "
        "jumps all the way; the sigmoid always moves, by about its slope times the nudge, so a network of sigmoids can be "
        "taught by small steps. Which w and b make the step unit an OR of the four corners, and why is there none for XOR?"
    ),
    maths=(
        r"$$\text{step}: \; a = \begin{cases} 1 & w \cdot x + b > 0 \\ 0 & w \cdot x + b \le 0 \end{cases} \qquad "
        r"\text{sigmoid}: \; a = \sigma(w \cdot x + b)$$"
        "\n\n"
        r"$$\Delta a \approx \sum_j \frac{\partial a}{\partial w_j} \Delta w_j + \frac{\partial a}{\partial b} \Delta b, "
        r"\qquad \frac{\partial a}{\partial b} = a (1 - a)$$"
    ),
    code=(weighted_sum, step, sigmoid),
    presets={
        "AND": {"w1": 1.0, "w2": 1.0, "b": -1.5, "nudge": 0.0},
        "OR": {"w1": 1.0, "w2": 1.0, "b": -0.5, "nudge": 0.0},
        "NAND": {"w1": -2.0, "w2": -2.0, "b": 3.0, "nudge": 0.0},
        "On the edge": {"x1": 1.0, "x2": 0.5, "nudge": 0.05},
        "Far away": {"x1": -2.0, "x2": -1.0, "nudge": 0.5},
    },
    rows=(("Output",), ("Step unit", "Sigmoid unit")),
)
