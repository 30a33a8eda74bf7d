"""A computation graph walked through: values forward, derivatives backward."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from engine.functional.expressions import FUNCTIONS, Expression


@dataclass(frozen=True)
class GraphWalk:
    """A graph with the numbers of all its nodes, as far as ``step``: one operation a step forward, then one node back.

    ``values`` and ``slopes``, the derivatives of the result, hold every node of the graph. ``drawn`` are the places of all
    but the plain numbers, and ``operations`` of those that are computed.
    """

    graph: Expression
    values: tuple[float, ...]
    slopes: tuple[float, ...]
    drawn: tuple[int, ...]
    operations: tuple[int, ...]
    step: int

    @property
    def steps(self) -> int:
        """How many there are."""
        return len(self.operations) + len(self.drawn)

    @property
    def back(self) -> int:
        """How many nodes have their derivative by now, from the result backward."""
        return min(max(self.step - len(self.operations), 0), len(self.drawn))

    @property
    def current(self) -> int | None:
        """The node that this step computes; none before the first step and after the last."""
        if not 0 < self.step <= self.steps:
            return None
        return self.drawn[-self.back] if self.back else self.operations[self.step - 1]

    @property
    def inputs(self) -> list[list[int]]:
        """The inputs of each drawn node, as places among the drawn."""
        at = {place: i for i, place in enumerate(self.drawn)}
        return [[at[i] for i in dict.fromkeys(self.graph.nodes[place].inputs) if i in at] for place in self.drawn]

    def has_value(self, place: int) -> bool:
        """Whether the node's value is known by now."""
        return place not in self.operations[self.step :]

    def has_slope(self, place: int) -> bool:
        """Whether the node's derivative is known by now."""
        return self.back > 0 and place >= self.drawn[-self.back]

    def name(self, place: int) -> str:
        """The node's name."""
        return self.graph.nodes[place].name

    def operation(self, place: int) -> str:
        """What the node computes, such as v = a + u."""
        return operation(self.graph, place)

    def rules(self, place: int) -> list[tuple[int, str]]:
        """The node's local derivative by each of its inputs that are drawn."""
        node = self.graph.nodes[place]
        pairs = zip(node.inputs, self.graph.rules(place), strict=True)
        return [(i, plain(rule)) for i, rule in pairs if i in self.drawn]


def walk(graph: Expression, values: Mapping[str, float], step: int) -> GraphWalk:
    """Both passes through the graph."""
    forward = graph.forward(values)
    backward = graph.backward(forward)
    last = len(graph.nodes) - 1
    drawn = tuple(i for i, node in enumerate(graph.nodes) if node.number is None or i == last)
    operations = tuple(i for i in drawn if graph.nodes[i].operation)
    return GraphWalk(graph, tuple(map(float, forward)), tuple(map(float, backward)), drawn, operations, step)


def operation(graph: Expression, place: int) -> str:
    """What a node computes, such as v = a + u, or its name where it is given."""
    node = graph.nodes[place]
    if not node.operation:
        return node.name
    if node.operation in FUNCTIONS:
        return f"{node.name} = {node.operation}({graph.nodes[node.inputs[0]].name})"
    return f"{node.name} = {plain(graph.written(place))}"


def shown(number: float, digits: int = 5) -> str:
    """A number in few digits, or a word where it isn't one."""
    # Adding zero turns a negative zero into a plain one.
    return "undefined" if math.isnan(number) else f"{number + 0.0:.{digits}g}"


def plain(python: str) -> str:
    """An operation or a rule as a person would write it."""
    return python.replace("np.", "").replace(" ** ", "^")
