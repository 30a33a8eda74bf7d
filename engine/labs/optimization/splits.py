"""Train/dev/test splits: how large each part is, and how far a dev estimate wanders at that size."""

from __future__ import annotations

from functools import cache
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from engine.data import planar
from engine.figures.theme import AMBER, BLUE, DEV, GREEN, GREY, TRAIN, figure, line
from engine.functional import mlp
from engine.functional.intervals import wilson
from engine.lab import Frame, Frames, Lab
from engine.params import Params, choice, integer, number
from engine.seeding import generator
from engine.training import Recipe, fit

SHARES = {
    "60/20/20": (0.6, 0.2, 0.2),
    "70/15/15": (0.7, 0.15, 0.15),
    "80/10/10": (0.8, 0.1, 0.1),
    "90/5/5": (0.9, 0.05, 0.05),
    "98/1/1": (0.98, 0.01, 0.01),
    "99.5/0.25/0.25": (0.995, 0.0025, 0.0025),
}
COLORS = (TRAIN, DEV, GREEN)
LEARNED, MEASURED = 400, 200_000
NOISE = 0.35
DRAWN = 80


class Splits(Params):
    """What a person can move."""

    m: int = integer(
        10_000, low=100, high=10_000_000, log=True, label="Examples in all", help="To be split into the three parts."
    )
    split: Literal["60/20/20", "70/15/15", "80/10/10", "90/5/5", "98/1/1", "99.5/0.25/0.25"] = choice(
        "60/20/20", label="Train/dev/test", help="Per cent of the examples for each part."
    )
    level: float = number(
        0.95, low=0.5, high=0.999, hint=(0.5, 0.99, 0.01), label="Confidence", help="How often the interval is to hold."
    )
    redraws: int = integer(
        2000,
        low=100,
        high=20_000,
        hint=(200, 5000, 100),
        label="Dev sets drawn",
        help="To see how far the estimate wanders.",
    )


@cache
def mistakes(seed: int) -> Tensor:
    """Which of 200,000 fresh examples a small network, trained on 400, gets wrong: 0 or 1, (200000,)."""
    train, test = (planar.moons(m, NOISE, generator(seed, k)) for k, m in enumerate((LEARNED, MEASURED)))
    start = mlp.initialize((2, 8, 1), generator(seed, 2), "xavier")
    *_, last = fit(start, train, train, Recipe("tanh", 0.5), 300, every=300)
    weights = [p.clone() for p in last.params]
    return ((mlp.predict(weights, test[0], "tanh") > 0.5) != (test[1] == 1)).float()


def sizes(m: int, split: str) -> tuple[int, int, int]:
    """How many examples each part gets; dev and test at least one."""
    _, dev, test = SHARES[split]
    held = max(1, round(m * dev)), max(1, round(m * test))
    return m - sum(held), *held


def estimates(wrong: Tensor, n: int, redraws: int, seed: int) -> Tensor:
    """How many of n examples are wrong in each of many dev sets drawn anew, (redraws,)."""
    share = wrong.mean().double().expand(redraws)
    return torch.binomial(torch.full((redraws,), float(n), dtype=torch.float64), share, generator=generator(seed, 3))


def run(params: Splits) -> Frames:
    """One frame: the three parts, the dev estimates, and their intervals."""
    wrong = mistakes(params.seed)
    truth = float(wrong.double().mean())
    train, dev, test = sizes(params.m, params.split)
    counted = estimates(wrong, dev, params.redraws, params.seed)
    low, high = wilson(counted, dev, params.level)
    held = float(((low <= truth) & (truth <= high)).double().mean())
    spread = float((counted / dev).std(correction=0))
    yield Frame(
        figures={
            "The three parts": parts((train, dev, test)),
            "Dev error, drawn anew": histogram(counted / dev, truth),
            "Intervals": intervals(counted[:DRAWN] / dev, low[:DRAWN], high[:DRAWN], truth),
            "Wander by size": wander(truth, dev, params.level),
        },
        says=(
            f"Of {params.m:,} examples {dev:,} are for dev: an error of {truth:.1%} is then measured with a deviation of "
            f"{spread:.2%}, and {held:.1%} of the {params.level:.0%} intervals hold it."
        ),
        metrics={
            "Train / dev / test": " / ".join(map(short, (train, dev, test))),
            "True error": f"{truth:.2%}",
            "Dev estimate wanders": f"± {spread:.2%}",
            "Intervals that hold it": f"{held:.1%} of {params.level:.0%}",
        },
    )


def short(count: int) -> str:
    """A count in three digits: 6k, 1.25M."""
    return f"{count / 1e6:.3g}M" if count >= 1e6 else f"{count / 1e3:.3g}k" if count >= 1e3 else str(count)


