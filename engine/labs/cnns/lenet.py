"""LeNet-5, trained live on handwritten digits, looking at what a person draws."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import Literal

import torch
from torch import Tensor

from engine.data.handwriting import digits, from_picture, from_strokes
from engine.data.media import Picture
from engine.data.samples import picture_sample
from engine.figures import maps as figures
from engine.lab import Frame, Frames, Lab
from engine.models.lenet import LeNet, initialize
from engine.params import Params, PictureSource, Sketch, choice, integer, number, picture, sketch
from engine.results import pictures as results
from engine.seeding import generator
from engine.training import paced, recorded
from engine.training.pictures import distorted, fit_pictures

GOAL = 0.98
LOOKS = 2
TITLES = {"C1": "C1: 6 maps", "S2": "S2: the same, pooled", "C3": "C3: 16 maps", "S4": "S4: the same, pooled"}
ACROSS = {"C1": 6, "S2": 6, "C3": 8, "S4": 8}
HEIGHT = {"C1": 130, "S2": 130, "C3": 200, "S4": 200}


class Digits(Params):
    """What a person can move."""

    pad: Sketch = sketch(label="Draw a digit", help="Large, with the pointer; every figure follows the stroke.")
    look: Literal["drawing", "held-out", "picture"] = choice(
        "drawing",
        label="Look at",
        help="Your drawing, your picture, or a digit that training never saw; an empty pad shows the last, too.",
        names={"held-out": "Held out", "drawing": "Pad", "picture": "Picture"},
    )
    which: int = integer(0, low=0, high=359, label="Held-out digit", help="Which of the 360 digits kept for testing.")
    epochs: int = integer(8, low=1, high=60, hint=(1, 30, 1), label="Epochs", help="Passes over the 1,437 digits.")
    rate: float = number(
        0.006, low=1e-4, high=0.3, log=True, label="Learning rate", help="Highest step of Adam; it rises, then falls."
    )
    activation: Literal["relu", "tanh"] = choice(
        "relu", label="Activation", help="ReLU as today, or tanh as in 1998.", names={"relu": "ReLU", "tanh": "tanh"}
    )
    pooling: Literal["max", "average"] = choice(
        "max", label="Pooling", help="Max as today, average as in 1998.", more=True
    )
    batch: int = integer(32, low=8, high=512, log=True, label="Mini-batch", help="Digits an update.", more=True)
    distortion: float = number(
        1.0,
        low=0.0,
        high=3.0,
        hint=(0.0, 2.0, 0.1),
        label="Random distortion",
        help="Each training digit is moved, turned and stretched, anew each time; at 1 by up to 2 px, 10° and an eighth.",
        more=True,
    )
    picture: PictureSource = picture(
        "shapes", help="A photographed digit, dark on bright or bright on dark.", more=True
    )


def run(params: Digits) -> Frames:
    """The untrained network at once, then some frames an epoch; what it looks at is drawn by :func:`view`."""
    data, network = digits(), initialize(params.seed, params.activation, params.pooling)
    steps = fit_pictures(
        network,
        (data.train, data.train_labels),
        (data.test, data.test_labels),
        rate=params.rate,
        epochs=params.epochs,
        batch=params.batch,
        generator=generator(params.seed, 1),
        looks=LOOKS,
        change=partial(distorted, strength=params.distortion, generator=generator(params.seed, 2)),
    )
    for history in paced(recorded(steps)):
        now = history[-1]
        shown = results.progress([(e.epoch, e.cost, e.accuracy) for e in history], params.epochs)
        blown = now.epoch > 0 and not math.isfinite(now.cost)
        yield Frame(
            figures={"Training": figures.progress(shown, GOAL)},
            says=f"After {now.epoch:.1f} epochs it finds {now.accuracy:.1%} of the held-out digits.",
            metrics={"Held-out accuracy": f"{now.accuracy:.1%}", "Epoch": f"{now.epoch:.1f} of {params.epochs}"},
            progress=1.0 if blown else now.epoch / params.epochs,
            diverged="The rate is so high that the weights left the numbers a computer holds." if blown else "",
            remedy={"rate": 0.006} if blown else {},
            state={name: value.clone() for name, value in network.state_dict().items()},
        )
        if blown:
            return


def looked_at(params: Digits) -> tuple[Tensor, int | None, str]:
    """The picture (1, 1, 32, 32) to read, the digit it is if that is known, and what to call it."""
    if params.look == "picture":
        own = params.picture if isinstance(params.picture, Picture) else picture_sample(params.picture)
        return from_picture(own.pixels), None, "your picture"
    if params.look == "drawing" and params.pad:
        return from_strokes(params.pad), None, "your drawing"
    data = digits()
    return data.test[params.which][None], int(data.test_labels[params.which]), f"held-out digit {params.which}"


def view(params: Digits, frame: Frame) -> Frame:
    """What the network of a frame reads, with all its maps."""
    x, truth, name = looked_at(params)
    network = initialize(params.seed, params.activation, params.pooling)
    network.load_state_dict(frame.state)
    with torch.inference_mode():
        layers, logits = network.eval().every(x)
    probabilities = results.softmax(logits)
    best, sure = int(probabilities.argmax()), float(probabilities.max())
    drawn = {
        layer: figures.mosaic(results.maps(layer, values), ACROSS[layer], height=HEIGHT[layer])
        for layer, values in layers.items()
    }
    return replace(
        frame,
        figures={
            "What it reads": figures.paper(x[0, 0].numpy()),
            "Answer": figures.digits(probabilities.numpy(), truth),
        }
        | {TITLES[layer]: figure for layer, figure in drawn.items()},
        says=f"{frame.says} It reads {name} as {best}, {sure:.0%} sure"
        + ("." if truth is None else f"; it is {truth}."),
        metrics={**frame.metrics, "It reads": f"{best}", "Sure": f"{sure:.1%}"},
    )


LAB = Lab(
    slug="lenet",
    summary="Train the first famous convolutional network on handwritten digits, and draw one for it to read.",
    params=Digits,
    run=run,
    look_for=(
        "Within an epoch or two the first maps turn into edge and stroke detectors, and the deeper ones answer to parts of "
        "digits. Draw slowly and watch the answer change its mind with each stroke; then draw a digit slanted, tiny, or in the "
        "handwriting of another country. Which of your digits does it get wrong, and do the maps show why?"
    ),
    maths=(
        r"$$32 \times 32 \xrightarrow{5 \times 5} 28 \times 28 \times 6 \xrightarrow{2 \times 2} 14 \times 14 \times 6 "
        r"\xrightarrow{5 \times 5} 10 \times 10 \times 16 \xrightarrow{2 \times 2} 5 \times 5 \times 16 "
        r"\to 120 \to 84 \to 10$$"
        "\n\n"
        r"$$a^{[l]}_k = g\Big(b_k + \sum_c W_{kc} \ast a^{[l-1]}_c\Big), \qquad \hat y = \text{softmax}(z), \qquad "
        r"J = -\frac{1}{m} \sum_i \log \hat y^{(i)}_{y^{(i)}}$$"
        "\n\n"
        "A drawing goes the way the set was made: cut to its ink, brought to 32 x 32 dots, the dots of every 4 x 4 block "
        "counted, and enlarged again. The original had an output of radial basis functions; softmax is today's."
    ),
    code=(LeNet, fit_pictures, from_strokes),
    presets={
        "As in 1998": {"activation": "tanh", "pooling": "average"},
        "A quick look": {"epochs": 2},
        "Never distorted": {"distortion": 0},
        "Too fast": {"rate": 0.1, "epochs": 4},
        "Your picture": {"look": "picture"},
    },
    trains=True,
    rows=(("What it reads", "Answer", "Training"), tuple(TITLES.values())[:2], tuple(TITLES.values())[2:]),
    views=("pad", "look", "which", "picture"),
    view=view,
)
