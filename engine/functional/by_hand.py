"""Forward and backward propagation one equation at a time, in the course's layout: examples are columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from engine.functional.activations import ACTIVATIONS, sigmoid
from engine.functional.losses import binary_cross_entropy
from engine.functional.mlp import Parameters

RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹"


@dataclass(frozen=True)
class Equation:
    """One line: ``left`` = ``right`` from the matrices in ``uses``, in ``layer``; ``stage`` is forward, backward or update."""

    left: str
    right: str
    uses: tuple[str, ...]
    layer: int
    stage: str


def raised(name: str, layer: int) -> str:
    """A name with its layer raised: W¹."""
    return name + RAISED[layer]


def equations(layers: int, activation: str) -> list[Equation]:
    """All lines for a network of so many layers with a sigmoid output and binary cross-entropy, in the order of computing."""
    lines = []
    for n in range(1, layers + 1):
        W, b, Z, A, below = (raised(name, layer) for name, layer in zip("WbZAA", (n, n, n, n, n - 1), strict=True))
        g = "σ" if n == layers else activation
        lines.append(Equation(Z, f"{W} {below} + {b}", (W, below, b), n, "forward"))
        lines.append(Equation(A, f"{g}({Z})", (Z,), n, "forward"))
    last = raised("A", layers)
    lines.append(Equation("J", f"−1/m Σ [Y log {last} + (1 − Y) log(1 − {last})]", (last, "Y"), layers, "forward"))
    for n in range(layers, 0, -1):
        dZ, dA, A, below = raised("dZ", n), raised("dA", n), raised("A", n), raised("A", n - 1)
        if n == layers:
            lines.append(Equation(dZ, f"{A} − Y", (A, "Y"), n, "backward"))
        else:
            W, above = raised("W", n + 1), raised("dZ", n + 1)
            lines.append(Equation(dA, f"{W}ᵀ {above}", (W, above), n, "backward"))
            lines.append(Equation(dZ, f"{dA} ∗ {activation}′({raised('Z', n)})", (dA, A), n, "backward"))
        lines.append(Equation(raised("dW", n), f"1/m {dZ} {below}ᵀ", (dZ, below), n, "backward"))
        lines.append(Equation(raised("db", n), f"1/m Σ {dZ}, over the examples", (dZ,), n, "backward"))
    for n in range(1, layers + 1):
        for name in ("W", "b"):
            p, d = raised(name, n), raised(f"d{name}", n)
            lines.append(Equation(f"{p} new", f"{p} − α {d}", (p, d), n, "update"))
    return lines


def computed(params: Parameters, x: Tensor, y: Tensor, activation: str, rate: float) -> dict[str, Tensor]:
    """Every matrix of :func:`equations` by name, for [W1, b1, ...], x (m, n0) and y (m,): X, Z, A, dZ (n_l, m); b (n_l, 1).

    dZ is per example, without the 1/m of the mean, which dW and db carry, as in the course.
    """
    g, layers, m = ACTIVATIONS[activation], len(params) // 2, len(y)
    found = {"A⁰": x.T, "Y": y[None]}
    for n in range(1, layers + 1):
        W, b = params[2 * n - 2], params[2 * n - 1][:, None]
        Z = W @ found[raised("A", n - 1)] + b
        values = {"W": W, "b": b, "Z": Z, "A": sigmoid(Z) if n == layers else g.function(Z)}
        found |= {raised(name, n): value for name, value in values.items()}
    A = found[raised("A", layers)]
    found["J"] = binary_cross_entropy(A, found["Y"]).reshape(1, 1)
    dZ = A - found["Y"]
    for n in range(layers, 0, -1):
        if n < layers:
            dA = found[raised("W", n + 1)].T @ dZ
            found[raised("dA", n)] = dA
            dZ = g.backprop(dA.clone(), found[raised("A", n)])  # dA * g'(Z), the slope read from A
        found[raised("dZ", n)] = dZ
        found[raised("dW", n)] = dZ @ found[raised("A", n - 1)].T / m
        found[raised("db", n)] = dZ.sum(1, keepdim=True) / m
    for name in [raised(kind, n) for n in range(1, layers + 1) for kind in ("W", "b")]:
        found[f"{name} new"] = found[name] - rate * found[f"d{name}"]
    return found


def gradients(found: dict[str, Tensor], layers: int) -> Sequence[Tensor]:
    """[dW1, db1, ..., dWL, dbL] in the layout of ``mlp``."""
    return [part for n in range(1, layers + 1) for part in (found[raised("dW", n)], found[raised("db", n)][:, 0])]
