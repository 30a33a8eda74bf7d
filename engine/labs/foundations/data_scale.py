"""Scale drives progress: accuracy against the number of training examples, for a linear model and three networks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from engine.device import device
from engine.examples import NAMES, PLANAR, TABULAR, AnyExamples, Data, draw, load
from engine.figures import planar
from engine.figures.theme import BLUE, GREEN, GREY, PURPLE, figure, line
from engine.functional import mlp
from engine.functional.mlp import Parameters
from engine.functional.optimizers import adam
from engine.lab import Frame, Frames, Lab
from engine.params import ExamplesSource, examples, integer, number
from engine.results.planar import boundary
from engine.seeding import generator
from engine.training import Recipe, accuracy, fit, paced

MODELS: dict[str, tuple[int, ...]] = {"linear": (), "small": (4,), "medium": (16,), "large": (64, 64)}
COLORS = dict(zip(MODELS, (GREY, BLUE, GREEN, PURPLE), strict=True))
SMALLEST, LARGEST, MOST_DEV = 10, 2000, 1000
BATCH = 32


class DataScale(AnyExamples):
    """What a person can move."""

    examples: ExamplesSource = examples(
        "flower", sets=PLANAR + TABULAR, help="What to learn: your own table too.", names=NAMES
    )
    sizes: int = integer(
        6,
        low=2,
        high=10,
        label="Sizes",
        help="How many training-set sizes, from ten examples to all of them, 2,000 at most.",
    )
    seeds: int = integer(
        4, low=2, high=16, label="Seeds", help="Networks at each size, each with its own start and examples."
    )
    steps: int = integer(250, low=10, high=2000, hint=(50, 1000, 10), label="Steps", help="Updates of every network.")
    rate: float = number(0.03, low=1e-4, high=1.0, log=True, label="Learning rate α", help="Of Adam.", more=True)
    points: int = integer(
        2000, low=20, high=2000, label="Training examples", help="How many are made of a planar set.", more=True
    )


@dataclass(frozen=True)
class Measured:
    """Dev accuracies of one model at one size, one a seed: (S,); and the first seed's network."""

    model: str
    size: int
    right: np.ndarray
    weights: Parameters

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return float(self.right.mean())

    @property
    def deviation(self) -> float:
        """Over the seeds, dividing by S - 1."""
        return float(self.right.std(ddof=1))


def sizes(params: DataScale, m: int) -> list[int]:
    """Training-set sizes, evenly spaced on a log axis from 10, or a fifth of a small set, to all m examples."""
    return sorted({round(size) for size in np.geomspace(min(SMALLEST, max(1, m / 5)), m, params.sizes)})


def measure(params: DataScale, data: Data, model: str, size: int) -> Measured:
    """Train one network a seed as a fleet, each on examples of its own, and count its right answers on the dev set."""
    layers = (data.inputs, *MODELS[model], data.outputs)
    seeds = [params.seed * 1000 + k for k in range(params.seeds)]
    starts = [mlp.initialize(layers, generator(seed, 1), "xavier") for seed in seeds]
    start = [torch.stack(parts).to(device()) for parts in zip(*starts, strict=True)]
    # The same seed takes the same examples for every model, and a larger set holds the smaller one.
    chosen = torch.stack([torch.randperm(len(data.train[1]), generator=generator(seed, 2))[:size] for seed in seeds])
    own = data.train[0][chosen], data.train[1][chosen]
    recipe = Recipe("relu", params.rate, adam, batch=min(BATCH, size))
    draws = [generator(seed, 3) for seed in seeds]
    *_, last = fit(start, own, data.dev, recipe, params.steps, every=params.steps, generator=draws)
    right = accuracy(last.params, data.dev, "relu").numpy(force=True)
    return Measured(model, size, right, [p[0] for p in last.params])


def measured(params: DataScale, data: Data) -> Iterator[list[Measured]]:
    """All measurements so far: none at first, then one after another, every model at one size before the next."""
    done: list[Measured] = []
    yield done
    for size in sizes(params, len(data.train[1])):
        for model in MODELS:
            done = [*done, measure(params, data, model, size)]
            yield done


def run(params: DataScale) -> Frames:
    """A frame for each point as it is measured."""
    data = load(params, generator(params.seed, 0), classes=10)
    train, dev = ((x[:most], y[:most]) for (x, y), most in ((data.train, LARGEST), (data.dev, MOST_DEV)))
    data = replace(data, train=train, dev=dev)
    for done in paced(measured(params, data)):
        yield frame(params, data, done)


