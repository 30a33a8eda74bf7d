"""Train/dev/test splits: how large each part is, and how far a dev estimate wanders at that size."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from engine.data import planar
from engine.data.tables import MOST_CLASSES, Table
from engine.device import device
from engine.examples import NAMES, PLANAR, TABULAR, AnyExamples, Data, draw, load
from engine.figures import planar as planes
from engine.figures import splits as figures
from engine.functional import mlp
from engine.functional.intervals import plain, wilson
from engine.functional.mlp import Parameters
from engine.functional.optimizers import adam
from engine.lab import Frame, Frames, Lab
from engine.params import ExamplesSource, choice, examples, integer, number
from engine.results.planar import boundary
from engine.results.splits import DevSets, wander
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
INTERVALS = {"wilson": wilson, "plain": plain}
MOST_LEARNED, MEASURED, STEPS = 2000, 200_000, 120
NEARLY_ALL = 1.96


class Splits(AnyExamples):
    """What a person can move."""

    examples: ExamplesSource = examples(
        "moons",
        sets=PLANAR + TABULAR,
        help="What a small network learns, to be measured: your own table too.",
        names=NAMES,
    )
    m: int = integer(
        10_000,
        low=100,
        high=10_000_000,
        hint=(100, 1_000_000, 1),
        log=True,
        label="Examples in all",
        help="To be split into the three parts.",
    )
    split: Literal["60/20/20", "70/15/15", "80/10/10", "90/5/5", "98/1/1", "99.5/0.25/0.25"] = choice(
        "60/20/20", label="Train/dev/test", help="Per cent of the examples for each part."
    )
    level: float = number(
        0.95, low=0.5, high=0.999, hint=(0.5, 0.99, 0.01), label="Confidence", help="How often the interval is to hold."
    )
    interval: Literal["wilson", "plain"] = choice(
        "wilson",
        label="Interval",
        help="Wilson's, or the plain one by the deviation of the error that was measured.",
        names={"plain": "Plain ±"},
    )
    redraws: int = integer(
        2000,
        low=100,
        high=20_000,
        hint=(200, 5000, 100),
        label="Dev sets drawn",
        help="To see how far the estimate wanders.",
    )
    noise: float = number(
        0.35, low=0.0, high=1.0, label="Noise", help="Deviation added to every made example.", more=True
    )


class Classifier(NamedTuple):
    """A small trained network, what it learned from, and which of the examples it is measured on it gets wrong, (k,)."""

    weights: Parameters
    data: Data
    wrong: Tensor


def classifier(params: Splits) -> Classifier:
    """A tanh network of 8 units after 120 steps of Adam; of made sets it is measured on 200,000 fresh examples.

    Of any other the fifth that it did not learn from stands for all there are.
    """
    data = load(params, generator(params.seed, 0), classes=MOST_CLASSES)
    train = (data.train[0][:MOST_LEARNED], data.train[1][:MOST_LEARNED])
    sizes = (data.inputs, 8, data.outputs)
    start = [p.to(device()) for p in mlp.initialize(sizes, generator(params.seed, 1), "xavier")]
    *_, last = fit(start, train, data.dev, Recipe("tanh", 0.05, adam), STEPS, every=STEPS)
    x, y = data.dev
    if params.examples in planar.SETS:
        x, y = planar.make(str(params.examples), MEASURED, params.noise, generator(params.seed, 2))
    p = mlp.predict(last.params, x.to(device()), "tanh").cpu()
    chosen = p.argmax(-1) if p.ndim > 1 else p > 0.5
    return Classifier(last.params, data, (chosen != y.cpu()).double())


@lru_cache(maxsize=8)
def known(examples: str, noise: float, points: int, seed: int) -> Classifier:
    """The classifier of a set that is no upload, kept while the other parameters move."""
    return classifier(Splits(examples=examples, noise=noise, points=points, seed=seed))


def sizes(m: int, split: str) -> tuple[int, int, int]:
    """How many examples each part gets; dev and test at least one."""
    _, dev, test = SHARES[split]
    held = max(1, round(m * dev)), max(1, round(m * test))
    return m - sum(held), *held


def estimates(wrong: Tensor, n: int, redraws: int, seed: int) -> Tensor:
    """How many of n examples are wrong in each of many dev sets drawn anew, (redraws,)."""
    share = wrong.mean().double().expand(redraws)
    return torch.binomial(torch.full((redraws,), float(n), dtype=torch.float64), share, generator=generator(seed, 3))


def dev_sets(params: Splits, wrong: Tensor, n: int) -> DevSets:
    """Dev sets of n examples, each with its error and its interval."""
    counted = estimates(wrong, n, params.redraws, params.seed)
    low, high = INTERVALS[params.interval](counted, n, params.level)
    return DevSets(n, float(wrong.mean()), *(part.numpy() for part in (counted / n, low, high)))


def run(params: Splits) -> Frames:
    """One frame: the three parts, the dev estimates, and their intervals."""
    own = isinstance(params.examples, Table) or params.examples == "drawn"
    found = classifier(params) if own else known(str(params.examples), params.noise, params.points, params.seed)
    counts = {split: sizes(params.m, split) for split in SHARES}
    measured = {split: dev_sets(params, found.wrong, dev) for split, (_, dev, _) in counts.items()}
    shown = measured[params.split]
    funnel = wander(shown.truth, max(dev for _, dev, _ in counts.values()), NEARLY_ALL)
    yield Frame(
        figures={
            "The three parts": figures.parts(counts, params.split),
            "Dev error, drawn anew": figures.histogram(shown),
            "Intervals": figures.intervals(shown),
            "Wander by size": figures.wander(funnel, measured, params.split),
            **answers(found),
        },
        says=(
            f"Of {params.m:,} examples {shown.n:,} are for dev: an error of {shown.truth:.1%} is then measured with a "
            f"deviation of {shown.deviation:.2%}, and {shown.coverage:.1%} of the {params.level:.0%} intervals hold it."
        ),
        metrics={
            "Train / dev / test": " / ".join(map(short, counts[params.split])),
            "True error": f"{shown.truth:.2%}",
            "Dev estimate wanders": f"± {shown.deviation:.2%}",
            "Intervals that hold it": f"{shown.coverage:.1%} of {params.level:.0%}",
        },
        tables={"Every split": table(counts, measured)},
    )


def answers(found: Classifier) -> Mapping[str, Any]:
    """The classifier's boundary, where there is a plane to draw it on."""
    if not found.data.planar or found.data.outputs > 1:
        return {}
    return {"Boundary": planes.boundary(boundary(found.weights, found.data.train, found.data.dev, "tanh"))}


