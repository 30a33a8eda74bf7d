"""Exponentially weighted averages over a noisy year, with and without bias correction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from engine.data.weather import temperatures
from engine.figures.theme import AMBER, BLUE, GREY, VERMILION, figure, line, points
from engine.functional.averages import exponentially_weighted
from engine.lab import Frame, Frames, Lab, Mistake
from engine.params import Params, integer, number, toggle
from engine.seeding import generator

if TYPE_CHECKING:
    import plotly.graph_objects as go

AVERAGE, UNCORRECTED, TRUTH = BLUE, VERMILION, GREY


class Ewma(Params):
    """What a person can move."""

    beta: float = number(
        0.9,
        low=0.0,
        high=0.999,
        hint=(0.0, 0.99, 0.01),
        label="β",
        help="How much of yesterday's average stays in today's.",
    )
    corrected: bool = toggle(True, label="Bias correction", help="Divide what is read by 1 − βᵗ.")
    uncorrected: bool = toggle(
        True, label="Show the uncorrected average too", help="The average as it recurs, from v₀ = 0."
    )
    days: int = integer(
        365, low=10, high=1500, hint=(10, 730, 5), label="Days", help="How many days to average.", unit="d"
    )
    noise: float = number(
        4.0,
        low=0.0,
        high=15.0,
        hint=(0.0, 10.0, 0.5),
        label="Weather",
        help="Deviation of a day from its season.",
        unit="°C",
    )


def window(beta: float) -> float:
    """The number of days that the average looks back over, 1 / (1 - beta)."""
    return 1 / (1 - beta)


def weights(beta: float, days: int) -> Tensor:
    """The weight (1 - beta) * beta^k of the value of k days ago, (days,)."""
    return (1 - beta) * beta ** torch.arange(days, dtype=torch.float64)


def wrong_recursion(values: Tensor, beta: float) -> Tensor:
    """What the notes write: the corrected average put back into the recursion, (n,)."""
    v, averages = torch.zeros((), dtype=values.dtype), []
    for t, value in enumerate(values, 1):
        v = (beta * v + (1 - beta) * value) / (1 - beta**t)
        averages.append(v)
    return torch.stack(averages)


def year(params: Ewma) -> Tensor:
    """The days' temperatures in °C, (days,)."""
    return temperatures(params.days, params.noise, generator(params.seed))


def run(params: Ewma) -> Frames:
    """One frame: the year with its averages, and the weight of each day past."""
    theta = year(params)
    read = exponentially_weighted(theta, params.beta, params.corrected)
    left = params.beta ** window(params.beta)
    yield Frame(
        figures={"Temperature": temperature(params, theta, read), "Weight of a day past": past(params)},
        says=(
            f"With β = {params.beta:g} the average looks back over about {window(params.beta):.3g} days; the first day is read "
            f"as {float(read[0]):.1f} °C where it was {float(theta[0]):.1f} °C."
        ),
        metrics={
            "Window 1/(1−β)": f"{window(params.beta):.3g} d",
            "Weight left there": f"{left:.3f} of today's",
            "First day read": f"{float(read[0]):.1f} °C",
            "First day": f"{float(theta[0]):.1f} °C",
        },
    )


def temperature(params: Ewma, theta: Tensor, read: Tensor) -> go.Figure:
    """Every day as a point, and the averages over them."""
    day = torch.arange(1, len(theta) + 1).numpy()
    hover = {"hovertemplate": "day %{x}: %{y:.1f} °C<extra></extra>"}
    traces = [points(day, theta.float().numpy(), "days", TRUTH, marker={"size": 5}, **hover)]
    if params.uncorrected and params.corrected:
        plain = exponentially_weighted(theta, params.beta, corrected=False)
        traces.append(line(day, plain.float().numpy(), "uncorrected", UNCORRECTED, **hover))
    name, color = ("corrected", AVERAGE) if params.corrected else ("uncorrected", UNCORRECTED)
    traces.append(line(day, read.float().numpy(), name, color, **hover))
    return figure(traces, x="day", y="temperature (°C)")


def past(params: Ewma) -> go.Figure:
    """How much a value of k days ago still counts, with the window marked, where about 1/e of today's weight is left."""
    reach = min(1500, max(10, round(5 * window(params.beta))))
    share = weights(params.beta, reach).float().numpy()
    at = window(params.beta)
    left = (1 - params.beta) * params.beta**at
    traces = [
        line(torch.arange(reach).numpy(), share, "weight (1−β)βᵏ", AVERAGE, fill="tozeroy"),
        points([at], [left], "window", AMBER, marker={"size": 12}),
    ]
    return figure(traces, x="days ago", y="weight", yaxis={"rangemode": "tozero"}, height=300)


def corrected_recursion(params: Ewma) -> Mistake:
    """Where the wrong recursion strays furthest from the right average, and by how much."""
    theta = year(params)
    wrong, right = wrong_recursion(theta, params.beta), exponentially_weighted(theta, params.beta)
    day = int((wrong - right).abs().argmax())
    return Mistake(
        f"The recursion reads {float(wrong[day]):.4g} °C on day {day + 1}, where it strays furthest.",
        f"The average is {float(right[day]):.4g} °C there, of days between {float(theta[: day + 1].min()):.1f} and "
        f"{float(theta[: day + 1].max()):.1f} °C.",
    )


def one_over_e(params: Ewma) -> Mistake:
    """The two numbers that the notes take for one."""
    return Mistake(
        "Both are said to be 0.35.", f"1/e = {float(torch.exp(torch.tensor(-1.0))):.4f} and 0.9¹⁰ = {0.9**10:.4f}."
    )


LAB = Lab(
    slug="ewma",
    summary="Average a noisy year with a memory that fades, and see what the first days need.",
    params=Ewma,
    run=run,
    look_for=(
        "Raise β: the average grows smoother and lags behind the season by more days. Turn the correction off: it starts near "
        "zero and needs about a window to catch up, while the corrected one is right from the first day. Which β follows "
        "a single hot week, and which shows only the season?"
    ),
    maths=(
        r"$$v_t = \beta v_{t-1} + (1-\beta)\,\theta_t, \quad v_0 = 0, \qquad \hat v_t = \frac{v_t}{1-\beta^t}$$"
        "\n\n"
        r"$$v_t = (1-\beta) \sum_{k=0}^{t-1} \beta^k \theta_{t-k}, \qquad \sum_k (1-\beta)\beta^k = 1 - \beta^t$$"
        "\n\n"
        r"The weights add up to $1-\beta^t$, which the correction divides out. After the window of $1/(1-\beta)$ "
        r"days they have fallen to $\beta^{1/(1-\beta)} \approx 1/e$ of the first."
    ),
    code=(exponentially_weighted, weights),
    presets={
        "Two days": {"beta": 0.5},
        "Fifty days": {"beta": 0.98},
        "No correction": {"beta": 0.98, "corrected": False},
        "First month": {"beta": 0.95, "days": 30},
    },
    mistakes={"ewma-corrected-recursion": corrected_recursion, "one-over-e": one_over_e},
    rows=(("Temperature",), ("Weight of a day past",)),
)
