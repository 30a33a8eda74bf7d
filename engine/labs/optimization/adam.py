"""Adam: four optimizers raced from one start, over surfaces and on a network."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor

from engine.examples import NAMES, PLANAR, PlanarExamples, draw, load
from engine.functional.optimizers import State, adam, momentum, rmsprop, sgd
from engine.functional.surfaces import SURFACES, Surface
from engine.lab import Event, Frames, Lab, Mistake
from engine.labs.optimization._race import Racer, over_network, over_surface, walks
from engine.params import ExamplesSource, Params, choice, examples, integer, number
from engine.seeding import generator
from engine.training import fit

FAR = 8.0
PLACES = {
    "ravine": "Ravine",
    "rosenbrock": "Rosenbrock's valley",
    "saddle": "Saddle",
    "plateau": "Plateau",
    "network": "A network",
}


def factor(name: str) -> Any:
    """A control for one optimizer's share of the common rate."""
    return number(1.0, low=1e-3, high=1e3, log=True, label=f"Rate × {name}", help="Times the common rate.", more=True)


class Race(Params):
    """The race, whatever it is over."""

    where: Literal["ravine", "rosenbrock", "saddle", "plateau", "network"] = choice(
        "ravine", label="Where", help="A surface over two parameters, or a network that learns.", names=PLACES
    )
    rate: float = number(
        0.039, low=1e-4, high=10.0, hint=(0.001, 1.0, 0.001), log=True, label="Learning rate α", help="Of all four."
    )
    beta1: float = number(
        0.9, low=0.0, high=0.999, hint=(0.0, 0.99, 0.01), label="β₁", help="Memory for slopes, of Adam and of momentum."
    )
    beta2: float = number(
        0.999,
        low=0.0,
        high=0.9999,
        hint=(0.5, 0.999, 0.001),
        label="β₂",
        help="Adam's memory for squared slopes. RMSprop's is 0.9.",
    )
    steps: int = integer(
        200, low=1, high=3000, hint=(20, 1500, 10), log=True, label="Steps", help="How many updates each takes."
    )
    epsilon: float = number(
        1e-8, low=1e-12, high=1.0, log=True, label="ε", help="Added to the root, of Adam and RMSprop.", more=True
    )
    factor_sgd: float = factor("plain")
    factor_momentum: float = factor("momentum")
    factor_rmsprop: float = factor("RMSprop")
    factor_adam: float = factor("Adam")
    right: float = number(
        0.0, low=-FAR, high=FAR, label="Start moved right", help="By so much; a click on the paths moves it.", more=True
    )
    up: float = number(
        0.0, low=-FAR, high=FAR, label="Start moved up", help="By so much; a click on the paths moves it.", more=True
    )


class Adam(PlanarExamples, Race):
    """What a person can move: the race first, then the network's examples."""

    examples: ExamplesSource = examples(
        "moons", sets=PLANAR, label="The network's examples", help="What the network learns from.", names=NAMES
    )
    batch: int = integer(64, low=0, high=1000, label="Mini-batch", help="The network's, 0 for all examples.", more=True)
    units: int = integer(8, low=1, high=50, label="Hidden units", help="Of the network's one tanh layer.", more=True)


def racers(params: Adam) -> dict[str, Racer]:
    """The four with their coefficients; momentum averages, as in the course, so that one rate means the same for all."""
    return {
        "sgd": Racer(sgd, params.factor_sgd),
        "momentum": Racer(partial(momentum, beta=params.beta1, dampening=params.beta1), params.factor_momentum),
        "rmsprop": Racer(partial(rmsprop, epsilon=params.epsilon), params.factor_rmsprop),
        "adam": Racer(partial(adam, **coefficients(params)), params.factor_adam),
    }


def coefficients(params: Adam) -> dict[str, Any]:
    """Adam's own, by name."""
    return {"beta1": params.beta1, "beta2": params.beta2, "epsilon": params.epsilon}


def place(params: Adam) -> tuple[Surface, Tensor]:
    """The surface, a ravine while a network learns, and the start on it, (2,)."""
    surface = SURFACES["ravine" if params.where == "network" else params.where]
    x, y = surface.start
    return surface, torch.tensor([x + params.right, y + params.up], dtype=torch.float64)


