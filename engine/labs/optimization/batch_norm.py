"""Batch normalization: one layer's z before and after, training and test mode, speed, and shifted inputs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from engine.examples import NAMES, PLANAR, Data, PlanarExamples, load
from engine.figures import curves
from engine.figures.theme import AMBER, BLUE, GREY, VERMILION, figure, line
from engine.functional.normalization import batch_norm
from engine.lab import Frame, Frames, Lab, Mistake
from engine.models.normalized import NormalizedMlp
from engine.params import ExamplesSource, choice, examples, integer, number
from engine.results.curves import Race
from engine.seeding import generator
from engine.training import batches, paced

SIZES = (2, 16, 16, 1)
NORMALIZED, PLAIN, RUNNING = BLUE, VERMILION, AMBER
SHIFTS = torch.linspace(-3, 3, 13)
POINTS = 100


class BatchNorm(PlanarExamples):
    """What a person can move."""

    examples: ExamplesSource = examples(
        "circles", sets=PLANAR[:-1], help="Two classes of points on the plane.", names=NAMES
    )
    gamma: float = number(
        1.0, low=-3.0, high=3.0, hint=(0.0, 3.0, 0.1), label="γ", help="Scale of the normalized z shown."
    )
    beta: float = number(
        0.0, low=-3.0, high=3.0, hint=(-3.0, 3.0, 0.1), label="β", help="Shift of the normalized z shown."
    )
    mode: Literal["training", "test"] = choice(
        "training",
        label="Statistics",
        help="Of the shown batch itself, or the running averages that stand in at test time.",
    )
    noise: float = number(0.1, low=0.0, high=1.0, label="Noise", help="Deviation added to every example.", more=True)
    rate: float = number(0.5, low=1e-4, high=10.0, log=True, label="Learning rate α", help="The same with and without.")
    offset: float = number(
        4.0,
        low=0.0,
        high=20.0,
        hint=(0.0, 10.0, 0.5),
        label="Offset of the inputs",
        help="Added to every input of both.",
    )
    steps: int = integer(400, low=1, high=5000, hint=(50, 2000, 50), label="Steps", help="Updates to take.", more=True)
    batch: int = integer(64, low=2, high=2000, hint=(2, 256, 1), log=True, label="Mini-batch", help="Size.", more=True)
    unit: int = integer(
        1, low=1, high=SIZES[1], label="Unit", help="The unit of the first hidden layer shown.", more=True
    )


Networks = dict[str, NormalizedMlp]


def trained(params: BatchNorm, data: Data) -> Iterator[tuple[Networks, list[tuple[int, float, float]]]]:
    """Both networks after every update, and their costs so far: from the same weights, on the same batches."""
    nets = {name: NormalizedMlp(SIZES, generator(params.seed, 1), name == "with") for name in ("with", "without")}
    optimizers = [torch.optim.SGD(net.parameters(), lr=params.rate) for net in nets.values()]
    drawn = batches((data.train[0].T, data.train[1][None]), params.batch, generator(params.seed, 2))
    costs: list[tuple[int, float, float]] = []
    for step in range(params.steps + 1):
        if step % max(1, params.steps // POINTS) == 0 or step == params.steps:
            costs.append((step, cost(nets["with"], data), cost(nets["without"], data)))
        yield nets, costs
        if step == params.steps:
            return  # whoever draws the last item does so after this, so the networks must stay as they are
        x, y = next(drawn)
        for net, optimizer in zip(nets.values(), optimizers, strict=True):
            optimizer.zero_grad()
            net.train()
            loss = torch.nn.functional.binary_cross_entropy_with_logits(net(x.T), y[0])
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()


@torch.no_grad()
def cost(net: NormalizedMlp, data: Data) -> float:
    """The cost on the whole training set, in evaluation mode."""
    net.eval()
    return float(torch.nn.functional.binary_cross_entropy_with_logits(net(data.train[0]), data.train[1]))


@torch.no_grad()
def right(net: NormalizedMlp, data: Data, training: bool) -> list[float]:
    """The share of the dev set that is right at each shift of all inputs, by the batch's statistics or the running ones."""
    means, variances = list(net.means), list(net.variances)
    net.train(training)
    x, y = data.dev
    shifted = x + SHIFTS[:, None, None]  # (shifts, m, 2)
    # The batch's own statistics are those of one shift; the running ones take all shifts at once.
    z = torch.stack([net(batch) for batch in shifted]) if training else net(shifted.flatten(0, 1)).view(len(SHIFTS), -1)
    net.means, net.variances = means, variances
    share: list[float] = ((z > 0) == (y == 1)).float().mean(1).tolist()
    return share


def run(params: BatchNorm) -> Frames:
    """About ten frames a second, from the untrained networks to the last step."""
    found = load(params, generator(params.seed, 0))
    train, dev = (((x + params.offset).cpu(), y.cpu()) for x, y in (found.train, found.dev))
    data = Data(train, dev, found.features, found.classes)
    for nets, costs in paced(trained(params, data)):
        yield frame(params, data, nets, costs)


