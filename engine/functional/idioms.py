"""One minimisation written as a program in each of five frameworks' idioms, from the graph of its cost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from engine.functional.expressions import FUNCTIONS, Expression, Node

# Template, how tightly it binds, and how tightly each input must bind to stand there without parentheses.
INFIX = {
    "+": ("{} + {}", 1, (1, 2)),
    "-": ("{} - {}", 1, (1, 2)),
    "*": ("{} * {}", 2, (2, 3)),
    "/": ("{} / {}", 2, (2, 3)),
    "negative": ("-{}", 3, (3,)),
    "^": ("{} ** {}", 4, (5, 3)),
}
ATOM = 5
# What PyTorch, TensorFlow and Keras all call them.
OPTIMIZERS = {"sgd": "SGD", "adam": "Adam"}


@dataclass(frozen=True)
class Descent:
    """What to minimise and how: ``start`` by variable; ``optimizer`` is sgd or adam, with its usual coefficients."""

    cost: Expression
    start: Mapping[str, float]
    rate: float
    steps: int
    optimizer: str


def folded(expression: Expression) -> Expression:
    """The same with every term that holds no variable as one number: nobody's integers then grow without end."""
    values = expression.forward(dict.fromkeys(expression.variables, math.nan))
    nodes: list[Node] = []
    for node, value in zip(expression.nodes, values, strict=True):
        if node.operation and all(nodes[i].number is not None for i in node.inputs):
            text = literal(float(value))
            node = Node(f"({text})" if text.startswith("-") else text, number=float(value))
        nodes.append(node)
    return Expression(tuple(nodes))


def infix(expression: Expression, functions: Mapping[str, str]) -> str:
    """The expression in Python, on one line, with these names for its functions."""
    texts: list[tuple[str, int]] = []
    for node in expression.nodes:
        inputs = [texts[i] for i in node.inputs]
        if node.operation in INFIX:
            template, binds, needs = INFIX[node.operation]
            sides = [text if tight >= need else f"({text})" for (text, tight), need in zip(inputs, needs, strict=True)]
            texts.append((template.format(*sides), binds))
        elif node.operation:
            texts.append((f"{functions[node.operation]}({inputs[0][0]})", ATOM))
        elif node.number is not None and node.number < 0:
            texts.append((literal(node.number), INFIX["negative"][1]))
        else:
            texts.append((node.name, ATOM))
    return texts[-1][0]


def literal(number: float) -> str:
    """A number in Python's source."""
    if not math.isfinite(number):
        return f'float("{number}")'
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(number)


def programs(descent: Descent) -> dict[str, str]:
    """The five programs by the framework's name."""
    writers = {"PyTorch": pytorch, "TensorFlow": tensorflow, "JAX": jax, "Keras": keras, "NumPy by hand": numpy}
    descent = replace(descent, cost=folded(descent.cost))
    return {name: write(descent) for name, write in writers.items()}


def _functions(module: str, **others: str) -> dict[str, str]:
    return {name: others.get(name, f"{module}.{name}") for name in FUNCTIONS}


def _lines(names: Mapping[str, float], template: str) -> str:
    return "\n".join(template.format(name=name, start=float(start)) for name, start in names.items())


def _all(descent: Descent, template: str = "{}") -> str:
    return ", ".join(template.format(name) for name in descent.start)


def pytorch(descent: Descent) -> str:
    """Every operation on a tensor is recorded; backward() plays the record from the end."""
    return f"""import torch

{_lines(descent.start, "{name} = torch.tensor({start}, dtype=torch.float64, requires_grad=True)")}
optimizer = torch.optim.{OPTIMIZERS[descent.optimizer]}([{_all(descent)}], lr={descent.rate})

for step in range({descent.steps}):
    optimizer.zero_grad()
    J = {infix(descent.cost, _functions("torch"))}
    J.backward()
    optimizer.step()

print({_all(descent, "{}.item()")})
"""


def tensorflow(descent: Descent) -> str:
    """What happens inside the block is recorded on its tape."""
    functions = _functions("tf", log="tf.math.log", relu="tf.nn.relu")
    return f"""import tensorflow as tf

{_lines(descent.start, "{name} = tf.Variable({start})")}
optimizer = tf.keras.optimizers.{OPTIMIZERS[descent.optimizer]}(learning_rate={descent.rate})

for step in range({descent.steps}):
    with tf.GradientTape() as tape:
        J = {infix(descent.cost, functions)}
    gradients = tape.gradient(J, [{_all(descent)}])
    optimizer.apply_gradients(zip(gradients, [{_all(descent)}]))

print({_all(descent, "{}.numpy()")})
"""


