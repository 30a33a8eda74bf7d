"""Typed mathematics as a graph: read by a whitelist, computed forward, differentiated backward, node by node.

    sum     := product (("+" | "-") product)*
    product := factor (("*" | "/") factor)*
    factor  := "-" factor | atom (("^" | "**") factor)?
    atom    := number | variable | function "(" sum ")" | "(" sum ")"

All arithmetic is that of float64 tensors, so 9^9^9 is infinite and takes no time.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count

import torch
from torch import Tensor

from engine.errors import BadInput

LONGEST, DEEPEST, MOST_VALUES, MOST_SHOWN = 200, 30, 12, 40

NUMBER = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
TOKEN = re.compile(rf" *({NUMBER}|[A-Za-z][A-Za-z0-9]*|\*\*|[^ ]) *")
FOREIGN = re.compile(r"[^A-Za-z0-9 +\-*/^().,]")
VALUE = re.compile(rf" *([A-Za-z][A-Za-z0-9]{{0,7}}) *= *(-?{NUMBER}) *")


@dataclass(frozen=True)
class Operation:
    """One kind of node.

    ``value`` maps the inputs to the output, ``slopes`` the output and the inputs to the local derivative by each input.
    ``written`` and ``rules`` say the same as NumPy would, {0} and {1} standing for the inputs and {out} for the output.
    """

    written: str
    value: Callable[..., Tensor]
    slopes: Callable[..., tuple[Tensor | float, ...]]
    rules: tuple[str, ...]


def _power_slopes(out: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """y x^(y-1) and x^y log x; x^0 is flat in x even at 0, and 0^y is flat in y."""
    by_base = torch.where(y == 0, 0.0, y * x ** (y - 1))
    by_exponent = torch.where((x == 0) & (y >= 0), 0.0, out * x.log())
    return by_base, by_exponent


OPERATIONS = {
    "+": Operation("{0} + {1}", torch.add, lambda out, x, y: (1.0, 1.0), ("1", "1")),
    "-": Operation("{0} - {1}", torch.sub, lambda out, x, y: (1.0, -1.0), ("1", "-1")),
    "*": Operation("{0} * {1}", torch.mul, lambda out, x, y: (y, x), ("{1}", "{0}")),
    "/": Operation("{0} / {1}", torch.div, lambda out, x, y: (1 / y, -out / y), ("1 / {1}", "-{out} / {1}")),
    "^": Operation("{0} ** {1}", torch.pow, _power_slopes, ("{1} * {0} ** ({1} - 1)", "{out} * np.log({0})")),
    "negative": Operation("-{0}", torch.neg, lambda out, x: (-1.0,), ("-1",)),
    "exp": Operation("np.exp({0})", torch.exp, lambda out, x: (out,), ("{out}",)),
    "log": Operation("np.log({0})", torch.log, lambda out, x: (1 / x,), ("1 / {0}",)),
    "sigmoid": Operation(
        "1 / (1 + np.exp(-{0}))", torch.sigmoid, lambda out, x: (out * (1 - out),), ("{out} * (1 - {out})",)
    ),
    "tanh": Operation("np.tanh({0})", torch.tanh, lambda out, x: (1 - out * out,), ("(1 - {out} ** 2)",)),
    "relu": Operation("np.maximum({0}, 0)", torch.relu, lambda out, x: ((x > 0).to(x),), ("({0} > 0)",)),
    "sqrt": Operation("np.sqrt({0})", torch.sqrt, lambda out, x: (1 / (2 * out),), ("1 / (2 * {out})",)),
    "sin": Operation("np.sin({0})", torch.sin, lambda out, x: (x.cos(),), ("np.cos({0})",)),
    "cos": Operation("np.cos({0})", torch.cos, lambda out, x: (-x.sin(),), ("-np.sin({0})",)),
    "abs": Operation("np.abs({0})", torch.abs, lambda out, x: (x.sign(),), ("np.sign({0})",)),
    "square": Operation("np.square({0})", torch.square, lambda out, x: (2 * x,), ("2 * {0}",)),
}
FUNCTIONS = tuple(name for name in OPERATIONS if name.isalpha() and name != "negative")


@dataclass(frozen=True)
class Node:
    """A number, a variable, or an operation on earlier nodes, given by their places."""

    name: str
    operation: str = ""
    inputs: tuple[int, ...] = ()
    number: float | None = None


@dataclass(frozen=True)
class Expression:
    """Nodes in topological order, the result last. What is written twice, a variable or a term, is one node."""

    nodes: tuple[Node, ...]

    @property
    def variables(self) -> dict[str, int]:
        """The variables in use and their nodes' places, in order of appearance."""
        return {node.name: i for i, node in enumerate(self.nodes) if not node.operation and node.number is None}

    def forward(self, values: Mapping[str, Tensor | float]) -> list[Tensor]:
        """The value of every node, float64, for variables of any shapes that broadcast."""
        found: list[Tensor] = []
        for node in self.nodes:
            if node.operation:
                found.append(OPERATIONS[node.operation].value(*(found[i] for i in node.inputs)))
            else:
                given = values[node.name] if node.number is None else node.number
                found.append(torch.as_tensor(given, dtype=torch.float64))
        return found

    def backward(self, values: Sequence[Tensor]) -> list[Tensor]:
        """The derivative of the result, summed over its elements, by every node: the shapes of ``values``.

        From the last node to the first: each hands on its own derivative times the local one, and a node that is used
        several times adds up what it is handed.
        """
        slopes = [torch.zeros_like(value) for value in values]
        slopes[-1] = torch.ones_like(values[-1])
        for place in range(len(values) - 1, -1, -1):
            node = self.nodes[place]
            if node.operation:
                local = OPERATIONS[node.operation].slopes(values[place], *(values[i] for i in node.inputs))
                for i, by_input in zip(node.inputs, local, strict=True):
                    slopes[i] = slopes[i] + (slopes[place] * by_input).sum_to_size(values[i].shape)
        return slopes

    def written(self, place: int) -> str:
        """One node's operation on the names of its inputs, as NumPy would write it."""
        node = self.nodes[place]
        return OPERATIONS[node.operation].written.format(*self._names(node)) if node.operation else node.name

    def rules(self, place: int) -> tuple[str, ...]:
        """One node's local derivatives by its inputs, as NumPy would write them."""
        node = self.nodes[place]
        rules = OPERATIONS[node.operation].rules if node.operation else ()
        return tuple(rule.format(*self._names(node), out=node.name) for rule in rules)

    def _names(self, node: Node) -> list[str]:
        return [self.nodes[i].name for i in node.inputs]


