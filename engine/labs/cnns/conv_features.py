"""What convolutional networks learn: the nine patches that excite a unit most, layer by layer, and the first filters."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from typing import Any, Literal

import numpy as np
import torch

from engine.data.drawn import SIDE
from engine.data.media import Picture, fit_within
from engine.data.pixels import opened, to_tensor
from engine.data.searched import Drawn, Windows
from engine.figures import features as figures
from engine.functional.convolution import receptive_field
from engine.functional.features import Peaks, field_box, first_peaks, layer_fields, layer_maps, merged, search
from engine.lab import Event, Frame, Frames, Lab
from engine.models import atlas20, bundled
from engine.params import Params, PictureSource, choice, integer, picture
from engine.results.features import LayerUnits, Patch
from engine.training import paced

Layer = Literal["stem", "block1", "block2", "block3", "block4", "block5", "block6"]
UNITS = {"stem": 16, "block1": 16, "block2": 16, "block3": 32, "block4": 32, "block5": 64, "block6": 64}
NAMES = {"stem": "Stem"} | {f"block{n}": f"Block {n}" for n in range(1, 7)}
BATCH, OWN_SIDE = 20, 128
FRAME_SECONDS = 0.25


class ConvFeatures(Params):
    """What a person can move."""

    layer: Layer = choice("block3", label="Layer", help="Later layers see more of a picture.", names=NAMES)
    unit: int = integer(
        17,
        low=0,
        high=63,
        label="Unit",
        help="16 in the stem and the first two blocks, then 32, then 64. Click a bar or a filter to pick one.",
    )
    among: Literal["drawn", "own"] = choice(
        "drawn",
        label="Patches from",
        help="Many small drawn pictures, or windows of 64 x 64 pixels of your own picture at seven scales.",
        names={"drawn": "Drawn pictures", "own": "Your picture"},
    )
    picture: PictureSource = picture("photo-china", help="A sample, or your own picture.")
    count: int = integer(
        400, low=20, high=2000, hint=(100, 1000, 20), label="Drawn pictures", help="How many are searched.", more=True
    )


@cache
def network() -> atlas20.Atlas20:
    """The bundled network, ready to be asked."""
    loaded = atlas20.Atlas20()
    loaded.load_state_dict(bundled.state("atlas20"))
    return loaded.eval().requires_grad_(False)


def searched(params: ConvFeatures) -> Drawn | Windows:
    """Where the patches are looked for."""
    return Windows(params.picture) if params.among == "own" else Drawn(params.seed, params.count)


def run(params: ConvFeatures) -> Frames:
    """The peaks among the first pictures at once, then among more and more; all units of all layers together."""
    pictures = searched(params)
    starts = range(0, pictures.count, BATCH)
    batches = (pictures.batch(range(at, min(at + BATCH, pictures.count))) for at in starts)
    for seen, found in paced(search(network(), batches), FRAME_SECONDS):
        yield Frame(figures={}, says="", progress=seen / pictures.count, state=(seen, found))


def patches(params: ConvFeatures, peaks: Peaks, unit: int) -> list[Patch]:
    """The unit's strongest patches, the strongest first."""
    pictures, field = searched(params), layer_fields(network(), SIDE)[params.layer]
    rows = zip(*(part[unit].tolist() for part in peaks.places), strict=True)
    return [
        Patch(pictures.pixels(number), field_box(field, row, column), value, number, pictures.name(number))
        for value, number, row, column in rows
    ]


def first_filters() -> np.ndarray:
    """The weights of the first layer, (16, 5, 5, 3)."""
    weights: np.ndarray = network().state_dict()["stem.0.weight"].permute(0, 2, 3, 1).numpy()
    return weights


@lru_cache(maxsize=2)
@torch.no_grad()
def own_maps(source: str | Picture) -> dict[str, np.ndarray]:
    """Every layer's activations (units, h, w) on the whole of a person's picture."""
    small = fit_within(opened(source), OWN_SIDE).pixels
    return {layer: maps[0].numpy() for layer, maps in layer_maps(network(), to_tensor([small]))}


def lying(params: ConvFeatures, found: Sequence[Patch], shown: np.ndarray) -> Any:
    """The figure of where the patches come from: drawn pictures, or one picture, drawn as ``shown``."""
    pictures = searched(params)
    if isinstance(pictures, Drawn):
        return figures.whole(found)
    scale = shown.shape[1] / opened(params.picture).pixels.shape[1]
    boxes = [pictures.place(one.number, one.inside) for one in found]
    return figures.located(shown, [(scale * a, scale * b, scale * c, scale * d) for a, b, c, d in boxes])


