"""What the labs of a classic network share: its layers counted, one of them picked, and the picture it works on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from PIL import Image

from engine.data.media import Picture
from engine.data.samples import picture_sample
from engine.figures import architectures as figures
from engine.figures import maps
from engine.figures.photo import frame, photo
from engine.functional.convolution import Field, receptive_field
from engine.lab import Event, Frame, Frames
from engine.models.answering import NAMES, answerer, ask, atlas
from engine.models.counting import NETWORKS, Layer
from engine.models.pretrained import Unavailable
from engine.params import Params, PictureSource, choice, integer, picture
from engine.results import Array
from engine.results.architectures import Architecture, architecture, millions, shape, steps
from engine.results.pictures import Answer, top

MOST_SIDE, MOST_LAYERS = 512, 40
BEST = 5
PICKED = "Whose arithmetic is shown; clicking a box sets it too, and beyond the last it is the last."
# A picture's shorter side is shrunk to so much more than what is cropped from its middle.
MARGIN = 256 / 224
# What is sent to the browser; the axes keep the network's pixels.
DRAWN = 112

Rival = Literal[
    "alexnet_one", "alexnet", "vgg16", "vgg19", "resnet18", "resnet50", "googlenet", "inception_v3", "squeezenet1_1",
    "mobilenet_v1", "mobilenet_v2", "mobilenet_v3_large", "efficientnet_b0", "efficientnet_b7",
]  # fmt: skip


class Classic(Params):
    """What a person can move; a lab adds the versions of its network and says which it compares with."""

    version: str
    against: Rival = choice(
        "vgg16", label="Compare with", help="A second network, at its own input size.", names=NETWORKS
    )
    side: int = integer(
        224,
        low=67,
        high=MOST_SIDE,
        hint=(96, 448, 1),
        unit="px",
        label="Input size",
        help="Side of the square picture.",
    )
    layer: int = integer(
        1,
        low=1,
        high=MOST_LAYERS,
        hint=(1, 24, 1),
        label="Layer",
        help=PICKED,
    )
    picture: PictureSource = picture(
        "photo-flower", help="A sample or your own picture; its middle is what the network sees."
    )


def run(params: Classic) -> Frames:
    """One frame: the network counted, and the picked layer on the picture."""
    result = architecture(params.version, params.side)
    rival = architecture(params.against)
    at = chosen(params, result)
    name, layer = result.names[result.shown[at]], result.layers[result.shown[at]]
    field = field_of(result, at)
    sees = f"{field.size} × {field.size} px" if field else "the whole picture"
    share = sum(x.parameters for x in result.layers if x.kind == "dense") / result.parameters
    answer, who = answered(params)
    yield Frame(
        figures={
            "Picture": picture_seen(params.picture, params.side, field),
            "Answer": maps.answer(answer),
            "Shapes": figures.shapes(result, at),
            "Parameters": figures.treemap(result, "parameters"),
            "Multiplications": figures.treemap(result, "multiplications"),
            "Parameters by stage": figures.side_by_side(result, rival, "parameters"),
            "Multiplications by stage": figures.side_by_side(result, rival, "multiplications"),
        },
        says=(
            f"{result.title} has {result.parameters:,} parameters, {share:.0%} of them in its dense layers, and needs "
            f"{millions(result.multiplications)} multiplications for {shape((3, params.side, params.side))}; {name} turns "
            f"{shape(layer.inputs)} into {shape(layer.shape)}, and a unit of it sees {sees}. {who}"
        ),
        metrics={
            "Parameters": f"{result.parameters:,}",
            "In dense layers": f"{share:.0%}",
            "Multiplications": millions(result.multiplications),
            "Activations": f"{result.memory / 1e6:.3g} MB",
        },
        tables={
            f"The arithmetic of {name}": steps(layer, {"One unit sees": sees}),
            f"Layers of {result.title}": result.table(),
        },
    )


def answered(params: Classic) -> tuple[Answer, str]:
    """The picture's best classes by the network's trained weights, or by the bundled network where those aren't here."""
    source = params.picture if isinstance(params.picture, Picture) else picture_sample(params.picture)
    # The published AlexNet's weights are not to be had: torchvision's version of it answers for it.
    name = params.version.partition("_")[0]
    try:
        found, why = answerer(name), ""
    except Unavailable:
        found, why = atlas(), f"{NAMES[name]}'s weights are not here; the lab Classify your picture fetches them."
    answer = top(ask(found, [source.pixels], "centre")[0], found.labels, BEST)
    return answer, f"{found.title} takes the picture for {answer.labels[0]!r}. {why}".strip()


def chosen(params: Classic, result: Architecture) -> int:
    """The place of the picked layer among those shown."""
    return min(params.layer, len(result.shown)) - 1


def field_of(result: Architecture, at: int) -> Field | None:
    """What a unit of a shown layer sees of the input, nothing for a dense one, which sees all; the layers form a chain."""
    passed = [result.layers[k] for k in result.shown[: at + 1]]
    if passed[-1].kind == "dense":
        return None
    return receptive_field(result.side, [sliding(layer) for layer in passed])[-1]


def sliding(layer: Layer) -> tuple[int, int, int]:
    """Kernel, stride and padding of a layer; those of the nearest even windows where it adapts to the map's size."""
    if layer.stride:
        return layer.kernel[0], layer.stride, layer.padding
    stride = max(1, layer.inputs[1] // layer.side)
    return max(1, layer.inputs[1] - (layer.side - 1) * stride), stride, 0


def picture_seen(source: str | Picture, side: int, field: Field | None) -> Any:
    """The picture as the network gets it, with what the middle unit of a layer sees framed."""
    pixels = cropped(source if isinstance(source, Picture) else picture_sample(source), min(side, DRAWN))
    ends = (0.0, side - 1.0)
    if field is not None:
        middle = field.start + field.n // 2 * field.jump - 0.5
        reach = (field.size - 1) / 2
        ends = max(middle - reach, 0.0), min(middle + reach, side - 1.0)
    caption = {"title": {"text": "framed: what the layer's middle unit sees"}}
    return photo(pixels, side, shapes=frame(*ends, *ends), xaxis=caption)


def cropped(source: Picture, side: int) -> Array:
    """The middle of a picture as (side, side, 3) in uint8: its shorter side shrunk to a little more, then cropped."""
    image = Image.fromarray(np.asarray(source.pixels))
    target = math.ceil(side * MARGIN)
    scale = target / min(image.size)
    wide, high = (max(target, round(n * scale)) for n in image.size)
    left, top = (wide - side) // 2, (high - side) // 2
    resized = image.resize((wide, high), Image.Resampling.BILINEAR)
    return np.asarray(resized.crop((left, top, left + side, top + side)))


def respond(params: Classic, event: Event) -> Mapping[str, Any]:
    """A click on a box picks its layer."""
    if event.kind != "click" or event.figure != "Shapes" or not math.isfinite(event.x):
        return {}
    shown = len(architecture(params.version, params.side).shown)
    return {"layer": min(max(round(event.x) + 1, 1), shown)}


ROWS = (
    ("Picture", "Answer"),
    ("Shapes",),
    ("Parameters", "Multiplications"),
    ("Parameters by stage", "Multiplications by stage"),
)