def parse(text: str, variables: Collection[str]) -> Expression:
    """Read an expression in these variables; BadInput, in one sentence, for anything else."""
    if len(text) > LONGEST:
        raise BadInput(f"The expression must have at most {LONGEST} characters, got {len(text):,}.")
    if foreign := FOREIGN.search(text):
        raise BadInput(
            "The expression must be made of the letters a to z, digits, spaces and + - * / ^ ( ) . "
            f"and nothing else, got {foreign[0]!a}."
        )
    return Expression(_named(_Parser(TOKEN.findall(text), variables).parse(), variables))


def read_values(text: str) -> dict[str, float]:
    """Values of variables, such as ``a=5, b=-3.2``; BadInput, in one sentence, for anything else."""
    values: dict[str, float] = {}
    for place, part in enumerate(text.split(","), 1):
        found = VALUE.fullmatch(part)
        if not found:
            raise BadInput(
                f"Values must read like a=5, b=-3.2, a short name, = and a number each, got something else at place {place}."
            )
        name, number = found[1], float(found[2])
        if name in OPERATIONS:
            raise BadInput(f"A value's name must not be that of a function, got {name}.")
        if name in values or not math.isfinite(number) or place > MOST_VALUES:
            raise BadInput(
                f"Values must be at most {MOST_VALUES} finite numbers, one for each name, got {name} again or more."
            )
        values[name] = number
    return values


