"""Early stopping: the dev cost turns up, the best point is marked, and the weights go back to it."""

from __future__ import annotations

from typing import Any

from engine.device import device
from engine.examples import NAMES, PLANAR, TABULAR, AnyExamples, Data, draw, load
from engine.figures import curves
from engine.figures import planar as figures
from engine.figures.theme import AMBER, GREEN, WEIGHTS, points
from engine.functional import mlp
from engine.functional.optimizers import adam
from engine.lab import Frame, Frames, Lab
from engine.params import ExamplesSource, examples, integer, number
from engine.results.curves import layer_spread, loss_curves
from engine.results.planar import boundary
from engine.seeding import generator
from engine.training import Recipe, Step, accuracy, fit, paced, recorded

SETS = PLANAR + tuple(name for name in TABULAR if name == "breast-cancer")


class EarlyStopping(AnyExamples):
    """What a person can move."""

    examples: ExamplesSource = examples(
        "moons", sets=SETS, help="Two classes: points on the plane, or a table.", names=NAMES
    )
    patience: int = integer(
        20,
        low=1,
        high=300,
        hint=(1, 150, 1),
        label="Patience",
        help="Looks at the dev set without a new best before stopping.",
    )
    units: int = integer(32, low=1, high=64, label="Hidden units", help="In each of two layers: many overfit sooner.")
    points: int = integer(
        60, low=20, high=2000, hint=(20, 400, 10), label="Training examples", help="Few overfit sooner."
    )
    steps: int = integer(
        1500, low=10, high=10_000, hint=(100, 5000, 100), log=True, label="Steps", help="Updates at most."
    )
    rate: float = number(0.01, low=1e-4, high=1.0, log=True, label="Learning rate α", help="Of Adam.")
    noise: float = number(
        0.3, low=0.0, high=1.0, label="Noise", help="Deviation added to every made example.", more=True
    )


def best(history: list[Step]) -> Step:
    """The first step with the lowest dev cost: the weights to go back to."""
    return min((step for step in history if step.finite), key=lambda step: float(step.dev))


def stop(history: list[Step], patience: int) -> Step | None:
    """Where a training stops that waits ``patience`` looks for a lower dev cost; None if it never has to."""
    lowest, waited = float("inf"), 0
    for step in history:
        lowest, waited = (float(step.dev), 0) if float(step.dev) < lowest else (lowest, waited + 1)
        if waited == patience:
            return step
    return None


def run(params: EarlyStopping) -> Frames:
    """The whole training, past the point where it should have stopped, so that both can be compared."""
    data = load(params, generator(params.seed, 0))
    sizes = (data.inputs, params.units, params.units, 1)
    start = [p.to(device()) for p in mlp.initialize(sizes, generator(params.seed, 1), "xavier")]
    for history in paced(recorded(fit(start, data.train, data.dev, Recipe("tanh", params.rate, adam), params.steps))):
        yield frame(params, data, history)


def frame(params: EarlyStopping, data: Data, history: list[Step]) -> Frame:
    """The curves so far, and the network as it is beside the one restored."""
    now, kept, stopped = history[-1], best(history), stop(history, params.patience)
    right = {name: float(accuracy(step.params, data.dev, "tanh")) for name, step in (("now", now), ("best", kept))}
    found: dict[str, Any] = {"Cost": marked(params, history, kept, stopped)}
    if data.planar:
        found["Boundary"] = figures.boundary(boundary(kept.params, data.train, data.dev, "tanh"))
        found["Without stopping"] = figures.boundary(boundary(now.params, data.train, data.dev, "tanh"))
    else:
        found["Weights restored"] = curves.spread(layer_spread(kept.params[::2]), "weight", WEIGHTS)
        found["Weights without stopping"] = curves.spread(layer_spread(now.params[::2]), "weight", WEIGHTS)
    told = f"stops at step {stopped.step:,}" if stopped else "has not had to stop yet"
    return Frame(
        figures=found,
        says=(
            f"After {now.step:,} steps the dev cost is {float(now.dev):.3f}; it was lowest, {float(kept.dev):.3f}, at step "
            f"{kept.step:,}, and with a patience of {params.patience} the training {told}."
        ),
        metrics={
            "Best dev cost": f"{float(kept.dev):.4f}",
            "at step": f"{kept.step:,}",
            "Dev cost now": f"{float(now.dev):.4f}",
            "Dev accuracy, best / now": f"{right['best']:.1%} / {right['now']:.1%}",
        },
        progress=now.step / params.steps,
    )


def marked(params: EarlyStopping, history: list[Step], kept: Step, stopped: Step | None) -> Any:
    """Both costs, with the best point and the one where patience ends."""
    marks = []
    for step, name, color, symbol in ((kept, "restored", GREEN, "star"), (stopped, "stops", AMBER, "square")):
        if step:
            marker = {"size": 14, "symbol": symbol}
            hover = f"{name}: step %{{x}}, dev J = %{{y:.4f}}<extra></extra>"
            marks.append(points([step.step], [float(step.dev)], name, color, marker=marker, hovertemplate=hover))
    return curves.cost(loss_curves(history), params.steps, marks)


LAB = Lab(
    slug="early-stopping",
    summary="Train past the best point, then go back to the weights that the dev set liked most.",
    params=EarlyStopping,
    run=run,
    trains=True,
    look_for=(
        "The training cost only falls, the dev cost turns up again: from there on the network learns the noise. The two "
        "boundaries are the restored network and the one that trained on. Lower the patience: it stops at the first small "
        "bump. Give it 400 examples: is there still anything to stop for?"
    ),
    maths=(
        r"$$t^* = \arg\min_t J_{dev}(\theta_t), \qquad \theta := \theta_{t^*}$$"
        "\n\n"
        r"With patience $p$ the training ends at the first look $t$ with $J_{dev}(\theta_s) \ge J_{dev}(\theta_{t^*})$ for the "
        r"last $p$ looks $s$. It mixes two tasks, lowering $J$ and not overfitting, that L2 keeps apart; but it needs one "
        r"training where $\lambda$ needs many."
    ),
    code=(best, stop, fit, adam),
    presets={
        "Hasty": {"patience": 2},
        "Enough examples": {"points": 400},
        "Very many units": {"units": 64, "points": 30},
        "Biopsies": {"examples": "breast-cancer", "steps": 600},
    },
    rows=(("Cost",), ("Boundary", "Without stopping", "Weights restored", "Weights without stopping")),
    listens=("click",),
    respond=draw,
)
