"""EfficientNet: depth, width and resolution grown together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.figures import efficientnet as figures
from engine.functional.efficientnet import B0, PUBLISHED, SIDE, block_cost, budget, compound, cost, divisible, scaled
from engine.lab import Frame, Frames, Lab, Mistake
from engine.params import Params, number
from engine.results.architectures import Architecture, architecture, millions
from engine.results.efficientnet import PHIS, curve, table
from engine.training import paced

# What the notes give for B2, whose input has 260 pixels.
NOTED = {"depth": 1.4, "width": 1.2}


class EfficientNet(Params):
    """What a person can move."""

    phi: float = number(
        1.0, low=0.0, high=7.0, hint=(0.0, 7.0, 0.1), label="Compound coefficient φ", help="How much to spend: 0 is B0."
    )
    alpha: float = number(
        1.2, low=1.0, high=2.0, hint=(1.0, 2.0, 0.01), label="Depth α", help="Layers grow by α to the power φ."
    )
    beta: float = number(
        1.1, low=1.0, high=1.5, hint=(1.0, 1.5, 0.01), label="Width β", help="Channels grow by β to the power φ."
    )
    gamma: float = number(
        1.15, low=1.0, high=1.5, hint=(1.0, 1.5, 0.01), label="Resolution γ", help="The side grows by γ to the power φ."
    )

    @property
    def constants(self) -> tuple[float, float, float]:
        """α, β and γ."""
        return self.alpha, self.beta, self.gamma


def run(params: EfficientNet) -> Frames:
    """The rule at once, then a frame for each published network as its modules are counted."""
    for counted in paced(counting()):
        yield frame(params, counted)


def counting() -> Iterator[dict[str, Architecture]]:
    """The published networks counted so far, at first none."""
    done: dict[str, Architecture] = {}
    yield done
    for name in PUBLISHED:
        done = done | {name: architecture(f"efficientnet_{name.lower()}")}
        yield done


def frame(params: EfficientNet, counted: dict[str, Architecture]) -> Frame:
    """The network at φ, and the published ones as far as counted."""
    now = compound(params.phi, *params.constants)
    nets = [compound(phi, *params.constants) for phi in PHIS]
    parameters, products = cost(*now)
    times, rate = products / cost(1, 1, SIDE)[1], budget(*params.constants)
    return Frame(
        figures={
            "Scaling": figures.scaling(PHIS, nets, params.phi),
            "Multiplications": growth(params, counted, "multiplications"),
            "Parameters": growth(params, counted, "parameters"),
            "Layers by stage": figures.stages(B0, scaled(now.depth, now.width), "layers"),
            "Channels by stage": figures.stages(B0, scaled(now.depth, now.width), "channels"),
        },
        says=(
            f"At φ = {params.phi:g} the network is {now.depth:.2f} times as deep and {now.width:.2f} times as wide as B0 and "
            f"sees {now.side} × {now.side} pixels: {parameters:,} parameters and {times:.2f} times B0's multiplications, "
            f"where α·β²·γ² = {rate:.3f} promises {rate**params.phi:.2f} times."
        ),
        metrics={
            "α·β²·γ²": f"{rate:.3f}",
            "Depth, width": f"{now.depth:.2f}, {now.width:.2f}",
            "Input": f"{now.side} × {now.side}",
            "Multiplications": f"{millions(products)}, {times:.2f} × B0",
        },
        progress=len(counted) / len(PUBLISHED),
        tables={"As published, counted": table(counted)},
    )


def growth(params: EfficientNet, counted: dict[str, Architecture], what: str) -> Any:
    """Parameters or multiplications along φ: all three dimensions grown, and each alone."""
    alpha, beta, gamma = params.constants
    grown = {
        "compound": (alpha, beta, gamma),
        "depth alone": (alpha, 1.0, 1.0),
        "width alone": (1.0, beta, 1.0),
        "side alone": (1.0, 1.0, gamma),
    }
    at = ("parameters", "multiplications").index(what)
    lines = {name: curve(constants)[at] for name, constants in grown.items()}
    if what == "multiplications":
        rate = budget(alpha, beta, gamma)
        lines["law"] = [cost(1, 1, SIDE)[1] * rate**phi for phi in PHIS]
    return figures.growth(PHIS, lines, {name: getattr(net, what) for name, net in counted.items()}, params.phi, what)


def noted_table(params: EfficientNet) -> Mistake:
    """What B2 would be by the notes' multipliers, and by the published ones, both counted."""
    right = PUBLISHED["B2"]
    wrong = cost(NOTED["depth"], NOTED["width"], right.side)[0]
    same = next((name for name, net in PUBLISHED.items() if cost(*net)[0] == wrong), "no published network")
    return Mistake(
        wrong=f"B2 has width {NOTED['width']} and depth {NOTED['depth']}: {wrong:,} parameters, which are {same}'s.",
        right=f"B2 has width {right.width} and depth {right.depth}: {cost(*right)[0]:,} parameters, its own.",
    )


LAB = Lab(
    slug="efficientnet",
    summary="Grow a network in depth, width and resolution at once, and count what each of them costs.",
    params=EfficientNet,
    run=run,
    trains=True,
    look_for=(
        "Multiplications grow in proportion to depth but with the square of width and of resolution, so α·β²·γ² near 2 "
        "means about twice the cost for each step of φ; rounding up layers adds to it, most of all near φ = 1. The "
        "published networks don't follow the rule to the letter: their multipliers are rounded, and the deep ones are kept "
        "shallower. Set γ to 1 and raise β until α·β²·γ² is back near 2: what happens to the parameters?"
    ),
    maths=(
        r"$$d = \alpha^\varphi, \qquad w = \beta^\varphi, \qquad r = \gamma^\varphi, \qquad "
        r"\alpha \beta^2 \gamma^2 \approx 2, \qquad \text{multiplications} \propto d\, w^2 r^2 = "
        r"(\alpha \beta^2 \gamma^2)^\varphi$$"
        "\n\n"
        r"Layers are rounded up, channels to multiples of 8 and the side to whole pixels. A published network stands at the "
        r"$\varphi$ that gives its side: $\varphi = \log(r) / \log 1.15$."
    ),
    code=(compound, budget, scaled, divisible, cost, block_cost),
    presets={
        "B0": {"phi": 0.0},
        "Near B3": {"phi": 2.1},
        "Near B7": {"phi": 7.0},
        "Depth alone": {"alpha": 2.0, "beta": 1.0, "gamma": 1.0, "phi": 2.0},
        "Width alone": {"alpha": 1.0, "beta": 1.41, "gamma": 1.0, "phi": 2.0},
        "Resolution alone": {"alpha": 1.0, "beta": 1.0, "gamma": 1.41, "phi": 2.0},
    },
    mistakes={"efficientnet-table": noted_table},
    rows=(("Scaling",), ("Multiplications", "Parameters"), ("Layers by stage", "Channels by stage")),
)