def run(params: Adam) -> Frames:
    """Frames in which the paths grow, or the networks learn."""
    if params.where == "network":
        data = load(params, generator(params.seed, 0))
        yield from over_network(
            data, racers(params), params.rate, params.steps, params.batch, params.units, params.seed
        )
    else:
        surface, start = place(params)
        yield from over_surface(surface, PLACES[params.where], start, racers(params), params.rate, params.steps)


def in_place(
    params: Sequence[Tensor],
    grads: Sequence[Tensor],
    state: State,
    rate: float,
    beta1: float,
    beta2: float,
    epsilon: float,
) -> tuple[list[Tensor], State]:
    """Adam on one parameter as the notes have it: the corrected averages are written back and recur."""
    [p], [g], t = params, grads, state.get("t", 0) + 1
    v = (beta1 * state.get("v", 0.0) + (1 - beta1) * g) / (1 - beta1**t)
    s = (beta2 * state.get("s", 0.0) + (1 - beta2) * g * g) / (1 - beta2**t)
    return [p - rate * v / (s.sqrt() + epsilon)], {"v": v, "s": s, "t": t}


def written_back(params: Adam) -> Mistake:
    """Where both forms of Adam end, and by how much the wrong average misses a slope that is 1 at every step."""
    surface, start = place(params)
    known = coefficients(params)
    both = {"wrong": Racer(partial(in_place, **known)), "right": Racer(partial(adam, **known))}
    ends = {
        name: float(costs[-1]) - surface.least
        for name, (_, costs) in walks(surface, start, both, params.rate * params.factor_adam, params.steps).items()
    }
    ones, state = torch.ones(1, dtype=torch.float64), {}  # type: tuple[Tensor, State]
    for _ in range(10):
        _, state = in_place([ones], [ones], state, params.rate, **known)
    return Mistake(
        f"Ten slopes of 1 average to v = {float(state['v']):.3g} and s = {float(state['s']):.3g}; "
        f"after {params.steps} steps the cost is {ends['wrong']:.2g} above the least.",
        f"Both averages are 1; after {params.steps} steps the cost is {ends['right']:.2g} above the least.",
    )


def respond(params: Adam, event: Event) -> Mapping[str, Any]:
    """A click on the paths moves the start there, one on the boundary draws an example."""
    if event.figure != "Paths" or not (math.isfinite(event.x) and math.isfinite(event.y)):
        return draw(params, event) if event.figure == "Boundary" else {}
    x, y = place(params)[0].start
    right, up = (min(max(round(to - at, 3), -FAR), FAR) for to, at in ((event.x, x), (event.y, y)))
    return {"right": right, "up": up}


LAB = Lab(
    slug="adam",
    summary="Race plain descent, momentum, RMSprop and Adam from one start, over four surfaces and on a network.",
    params=Adam,
    run=run,
    trains=True,
    look_for=(
        "At one rate Adam steps about that far in each direction, however steep it is: fast over a plateau and off a saddle, "
        "no faster than a well-chosen plain rate on a bowl. Its real gain is in Steps by rate: many more rates work, and "
        "one rate works everywhere. Which optimizer still hovers at the end, and what does raising ε do on the plateau?"
    ),
    maths=(
        r"$$v := \beta_1 v + (1-\beta_1)\, dW, \quad s := \beta_2 s + (1-\beta_2)\, dW^2, \qquad "
        r"\hat v = \frac{v}{1-\beta_1^t}, \quad \hat s = \frac{s}{1-\beta_2^t}$$"
        "\n\n"
        r"$$W := W - \alpha \frac{\hat v}{\sqrt{\hat s} + \varepsilon}$$"
        "\n\n"
        r"Without the first line's average it is RMSprop, without the second line's momentum. In the first step "
        r"$\hat v / \sqrt{\hat s} = \pm 1$, so every parameter moves by $\alpha$."
    ),
    code=(adam, rmsprop, momentum, sgd, fit),
    presets={
        "Rosenbrock": {"where": "rosenbrock", "rate": 0.1, "steps": 500},
        "Saddle": {"where": "saddle", "rate": 0.05},
        "Plateau": {"where": "plateau", "rate": 0.1},
        "A network": {"where": "network", "rate": 0.02, "steps": 1500},
        "Plain leaves": {"rate": 0.08},
        "Each at its own rate": {"factor_momentum": 3.0, "factor_rmsprop": 2.0, "factor_adam": 4.0},
    },
    mistakes={"adam-in-place": written_back},
    rows=(("Paths",), ("Cost by step", "Steps by rate"), ("Boundary", "Cost")),
    listens=("click",),
    respond=respond,
)
