"""A gradient checked against differences of the cost, with a bug planted in it or not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from engine.figures import checking as figures
from engine.functional import mlp
from engine.functional.checking import cost, differences, gradient, pack, unpack
from engine.functional.gradients import gradient_difference, numerical_gradient
from engine.functional.regularization import dropout_mask
from engine.lab import Frame, Frames, Lab
from engine.params import Params, choice, integer, number, toggle
from engine.results.checking import Components, RatioCurves, component_names, ratio_curve
from engine.seeding import generator

EXAMPLES, INPUTS = 16, 4
KEEP = 0.8
EPSILONS = torch.logspace(-12, -1, 34, dtype=torch.float64)
WORST, OFF = 6, 1e-6
NAMES = {
    "none": "No bug",
    "factor": "1/m forgotten",
    "sign": "Wrong sign of db²",
    "slope": "g′ forgotten in layer 1",
    "transposed": "W² transposed on the way back",
    "forgotten": "Layer 1 forgotten",
    "doubled": "dW² doubled",
    "axis": "db summed over units too",
    "penalty": "L2 term forgotten",
}


class Checking(Params):
    """What a person can move."""

    bug: Literal["none", "factor", "sign", "slope", "transposed", "forgotten", "doubled", "axis", "penalty"] = choice(
        "slope", label="Planted bug", help="A mistake in the backpropagation.", names=NAMES
    )
    epsilon: float = number(
        1e-7,
        low=1e-14,
        high=1.0,
        hint=(1e-12, 0.1, 1e-12),
        log=True,
        label="ε",
        help="How far each component is moved.",
    )
    dropout: bool = toggle(
        False, label="Dropout", help="Drops a fifth of the hidden activations, drawn anew whenever J is evaluated."
    )
    scale: float = number(
        1.0,
        low=1e-4,
        high=10.0,
        hint=(0.001, 5.0, 0.001),
        log=True,
        label="Scale of the weights",
        help="1 is a fresh network; after some training weights are larger.",
    )
    activation: Literal["tanh", "sigmoid", "relu"] = choice(
        "tanh", label="Activation", help="Of both hidden layers.", names={"relu": "ReLU"}
    )
    l2: float = number(
        1.0, low=0.0, high=10.0, label="L2 strength λ", help="Its term belongs to J, so to dJ.", more=True
    )
    units: int = integer(5, low=2, high=8, label="Units", help="Of each of the two hidden layers.", more=True)
    precision: Literal["float64", "float32"] = choice(
        "float64", label="Precision", help="How many digits every number has: about 16, or about 7.", more=True
    )


@dataclass(frozen=True)
class Problem:
    """A network as a vector θ (P,), its cost as a function of many such vectors, and its gradient by name of a bug."""

    theta: Tensor
    sizes: tuple[int, ...]
    cost: Callable[[Tensor], Tensor]
    gradient: Callable[[str], Tensor]


def problem(params: Checking, held: bool = False) -> Problem:
    """The network of these parameters on made examples; ``held`` keeps to one draw of dropout's masks."""
    random, dtype = generator(params.seed), getattr(torch, params.precision)
    sizes = (INPUTS, params.units, params.units, 1)
    x = torch.randn(EXAMPLES, INPUTS, generator=random, dtype=torch.float64).to(dtype)
    y = (torch.rand(EXAMPLES, generator=random) < 0.5).to(dtype)
    start = mlp.initialize(sizes, random, "xavier")
    start = [p if p.dim() == 2 else 0.5 * torch.randn(p.shape, generator=random) for p in start]
    theta = pack(start).to(dtype) * params.scale

    def masks(lead: tuple[int, ...] = ()) -> list[Tensor]:
        if not params.dropout:
            return []
        return [dropout_mask((*lead, EXAMPLES, params.units), KEEP, random).to(dtype) for _ in range(2)]

    kept = masks()

    def j(theta: Tensor) -> Tensor:
        drawn = kept if held else masks(tuple(theta.shape[:-1]))
        return cost(unpack(theta, sizes), x, y, params.activation, params.l2, drawn)

    def dj(bug: str) -> Tensor:
        return pack(gradient(unpack(theta, sizes), x, y, params.activation, params.l2, kept, bug))

    return Problem(theta, sizes, j, dj)


