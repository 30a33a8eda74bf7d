"""A framework's tape: type a cost, and automatic differentiation minimises it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np

from engine.errors import BadInput
from engine.figures import descent
from engine.figures import expressions as figures
from engine.functional.expressions import Expression, parse
from engine.functional.idioms import Descent, programs
from engine.lab import Frame, Frames, Lab
from engine.params import Params, choice, integer, number, text
from engine.results.expressions import cost_path, cost_surface
from engine.results.graphs import operation, shown
from engine.training import paced, recorded, thinned
from engine.training.tape import Point, astray, minimise, tape


class Autodiff(Params):
    """What a person can move."""

    cost: str = text(
        "w^2-10*w+25",
        longest=200,
        label="Cost J",
        help="A formula in w, or in w and b: numbers, + - * / ^, and exp, log, sigmoid, tanh, relu, sqrt, sin, cos, abs, "
        "square.",
    )
    optimizer: Literal["sgd", "adam"] = choice(
        "sgd",
        label="Optimizer",
        help="What the framework does with the gradient.",
        names={"sgd": "Gradient descent", "adam": "Adam"},
    )
    rate: float = number(
        0.1,
        low=1e-6,
        high=10.0,
        hint=(0.001, 1.5, 0.001),
        log=True,
        label="Learning rate α",
        help="Step size along the slope.",
    )
    steps: int = integer(60, low=0, high=2000, hint=(0, 500, 1), label="Steps", help="How many updates to take.")
    start: float = number(
        -5.0, low=-100.0, high=100.0, hint=(-10.0, 10.0, 0.5), label="Start w", help="Where w starts."
    )
    start_b: float = number(
        5.0,
        low=-100.0,
        high=100.0,
        hint=(-10.0, 10.0, 0.5),
        label="Start b",
        help="Where b starts, if the cost has a b.",
    )
    reach: float = number(
        10.0,
        low=0.1,
        high=200.0,
        hint=(1.0, 50.0, 1.0),
        label="View",
        help="The figure reaches from minus this to this, or further to hold the start.",
        more=True,
    )


def read(params: Autodiff) -> Descent:
    """The typed cost, from the start of the variables that are in it."""
    cost = parse(params.cost, ("w", "b"))
    if "w" not in cost.variables:
        raise BadInput("The cost must depend on w, as w^2-10*w+25 does, got one without it.")
    start = {name: x for name, x in (("w", params.start), ("b", params.start_b)) if name in cost.variables}
    return Descent(cost, start, params.rate, params.steps, params.optimizer)


def run(params: Autodiff) -> Frames:
    """From the start, with one pass through the tape and no step yet, to the last step."""
    task = read(params)
    code = programs(task)
    for history in paced(recorded(minimise(task))):
        yield frame(params, task, history, code)


def frame(params: Autodiff, task: Descent, history: list[Point], code: Mapping[str, str]) -> Frame:
    """The path so far, and the tape at its latest point, or at the last one with finite numbers."""
    now = history[-1]
    here = now if now.finite or len(history) == 1 else history[-2]
    at = ", ".join(f"{name} = {x:.4g}" for name, x in here.at.items())
    slope = shown(math.hypot(*here.gradient), 4)
    why, remedy = astray(task, history)
    return Frame(
        figures=draw(params, task, history),
        says=f"After {here.step:,} steps {at}, the cost is {shown(here.cost, 4)} and its gradient {slope} long.",
        metrics={
            ", ".join(here.at): ", ".join(f"{x:.4g}" for x in here.at.values()),
            "Cost J": shown(here.cost, 4),
            "Gradient": slope,
            "Step": f"{now.step:,} of {params.steps:,}",
        },
        progress=now.step / params.steps if now.finite and params.steps else 1.0,
        diverged=why,
        remedy=remedy,
        tables={"The tape of this step, in the order of recording": taped(task.cost, here.at)},
        code=code,
    )


def draw(params: Autodiff, task: Descent, history: list[Point]) -> Mapping[str, Any]:
    """The path on the curve, or over the contours of a cost of w and b, and the cost by step."""
    drawn = thinned(history)
    reach = max(params.reach, *(1.1 * abs(x) for x in task.start.values()))
    if len(task.start) == 2:
        surface = cost_surface(task.cost, drawn, reach)
        path, costs = descent.contours(surface), surface.path_cost
    else:
        curve = cost_path(task.cost, drawn, reach)
        path, costs = figures.path(curve), curve.path_cost
    steps = np.array([point.step for point in drawn[: len(costs)]], np.float32)
    return {"Path": path, "Cost by step": figures.cost_by_step(steps, costs, params.steps)}


def taped(cost: Expression, at: Mapping[str, float]) -> dict[str, list[Any]]:
    """The tape as a table: what was computed, PyTorch's entry for it, and what playing it back hands on to whom."""
    records = tape(cost, at)
    return {
        "Entry": list(range(1, len(records) + 1)),
        "Operation": [operation(cost, record.place) for record in records],
        "grad_fn": [record.function for record in records],
        "Derivative": [f"d{cost.nodes[record.place].name} = {shown(record.slope)}" for record in records],
        "Hands on to": [", ".join(f"d{cost.nodes[i].name}" for i in record.hands_to) for record in records],
    }


LAB = Lab(
    slug="autodiff",
    summary="Type a cost: PyTorch records how it is computed, plays the record back for the gradient, and minimises it.",
    params=Autodiff,
    run=run,
    trains=True,
    look_for=(
        "Nobody writes a derivative here: while J is computed, every operation leaves an entry on the tape, and played back "
        "from the last to the first the entries hand the derivative on to w. The five programs below do the same in other "
        "words, and the one by hand shows what the tape saves you. Type a cost of your own with two valleys: which one does "
        "the path find, and does Adam find the same?"
    ),
    maths=(
        r"$$J(w) = w^2 - 10w + 25 = (w - 5)^2, \qquad \text{so the minimum is at } w = 5$$"
        "\n\n"
        r"A framework records $u_1, u_2, \dots, u_n = J$ as they are computed and then goes back: "
        r"$$\frac{dJ}{du_n} = 1, \qquad \frac{dJ}{du_i} = \sum_{k \,:\, u_k \text{ uses } u_i} \frac{dJ}{du_k}\,"
        r"\frac{\partial u_k}{\partial u_i}, \qquad w := w - \alpha \frac{dJ}{dw}$$"
    ),
    code=(minimise, tape, Expression.forward, programs),
    presets={
        "Two parameters": {"cost": "(w-3)^2+2*(b+1)^2+sin(w)"},
        "Adam": {"optimizer": "adam", "rate": 0.5, "steps": 100},
        "Two valleys": {"cost": "0.1*w^4-2*w^2+w", "start": 1.0, "rate": 0.02, "reach": 5.0},
        "Log loss": {"cost": "log(1+exp(-w))+0.1*w^2", "rate": 0.5},
        "Diverges": {"rate": 1.03, "steps": 100},
        "Curved valley": {
            "cost": "square(1-w)+10*square(b-w^2)",
            "optimizer": "adam",
            "start": -1.0,
            "start_b": 2.0,
            "steps": 500,
            "reach": 3.0,
        },
    },
    rows=(("Path", "Cost by step"),),
)
