"""Six ways to begin, raced from the same random numbers: what each does to a layer's signals, and to the training."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any, Literal

import torch
from torch import Tensor

from engine.device import device
from engine.examples import NAMES, PLANAR, Data, PlanarExamples, draw, load
from engine.figures import curves, layers, planar
from engine.figures.theme import AMBER, BLUE, GREEN, GREY, PURPLE, VERMILION
from engine.functional import mlp
from engine.functional.meanfield import expected_mean_squares
from engine.functional.propagation import inner_sizes, propagate
from engine.lab import Frame, Frames, Lab, Mistake
from engine.params import ExamplesSource, choice, examples, integer, number
from engine.results.curves import race
from engine.results.layers import SizesByRule, layer_histograms
from engine.results.planar import boundary
from engine.seeding import generator
from engine.training import Recipe, Step, accuracy, fit, paced, recorded

RULES = ("zeros", "small", "large", "xavier", "glorot", "he")
TITLES = tuple(rule.capitalize() for rule in RULES)
COLORS = dict(zip(TITLES, (GREY, PURPLE, VERMILION, BLUE, AMBER, GREEN), strict=True))
RECORDED = 150
# A start far off may cost a million; the others are to be seen.
COSTS = {"autorangeoptions": {"clipmax": 10.0}}
# Where an activation ends by itself.
ENDS = {"tanh": (-1.0, 1.0), "sigmoid": (0.0, 1.0)}


class Initialization(PlanarExamples):
    """What a person can move."""

    examples: ExamplesSource = examples("circles", sets=PLANAR, help="Two classes of points on the plane.", names=NAMES)
    rule: Literal["zeros", "small", "large", "xavier", "glorot", "he"] = choice(
        "he",
        label="Rule",
        help="Whose layers and boundary are shown; all six are raced.",
        names={"xavier": "Xavier: √(1/n)", "glorot": "Glorot average: √(2/(n + n′))", "he": "He: √(2/n)"},
    )
    activation: Literal["relu", "tanh", "sigmoid"] = choice(
        "relu", label="Activation", help="Of every hidden layer.", names={"relu": "ReLU"}
    )
    layers: int = integer(4, low=1, high=8, label="Hidden layers", help="How deep the networks are.")
    units: int = integer(16, low=2, high=40, label="Units a layer", help="How wide each hidden layer is.")
    rate: float = number(0.1, low=1e-4, high=10.0, log=True, label="Learning rate α", help="Step size along the slope.")
    small: float = number(
        0.01,
        low=1e-6,
        high=1.0,
        log=True,
        label="Small deviation",
        help="Of the weights of the small start.",
        more=True,
    )
    large: float = number(
        2.0,
        low=0.1,
        high=100.0,
        log=True,
        label="Large deviation",
        help="Of the weights of the large start.",
        more=True,
    )
    batch: int = integer(0, low=0, high=1000, label="Mini-batch", help="Examples an update, 0 for all.", more=True)
    steps: int = integer(
        1000, low=1, high=10_000, hint=(100, 5000, 100), log=True, label="Steps", help="Number of updates.", more=True
    )


def deviations(params: Initialization, rule: Any) -> list[float]:
    """The deviation of each layer's weights by a rule."""
    sizes = [2, *[params.units] * params.layers, 1]
    fixed = {"zeros": 0.0, "small": params.small, "large": params.large}
    return [fixed[rule] if rule in fixed else mlp.deviation(rule, *pair) for pair in pairwise(sizes)]


