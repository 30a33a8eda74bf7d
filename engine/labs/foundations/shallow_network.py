"""One hidden layer on planar data: the boundary grows while the network trains."""

from __future__ import annotations

from typing import Literal

from engine.data import planar
from engine.data.planar import Examples
from engine.device import device
from engine.examples import NAMES, PLANAR, PlanarExamples, draw, load
from engine.figures import curves
from engine.figures import planar as figures
from engine.functional import mlp
from engine.functional.losses import binary_cross_entropy_with_logits
from engine.functional.optimizers import sgd
from engine.lab import Frame, Frames, Lab
from engine.params import ExamplesSource, choice, examples, integer, number
from engine.results.curves import loss_curves
from engine.results.planar import UnitMaps, boundary
from engine.seeding import generator
from engine.training import Fleet, Recipe, Step, accuracy, fit, overflow, paced, recorded

MAP = 13
MOST_MAPS = 25
ACTIVATIONS = {"relu": "ReLU", "leaky_relu": "Leaky ReLU"}


class ShallowNetwork(PlanarExamples):
    """What a person can move."""

    examples: ExamplesSource = examples("flower", sets=PLANAR, help="Two classes of points on the plane.", names=NAMES)
    units: int = integer(4, low=1, high=50, label="Hidden units", help="Each sees the plane from one direction.")
    activation: Literal["tanh", "relu", "leaky_relu", "sigmoid", "linear"] = choice(
        "tanh",
        label="Activation",
        help="What a unit makes of its weighted sum; linear leaves it as it is.",
        names=ACTIVATIONS,
    )
    rate: float = number(0.1, low=1e-4, high=30.0, log=True, label="Learning rate α", help="Step size along the slope.")
    steps: int = integer(
        10_000, low=1, high=400_000, hint=(100, 20_000, 100), log=True, label="Steps", help="How many updates to take."
    )
    start: float = number(
        0.3,
        low=1e-4,
        high=10.0,
        log=True,
        label="Scale of the start",
        help="Deviation of the first weights.",
        more=True,
    )
    batch: int = integer(0, low=0, high=1000, label="Mini-batch", help="Examples an update, 0 for all.", more=True)


def run(params: ShallowNetwork) -> Frames:
    """About ten frames a second, from the untrained network to the last step."""
    random = generator(params.seed, 0)
    data = load(params, random)
    train, dev = data.train, data.dev
    start = [p.to(device()) for p in mlp.initialize((2, params.units, 1), generator(params.seed, 1), params.start)]
    recipe = Recipe(params.activation, params.rate, batch=params.batch)
    steps = fit(start, train, dev, recipe, params.steps, generator=random)
    for history in paced(recorded(steps)):
        yield frame(params, history, train, dev)


def frame(params: ShallowNetwork, history: list[Step], train: Examples, dev: Examples) -> Frame:
    """What the network has learned by the latest step, or by the last one with a finite cost."""
    now = history[-1]
    shown = now if now.finite else history[-2]
    right = [float(accuracy(shown.params, examples, params.activation)) for examples in (train, dev)]
    shape = "straight" if params.activation == "linear" or params.units == 1 else f"bent by {params.units} hidden units"
    why, remedy = overflow(history, params.rate, layers=2, scale="start")
    return Frame(
        figures={
            "Boundary": figures.boundary(boundary(shown.params, train, dev, params.activation)),
            "Hidden units": figures.units(unit_maps(shown.params, train, params.activation)),
            "Cost": curves.cost(loss_curves(history), params.steps),
        },
        says=(
            f"After {shown.step:,} steps {right[0]:.0%} of the training and {right[1]:.0%} of the dev examples lie on their "
            f"class's side of the boundary, which is {shape}."
        ),
        metrics={
            "Train accuracy": f"{right[0]:.1%}",
            "Dev accuracy": f"{right[1]:.1%}",
            "Train cost J": f"{float(now.train):.4g}",
            "Step": f"{now.step:,} of {params.steps:,}",
        },
        progress=now.step / params.steps if now.finite else 1.0,
        diverged=why,
        remedy=remedy,
    )


def unit_maps(weights: mlp.Parameters, train: Examples, activation: str) -> UnitMaps:
    """What each hidden unit adds to z², its weight times its activation, over the plane; only the strongest of many."""
    square, _, _ = planar.grid(train[0], MAP)
    _, hidden, _ = mlp.forward(weights, square, activation)
    added = (weights[2] * hidden).T.reshape(-1, MAP, MAP)  # (units, MAP, MAP)
    unit = added.abs().amax((1, 2)).topk(min(MOST_MAPS, len(added))).indices.sort().values
    return UnitMaps((unit + 1).numpy(force=True), added[unit].numpy(force=True))


LAB = Lab(
    slug="shallow-network",
    summary="Train one hidden layer on points of two classes and watch the boundary bend around them.",
    params=ShallowNetwork,
    run=run,
    trains=True,
    look_for=(
        "Each small map is one hidden unit's vote, and the votes added up are the logit whose sign draws the boundary. With "
        "the linear activation every vote is a ramp, and ramps add up to a ramp: fifty units draw the same straight line as "
        "one. How few tanh units still separate the flower, and which of them could you do without? Raise the learning "
        "rate to 30: why does ReLU overflow where tanh only rattles?"
    ),
    maths=(
        r"$$Z^{[1]} = X W^{[1]T} + b^{[1]}, \quad A^{[1]} = g(Z^{[1]}), \qquad "
        r"Z^{[2]} = A^{[1]} W^{[2]T} + b^{[2]}, \quad A^{[2]} = \sigma(Z^{[2]})$$"
        "\n\n"
        r"$$J = -\frac{1}{m} \sum_i \Big[ y^{(i)} \log a^{[2](i)} + (1 - y^{(i)}) \log (1 - a^{[2](i)}) \Big]$$"
        "\n\n"
        r"$$dZ^{[2]} = A^{[2]} - Y, \quad dW^{[2]} = \tfrac{1}{m} dZ^{[2]T} A^{[1]}, \qquad "
        r"dZ^{[1]} = dZ^{[2]} W^{[2]} * g'(Z^{[1]}), \quad dW^{[1]} = \tfrac{1}{m} dZ^{[1]T} X$$"
        "\n\n"
        r"and $db^{[l]}$ is the mean of $dZ^{[l]}$. Examples are rows here and columns in the course, so every product is "
        r"the course's transposed. With $g(z) = z$ the layers multiply out to one: "
        r"$Z^{[2]} = X (W^{[2]} W^{[1]})^T + b'$, a straight line again."
    ),
    code=(mlp.forward, mlp.backward, sgd, binary_cross_entropy_with_logits, fit, Fleet.gradient),
    presets={
        "One unit": {"units": 1},
        "Linear collapses": {"units": 50, "activation": "linear", "steps": 1000},
        "Four tanh units": {"rate": 1.2, "start": 0.01, "seed": 1},
        "Stuck": {"rate": 1.2, "start": 0.01},
        "Twenty units": {"units": 20, "rate": 1.2},
        "Spiral": {"examples": "spiral", "units": 20, "rate": 0.5, "start": 1.0},
        "Too fast": {"activation": "relu", "rate": 30.0},
    },
    rows=(("Boundary", "Hidden units"), ("Cost",)),
    listens=("click",),
    respond=draw,
)
