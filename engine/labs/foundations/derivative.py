"""The derivative as a slope: nudge a by h, and see the slope triangle close on the tangent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import torch

from engine.figures import expressions as figures
from engine.functional.expressions import Expression, parse
from engine.functional.quotients import curvature, quotient, value_and_slope
from engine.lab import Frame, Frames, Lab
from engine.params import Params, choice, number, text
from engine.results.expressions import Nudge, nudge, quotient_error

FORMULAS = {"square": "x^2", "cube": "x^3", "log": "log(x)"}


class Derivative(Params):
    """What a person can move."""

    function: Literal["square", "cube", "log", "typed"] = choice(
        "square",
        label="Function f",
        help="What to take the slope of.",
        names={"square": "x²", "cube": "x³", "log": "log x", "typed": "Typed"},
    )
    typed: str = text(
        "x*sin(x)",
        longest=200,
        label="Typed f(x)",
        help="In use when the function is Typed: numbers, x or a, + - * / ^, and exp, log, sigmoid, tanh, relu, sqrt, sin, "
        "cos, abs, square.",
    )
    a: float = number(
        2.0, low=-100.0, high=100.0, hint=(-3.0, 3.0, 0.05), label="Point a", help="Where to take the slope."
    )
    h: float = number(
        0.5,
        low=1e-16,
        high=10.0,
        hint=(1e-6, 1.0, 1e-6),
        log=True,
        label="Nudge h",
        help="How far to move a. The smaller, the closer Δf/h comes to the slope, until rounding takes over.",
    )


def run(params: Derivative) -> Frames:
    """One frame: the triangle, the same under a lens, and the quotient's error against h."""
    f = parse(FORMULAS.get(params.function, params.typed), ("x", "a"))
    found = nudge(f, params.a, params.h)
    if not found.finite:
        yield undefined(f, params, found)
        return
    (before, after), slope = found.heights, found.slope
    yield Frame(
        figures={
            "Slope triangle": figures.triangle(found),
            "Under the lens": figures.lens(found),
            "Error of the quotient": figures.quotient_error(quotient_error(f, params.a), params.h),
        },
        says=f"Nudging a = {params.a:g} by h = {params.h:g} changes f from {before:.7g} to {after:.7g}, "
        f"{found.ratio:.6g} times as much; the slope f'(a) is {slope:.6g}, "
        f"so the quotient is off by {abs(found.ratio - slope):.2g}.",
        metrics={
            "f(a)": f"{before:.6g}",
            "f(a + h)": f"{after:.6g}",
            "Δf / h": f"{found.ratio:.6g}",
            "f'(a)": f"{slope:.6g}",
        },
    )


def undefined(f: Expression, params: Derivative, found: Nudge) -> Frame:
    """The curve alone, where f or its slope isn't finite at a or a + h, with the nearest half where they are."""
    halves = torch.arange(-100, 100.5, 0.5, dtype=torch.float64)
    good = halves[
        torch.stack([*value_and_slope(f, halves), value_and_slope(f, halves + params.h)[0]]).isfinite().all(0)
    ]
    nearest: Mapping[str, Any] = {"a": float(good[(good - params.a).abs().argmin()])} if len(good) else {}
    why = f"f has no finite value or slope between a = {params.a:g} and a + h = {params.a + params.h:g}."
    return Frame(figures={"Slope triangle": figures.triangle(found)}, says=why, diverged=why, remedy=nearest)


LAB = Lab(
    slug="derivative",
    summary="Nudge a number and see how much further its function moves: the ratio of the two is the slope.",
    params=Derivative,
    run=run,
    look_for=(
        "Shrink h: the triangle vanishes on the curve, but under the lens the curve turns into the tangent and Δf/h into "
        "f'(a). On x² the slope grows with a, on log x it fades as 1/a. The error first falls with h, then rises again, "
        "because f(a + h) and f(a) agree in all but a few digits. At which h does the quotient come closest, and why is it "
        "near the square root of the computer's precision, 10⁻⁸?"
    ),
    maths=(
        r"$$f'(a) = \lim_{h \to 0} \frac{f(a + h) - f(a)}{h}, \qquad "
        r"\frac{d\,a^2}{da} = 2a, \quad \frac{d\,a^3}{da} = 3a^2, \quad \frac{d\log a}{da} = \frac{1}{a}$$"
        "\n\n"
        r"$$\frac{f(a + h) - f(a)}{h} - f'(a) \approx \underbrace{\tfrac{h}{2} f''(a)}_{\text{truncation}} + "
        r"\underbrace{\frac{\varepsilon\,(|f(a)| + |a f'(a)|)}{h}}_{\text{rounding}}, \qquad \varepsilon = 2^{-52}$$"
        "\n\n"
        r"The exact $f'(a)$ comes from the graph of $f$, read backward by the chain rule."
    ),
    code=(value_and_slope, quotient, quotient_error, curvature, Expression.forward, Expression.backward),
    presets={
        "A thousandth": {"h": 0.001},
        "Cube": {"function": "cube", "a": 1.5},
        "Log": {"function": "log", "a": 2.0, "h": 1.0},
        "Sigmoid": {"function": "typed", "typed": "sigmoid(x)", "a": 0.0, "h": 1.0},
        "Kink": {"function": "typed", "typed": "relu(x)", "a": -0.25, "h": 0.5},
        "Rounding": {"function": "cube", "h": 1e-14},
    },
    rows=(("Slope triangle", "Under the lens"), ("Error of the quotient",)),
)
