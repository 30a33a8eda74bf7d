"""A typed expression as a graph: values forward, derivatives backward, one node at a time."""

from __future__ import annotations

import math
from typing import Any

from engine.errors import BadInput
from engine.figures import expressions as figures
from engine.functional.expressions import Expression, parse, read_values
from engine.lab import MOST_METRICS, Frame, Frames, Lab
from engine.params import Params, integer, number, text
from engine.results.graphs import GraphWalk, shown, walk

LOSS = "-(y*log(sigmoid(w*x+b))+(1-y)*log(1-sigmoid(w*x+b)))"
EXAMPLE = "w=0.5, b=-0.3, x=2, y=1"
ALL = 400
UNKNOWN = "…"


class ComputationGraph(Params):
    """What a person can move."""

    expression: str = text(
        "3*(a+b*c)",
        longest=200,
        label="Expression J",
        help="Numbers, the names given below, + - * / ^, and exp, log, sigmoid, tanh, relu, sqrt, sin, cos, abs, square.",
    )
    values: str = text(
        "a=5, b=3, c=2",
        longest=200,
        label="Values",
        help="A number for every name in the expression, such as a=5, b=3.",
    )
    step: int = integer(
        9,
        low=0,
        high=ALL,
        hint=(0, 30, 1),
        label="Step",
        help="How far to walk: forward node by node, then backward. Beyond the last step everything is in sight.",
    )
    nudged: str = text("a", longest=8, label="Name to nudge", help="The name whose value the nudge moves.")
    nudge: float = number(
        0.0,
        low=-100.0,
        high=100.0,
        hint=(-1.0, 1.0, 0.001),
        label="Nudge",
        help="What to add to that value, to see how far J moves.",
    )


def run(params: ComputationGraph) -> Frames:
    """One frame: the graph up to the step, and the table of its nodes."""
    values = read_values(params.values)
    graph = parse(params.expression, tuple(values))
    before = float(graph.forward(values)[-1])
    if params.nudge:
        if params.nudged not in values:
            raise BadInput(f"The name to nudge must be one of {', '.join(values)}, got another one.")
        values[params.nudged] += params.nudge
    now = walk(graph, values, params.step)
    result = len(graph.nodes) - 1
    inputs = [graph.variables[name] for name in values if name in graph.variables]
    wrong = next((i for i in now.drawn if not math.isfinite(now.values[i])), None)
    yield Frame(
        figures={"Graph": figures.graph(now)},
        says=told(now),
        note=moved(params, values, before, now.values[result]),
        metrics={"J": value(now, result), **{f"dJ/d{now.name(i)}": slope(now, i) for i in inputs[: MOST_METRICS - 1]}},
        diverged="" if wrong is None else f"{now.operation(wrong)} has no finite value here.",
        tables={"Every node": table(now)},
    )


def value(now: GraphWalk, place: int) -> str:
    """A node's value, if it is known by now."""
    return shown(now.values[place]) if now.has_value(place) else UNKNOWN


def slope(now: GraphWalk, place: int) -> str:
    """The derivative of J by a node, if it is known by now."""
    return shown(now.slopes[place]) if now.has_slope(place) else UNKNOWN


def told(now: GraphWalk) -> str:
    """What this step computes, the chain rule with its numbers; or, after the last, what came out."""
    here = now.current
    if here is None:
        inputs = ", ".join(f"dJ/d{name} = {slope(now, i)}" for name, i in now.graph.variables.items())
        return f"J = {value(now, len(now.values) - 1)}; {inputs or 'no variable'}."
    if not now.back:
        return f"Step {now.step} of {now.steps}, forward: {now.operation(here)} = {value(now, here)}."
    handed = [(user, rule) for user in now.drawn for i, rule in now.rules(user) if i == here]
    terms = " + ".join(f"d{now.name(user)} · {rule}" for user, rule in handed)
    chain = f"d{now.name(here)} = {terms}" if terms else f"d{now.name(here)}, which is dJ/dJ,"
    return f"Step {now.step} of {now.steps}, backward: {chain} = {slope(now, here)}."


def moved(params: ComputationGraph, values: dict[str, float], before: float, after: float) -> str:
    """What the nudge did to J."""
    if not params.nudge:
        return ""
    name, to = params.nudged, values[params.nudged]
    return (
        f"Moving {name} from {to - params.nudge:g} to {to:g} moves J from {before:.7g} to {after:.7g}, "
        f"{shown((after - before) / params.nudge)} times as far."
    )


def table(now: GraphWalk) -> dict[str, list[Any]]:
    """Every node: what it computes, its numbers, and its local rules."""
    rules = [", ".join(f"∂{now.name(i)}/∂{now.name(j)} = {rule}" for j, rule in now.rules(i)) for i in now.drawn]
    return {
        "Node": [now.name(i) for i in now.drawn],
        "Operation": [now.operation(i).partition(" = ")[2] or "given" for i in now.drawn],
        "Value": [value(now, i) for i in now.drawn],
        "dJ/dnode": [slope(now, i) for i in now.drawn],
        "Local rule": rules,
    }


LAB = Lab(
    slug="computation-graph",
    summary="Type an expression and walk through its graph: values forward, then derivatives backward by the chain rule.",
    params=ComputationGraph,
    run=run,
    look_for=(
        "Blue values flow from the inputs to J; vermilion derivatives flow back, each the one of the node's user times a "
        "local rule, and du is short for dJ/du. A node with several users adds up what they hand back. In the course's "
        "example, by how much does J grow when b grows by 0.001, and which two numbers of the graph multiply to that?"
    ),
    maths=(
        r"$$J = 3\,(a + bc), \qquad u = bc, \quad v = a + u, \quad J = 3v$$"
        "\n\n"
        r"$$\frac{dJ}{dv} = 3, \qquad \frac{dJ}{du} = \frac{dJ}{dv}\frac{dv}{du} = 3 \cdot 1, \qquad "
        r"\frac{dJ}{db} = \frac{dJ}{du}\frac{du}{db} = 3c$$"
        "\n\n"
        r"For the logistic loss $L = -(y \log a + (1-y) \log(1-a))$ with $a = \sigma(z)$, $z = wx + b$: "
        r"$da = -\frac{y}{a} + \frac{1-y}{1-a}$, $dz = da \cdot a(1-a) = a - y$, $dw = x\,dz$, $db = dz$. "
        r"In general $\frac{dJ}{dx} = \sum_{u \text{ uses } x} \frac{dJ}{du}\,\frac{\partial u}{\partial x}$."
    ),
    code=(Expression.forward, Expression.backward, parse, walk),
    presets={
        "Half-way": {"step": 6},
        "Nudge b": {"nudged": "b", "nudge": 0.001},
        "Logistic loss": {"expression": LOSS, "values": EXAMPLE, "step": 27},
        "Shared input": {"expression": "(a+b)*(a-b)+a", "values": "a=3, b=2", "step": 11},
        "Dead ReLU": {"expression": "square(relu(w*x+b)-y)", "values": "w=-1, x=2, b=0.5, y=1", "step": 15},
        "Vanishing": {"expression": "sigmoid(sigmoid(sigmoid(sigmoid(4*x))))", "values": "x=2", "step": 12},
    },
)