def jax(descent: Descent) -> str:
    """The cost is a pure function, and grad turns it into another one."""
    functions = _functions("jnp", sigmoid="jax.nn.sigmoid", relu="jax.nn.relu")
    return f"""import jax
import jax.numpy as jnp
import optax


def cost(params):
{_lines(descent.start, '    {name} = params["{name}"]')}
    return {infix(descent.cost, functions)}


slope = jax.jit(jax.grad(cost))
params = {{{_lines(descent.start, '"{name}": jnp.array({start})').replace(chr(10), ", ")}}}
optimizer = optax.{descent.optimizer}({descent.rate})
state = optimizer.init(params)

for step in range({descent.steps}):
    updates, state = optimizer.update(slope(params), state)
    params = optax.apply_updates(params, updates)

print(params)
"""


def keras(descent: Descent) -> str:
    """A layer holds the weights, and fit writes the loop, on whichever backend is installed."""
    weight = 'self.{name} = self.add_weight(name="{name}", shape=(), initializer=keras.initializers.Constant({start}))'
    return f"""import keras
import numpy as np
from keras import ops


class Cost(keras.Layer):
    def build(self, shape):
{_lines(descent.start, " " * 8 + weight)}

    def call(self, x):
        {_all(descent)} = {_all(descent, "self.{}")}
        return x + ({infix(descent.cost, _functions("ops"))})


def output(_, J):
    return J


model = keras.Sequential([keras.Input((1,)), Cost()])
model.compile(optimizer=keras.optimizers.{OPTIMIZERS[descent.optimizer]}(learning_rate={descent.rate}), loss=output)
nothing = np.zeros((1, 1), "float32")
model.fit(nothing, nothing, epochs={descent.steps}, verbose=0)

print(model.get_weights())
"""


def numpy(descent: Descent) -> str:
    """The backward pass written out: each derivative is the sum of what the node's users hand on."""
    forward, backward = _passes(descent.cost)
    update = _adam if descent.optimizer == "adam" else _sgd
    moments = "".join(f"m_{name}, s_{name} = 0.0, 0.0\n" for name in descent.start if descent.optimizer == "adam")
    body = [
        "# Forward.",
        *forward,
        "# Backward.",
        *backward,
        "# Update.",
        *(line for name in descent.start for line in update(name, descent.rate)),
    ]
    inside = "\n".join(f"    {line}" for line in body)
    return f"""import numpy as np

{_lines(descent.start, "{name} = np.float64({start})")}
{moments}
for step in range({descent.steps}):
{inside}

print({_all(descent)})
"""


def _passes(cost: Expression) -> tuple[list[str], list[str]]:
    """The lines of the forward and of the backward pass, one a node; numbers need none."""
    nodes = cost.nodes
    handed: list[list[str]] = [[] for _ in nodes]
    handed[-1] = ["1"]
    forward, backward = [], []
    for place in range(len(nodes) - 1, -1, -1):
        node = nodes[place]
        if node.number is not None:
            continue
        backward.append(f"d{node.name} = {' + '.join(handed[place])}")
        if node.operation:
            forward.append(f"{node.name} = {cost.written(place)}")
            for i, rule in zip(node.inputs, cost.rules(place), strict=True):
                handed[i].append({"1": f"d{node.name}", "-1": f"-d{node.name}"}.get(rule, f"d{node.name} * {rule}"))
    return forward[::-1], backward


def _sgd(name: str, rate: float) -> list[str]:
    return [f"{name} = {name} - {rate} * d{name}"]


def _adam(name: str, rate: float) -> list[str]:
    m, s, d = f"m_{name}", f"s_{name}", f"d{name}"
    return [
        f"{m} = 0.9 * {m} + 0.1 * {d}",
        f"{s} = 0.999 * {s} + 0.001 * {d} ** 2",
        f"{name} = {name} - {rate} * ({m} / (1 - 0.9 ** (step + 1))) / (np.sqrt({s} / (1 - 0.999 ** (step + 1))) + 1e-8)",
    ]