def parts(counts: tuple[int, int, int]) -> Any:
    """The three parts as one bar of the whole."""
    traces = []
    for name, count, color in zip(("train", "dev", "test"), counts, COLORS, strict=True):
        bar = {"type": "bar", "orientation": "h", "x": [count / sum(counts)], "y": ["set"], "name": f"{name} {count:,}"}
        traces.append(
            {**bar, "marker": {"color": color}, "hovertemplate": f"{name}: {count:,}, %{{x:.2%}}<extra></extra>"}
        )
    hidden = {"visible": False}
    return figure(
        traces, x="share", barmode="stack", yaxis=hidden, xaxis={"range": [0, 1], "tickformat": ".0%"}, height=150
    )


def histogram(shares: Tensor, truth: float) -> Any:
    """The measured errors of all redrawn dev sets, with the true one marked."""
    counts, edges = np.histogram(shares.numpy(), 41)
    bars = {"type": "bar", "x": (edges[1:] + edges[:-1]) / 2, "y": counts / counts.sum(), "marker": {"color": DEV}}
    bars |= {"name": "dev estimates", "hovertemplate": "%{x:.2%}: %{y:.1%} of the dev sets<extra></extra>"}
    mark = line([truth, truth], [0, float(counts.max() / counts.sum())], "true error", GREY, hoverinfo="skip")
    return figure([bars, mark], x="measured error", y="share", xaxis={"tickformat": ".1~%"}, bargap=0.05, height=320)


def intervals(shares: Tensor, low: Tensor, high: Tensor, truth: float) -> Any:
    """The first dev sets' intervals, those that miss the true error in another colour."""
    missed = ((low > truth) | (high < truth)).numpy()
    at = np.arange(1, len(shares) + 1)
    traces = []
    for name, color, chosen in (("holds it", BLUE, ~missed), ("misses it", AMBER, missed)):
        y = shares.numpy()[chosen]
        bars = {
            "type": "data",
            "symmetric": False,
            "array": high.numpy()[chosen] - y,
            "arrayminus": y - low.numpy()[chosen],
        }
        trace = {
            "type": "scatter",
            "mode": "markers",
            "x": at[chosen],
            "y": y,
            "name": name,
            "marker": {"color": color, "size": 4},
        }
        hover = "dev set %{x}: %{y:.2%}<extra></extra>"
        traces.append(
            {**trace, "error_y": {**bars, "color": color, "thickness": 1, "width": 0}, "hovertemplate": hover}
        )
    traces.append(line([0, len(shares) + 1], [truth, truth], "true error", GREY, hoverinfo="skip"))
    return figure(traces, x="dev set", y="error", yaxis={"tickformat": ".1~%"}, height=320)


def wander(truth: float, dev: int, level: float) -> Any:
    """The interval around the true error against the size of the dev set, the chosen one marked."""
    n = np.unique(np.logspace(1, 6, 60).astype(int))
    low, high = (
        torch.cat(bounds) for bounds in zip(*(wilson(torch.tensor([truth * k]), int(k), level) for k in n), strict=True)
    )
    band = {"fill": "tonexty", "fillcolor": "rgba(213, 94, 0, 0.2)"}
    hover = {"hovertemplate": "%{x:,} examples: %{y:.2%}<extra></extra>"}
    traces = [
        line(n, low.numpy(), "interval", DEV, showlegend=False, **hover),
        line(n, high.numpy(), "interval", DEV, **band, **hover),
        line([dev, dev], [float(low.min()), float(high.max())], "chosen", AMBER, hoverinfo="skip"),
    ]
    xaxis, yaxis = {"type": "log", "dtick": 1}, {"tickformat": ".0%", "rangemode": "tozero"}
    return figure(traces, x="dev examples", y="error", xaxis=xaxis, yaxis=yaxis, height=320)


LAB = Lab(
    slug="splits",
    summary="Split a set in three, and see how far an error measured on the dev part can be trusted.",
    params=Splits,
    run=run,
    look_for=(
        "A dev set must be large enough to tell two models apart, not a fixed share. Of 10,000 examples 1 % are 100, and an "
        "error of 10 % is then read as anything from 5 % to 17 %; of a million 1 % are 10,000, which is plenty. Four times the "
        "dev examples halve how far the estimate wanders. Which split would you choose for a million examples?"
    ),
    maths=(
        r"$$\hat e = \frac{k}{n}, \qquad k \sim \mathrm{Bin}(n, e), \qquad \sigma_{\hat e} = \sqrt{\frac{e(1-e)}{n}}$$"
        "\n\n"
        r"The interval is Wilson's: all $e$ with $|\hat e - e| \le z \sqrt{e(1-e)/n}$, which solved for $e$ is "
        r"$$\frac{\hat e + \frac{z^2}{2n} \pm z \sqrt{\frac{\hat e(1-\hat e)}{n} + \frac{z^2}{4n^2}}}{1 + \frac{z^2}{n}}$$"
    ),
    code=(sizes, wilson, estimates, mistakes),
    presets={
        "Small set": {"m": 500},
        "1 % of ten thousand": {"split": "98/1/1"},
        "1 % of a million": {"m": 1_000_000, "split": "98/1/1"},
        "Half sure": {"level": 0.5},
    },
    rows=(("The three parts",), ("Dev error, drawn anew", "Intervals"), ("Wander by size",)),
)
