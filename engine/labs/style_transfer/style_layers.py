"""Texture made from noise by the Gram matrices of one layer, then of several."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from engine.figures import styling as figures
from engine.figures.pictures import tiles
from engine.functional.style import gram_cost, gram_matrix, style_cost
from engine.lab import Frame, Frames, Lab
from engine.labs.style_transfer._reading import Network, brought, levels, network, read_in
from engine.models.styling import Reader
from engine.params import Params, PictureSource, integer, picture
from engine.seeding import generator
from engine.training import paced, thinned
from engine.training.styling import Moment, Plan, aims, costs, moments

LEAST = 1e-12


class StyleLayers(Params):
    """What a person can move."""

    style: PictureSource = picture("stained-glass", label="Style", help="Whose texture: a sample or your own picture.")
    steps: int = integer(50, low=1, high=1000, hint=(10, 300, 10), label="Steps", help="Of L-BFGS, for every texture.")
    side: int = integer(80, low=32, high=256, hint=(48, 192, 8), unit="px", label="Size", help="Longer side.")
    network: Network = network()


@dataclass(frozen=True)
class Past:
    """One moment of all textures: the cost of each at the layers it was made from."""

    step: int
    costs: list[float]


def sets(reader: Reader) -> dict[str, tuple[str, ...]]:
    """Which layers each texture is made from: each alone, then from the first to each."""
    layers = reader.style
    short = [name.removeprefix("relu") for name in layers]
    alone = {name: (layer,) for name, layer in zip(short, layers, strict=True)}
    return alone | {f"1 to {k}": layers[:k] for k in range(2, len(layers) + 1)}


def weaving(reader: Reader, style: Tensor, made: Sequence[tuple[str, ...]], seed: int) -> Iterator[list[Moment]]:
    """All textures in step, from the same noise, without end."""
    plans = [Plan(layers[-1], dict.fromkeys(layers, 1 / len(layers)), 0.0, 100.0, start="noise") for layers in made]
    courses = [moments(reader, style, style, plan, generator(seed)) for plan in plans]
    while True:
        yield [next(course) for course in courses]


@torch.no_grad()
def measured(reader: Reader, style: Tensor, pictures: Sequence[Tensor]) -> Tensor:
    """The style cost of pictures (3, h, w) at every layer: (pictures, layers)."""
    plan = Plan(reader.style[-1], dict.fromkeys(reader.style, 1.0))
    aim = aims(reader, style, style, plan)
    found = [costs(reader, picture[None], aim, plan).layers for picture in pictures]
    return torch.stack([torch.stack([cost[name] for name in reader.style]) for cost in found]).cpu()


def run(params: StyleLayers) -> Frames:
    """The style at once, then all textures as they come about."""
    style = read_in(params.style, params.side)
    noise = torch.rand(style.shape, generator=generator(params.seed)).to(style)
    waiting = partial(_waiting, levels(style), levels(noise))
    yield waiting("Every texture starts from the same noise.", 0.0)
    reader, why = yield from brought(params.network, waiting)
    made, before = sets(reader), measured(reader, style, [noise])
    note = f"{why} {reader.title} reads the pictures.".strip()
    passed = list[Past]()

    def recorded() -> Iterator[list[Moment]]:
        for now in weaving(reader, style, list(made.values()), params.seed):
            passed.append(Past(now[0].step, [m.style for m in now]))
            yield now
            if now[0].step == params.steps:
                return

    for now in paced(recorded()):
        share = (measured(reader, style, [m.picture for m in now]) / before.clamp(min=LEAST)).numpy()
        yield woven(params, levels(style), reader, now, passed, share, note)


def _waiting(style: np.ndarray, noise: np.ndarray, sentence: str, share: float) -> Frame:
    drawn = tiles([style, noise], ["the style", "the start"], 2, cell=_cell(style), height=260)
    return Frame(figures={"Textures": drawn}, says=sentence, note=sentence, progress=0.2 * share)


def _cell(pixels: np.ndarray) -> tuple[float, float]:
    return pixels.shape[0] / pixels.shape[1], 1.0


def woven(
    params: StyleLayers,
    style: np.ndarray,
    reader: Reader,
    now: Sequence[Moment],
    passed: Sequence[Past],
    share: np.ndarray,
    note: str,
) -> Frame:
    """All textures beside the style, their costs, and what is left of the noise's cost at every layer."""
    made, shown = sets(reader), thinned(passed)
    drawn = [style, *(levels(moment.picture) for moment in now)]
    across = 3 if len(drawn) <= 6 else 5
    used = np.array([[name in layers for name in reader.style] for layers in made.values()])
    steps = np.array([past.step for past in shown], np.float32)
    curves = {name: np.array([past.costs[k] for past in shown], np.float32) for k, name in enumerate(made)}
    alone, last = float(share[0, -1]), float(share[-1].max())
    return Frame(
        figures={
            "Textures": tiles(
                drawn, ["the style", *made], across, cell=_cell(style), height=60 + 180 * -(-len(drawn) // across)
            ),
            "Cost left at each layer": figures.left(list(made), reader.style, share, used),
            "Style cost": figures.errors(steps, curves, params.steps, "style cost J"),
        },
        says=f"After {now[0].step} steps the texture of {reader.style[0]} alone has {alone:.1%} of the noise's cost left at "
        f"{reader.style[-1]}, and that of all layers at most {last:.1%} at any.",
        metrics={
            f"{next(iter(made))} at itself": f"{share[0, 0]:.2%} left",
            f"{next(iter(made))} at {reader.style[-1].removeprefix('relu')}": f"{alone:.1%} left",
            "All, at the worst": f"{last:.2%} left",
            "Step": f"{now[0].step} of {params.steps}",
        },
        progress=now[0].step / params.steps,
        note=note,
    )


LAB = Lab(
    slug="style-layers",
    summary="Make texture from noise by the style of one layer alone, then of several.",
    params=StyleLayers,
    run=run,
    look_for=(
        "The first layer alone brings colours and grain; a deep one alone brings shapes under noise that it doesn't see. "
        "Each lowers the cost at the layers it was made from, framed in the table, far more than elsewhere. Nothing says "
        "where things are, so the texture is a new one each time: change the seed. Which layers are needed until leads join "
        "to panes?"
    ),
    maths=(
        r"$$J_{\text{style}}(S, G) = \sum_{l \in L} \frac{1}{|L|} \frac{1}{(2 n_H n_W n_C)^2} "
        r"\big\lVert G^{[l](S)} - G^{[l](G)} \big\rVert_F^2, \qquad G^{[l]}_{kk'} = \sum_{ij} a_{ijk}\, a_{ijk'}$$"
        "\n\n"
        r"$L$ is one layer, or the first to a later one (Gatys, Ecker and Bethge 2015, Texture synthesis)."
    ),
    code=(gram_matrix, gram_cost, style_cost, weaving),
    presets={
        "Waves": {"style": "waves"},
        "Strokes": {"style": "brush-strokes", "steps": 80},
        "Bricks": {"style": "brick"},
    },
    trains=True,
    rows=(("Textures",), ("Cost left at each layer", "Style cost")),
)