def frame(params: DataScale, data: Data, done: list[Measured]) -> Frame:
    """The curves as far as they are measured."""
    total = len(sizes(params, len(data.train[1]))) * len(MODELS)
    last = [each for each in done if each.size == done[-1].size] if done else []
    best = max(last, key=lambda each: each.mean, default=None)
    told = (
        f"With {best.size:,} training examples the {best.model} model is best, {best.mean:.1%} of the dev examples right."
        if best
        else f"Four models are to be trained on up to {len(data.train[1]):,} examples."
    )
    return Frame(
        figures={"Accuracy by training examples": curves(params, data, done), **latest(data, done)},
        says=told,
        metrics={
            "Measured": f"{len(done)} of {total}",
            "Training examples": f"{done[-1].size:,}" if done else "0",
            "Best there": f"{best.model}, {best.mean:.1%}" if best else "none yet",
            "Seeds": f"{params.seeds} at each point",
        },
        progress=len(done) / total,
        tables={"Measured": table(data, done)} if done else {},
    )


def latest(data: Data, done: list[Measured]) -> Mapping[str, Any]:
    """The boundary of the network that was measured last, where there is a plane to draw it on."""
    if not data.planar or data.outputs > 1:
        return {}
    blank = [p.to(device()) for p in (torch.zeros(1, data.inputs), torch.zeros(1))]
    return {"Boundary": planar.boundary(boundary(done[-1].weights if done else blank, data.train, data.dev, "relu"))}


def curves(params: DataScale, data: Data, done: list[Measured]) -> Any:
    """One curve a model, with the deviation over the seeds as bars."""
    traces = []
    for model, color in COLORS.items():
        mine = [each for each in done if each.model == model]
        bars = {"type": "data", "array": [each.deviation for each in mine], "color": color, "thickness": 1.5}
        hover = f"{model}, %{{x:,}} examples: %{{y:.1%}} ± %{{error_y.array:.1%}}<extra></extra>"
        x, y = [each.size for each in mine], [each.mean for each in mine]
        traces.append(line(x, y, model, color, mode="lines+markers", error_y=bars, hovertemplate=hover))
    m = len(data.train[1])
    ends = np.log10([0.8 * sizes(params, m)[0], 1.25 * m])
    xaxis = {"type": "log", "range": ends.tolist(), "dtick": 1}
    return figure(traces, x="training examples", y="dev accuracy", xaxis=xaxis, yaxis={"tickformat": ".0%"}, height=460)


def table(data: Data, done: list[Measured]) -> dict[str, list[Any]]:
    """The numbers behind the curves."""
    counts = {
        model: sum(a * b + b for a, b in zip((data.inputs, *h), (*h, data.outputs), strict=True))
        for model, h in MODELS.items()
    }
    return {
        "model": [each.model for each in done],
        "parameters": [counts[each.model] for each in done],
        "training examples": [each.size for each in done],
        "dev accuracy": [f"{each.mean:.1%}" for each in done],
        "deviation": [f"{each.deviation:.1%}" for each in done],
    }


LAB = Lab(
    slug="data-scale",
    summary="Measure how accuracy grows with training examples, for a linear model and for networks of three sizes.",
    params=DataScale,
    run=run,
    trains=True,
    look_for=(
        "With few examples the order of the models is a matter of luck, and the bars overlap. With many the larger networks "
        "pull ahead, because they can still use what the small ones have no room for; the linear model never rises at all on "
        "the flower, and on digits it beats four hidden units by far. Where do the curves of your own table cross, and would "
        "more examples or a larger network help more?"
    ),
    maths=(
        r"$$\text{accuracy}(m, \text{model}) = \frac1S \sum_{s=1}^S \text{acc}_{dev}\big(\theta_s(m)\big), \qquad "
        r"\text{bar} = \sqrt{\frac{1}{S-1} \sum_s (\text{acc}_s - \overline{\text{acc}})^2}$$"
        "\n\n"
        r"Every seed $s$ has its own start and its own $m$ examples; all networks of a size train at once, as one batch."
    ),
    code=(measure, sizes, fit, accuracy),
    presets={
        "Digits": {"examples": "digits", "rate": 0.01, "steps": 150},
        "Biopsies": {"examples": "breast-cancer", "rate": 0.01, "steps": 200},
        "Spiral": {"examples": "spiral", "points": 1000},
        "Many seeds": {"examples": "moons", "seeds": 12, "steps": 200},
    },
    rows=(("Accuracy by training examples", "Boundary"),),
    listens=("click",),
    respond=draw,
)