def starts(params: Initialization) -> mlp.Parameters:
    """All six networks as a fleet, W (6, n_out, n_in) and b (6, n_out), from the same random numbers."""
    drawn = mlp.initialize([2, *[params.units] * params.layers, 1], generator(params.seed, 1), 1.0)
    scales = torch.tensor([deviations(params, rule) for rule in RULES])  # (6, layers)
    each = [
        scales[:, i // 2, None, None] * p if p.dim() == 2 else p.expand(len(RULES), -1) for i, p in enumerate(drawn)
    ]
    return [p.to(device()) for p in each]


def before(params: Initialization, weights: mlp.Parameters, x: Tensor) -> dict[str, Any]:
    """The figures of the untrained networks: the chosen one's activations, and the size of z under every rule."""
    hidden = weights[:-2:2]  # each W (6, n_out, n_in)
    chosen = propagate([W[RULES.index(params.rule)] for W in hidden], x, params.activation)
    measured = [torch.stack(inner_sizes([W[i] for W in hidden], x, params.activation)) for i in range(len(RULES))]
    scales = [deviations(params, rule)[:-1] for rule in RULES]
    squares = [expected_mean_squares(x.cpu(), s, [params.units] * params.layers, params.activation) for s in scales]
    sizes = SizesByRule(TITLES, torch.stack(measured).numpy(force=True), torch.stack(squares).sqrt().numpy())
    return {
        "Activations before training": layers.histograms(
            layer_histograms(chosen[1:], *ENDS.get(params.activation, ()))
        ),
        "Size of z before training": layers.sizes_by_rule(sizes, COLORS),
    }


def run(params: Initialization) -> Frames:
    """About ten frames a second, from the six starts to the last step."""
    random = generator(params.seed, 0)
    data = load(params, random)
    start = starts(params)
    still = before(params, start, data.train[0])
    recipe = Recipe(params.activation, params.rate, batch=params.batch)
    every = max(1, params.steps // RECORDED)
    for history in paced(
        recorded(fit(start, data.train, data.dev, recipe, params.steps, every=every, generator=random))
    ):
        yield frame(params, history, data, still)


def frame(params: Initialization, history: list[Step], data: Data, still: dict[str, Any]) -> Frame:
    """The race so far, and what the chosen network has learned by the last step at which its cost was finite."""
    now, chosen = history[-1], RULES.index(params.rule)
    shown = next((step for step in reversed(history) if torch.isfinite(step.train[chosen])), history[0])
    network = [p[chosen] for p in shown.params]
    right = [float(accuracy(network, part, params.activation)) for part in (data.train, data.dev)]
    costs = dict(zip(RULES, now.train.tolist(), strict=True))
    lost = [rule for rule, value in costs.items() if not math.isfinite(value)]
    lead = min((rule for rule in RULES if rule not in lost), key=costs.__getitem__)
    why, remedy = overflowed(params, lost)
    return Frame(
        figures={
            "Boundary": planar.boundary(boundary(network, data.train, data.dev, params.activation)),
            "Cost": curves.race(race(TITLES, history), params.steps, COLORS, yaxis=COSTS),
            **still,
        },
        says=(
            f"After {now.step:,} steps {lead.capitalize()} has the lowest cost, {costs[lead]:.3g}; the network that began by "
            f"{params.rule.capitalize()} puts {right[0]:.0%} of "
            f"the training and {right[1]:.0%} of the dev examples in their class."
        ),
        metrics={
            "Train accuracy": f"{right[0]:.1%}",
            "Dev accuracy": f"{right[1]:.1%}",
            "In the lead": lead.capitalize(),
            "Step": f"{now.step:,} of {params.steps:,}",
        },
        progress=now.step / params.steps,
        note=f"Overflowed: {', '.join(lost)}." if lost else "",
        diverged=why,
        remedy=remedy,
    )


def overflowed(params: Initialization, lost: list[str]) -> tuple[str, dict[str, Any]]:
    """Why the chosen network's cost overflowed, and what to try, if it did."""
    if params.rule not in lost:
        return "", {}
    if "he" in lost:
        why = f"A rate of {params.rate:g} overshoots further at every step, whatever the start. Try a lower one."
        return why, {"rate": float(f"{params.rate / 30:.1g}")}
    return f"The {params.rule} start makes signals and gradients grow from layer to layer. Try He's rule.", {
        "rule": "he"
    }


def rand_for_randn(params: Initialization) -> Mistake:
    """He's rule with uniform numbers from 0 to 1 and with normal ones: the weights' mean, and the signals they make."""
    random = generator(params.seed, 2)
    n, x = params.units, torch.randn(200, params.units, generator=random)
    told = []
    for name, make in (("rand", torch.rand), ("randn", torch.randn)):
        weights = [make(n, n, generator=random) * mlp.deviation("he", n, n) for _ in range(params.layers)]
        mean, found = float(torch.stack(weights).mean()), inner_sizes(weights, x, params.activation)
        told.append(
            f"With {name} the weights' mean is {mean:+.3f}; over {params.layers} layers of {n} units the size of z goes "
            f"from {found[0]:.3g} to {found[-1]:.3g}."
        )
    return Mistake(*told)


LAB = Lab(
    slug="initialization",
    summary="Race six starts of one network from the same random numbers, and see what each does to its layers' signals.",
    params=Initialization,
    run=run,
    trains=True,
    look_for=(
        "Before any training, look at the activations from layer to layer: the small start lets them fade to nothing, the "
        "large one blows them up or pins tanh to its ends, and He's rule keeps ReLU's alike at any depth. Then the race: "
        "zeros never break symmetry, and small ones take long to leave their plateau. Switch to tanh: which rule wins "
        "now, and why does He's factor of 2 suit ReLU?"
    ),
    maths=(
        r"$$Var(W^{[l]}): \quad \text{He } \frac{2}{n^{[l-1]}}, \qquad \text{Xavier } \frac{1}{n^{[l-1]}}, \qquad "
        r"\text{Glorot } \frac{2}{n^{[l-1]} + n^{[l]}}, \qquad b^{[l]} = 0$$"
        "\n\n"
        r"With independent weights of mean 0, $E[z^2] = n^{[l-1]} \, Var(W) \, E[a^2]$. ReLU zeroes half of a symmetric $z$, "
        r"so $E[a^2] = E[z^2] / 2$ and $Var(W) = 2/n$ keeps the size; near zero tanh passes $z$ on and $1/n$ does. The "
        r"lines in the figure are this, layer by layer, with $E[g(z)^2]$ integrated over a normal $z$. "
        r"`torch.nn.init.kaiming_normal_` is He's rule, `xavier_normal_` Glorot's."
    ),
    code=(mlp.deviation, starts, expected_mean_squares),
    presets={
        "Small": {"rule": "small"},
        "Large": {"rule": "large"},
        "Zeros": {"rule": "zeros"},
        "Tanh, Xavier": {"rule": "xavier", "activation": "tanh"},
        "Deep ReLU": {"layers": 8, "steps": 400},
        "As in the course": {"layers": 2, "units": 8, "large": 10.0, "rule": "large", "rate": 0.01, "steps": 3000},
    },
    mistakes={"rand-for-randn": rand_for_randn},
    rows=(("Boundary", "Cost"), ("Activations before training", "Size of z before training")),
    listens=("click",),
    respond=draw,
)
