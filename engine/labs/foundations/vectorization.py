"""Vectorization: an explicit loop against one product, timed live for growing n."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from engine.figures.theme import BLUE, GREEN, GREY, VERMILION, figure, line
from engine.lab import Frame, Frames, Lab
from engine.params import Params, choice, integer
from engine.seeding import generator
from engine.training import paced

COLORS = {"loop": VERMILION, "NumPy": GREEN, "PyTorch": BLUE}
LEAST_SECONDS = 0.005
ROWS = 16


class Vectorization(Params):
    """What a person can move."""

    task: Literal["dot", "layer"] = choice(
        "dot",
        label="Compute",
        help="One unit's w·x, or a layer W X of 16 units over n examples.",
        names={"dot": "w · x", "layer": "W X"},
    )
    largest: int = integer(
        100_000,
        low=100,
        high=1_000_000,
        hint=(1000, 1_000_000, 1000),
        log=True,
        label="Largest n",
        help="Where to stop.",
    )
    repeats: int = integer(
        5, low=1, high=50, label="Repeats", help="The quickest of so many counts, the rest was disturbed."
    )


def dot_loop(w: list[float], x: list[float]) -> float:
    """Σ w_i x_i, one product after another."""
    total = 0.0
    for i in range(len(w)):
        total += w[i] * x[i]
    return total


def layer_loop(W: list[list[float]], X: list[list[float]]) -> list[list[float]]:
    """W X for W (n_out, n_in) and X (n_in, m) as lists: three loops, (n_out, m)."""
    Z = [[0.0] * len(X[0]) for _ in W]
    for i, row in enumerate(W):
        for k, w in enumerate(row):
            for j, x in enumerate(X[k]):
                Z[i][j] += w * x
    return Z


def tasks(params: Vectorization, n: int) -> tuple[dict[str, Callable[[], Any]], int]:
    """The same computation three ways, and how many products it takes."""
    random = generator(params.seed, n)
    if params.task == "dot":
        a, b = (torch.randn(n, generator=random, dtype=torch.float64) for _ in range(2))
        loop: Callable[[Any, Any], Any] = dot_loop
        count = n
    else:
        m = max(1, n // ROWS**2)
        a = torch.randn(ROWS, ROWS, generator=random, dtype=torch.float64)
        b = torch.randn(ROWS, m, generator=random, dtype=torch.float64)
        loop, count = layer_loop, ROWS * ROWS * m
    lists, arrays = (a.tolist(), b.tolist()), (a.numpy(), b.numpy())
    return {"loop": lambda: loop(*lists), "NumPy": lambda: np.dot(*arrays), "PyTorch": lambda: a @ b}, count


def seconds(function: Callable[[], Any], repeats: int) -> float:
    """How long one call takes: the quickest of so many rounds, each long enough for the clock."""
    calls, best = 1, float("inf")
    for _ in range(repeats):
        began = time.perf_counter()
        for _ in range(calls):
            function()
        spent = time.perf_counter() - began
        best = min(best, spent / calls)
        calls = max(1, min(1000, round(LEAST_SECONDS / best)))
    return best


def difference(params: Vectorization, n: int) -> float:
    """The largest difference between the loop's result and PyTorch's, relative to the largest number in it."""
    ways, _ = tasks(params, n)
    loop, product = (torch.as_tensor(ways[name](), dtype=torch.float64) for name in ("loop", "PyTorch"))
    largest: Tensor = product.abs().max()
    return float((loop - product).abs().max() / largest)


def measured(params: Vectorization) -> Iterator[list[tuple[int, dict[str, float], float]]]:
    """All sizes measured so far: how many products, seconds each way, and the difference of the results."""
    done: list[tuple[int, dict[str, float], float]] = []
    for n in np.unique(np.geomspace(10, params.largest, 9).astype(int)).tolist():
        ways, count = tasks(params, n)
        times = {name: seconds(way, params.repeats) for name, way in ways.items()}
        done = [*done, (count, times, difference(params, n))]
        yield done


def run(params: Vectorization) -> Frames:
    """A frame for each size as it is measured."""
    for done in paced(measured(params)):
        yield frame(params, done)


def frame(params: Vectorization, done: list[tuple[int, dict[str, float], float]]) -> Frame:
    """Times and their ratio, as far as measured."""
    count, times, apart = done[-1]
    faster = {name: times["loop"] / times[name] for name in ("NumPy", "PyTorch")}
    sizes = len(np.unique(np.geomspace(10, params.largest, 9).astype(int)))
    return Frame(
        figures={"Time of one call": curves(done), "Times faster than the loop": ratios(done)},
        says=(
            f"For {count:,} products the loop takes {times['loop'] * 1e3:.3g} ms, NumPy {times['NumPy'] * 1e3:.3g} ms and "
            f"PyTorch {times['PyTorch'] * 1e3:.3g} ms; the results differ by {apart:.1g} at most."
        ),
        metrics={
            "Products": f"{count:,}",
            "Loop": f"{times['loop'] * 1e3:.3g} ms",
            "PyTorch": f"{times['PyTorch'] * 1e3:.3g} ms, {faster['PyTorch']:.3g} ×",
            "Results differ by": f"{max(apart for _, _, apart in done):.1g}",
        },
        progress=len(done) / sizes,
    )


def curves(done: list[tuple[int, dict[str, float], float]]) -> Any:
    """Seconds against the number of products, both on log axes."""
    counts = [count for count, _, _ in done]
    traces = []
    for name, color in COLORS.items():
        spent = [times[name] for _, times, _ in done]
        hover = f"{name}, %{{x:,}} products: %{{y:.2e}} s<extra></extra>"
        traces.append(line(counts, spent, name, color, mode="lines+markers", hovertemplate=hover))
    log = {"type": "log", "exponentformat": "power", "dtick": 1}
    return figure(traces, x="products n", y="seconds", xaxis={**log, "tickformat": "~s"}, yaxis=log)


def ratios(done: list[tuple[int, dict[str, float], float]]) -> Any:
    """How many times faster than the loop."""
    counts = [count for count, _, _ in done]
    traces = [
        line([counts[0], counts[-1]], [1, 1], "loop", GREY, line={"color": GREY, "dash": "dot"}, hoverinfo="skip")
    ]
    for name in ("NumPy", "PyTorch"):
        faster = [times["loop"] / times[name] for _, times, _ in done]
        traces.append(
            line(counts, faster, name, COLORS[name], mode="lines+markers", hovertemplate="%{x:,}: %{y:.3g} ×")
        )
    log = {"type": "log", "tickformat": "~s", "dtick": 1}
    return figure(traces, x="products n", y="times faster", xaxis=log, yaxis=log)


LAB = Lab(
    slug="vectorization",
    summary="Time the same sum of products as a loop and as one call, on the machine that serves this page.",
    params=Vectorization,
    run=run,
    trains=True,
    measures=True,
    look_for=(
        "For ten numbers the loop may win, since a call of NumPy or PyTorch costs a microsecond before it starts. From a "
        "few hundred on the loop's line stays steep and theirs flat, until the work outweighs the call. All three give the "
        "same number but for rounding. At which n does the gain stop growing, and what limits it there?"
    ),
    maths=(
        r"$$z = w^T x + b = \sum_{i=1}^n w_i x_i + b, \qquad Z = W X + b$$"
        "\n\n"
        r"A loop runs $n$ steps of the interpreter; the product is one call whose $n$ steps run in compiled code, several at "
        r"once (SIMD) and in an order that keeps to the cache."
    ),
    code=(dot_loop, layer_loop, tasks, seconds),
    presets={
        "A layer": {"task": "layer"},
        "To a million": {"largest": 1_000_000, "repeats": 2},
        "Small": {"largest": 1000},
    },
    rows=(("Time of one call", "Times faster than the loop"),),
)
