"""Neural style transfer: one picture's content in another's style, on a person's own pictures, as it comes about."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image

from engine.figures import styling as figures
from engine.figures.pictures import tiles
from engine.functional.style import content_cost, gram_cost, gram_matrix, layer_style_cost, total_cost
from engine.lab import Frame, Frames, Lab, Mistake
from engine.labs.style_transfer._reading import Network, brought, levels, network, read_in
from engine.models.styling import Reader, textures
from engine.params import Params, PictureSource, choice, integer, number, picture
from engine.results.styling import cost_curves
from engine.seeding import generator
from engine.training import paced, thinned
from engine.training.styling import Moment, Plan, moments, resumed, transfer

BLOCKS = 5
SMALL = 64
WEIGHT = "How much the style of this layer counts; 0 leaves it out."


class Transfer(Params):
    """What a person can move."""

    content: PictureSource = picture("photo-china", label="Content", help="What is to be seen: a sample or your own.")
    style: PictureSource = picture("brush-strokes", label="Style", help="How it is to look: a sample or your own.")
    beta: float = number(
        300.0, low=0.0, high=1e6, hint=(1.0, 10_000.0, 1.0), log=True, label="Style weight β", help="What style counts."
    )
    side: int = integer(
        160,
        low=64,
        high=512,
        hint=(64, 512, 32),
        unit="px",
        label="Size",
        help="Longer side; time grows with its square.",
    )
    steps: int = integer(
        60, low=1, high=2000, hint=(10, 500, 10), label="Steps", help="Raise it, or run again after a stop, to go on."
    )
    reveal: int = integer(
        0,
        low=0,
        high=100,
        unit="%",
        label="Before / after",
        help="So much of the content picture is laid over the result.",
    )
    start: Literal["content", "noise"] = choice(
        "content", label="Start from", help="Which picture is changed.", names={"noise": "Noise"}, more=True
    )
    network: Network = network()
    alpha: float = number(
        10.0, low=0.0, high=1e6, hint=(0.1, 1000.0, 0.1), log=True, label="Content weight α", help="What content counts.",
        more=True,
    )  # fmt: skip
    optimizer: Literal["lbfgs", "adam"] = choice(
        "lbfgs", label="Optimizer", help="Who moves the pixels.", names={"lbfgs": "L-BFGS", "adam": "Adam"}, more=True
    )
    rate: float = number(
        0.03, low=1e-4, high=1.0, log=True, label="Learning rate", help="Of Adam, a picture being 0 to 1.", more=True
    )
    smooth: float = number(
        0.0,
        low=0.0,
        high=1e6,
        hint=(0.0, 1000.0, 10.0),
        label="Smoothness",
        help="Weight of total variation.",
        more=True,
    )
    w1: float = number(0.2, low=0.0, high=100.0, hint=(0.0, 1.0, 0.05), label="Layer 1_1", help=WEIGHT, more=True)
    w2: float = number(0.2, low=0.0, high=100.0, hint=(0.0, 1.0, 0.05), label="Layer 2_1", help=WEIGHT, more=True)
    w3: float = number(0.2, low=0.0, high=100.0, hint=(0.0, 1.0, 0.05), label="Layer 3_1", help=WEIGHT, more=True)
    w4: float = number(
        0.2, low=0.0, high=100.0, hint=(0.0, 1.0, 0.05), label="Layer 4_1", help=f"{WEIGHT} VGG-19 only.", more=True
    )
    w5: float = number(
        0.2, low=0.0, high=100.0, hint=(0.0, 1.0, 0.05), label="Layer 5_1", help=f"{WEIGHT} VGG-19 only.", more=True
    )


@dataclass(frozen=True)
class Shown:
    """What :func:`view` draws from: content and result (h, w, 3) in levels."""

    content: np.ndarray
    result: np.ndarray


def planned(params: Transfer, reader: Reader) -> Plan:
    """The parameters as a plan for one network; layers of no weight are left out."""
    weights = (params.w1, params.w2, params.w3, params.w4, params.w5)
    layers = {name: weight for name, weight in zip(reader.style, weights, strict=False) if weight > 0}
    given = (params.alpha, params.beta, params.smooth, params.start, params.optimizer, params.rate, params.steps)
    return Plan(reader.content, layers, *given)


def run(params: Transfer) -> Frames:
    """The picture it starts from at once, then the network if it must be fetched, then the picture as it changes."""
    content, style = read_in(params.content, params.side), read_in(params.style, params.side)
    noise = torch.rand(content.shape, generator=generator(params.seed))
    begun = Shown(levels(content), levels(content if params.start == "content" else noise))
    given = tiles([begun.content, levels(style)], ["content", "style"], 2, height=230, cell=_cell(content, style))
    waiting = partial(_waiting, begun, {"Content and style": given})
    yield waiting("Nothing has been changed yet.", 0.0)
    reader, why = yield from brought(params.network, waiting)
    plan = planned(params, reader)
    key = (reader.name, params.model_copy(update={"steps": 0, "reveal": 0}))
    course = resumed(key, lambda: moments(reader, content, style, plan, generator(params.seed)), params.steps)
    note = f"{why} {reader.title} reads the pictures.".strip()
    for history in paced(_while_finite(course)):
        shown = Shown(begun.content, levels(history[-1].picture))
        yield changed(params, plan, history, shown, {"Content and style": given}, note)


def _while_finite(course: Iterator[list[Moment]]) -> Iterator[list[Moment]]:
    """A course up to the first cost that is no number, which is its last then and so is always drawn."""
    for history in course:
        yield history
        if not math.isfinite(history[-1].total):
            return


def _cell(content: torch.Tensor, style: torch.Tensor) -> tuple[float, float]:
    return max(picture.shape[1] / picture.shape[2] for picture in (content, style)), 1.0


def _waiting(shown: Shown, given: Mapping[str, Any], sentence: str, share: float) -> Frame:
    return Frame(figures=given, says=sentence, note=sentence, progress=0.2 * share, state=shown)


def changed(
    params: Transfer, plan: Plan, history: Sequence[Moment], shown: Shown, given: Mapping[str, Any], note: str
) -> Frame:
    """A frame of the picture under way."""
    now, first = history[-1], history[0]
    finite = math.isfinite(now.total)
    share = now.total / first.total if first.total else 1.0
    curves = figures.costs(cost_curves(thinned(history), plan), params.steps)
    return Frame(
        figures={**given, "Costs": curves},
        says=f"After {now.step} steps J is {now.total:.3g}, {share:.1%} of what it was: content {plan.alpha * now.content:.3g}"
        f" and style {plan.beta * now.style:.3g}."
        if finite
        else f"After {now.step} steps the cost is no number any more.",
        metrics={
            "Total J": f"{now.total:.3g}",
            "Content α J": f"{plan.alpha * now.content:.3g}",
            "Style β J": f"{plan.beta * now.style:.3g}",
            "Step": f"{now.step} of {params.steps}",
        },
        progress=now.step / params.steps if finite else 1.0,
        note=note,
        diverged="" if finite else f"The cost overflowed at step {now.step}: the weights or the rate are too large.",
        remedy={} if finite else {"alpha": 10.0, "beta": 300.0, "rate": 0.03, "smooth": 0.0},
        files={"style-transfer.png": png(shown.result)},
        state=shown,
    )


def png(pixels: np.ndarray) -> bytes:
    """A picture as a file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=3)
    return file.getvalue()


