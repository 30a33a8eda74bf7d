"""Gram matrices of a person's own picture, and two channels whose product sums to an entry."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from engine.figures import styling as figures
from engine.figures.photo import photo
from engine.functional.style import gram_matrix
from engine.lab import Event, Frame, Frames, Lab, Mistake
from engine.labs.style_transfer._reading import Network, brought, levels, network, read_in
from engine.models.styling import Reader, textures
from engine.params import Params, PictureSource, choice, integer, picture
from engine.results.styling import layer_gram

MOST, MOST_CHANNELS, HEIGHT = 48, 512, 250
CHANNEL = "Counted from 1; a click on a Gram matrix sets both. The last one where the layer has fewer."
Layer = Literal["1_1", "2_1", "3_1", "4_1", "5_1"]


class Gram(Params):
    """What a person can move."""

    picture: PictureSource = picture("brush-strokes", help="A sample or your own picture.")
    layer: Layer = choice("2_1", label="Layer", help="Whose channels are looked at; 4_1 and 5_1 are VGG-19's only.")
    first: int = integer(27, low=1, high=MOST_CHANNELS, hint=(1, 128, 1), label="Channel k", help=CHANNEL)
    second: int = integer(48, low=1, high=MOST_CHANNELS, hint=(1, 128, 1), label="Channel k'", help=CHANNEL)
    side: int = integer(
        128, low=32, high=256, hint=(64, 256, 16), unit="px", label="Size", help="Longer side.", more=True
    )
    network: Network = network()


def looked(params: Gram, channels: int) -> tuple[int, int]:
    """Indices of the two channels, clamped to those that the layer has."""
    first, second = (min(channel, channels) - 1 for channel in (params.first, params.second))
    return first, second


def layer_of(params: Gram, reader: Reader) -> str:
    """The layer looked at: the deepest that style is read from where the network has no such one."""
    return next((name for name in reader.style if name == f"relu{params.layer}"), reader.style[-1])


@torch.no_grad()
def run(params: Gram) -> Frames:
    """One frame; where a network must be fetched, those of waiting before it."""
    pixels = read_in(params.picture, params.side)
    if params.network != "texture":
        yield _waiting(levels(pixels), "VGG-19 is to read the picture.", 0.0)
    reader, why = yield from brought(params.network, partial(_waiting, levels(pixels)))
    read = dict(zip(reader.style, reader.read(pixels[None], reader.style), strict=True))
    yield shown(params, reader, levels(pixels), {name: a[0] for name, a in read.items()}, why)


def _waiting(pixels: np.ndarray, sentence: str, share: float) -> Frame:
    return Frame(figures={"Picture": photo(pixels)}, says=sentence, note=sentence, progress=0.5 * share)


def shown(params: Gram, reader: Reader, pixels: np.ndarray, read: Mapping[str, Tensor], why: str) -> Frame:
    """All Gram matrices, and of one entry what it sums."""
    layer = layer_of(params, reader)
    features = read[layer]
    k, other = looked(params, len(features))
    product = features[k] * features[other]
    whole = gram_matrix(features)
    entry, places = float(whole[k, other]), product.numel()
    alike = entry / max(math.sqrt(float(whole[k, k] * whole[other, other])), 1e-12)
    pair = {layer: (k, other)}
    grams = {name: layer_gram(name, a, MOST, pair.get(name, ())) for name, a in read.items()}
    heats = {"Channel k": features[k], "Channel k'": features[other], "Their product": product}
    return Frame(
        figures={
            **{title: figures.lit(pixels, _even(heat), HEIGHT) for title, heat in heats.items()},
            **{f"Gram matrix, {name}": figures.gram(gram, pair.get(name)) for name, gram in grams.items()},
        },
        says=f"In {layer} channels {k + 1} and {other + 1} have the entry {entry:.4g}: their product, summed over all {places} "
        f"places. As directions they have cosine {alike:.2f}.",
        metrics={
            "Entry of G": f"{entry:.4g}",
            "Sum of the product": f"{float(product.sum()):.4g}",
            "Cosine": f"{alike:.2f}",
            "G": f"{len(whole)} x {len(whole)}",
        },
        note=f"{why} {reader.title} reads the picture; of each layer the {MOST} strongest channels are drawn.".strip(),
    )


def _even(heat: Tensor) -> np.ndarray:
    return (heat / heat.max().clamp(min=1e-12)).numpy(force=True)


def respond(params: Gram, event: Event) -> Mapping[str, Any]:
    """A click on a Gram matrix picks its layer and two channels."""
    _, _, name = event.figure.partition("Gram matrix, relu")
    reader = textures()
    if params.network != "texture" or f"relu{name}" not in reader.style or not math.isfinite(event.x + event.y):
        return {}
    with torch.no_grad():
        read = reader.read(read_in(params.picture, params.side)[None], [f"relu{name}"])[0][0]
    among = looked(params, len(read)) if layer_of(params, reader) == f"relu{name}" else ()
    drawn = layer_gram(name, read, MOST, among).channels
    row, column = (int(drawn[min(max(round(at), 0), len(drawn) - 1)]) + 1 for at in (event.y, event.x))
    return {"layer": name, "first": row, "second": column}


def transposed(params: Gram) -> Mistake:
    """Both products of the unrolled activations (HW, C) and their shapes."""
    reader = textures()
    with torch.no_grad():
        features = reader.read(read_in(params.picture, 32)[None], [layer_of(params, reader)])[0][0]
    unrolled = features.flatten(1).T
    wrong, right = unrolled @ unrolled.T, unrolled.T @ unrolled
    shape = f"F of {unrolled.shape[0]} x {unrolled.shape[1]}"
    return Mistake(
        wrong=f"{shape}, G = F Fᵀ: {wrong.shape[0]} x {wrong.shape[1]}, places by places, which grows with the picture.",
        right=f"{shape}, G = Fᵀ F: {right.shape[0]} x {right.shape[1]}, channels by channels; both have the trace "
        f"{float(right.trace()):.4g}.",
    )


LAB = Lab(
    slug="gram",
    summary="See which channels of a network fire together on your own picture: that is its style.",
    params=Gram,
    run=run,
    look_for=(
        "An entry of the Gram matrix is large where two channels are active at the same places, wherever those are: the "
        "place is summed away, which leaves texture without arrangement. Click a bright entry off the diagonal and see both "
        "maps agree; a dark one has maps that avoid each other. Does another picture of the same texture keep the pattern?"
    ),
    maths=(
        r"$$G^{[l]}_{kk'} = \sum_{i=1}^{n_H} \sum_{j=1}^{n_W} a^{[l]}_{ijk}\, a^{[l]}_{ijk'}, \qquad "
        r"G = F^\top F,\ F \in \mathbb{R}^{n_H n_W \times n_C}, \qquad \cos = \frac{G_{kk'}}{\sqrt{G_{kk} G_{k'k'}}}$$"
    ),
    code=(gram_matrix, shown, layer_gram),
    presets={
        "Bricks": {"picture": "brick"},
        "First layer": {"layer": "1_1", "first": 3, "second": 20},
        "Deep": {"picture": "stained-glass", "layer": "3_1", "first": 12, "second": 77},
    },
    mistakes={"gram-transpose": transposed},
    trains=True,
    rows=(
        ("Channel k", "Channel k'", "Their product"),
        ("Gram matrix, relu1_1", "Gram matrix, relu2_1", "Gram matrix, relu3_1"),
    ),
    listens=("click",),
    respond=respond,
)