def short(count: int) -> str:
    """A count in three digits: 6k, 1.25M."""
    return f"{count / 1e6:.3g}M" if count >= 1e6 else f"{count / 1e3:.3g}k" if count >= 1e3 else str(count)


def table(counts: Mapping[str, tuple[int, int, int]], measured: Mapping[str, DevSets]) -> dict[str, list[Any]]:
    """A row for each split."""
    parts = dict(zip(("Train", "Dev", "Test"), map(list, zip(*counts.values(), strict=True)), strict=True))
    return {
        "Split": list(counts),
        **parts,
        "Dev estimate wanders": [f"± {found.deviation:.2%}" for found in measured.values()],
        "Intervals that hold the error": [f"{found.coverage:.1%}" for found in measured.values()],
    }


LAB = Lab(
    slug="splits",
    summary="Split a set in three, and see how far an error measured on the dev part can be trusted.",
    params=Splits,
    run=run,
    look_for=(
        "A dev set must be large enough to tell two models apart, not a fixed share. Of 10,000 examples 1 % are 100, and an "
        "error of 10 % is then read as anything from 5 % to 17 %; of a million 1 % are 10,000, which is plenty. Four times the "
        "dev examples halve how far the estimate wanders. Which split would you choose for a million examples? And how often "
        "does the plain interval of a small dev set hold the true error?"
    ),
    maths=(
        r"$$\hat e = \frac{k}{n}, \qquad k \sim \mathrm{Bin}(n, e), \qquad \sigma_{\hat e} = \sqrt{\frac{e(1-e)}{n}}$$"
        "\n\n"
        r"The interval is Wilson's: all $e$ with $|\hat e - e| \le z \sqrt{e(1-e)/n}$, which solved for $e$ is "
        r"$$\frac{\hat e + \frac{z^2}{2n} \pm z \sqrt{\frac{\hat e(1-\hat e)}{n} + \frac{z^2}{4n^2}}}{1 + \frac{z^2}{n}}$$"
        "\n\n"
        r"The plain one puts $\hat e$ under the root, $\hat e \pm z \sqrt{\hat e (1 - \hat e) / n}$. The true error $e$ is "
        r"measured on 200,000 fresh examples of a made set; of a table or of your own points, the fifth that was not learned "
        r"from stands for all there are, and dev sets are drawn from it with replacement."
    ),
    code=(sizes, wilson, plain, estimates, classifier),
    presets={
        "Small set": {"m": 500},
        "1 % of ten thousand": {"split": "98/1/1"},
        "1 % of a million": {"m": 1_000_000, "split": "98/1/1"},
        "Half sure": {"level": 0.5},
        "Plain, and too sure": {"m": 1000, "split": "98/1/1", "interval": "plain", "noise": 0.25},
        "Digits": {"examples": "digits"},
    },
    rows=(("The three parts", "Wander by size"), ("Dev error, drawn anew", "Intervals"), ("Boundary",)),
    listens=("click",),
    respond=draw,
)
