"""Name what is on a person's own pictures, with networks that thousands of others use."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

import numpy as np
from torch import Tensor

from engine.data.collections import SAMPLES, sampled
from engine.figures import maps as figures
from engine.figures.pictures import tile_at, tiles
from engine.functional.attribution import grad_cam
from engine.lab import Event, Frame, Frames, Lab
from engine.labs.cnns._bringing import brought
from engine.models.answering import NAMES, Answerer, Crops, ask, atlas, centre, looks, views
from engine.params import AlbumSource, Params, album, choice, integer
from engine.results.pictures import top

BEST, LOOKED = 5, 3
FIRST, TILED, ACROSS = 12, 24, 6
CROPS = {"centre": "Middle", "five": "Five", "ten": "Ten"}
Model = Literal[
    "atlas20", "squeezenet1_0", "squeezenet1_1", "mobilenet_v2", "mobilenet_v3_small", "resnet18", "resnet50",
    "efficientnet_b0", "alexnet", "vgg16",
]  # fmt: skip
Second = Literal[
    "none", "squeezenet1_1", "mobilenet_v2", "mobilenet_v3_small", "resnet18", "resnet50", "efficientnet_b0"
]


class Classify(Params):
    """What a person can move."""

    pictures: AlbumSource = album("all", sets=SAMPLES, help="Samples, or your own: one, several, or a zip.")
    model: Model = choice(
        "mobilenet_v2", label="Network", help="Which network answers; it is fetched once, then kept.", names=NAMES
    )
    second: Second = choice(
        "none",
        label="In company of",
        help="A second network: their probabilities are averaged.",
        names={"none": "Nobody", **NAMES},
    )
    crops: Crops = choice("centre", label="Crops", help="One look, or the mean over several.", names=CROPS)
    which: int = integer(
        1, low=1, high=300, hint=(1, 24, 1), label="Picture number", help="Which picture to look into."
    )
    rank: int = integer(1, low=1, high=LOOKED, label="Where it looks for answer", help="The best answer is 1.")


@dataclass(frozen=True)
class Answers:
    """What :func:`view` draws from: pictures as shown to the network, their best answers, and where it looked."""

    names: tuple[str, ...]
    shown: tuple[np.ndarray, ...]
    probabilities: Tensor  # (m, classes)
    labels: tuple[str, ...]
    cams: Tensor  # (m, LOOKED, h, w)


def answers(
    found: Answerer, other: Answerer | None, params: Classify, most: int | None = None
) -> tuple[Answers, list[float]]:
    """Ask one network or two about the pictures; the milliseconds that each took for one picture come along."""
    names, pictures = sampled(params.pictures)
    pixels = [picture.pixels for picture in pictures[:most]]
    together, spent = [], []
    for network in (found, other) if other else (found,):
        began = time.perf_counter()
        together.append(ask(network, pixels, params.crops))
        spent.append(1000 * (time.perf_counter() - began) / len(pixels))
    probabilities = sum(together[1:], together[0]) / len(together)
    cams = looks(found, pixels, probabilities.topk(LOOKED).indices)
    shown = tuple(centre(found, each) for each in pixels)
    return Answers(names[:most], shown, probabilities, found.labels, cams), spent


def run(params: Classify) -> Frames:
    """The bundled network's answer at once, then the fetching, then the answer of the network that was asked for."""

    @cache
    def early() -> Answers:
        return answers(atlas(), None, params, FIRST)[0]

    def waiting(sentence: str, share: float) -> Frame:
        return frame(early(), sentence, [(atlas(), 0.0)], 0.9 * share)

    found, note = yield from brought(params.model, waiting)
    other = None
    if params.second not in ("none", params.model):
        other, why = yield from brought(params.second, waiting)
        note = f"{note} {why}".strip()
        if other.labels != found.labels:
            other, note = None, f"{note} The second network knows other classes, so it was left out.".strip()
    result, spent = answers(found, other, params)
    yield frame(result, note, list(zip([found, other] if other else [found], spent, strict=True)), 1.0)


