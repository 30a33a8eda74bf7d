"""Forward and backward propagation by hand: a tiny network stepped equation by equation."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor

from engine.figures import by_hand as figures
from engine.functional.by_hand import Equation, computed, equations
from engine.functional.mlp import Parameters, initialize
from engine.lab import Frame, Frames, Lab
from engine.params import Params, choice, integer, number
from engine.results.by_hand import Line
from engine.seeding import generator

INPUTS = 2
STAGES = {"forward": "Forward", "backward": "Backward", "update": "Update"}


class Backprop(Params):
    """What a person can move."""

    step: int = integer(
        1, low=1, high=40, hint=(1, 17, 1), label="Equation", help="Forward first, then backward, then the update."
    )
    layers: Literal["1 hidden", "2 hidden"] = choice(
        "1 hidden", label="Layers", help="Hidden layers before the sigmoid output."
    )
    units: int = integer(3, low=1, high=4, label="Hidden units", help="In each hidden layer.")
    activation: Literal["tanh", "sigmoid", "relu"] = choice(
        "tanh", label="Activation", help="Of the hidden units.", names={"relu": "ReLU", "tanh": "tanh"}
    )
    examples: int = integer(3, low=1, high=5, label="Examples m", help="Each is a column.")
    rate: float = number(
        0.5, low=0.01, high=10.0, log=True, label="Learning rate α", help="Of the one update at the end."
    )


def network(params: Backprop) -> tuple[Parameters, Tensor, Tensor]:
    """Its parameters, x (m, 2) and y (m,), in float64."""
    hidden = [params.units] * (1 if params.layers == "1 hidden" else 2)
    weights = [p.double() for p in initialize((INPUTS, *hidden, 1), generator(params.seed, 0), "xavier")]
    x = torch.randn(params.examples, INPUTS, generator=generator(params.seed, 1)).double()
    return weights, x, (torch.arange(params.examples) % 2).double()


def run(params: Backprop) -> Frames:
    """One frame: the equation, its matrices, and where in the network it is."""
    weights, x, y = network(params)
    found = computed(weights, x, y, params.activation, params.rate)
    lines = equations(len(weights) // 2, params.activation)
    place = min(params.step, len(lines))
    now = lines[place - 1]
    shown = (now.left, *now.uses)
    sizes = (INPUTS, *(W.shape[0] for W in weights[::2]))
    drawn = Line(shown, tuple(found[name].float().numpy() for name in shown), sizes, now.layer, now.stage != "forward")
    result = tuple(found[now.left].shape)
    after = computed(
        [found[f"{name} new"].squeeze(1) if name[0] == "b" else found[f"{name} new"] for name in names(lines)],
        x,
        y,
        params.activation,
        0.0,
    )
    yield Frame(
        figures={"The matrices": figures.matrices(drawn), "The network": figures.network(drawn)},
        says=f"Equation {place} of {len(lines)}, {now.stage}: {now.left} = {now.right}, of shape {result}.",
        metrics={
            f"{STAGES[now.stage]}, {place} of {len(lines)}": f"{now.left} = {now.right}",
            "Shape": str(result),
            "Cost J": f"{float(found['J']):.4f}",
            "J after the update": f"{float(after['J']):.4f}",
        },
        tables={"All equations": table(lines, found, place)},
    )


def names(lines: list[Equation]) -> list[str]:
    """W¹, b¹, W², ... as they are updated."""
    return [line.uses[0] for line in lines if line.stage == "update"]


def table(lines: list[Equation], found: dict[str, Tensor], place: int) -> dict[str, list[Any]]:
    """Every equation with its shape and values, the present one marked."""
    return {
        "": ["→" if k == place else "" for k in range(1, len(lines) + 1)],
        "stage": [line.stage for line in lines],
        "equation": [f"{line.left} = {line.right}" for line in lines],
        "shape": [str(tuple(found[line.left].shape)) for line in lines],
        "values": [values(found[line.left]) for line in lines],
    }


def values(matrix: Tensor) -> str:
    """A matrix in one line, rows after semicolons."""
    return "; ".join(", ".join(f"{v:.3f}" for v in row) for row in matrix.tolist())


LAB = Lab(
    slug="backprop",
    summary="Step through a tiny network equation by equation, forward and back, with every matrix and its shape.",
    params=Backprop,
    run=run,
    look_for=(
        "Every gradient has the shape of what it is the gradient of: dW that of W, db that of b. The backward half uses what "
        "the forward half kept, A and Z, and walks the layers in the other order. With one example, what are dW² and db² made "
        "of, and why does db² equal dZ² then?"
    ),
    maths=(
        r"$$Z^{[l]} = W^{[l]} A^{[l-1]} + b^{[l]}, \qquad A^{[l]} = g(Z^{[l]}), \qquad A^{[0]} = X$$"
        "\n\n"
        r"$$dZ^{[L]} = A^{[L]} - Y, \qquad dA^{[l]} = W^{[l+1]T} dZ^{[l+1]}, \qquad dZ^{[l]} = dA^{[l]} * g'(Z^{[l]})$$"
        "\n\n"
        r"$$dW^{[l]} = \tfrac1m dZ^{[l]} A^{[l-1]T}, \qquad db^{[l]} = \tfrac1m \sum_i dZ^{[l](i)}, \qquad "
        r"W^{[l]} := W^{[l]} - \alpha\, dW^{[l]}$$"
    ),
    code=(computed, equations),
    presets={
        "Backward begins": {"step": 6},
        "Through the hidden layer": {"step": 10},
        "Two hidden layers": {"layers": "2 hidden", "step": 8},
        "The update": {"step": 14},
    },
    rows=(("The matrices",), ("The network",)),
)