def view(params: ConvFeatures, frame: Frame) -> Frame:
    """One unit of one layer: its patches, its map of the person's picture, and how it compares with its neighbours."""
    seen, every = frame.state
    peaks, unit = every[params.layer], min(params.unit, UNITS[params.layer] - 1)
    found = patches(params, peaks, unit)
    shown = fit_within(opened(params.picture), 2 * OWN_SIDE).pixels
    own = own_maps(params.picture)[params.layer][unit]
    units = LayerUnits((peaks.total / peaks.seen).numpy(), (peaks.silent / peaks.seen).numpy())
    size = found[0].box[2] - found[0].box[0]
    return replace(
        frame,
        figures={
            "Nine strongest patches": figures.patches(found),
            "Where they lie": lying(params, found, shown),
            "Your picture": figures.picture(shown),
            "Its map of your picture": figures.activation_map(own, *shown.shape[:2]),
            "First-layer filters": figures.filters(first_filters(), unit if params.layer == "stem" else None),
            "Mean activation": figures.mean_activation(units, unit),
            "Silence": figures.silence(units, unit),
        },
        says=sentence(params, unit, size, seen, found),
        metrics={
            "Strongest activation": f"{found[0].activation:.3f}",
            "It sees": f"{size} x {size} pixels",
            "Mean activation": f"{units.mean[unit]:.3f}",
            "Zeros": f"{units.silent[unit]:.1%}",
        },
    )


def sentence(params: ConvFeatures, unit: int, size: int, seen: int, found: Sequence[Patch]) -> str:
    """What the figures say, in words."""
    where = "windows of your picture" if params.among == "own" else "drawn pictures"
    if not found[0].activation:
        return f"Unit {unit} of {NAMES[params.layer].lower()} is silent on all {seen} {where}."
    name, times = Counter(patch.source for patch in found).most_common(1)[0]
    return (
        f"Unit {unit} of {NAMES[params.layer].lower()} sees {size} x {size} pixels; among {seen} {where} it answers its "
        f"nine strongest patches with {found[0].activation:.2f} down to {found[-1].activation:.2f}, and {times} of them "
        f"come from {name}."
    )


def respond(params: ConvFeatures, event: Event) -> Mapping[str, Any]:
    """A click on a bar picks that unit, one on a filter that unit of the stem."""
    if not (math.isfinite(event.x) and math.isfinite(event.y)):
        return {}
    if event.figure in ("Mean activation", "Silence"):
        return {"unit": min(max(round(event.x), 0), UNITS[params.layer] - 1)}
    picked = figures.filter_at(event.x, event.y, UNITS["stem"]) if event.figure == "First-layer filters" else None
    return {} if picked is None else {"layer": "stem", "unit": picked}


LAB = Lab(
    slug="conv-features",
    summary="Look for the nine patches that excite a unit of a trained network most, from the first layer to the last.",
    params=ConvFeatures,
    run=run,
    trains=True,
    views=("layer", "unit"),
    view=view,
    look_for=(
        "Units of the stem answer to an edge between two colours, those of block 3 to arcs, corners or bricks, those of "
        "block 6 to whole shapes wherever they lie and whatever their colour. Click a bar to pick a unit: some are silent "
        "nearly everywhere, and those that speak seldom are often the easiest to name. Search your own picture instead: "
        "does a unit that likes hearts find anything there that you would call one?"
    ),
    maths=(
        r"$$\max_{i,j}\ a^{[l]}_{k,i,j}(x) \qquad \text{of unit } k \text{ of layer } l, \text{ the nine largest over all } x$$"
        "\n\n"
        r"A picture $x$ counts once, at its strongest place $(i, j)$. What the unit sees there is $s$ pixels wide and starts "
        r"at $r - s/2 + j\,i$: from layer to layer $s := s + (f - 1)\,j$, then $j := j \cdot \text{stride}$. Nothing outside "
        r"can change it. The skip around a block sees less than the block does."
    ),
    code=(layer_maps, first_peaks, merged, field_box, receptive_field),
    presets={
        "Coloured edge": {"layer": "stem", "unit": 13},
        "Red": {"layer": "stem", "unit": 5},
        "Arcs": {"unit": 4},
        "Grain": {"layer": "block6", "unit": 10},
        "Hearts": {"layer": "block6", "unit": 30},
        "Bricks of a photograph": {"among": "own", "picture": "brick"},
    },
    rows=(
        ("Nine strongest patches", "Where they lie"),
        ("Your picture", "Its map of your picture"),
        ("Mean activation", "Silence"),
        ("First-layer filters",),
    ),
    listens=("click",),
    respond=respond,
)