def frame(params: BatchNorm, data: Data, nets: Networks, costs: list[tuple[int, float, float]]) -> Frame:
    """One unit's z, the race, and both networks under shifted inputs."""
    step, *now = costs[-1]
    before, after = shown_unit(params, data, nets["with"])
    table = np.array(costs, np.float32)
    shifted = {
        "with, test mode": right(nets["with"], data, training=False),
        "with, batch's own": right(nets["with"], data, training=True),
        "without": right(nets["without"], data, training=False),
    }
    return Frame(
        figures={
            "One unit's z": histograms(before, after),
            "Cost": curves.race(
                Race(("with", "without"), table[:, 0], table[:, 1:].T),
                params.steps,
                {"with": NORMALIZED, "without": PLAIN},
            ),
            "Under shifted inputs": under_shift(shifted),
        },
        says=(
            f"After {step:,} steps the cost is {now[0]:.3f} with and {now[1]:.3f} without batch normalization; the unit's z "
            f"of mean {float(before.mean()):.2f} and deviation {float(before.std(correction=0)):.2f} becomes one of mean "
            f"{float(after.mean()):.2f} and deviation {float(after.std(correction=0)):.2f}."
        ),
        metrics={
            "Cost with": f"{now[0]:.4f}",
            "Cost without": f"{now[1]:.4f}",
            "z before": f"{float(before.mean()):.2f} ± {float(before.std(correction=0)):.2f}",
            "z after": f"{float(after.mean()):.2f} ± {float(after.std(correction=0)):.2f}",
        },
        progress=step / params.steps,
    )


@torch.no_grad()
def shown_unit(params: BatchNorm, data: Data, net: NormalizedMlp) -> tuple[Tensor, Tensor]:
    """The chosen unit's z on the dev set before and after, (m,) each, with the γ and β of the sliders."""
    z = net.preactivation(0, data.dev[0])[:, params.unit - 1 : params.unit]
    known = () if params.mode == "training" else (net.means[0][params.unit - 1], net.variances[0][params.unit - 1])
    after, _, _ = batch_norm(z, torch.tensor(params.gamma), torch.tensor(params.beta), *known)
    return z[:, 0], after[:, 0]


def histograms(before: Tensor, after: Tensor) -> Any:
    """z before and after on one axis."""
    low, high = (float(f(torch.cat([before, after]))) for f in (torch.min, torch.max))
    edges = np.linspace(low, high + 1e-6, 61)
    middle = (edges[1:] + edges[:-1]) / 2
    traces = []
    for name, values, color in (("z", before, GREY), ("γẑ + β", after, NORMALIZED)):
        share = np.histogram(values.numpy(), edges)[0] / len(values)
        bars = {"type": "bar", "x": middle, "y": share, "name": name, "marker": {"color": color}, "opacity": 0.75}
        traces.append({**bars, "hovertemplate": "%{x:.2f}: %{y:.1%}<extra></extra>"})
    return figure(traces, x="value", y="share of examples", barmode="overlay", bargap=0)


def under_shift(shifted: dict[str, list[float]]) -> Any:
    """Accuracy on the dev set against a shift of all inputs."""
    colors = dict(zip(shifted, (RUNNING, NORMALIZED, PLAIN), strict=True))
    hover = {"hovertemplate": "shift %{x:.2f}: %{y:.1%}<extra></extra>"}
    traces = [line(SHIFTS.numpy(), np.array(y, np.float32), name, colors[name], **hover) for name, y in shifted.items()]
    return figure(
        traces, x="shift of both inputs at test time", y="dev accuracy", yaxis={"range": [0.3, 1.02]}, height=320
    )


def shapes(params: BatchNorm) -> Mistake:
    """What happens to a γ of shape (n, m) at a batch of another size, in the course's layout of units by examples."""
    n, m, other = SIZES[1], params.batch, params.batch + 1
    try:
        torch.ones(n, m) * torch.ones(n, other)
        failure = ""
    except RuntimeError as error:
        failure = str(error)
    fits = torch.ones(n, 1) * torch.ones(n, other)
    return Mistake(
        f"γ of shape ({n}, {m}) has {n * m:,} numbers and fits no other batch: {failure}",
        f"γ of shape ({n}, 1) has {n} numbers, one a unit, and gives {tuple(fits.shape)} for any batch.",
    )


LAB = Lab(
    slug="batch-norm",
    summary="Normalize what a layer passes on, in every batch, and see training speed up and shifts disappear.",
    params=BatchNorm,
    run=run,
    trains=True,
    look_for=(
        "Both networks get the same weights and batches. The inputs lie off centre, which slows the plain one and which "
        "normalization removes. In training mode the shown z always comes out at mean β and deviation γ; in test mode only "
        "about, because running averages stand in for the batch. Shift the test inputs: which of the three curves stays "
        "flat, and why can't one use it for a single example?"
    ),
    maths=(
        r"$$\mu = \frac1m \sum_i z^{(i)}, \quad \sigma^2 = \frac1m \sum_i (z^{(i)} - \mu)^2, \quad "
        r"\hat z = \frac{z - \mu}{\sqrt{\sigma^2 + \varepsilon}}, \quad \tilde z = \gamma \hat z + \beta$$"
        "\n\n"
        r"$\gamma$ and $\beta$ are learned, one pair a unit. A bias $b$ added to every $z$ is subtracted again with $\mu$, so "
        r"it cancels and $\beta$ takes its place. At test time $\mu$ and $\sigma^2$ are exponentially weighted averages over "
        r"the training batches."
    ),
    code=(batch_norm, NormalizedMlp.normalize, trained),
    presets={
        "Test mode": {"mode": "test"},
        "Centred inputs": {"offset": 0.0},
        "Far off centre": {"offset": 10.0},
        "Fast": {"rate": 2.0},
        "Tiny batches": {"batch": 4},
    },
    mistakes={"batchnorm-shapes": shapes},
    rows=(("One unit's z", "Cost"), ("Under shifted inputs",)),
)