def frame(result: Answers, note: str, asked: list[tuple[Answerer, float]], progress: float) -> Frame:
    """A frame with everything but what depends on the picture that is looked into."""
    best = [top(each, result.labels, BEST) for each in result.probabilities]
    columns: dict[str, list[Any]] = {"picture": list(result.names)}
    for rank in range(BEST):
        columns[f"answer {rank + 1}"] = [each.labels[rank] for each in best]
        columns[f"probability {rank + 1}"] = [round(float(each.probabilities[rank]), 4) for each in best]
    who = " and ".join(network.title for network, _ in asked)
    networks: dict[str, list[Any]] = {
        "network": [network.title for network, _ in asked],
        "classes": [len(network.labels) for network, _ in asked],
        "weights in MB": [round(network.size / 1e6, 1) for network, _ in asked],
        "ms a picture": [round(ms, 1) for _, ms in asked],
    }
    drawn = {}
    if len(result.names) > 1:
        captions = [f"{each.labels[0]} {each.probabilities[0]:.0%}" for each in best[:TILED]]
        drawn["All pictures"] = tiles(result.shown[:TILED], captions, ACROSS, height=130 * -(-len(captions) // ACROSS))
    return Frame(
        figures=drawn,
        says=f"Answered by {who}.",
        metrics={"Network": who},
        note=note,
        progress=progress,
        tables={"Answers": columns, "Networks": networks},
        files={"answers.csv": as_csv(columns)},
        state=result,
    )


def as_csv(columns: Mapping[str, list[Any]]) -> bytes:
    """A table as a CSV file."""
    file = io.StringIO()
    table = csv.writer(file)
    table.writerow(columns)
    table.writerows(zip(*columns.values(), strict=True))
    return file.getvalue().encode()


def view(params: Classify, frame: Frame) -> Frame:
    """One picture with where the network looks, and its five best answers."""
    result: Answers = frame.state
    at = min(params.which, len(result.names)) - 1
    best = top(result.probabilities[at], result.labels, BEST)
    looked = best.labels[params.rank - 1]
    first = f"{best.labels[0]}, {best.probabilities[0]:.0%}"
    return replace(
        frame,
        figures={
            "Where it looks": figures.seen(result.shown[at], result.cams[at, params.rank - 1].numpy()),
            "Best five answers": figures.answer(best, height=340),
        },
        says=f"{frame.says} {result.names[at]}: {first}. The glow is where it looks for {looked!r}.",
        metrics={"Answer": best.labels[0], "Probability": f"{best.probabilities[0]:.1%}", **frame.metrics},
    )


def respond(params: Classify, event: Event) -> Mapping[str, Any]:
    """A click on one of all pictures looks into it."""
    count = len(sampled(params.pictures)[0])
    at = tile_at(event.x, event.y, min(count, TILED), ACROSS) if event.figure == "All pictures" else None
    return {} if at is None else {"which": at + 1}


LAB = Lab(
    slug="image-classifier",
    summary="Give networks your own pictures: their five best answers, how sure they are, and where they look.",
    params=Classify,
    run=run,
    look_for=(
        "A network answers with one of the classes that it was trained on, whatever you show it, and sounds sure: there is "
        "no 'none of these'. The glow shows which places raise an answer's score, and sometimes it lies beside the thing. "
        "Several crops and a second network usually make the answer steadier, at the price of time. Can you find a picture "
        "where two networks disagree, and say from the glow why?"
    ),
    maths=(
        r"$$\hat y = \text{softmax}(z), \qquad \text{several crops or networks: } \hat y = \frac{1}{n} \sum_i \hat y^{(i)}$$"
        "\n\n"
        r"Grad-CAM for class $k$, from the last maps $A_c$: $$\alpha_c = \frac{1}{hw} \sum_{ij} "
        r"\frac{\partial z_k}{\partial A_{c,ij}}, \qquad L_k = \text{ReLU}\Big(\sum_c \alpha_c A_c\Big)$$"
    ),
    code=(ask, views, grad_cam),
    presets={
        "One flower": {"pictures": "photo-flower"},
        "Ten crops": {"crops": "ten"},
        "Two networks": {"second": "resnet18"},
        "Without a network": {"model": "atlas20"},
    },
    trains=True,
    measures=True,
    rows=(("Where it looks", "Best five answers"), ("All pictures",)),
    listens=("click",),
    respond=respond,
    views=("which", "rank"),
    view=view,
)