def curves(found: Problem, bug: str, epsilon: float, chosen: float) -> RatioCurves:
    """The ratio at many ε: of the code as it is, of the right code, and of the right code by one-sided differences."""
    one, two = differences(found.cost, found.theta, EPSILONS.to(found.theta.dtype))
    right, planted = found.gradient("none"), found.gradient(bug)
    lines = {"one-sided": ratio_curve(right, one), "right code": ratio_curve(right, two)}
    return RatioCurves(EPSILONS.numpy(), {**lines, "this code": ratio_curve(planted, two)}, epsilon, chosen)


def verdict(value: float) -> str:
    """What the course makes of a ratio."""
    return "right" if value < figures.RIGHT else "wrong" if value >= figures.WRONG else "doubtful"


def run(params: Checking) -> Frames:
    """One frame: where gradient and differences part, and the ratio against ε."""
    found = problem(params)
    g, approximation = found.gradient(params.bug), numerical_gradient(found.cost, found.theta, params.epsilon)
    parts = Components(*component_names(found.sizes), g.double().numpy(), approximation.double().numpy())
    chosen, [worst] = gradient_difference(g, approximation), parts.farthest(1)
    name = f"d{parts.names[worst]}"
    last, held = {"Components off": f"{(parts.apart > OFF).sum()} of {len(g)}"}, ""
    if params.dropout:
        still = problem(params, held=True)
        masked = gradient_difference(g, numerical_gradient(still.cost, still.theta, params.epsilon))
        last, held = {"With masks held": f"{masked:.1e}"}, f" With dropout's masks held still it is {masked:.1e}."
    yield Frame(
        figures={
            "Where they part": figures.components(parts),
            "Ratio against ε": figures.ratios(curves(found, params.bug, params.epsilon, chosen)),
        },
        says=(
            f"At ε = {params.epsilon:.1e} the ratio is {chosen:.1e}, which looks {verdict(chosen)}; {name} is farthest "
            f"off, {g[worst]:.4g} against {approximation[worst]:.4g}.{held}"
        ),
        metrics={"Ratio": f"{chosen:.1e}", "It looks": verdict(chosen), "Farthest off": name, **last},
        tables={"Farthest off": parts.table(WORST)},
    )


LAB = Lab(
    slug="gradient-checking",
    summary="Plant a bug in a backpropagation and let differences of the cost find it.",
    params=Checking,
    run=run,
    look_for=(
        "Without a bug every bar is rounding noise and the ratio lies under 1e-7; each bug lifts the bars of just the "
        "components that it spoils, and their layers tell where to look. A mistake in one layer's slope spoils what lies "
        "before it, never what comes after. With dropout J changes between two evaluations, so no code looks right, until "
        "the masks are held. Shrink the weights to a hundredth with g′ forgotten: why does the ratio fall so "
        "far, and why does a smaller ε than 1e-6 make the right code look worse?"
    ),
    maths=(
        r"$$d\theta_{approx}^{(i)} = \frac{J(\theta_1, \ldots, \theta_i + \varepsilon, \ldots) - "
        r"J(\theta_1, \ldots, \theta_i - \varepsilon, \ldots)}{2 \varepsilon}, \qquad "
        r"\text{ratio} = \frac{\lVert d\theta_{approx} - d\theta \rVert_2}"
        r"{\lVert d\theta_{approx} \rVert_2 + \lVert d\theta \rVert_2}$$"
        "\n\n"
        r"Two-sided differences err by $\varepsilon^2$, one-sided ones by $\varepsilon$; rounding adds about "
        r"$10^{-16} / \varepsilon$ to both. Below $10^{-7}$ is right, above $10^{-3}$ a bug. $J$ holds the term "
        r"$\frac{\lambda}{2m} \sum_l \lVert W^{[l]} \rVert^2$, so $dW^{[l]}$ holds $\frac{\lambda}{m} W^{[l]}$. With dropout "
        r"$J$ is another function at every evaluation, so its differences mean nothing: turn it off, or hold the masks."
    ),
    code=(numerical_gradient, gradient_difference, gradient, cost),
    presets={
        "Right": {"bug": "none"},
        "Factor 1/m": {"bug": "factor"},
        "One bias": {"bug": "sign"},
        "Hidden by small weights": {"bug": "slope", "scale": 0.01},
        "Dropout": {"bug": "none", "dropout": True},
        "Single precision": {"bug": "none", "precision": "float32", "epsilon": 0.001},
    },
    rows=(("Where they part", "Ratio against ε"),),
)
