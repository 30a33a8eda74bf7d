"""Build a convolutional network layer by layer, count it, and train it on digits."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from engine.data.handwriting import digits
from engine.figures import architectures as figures
from engine.figures import maps
from engine.functional.convolution import output_size
from engine.kinds import MOST_LAYERS
from engine.lab import Event, Frame, Frames, Lab, Mistake
from engine.models.built import Row, build, initialize, program
from engine.models.counting import count
from engine.params import Layers, Params, integer, layers, number, toggle
from engine.results import pictures as results
from engine.results.architectures import Architecture, millions, shape, steps
from engine.seeding import generator
from engine.training import paced, recorded
from engine.training.pictures import Epoch, distorted, fit_pictures

LENET = (
    ("conv", 8, 5, 1, 0),
    ("max", 2, 2),
    ("conv", 16, 5, 1, 0),
    ("max", 2, 2),
    ("dense", 120),
    ("dense", 84),
    ("dense", 10),
)
COURSE = (("conv", 10, 3, 1, 0), ("conv", 20, 5, 2, 0), ("conv", 40, 5, 2, 0), ("dense", 10))
CLASSES = 10
# What two cores can train while somebody watches.
MOST_SIDE, MOST_MULTIPLICATIONS, MOST_PARAMETERS = 64, 20_000_000, 3_000_000


class Builder(Params):
    """What a person can move."""

    network: Layers = layers(LENET, label="Network", help="Layers in order; open one to change it, move or remove it.")
    side: int = integer(
        32, low=4, high=512, hint=(8, 128, 1), unit="px", label="Input side", help="Of the square picture."
    )
    channels: int = integer(3, low=1, high=64, hint=(1, 8, 1), label="Input channels", help="3 for colour, 1 for grey.")
    layer: int = integer(
        1, low=1, high=MOST_LAYERS, label="Layer", help="Whose arithmetic is shown; clicking a box sets it, too."
    )
    train: bool = toggle(
        False, label="Train on digits", help="Train it on 1,437 handwritten digits, scaled to its input."
    )
    epochs: int = integer(5, low=1, high=40, hint=(1, 20, 1), label="Epochs", help="Passes over the digits.", more=True)
    rate: float = number(
        0.005, low=1e-4, high=0.3, log=True, label="Learning rate", help="Highest step of Adam.", more=True
    )


def run(params: Builder) -> Frames:
    """The network counted; if it is to be trained, its training too, in the same figures' company."""
    result = counted(params)
    base = frame(params, result)
    if not params.train:
        yield base
    elif (
        params.side > MOST_SIDE or result.multiplications > MOST_MULTIPLICATIONS or result.parameters > MOST_PARAMETERS
    ):
        limits = f"{MOST_SIDE} px, {millions(MOST_MULTIPLICATIONS)} multiplications and {millions(MOST_PARAMETERS)} parameters"
        yield merged(base, note=f"To be trained here it must keep to {limits}; make it smaller.")
    else:
        yield from training(params, base)


def counted(params: Builder) -> Architecture:
    """The layers as PyTorch's own modules tell them."""
    with torch.device("meta"):
        module = build(params.network, params.side, params.channels)
    return Architecture("Your network", params.side, count(module, (params.channels, params.side, params.side)))


def frame(params: Builder, result: Architecture) -> Frame:
    """Boxes, treemaps, tables and the program of a network."""
    at = min(params.layer, len(result.shown)) - 1
    name, layer = result.names[result.shown[at]], result.layers[result.shown[at]]
    trees = {
        by.capitalize(): figures.treemap(result, by) for by in ("parameters", "multiplications") if getattr(result, by)
    }
    entered = shape((params.channels, params.side, params.side))
    return Frame(
        figures={"Shapes": figures.shapes(result, at), **trees},
        says=(
            f"From {entered} it makes {shape(result.layers[-1].shape)} with {result.parameters:,} parameters and "
            f"{millions(result.multiplications)} multiplications; {name} turns {shape(layer.inputs)} into {shape(layer.shape)}."
        ),
        metrics={
            "Parameters": f"{result.parameters:,}",
            "Multiplications": millions(result.multiplications),
            "Activations": f"{result.memory / 1e3:.3g} kB",
        },
        tables={f"The arithmetic of {name}": steps(layer, {}), "Layers": result.table()},
        code={"As a module": program(params.network, params.side, params.channels)},
    )