class _Parser:
    """Recursive descent over the grammar above; each rule returns the place of its node."""

    def __init__(self, tokens: Sequence[str], variables: Collection[str]) -> None:
        self._tokens = tokens
        self._variables = variables
        self._at = 0
        self._depth = 0
        self._places: dict[Node, int] = {}

    def parse(self) -> list[Node]:
        """All nodes, their operations still without a name."""
        self._sum()
        self._must(self._next is None, "an operator such as *")
        return list(self._places)

    @property
    def _next(self) -> str | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _take(self, *wanted: str) -> str:
        """The next token, taken if it is one of those; else nothing."""
        token = self._next
        if token is None or token not in wanted:
            return ""
        self._at += 1
        return token

    def _must(self, holds: object, what: str) -> None:
        if not holds:
            must = f"go on with {what} after {_shown(self._tokens[self._at - 1])}" if self._at else f"begin with {what}"
            got = _shown(self._next) if self._next is not None else "its end" if self._at else "nothing"
            raise BadInput(f"The expression must {must}, got {got}.")

    def _node(self, node: Node) -> int:
        return self._places.setdefault(node, len(self._places))

    def _operation(self, name: str, *inputs: int) -> int:
        return self._node(Node("", name, inputs))

    def _sum(self) -> int:
        left = self._product()
        while operator := self._take("+", "-"):
            left = self._operation(operator, left, self._product())
        return left

    def _product(self) -> int:
        left = self._factor()
        while operator := self._take("*", "/"):
            left = self._operation(operator, left, self._factor())
        return left

    def _factor(self) -> int:
        # Every way to nest goes through here, so this bound is the only one that is needed.
        self._depth += 1
        if self._depth > DEEPEST:
            raise BadInput(f"The expression must be nested at most {DEEPEST} deep, got more.")
        place = self._operation("negative", self._factor()) if self._take("-") else self._power()
        self._depth -= 1
        return place

    def _power(self) -> int:
        base = self._atom()
        return self._operation("^", base, self._factor()) if self._take("^", "**") else base

    def _atom(self) -> int:
        if self._take("("):
            return self._closed()
        token = self._next or ""
        is_number = re.fullmatch(NUMBER, token)
        self._must(is_number or token.isalnum(), "a number, a name or (")
        self._at += 1
        if is_number:
            if not math.isfinite(float(token)):
                raise BadInput(f"A number must be less than 1.8e308, got {_shown(token)}.")
            return self._node(Node(_plain(float(token)), number=float(token)))
        if token in FUNCTIONS:
            self._must(self._take("("), f"( for {token}")
            return self._operation(token, self._closed())
        if token not in self._variables:
            known = ", ".join((*self._variables, *FUNCTIONS))
            raise BadInput(f"A name in the expression must be one of {known}, got {_shown(token)}.")
        return self._node(Node(token))

    def _closed(self) -> int:
        place = self._sum()
        self._must(self._take(")"), "an operator or )")
        return place


def _named(nodes: Sequence[Node], variables: Collection[str]) -> tuple[Node, ...]:
    """Names for the operations, the course's: the result is J, a sigmoid is a = sigmoid(z), and the rest u, v, w ..."""
    wanted = {len(nodes) - 1: "J"}
    for i, node in enumerate(nodes):
        if node.operation == "sigmoid":
            wanted = {node.inputs[0]: "z", i: "a"} | wanted
    taken = set(variables)
    free = (name for name in chain("uvwpqrst", (f"u{i}" for i in count(1))) if name not in taken)
    named = []
    for i, node in enumerate(nodes):
        if node.operation:
            name = wanted.get(i, "")
            node = replace(node, name=name if name and name not in taken else next(free))
            taken.add(node.name)
        named.append(node)
    return tuple(named)


def _shown(text: str) -> str:
    """What was typed, all ASCII by now, cut to a length that fits into a sentence."""
    return repr(text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 3] + "...")


def _plain(number: float) -> str:
    """The shortest text that reads back as the same number."""
    return str(int(number)) if number.is_integer() and number < 1e15 else repr(number)