def view(params: Transfer, frame: Frame) -> Frame:
    """The picture, so much of the content laid over it."""
    shown: Shown = frame.state
    drawn = {"Picture": figures.uncovered(shown.content, shown.result, params.reveal)}
    return replace(frame, figures=drawn)


def normaliser(params: Transfer) -> Mistake:
    """The first layer's style cost of the content picture, normalised once and as the paper does."""
    reader = textures()
    name = reader.style[0]
    content, style = (reader.read(read_in(s, SMALL)[None], [name])[0][0] for s in (params.content, params.style))
    right = float(layer_style_cost(style, content))
    norm = math.sqrt(right) * 2 * content.numel()
    return Mistake(
        wrong=f"1/(2HWC) times the norm: {norm:.4g} / {2 * content.numel():,} = {math.sqrt(right):.4g}, whose slope doesn't "
        "vanish at the goal.",
        right=f"1/(2HWC)² times the squared Frobenius norm: {norm:.4g}² / {2 * content.numel():,}² = {right:.4g}.",
    )


LAB = Lab(
    slug="style-transfer",
    summary="Give your own picture the style of another, and watch it change stroke by stroke.",
    params=Transfer,
    run=run,
    look_for=(
        "No network is trained here: the pixels are what learns, until the network's deep activations are still those of the "
        "content and its Gram matrices those of the style. Colours come first, strokes later. Move Before / after over the "
        "picture, then raise the style weight tenfold, or start from noise: what of the content survives?"
    ),
    maths=(
        r"$$J(G) = \alpha\, J_{\text{content}}(C, G) + \beta \sum_l \lambda^{[l]} J^{[l]}_{\text{style}}(S, G) + "
        r"\gamma\, \text{TV}(G), \qquad J_{\text{content}} = \frac{1}{4 n_H n_W n_C} \lVert a^{(C)} - a^{(G)} \rVert^2$$"
        "\n\n"
        r"$$J^{[l]}_{\text{style}} = \frac{1}{(2 n_H n_W n_C)^2} \sum_{k,k'} \big(G^{(S)}_{kk'} - G^{(G)}_{kk'}\big)^2, "
        r"\qquad G := G - \frac{\partial J}{\partial G} \text{ by Adam or L-BFGS}$$"
        "\n\n"
        r"A layer's activations are divided by their mean on the style picture, and $G^{(S)}$ is scaled to as many places."
    ),
    code=(total_cost, content_cost, gram_cost, gram_matrix, transfer),
    presets={
        "Stained glass": {"style": "stained-glass", "beta": 600.0},
        "Waves": {"content": "photo-flower", "style": "waves", "beta": 600.0},
        "From noise": {"start": "noise", "alpha": 30.0, "steps": 100},
        "Smooth": {"smooth": 300.0},
        "Adam": {"optimizer": "adam"},
        "VGG-19": {"network": "vgg19", "steps": 40},
    },
    mistakes={"style-normaliser": normaliser},
    trains=True,
    rows=(("Picture",), ("Content and style", "Costs")),
    views=("reveal",),
    view=view,
)