def with_output(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """The rows, and an output of one unit a digit if they don't end in one."""
    return rows if rows[-1] == ("dense", CLASSES) else (*rows, ("dense", CLASSES))


def scaled(x: Tensor, side: int, channels: int) -> Tensor:
    """Digits (m, 1, 32, 32) as the network's input: (m, channels, side, side), the same in every channel."""
    resized = x if side == x.shape[-1] else interpolate(x, size=(side, side), mode="bilinear", align_corners=False)
    return resized.expand(-1, channels, -1, -1).contiguous()


def training(params: Builder, base: Frame) -> Iterator[Frame]:
    """Frames of a training."""
    data, rows = digits(), with_output(params.network)
    network = initialize(rows, params.side, params.channels, params.seed)
    random = generator(params.seed, 2)

    def fitted(x: Tensor) -> Tensor:
        return scaled(distorted(x, 1.0, random), params.side, params.channels)

    test = scaled(data.test, params.side, params.channels)
    run = fit_pictures(
        network, (data.train, data.train_labels), (test, data.test_labels),
        rate=params.rate, epochs=params.epochs, batch=64, generator=generator(params.seed, 1), change=fitted, looks=4,
    )  # fmt: skip
    for history in paced(recorded(run)):
        now: Epoch = history[-1]
        shown = results.progress([(e.epoch, e.cost, e.accuracy) for e in history], params.epochs)
        blown = now.epoch > 0 and not math.isfinite(now.cost)
        said = f"After {now.epoch:.1f} epochs it finds {now.accuracy:.1%} of the held-out digits. {base.says}"
        yield merged(
            base,
            figures={"Training": maps.progress(shown), **base.figures},
            says=said,
            metrics={**base.metrics, "Held-out accuracy": f"{now.accuracy:.1%}"},
            progress=1.0 if blown else now.epoch / params.epochs,
            diverged="The rate is too high for this network: its cost left the numbers a computer holds."
            if blown
            else "",
            remedy={"rate": 0.002} if blown else {},
            files={"network.safetensors": as_file(network)} if now.epoch == params.epochs else {},
            note="" if rows == params.network else "A dense output of 10 units was added for the digits.",
        )
        if blown:
            return


def merged(base: Frame, **changes: Any) -> Frame:
    """A frame with some of its parts changed."""
    return Frame(**{**vars(base), **changes})


def as_file(network: nn.Module) -> bytes:
    """The weights as safetensors, named as the module's own."""
    from safetensors.torch import save

    return save(
        {
            f"layers.{i}.{name}": p
            for i, layer in enumerate(network.children())
            for name, p in layer.state_dict().items()
        }
    )


def lenet_parameters(params: Builder) -> Mistake:
    """The notes' counts, by the slips that give them, beside PyTorch's."""
    right = [layer.parameters for layer in counted(Builder()).layers if layer.parameters]
    without_channels = [5 * 5 * filters + filters for filters in (8, 16)]
    one_bias = [400 * 120 + 1, 120 * 84 + 1, 84 * 10 + 1]
    listed = [", ".join(f"{n:,}" for n in counts) for counts in (without_channels + one_bias, right)]
    return Mistake(
        wrong=f"Kernels without their channels, one bias a dense layer: {listed[0]}",
        right=f"(f·f·channels + 1)·filters and (n + 1)·units: {listed[1]}",
    )


def respond(params: Builder, event: Event) -> Mapping[str, Any]:
    """A click on a box picks its layer."""
    if event.figure != "Shapes" or not math.isfinite(event.x):
        return {}
    return {"layer": min(max(round(event.x) + 1, 1), MOST_LAYERS)}


LAB = Lab(
    slug="conv-layer",
    summary="Build a convolutional network layer by layer: every shape, parameter and multiplication, and what it learns.",
    params=Builder,
    run=run,
    look_for=(
        "Sides shrink and channels grow; most multiplications happen in the first convolutions, most parameters sit in the "
        "first dense layer, because every number of the last map gets a weight of its own for every unit. Put a second pooling "
        "before it and the parameters fall to a fraction. How small can you make the network and still find 97 % of the digits?"
    ),
    maths=(
        r"$$n^{[l]} = \left\lfloor \frac{n^{[l-1]} + 2p - f}{s} \right\rfloor + 1, \qquad "
        r"\text{parameters} = (f \cdot f \cdot n_c^{[l-1]} + 1)\, n_c^{[l]}, \qquad "
        r"\text{multiplications} = n^{[l]} n^{[l]} n_c^{[l]} \cdot f \cdot f \cdot n_c^{[l-1]}$$"
        "\n\n"
        r"A dense layer: $(n^{[l-1]} + 1)\, n^{[l]}$ parameters, one bias a unit. ReLU follows every layer with weights but "
        "the last; pooling has no parameters."
    ),
    code=(build, count, output_size),
    presets={
        "The course's 39 x 39 x 3": {"network": COURSE, "side": 39},
        "Train it": {"train": True},
        "Train a small one": {
            "train": True,
            "channels": 1,
            "side": 16,
            "network": (("conv", 8, 3, 1, 1), ("max", 2, 2), ("conv", 16, 3, 1, 1), ("max", 2, 2), ("dense", 10)),
        },
        "Only dense": {"train": True, "channels": 1, "network": (("dense", 128), ("dense", 10))},
    },
    trains=True,
    mistakes={"lenet-parameters": lenet_parameters},
    rows=(("Training",), ("Shapes",), ("Parameters", "Multiplications")),
    listens=("click",),
    respond=respond,
)
