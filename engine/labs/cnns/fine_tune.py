"""Teach a trained network a person's own classes from a few pictures of each."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from engine.data.albums import Album
from engine.data.collections import labelled
from engine.data.media import Picture, fit_within
from engine.data.tensors import Weights
from engine.errors import BadInput
from engine.figures import maps as figures
from engine.figures.confusion import confusion as draw_confusion
from engine.figures.pictures import tiles
from engine.lab import Event, Frame, Frames, Lab
from engine.labs.cnns._bringing import brought
from engine.models.answering import NAMES
from engine.models.transfer import Head, Step, cached, cut, load_head, saved, train_head, width
from engine.params import AlbumSource, Params, WeightsSource, album, choice, integer, number, weights
from engine.results import pictures as results
from engine.results.confusion import confusion
from engine.seeding import generator
from engine.training import paced, recorded

FEWEST, MOST = 2, 6
THUMB, TILED, ACROSS = 64, 18, 6
Backbone = Literal[
    "atlas20", "squeezenet1_1", "mobilenet_v2", "mobilenet_v3_small", "resnet18", "resnet50", "efficientnet_b0"
]


class FineTune(Params):
    """What a person can move."""

    pictures: AlbumSource = album(
        "silhouettes",
        sets=("silhouettes",),
        help="Drawn silhouettes, or your own pictures in 2 to 6 classes: a zip of folders, or class by class.",
        names={"silhouettes": "Silhouettes: house, tree, fish, boat"},
    )
    backbone: Backbone = choice("atlas20", label="Network", help="Whose features the new head reads.", names=NAMES)
    unfreeze: int = integer(0, low=0, high=4, label="Blocks set free", help="So many of the last blocks learn along.")
    steps: int = integer(150, low=1, high=2000, hint=(10, 400, 10), label="Steps", help="Updates of the head.")
    rate: float = number(
        0.02, low=1e-4, high=1.0, log=True, label="Learning rate", help="Step size of Adam for the head."
    )
    held: float = number(
        0.4,
        low=0.1,
        high=0.8,
        hint=(0.1, 0.8, 0.05),
        label="Held out",
        help="The share of each class kept for testing.",
    )
    true: int = integer(
        1, low=1, high=MOST, label="Cell: true class", help="Row of the cell that is opened.", more=True
    )
    chosen: int = integer(1, low=1, high=MOST, label="Cell: chosen class", help="Column of that cell.", more=True)
    l2: float = number(
        0.1, low=0.0, high=10.0, hint=(0.0, 1.0, 0.01), label="Weight decay", help="Of the head.", more=True
    )
    head: WeightsSource = weights(label="A head saved before", help="Used as it is, without training.", more=True)


@dataclass(frozen=True)
class Kept:
    """What :func:`view` draws from: small pictures (m, h, w, 3), truth, answers and which were held out, (m,) each."""

    thumbs: tuple[np.ndarray, ...]
    classes: tuple[str, ...]
    truth: Tensor
    probabilities: Tensor  # (m, classes)
    held: Tensor


def split(labels: Tensor, share: float, seed: int) -> Tensor:
    """Which pictures (m,) are held out: this share of each class, but at least one, and never all."""
    order, held = generator(seed), torch.zeros(len(labels), dtype=torch.bool)
    for label in sorted(set(labels.tolist())):
        mine = (labels == label).nonzero().flatten()
        count = min(max(1, round(share * len(mine))), len(mine) - 1)
        held[mine[torch.randperm(len(mine), generator=order)[:count]]] = True
    return held


def checked(source: str | Album) -> tuple[tuple[np.ndarray, ...], tuple[str, ...], Tensor]:
    """Pictures, class names and each picture's class (m,); BadInput unless 2 to 6 classes have two pictures or more."""
    pictures, labels = labelled(source)
    counts = Counter(labels)
    if not FEWEST <= len(counts) <= MOST:
        raise BadInput(f"There must be {FEWEST} to {MOST} classes of pictures, got {len(counts)}: {', '.join(counts)}.")
    alone = [name for name, count in counts.items() if count < 2]
    if alone:
        raise BadInput(f"Every class must have two pictures or more, got one of {', '.join(alone)}.")
    classes = tuple(counts)
    return tuple(p.pixels for p in pictures), classes, torch.tensor([classes.index(label) for label in labels])


def thumb(pixels: np.ndarray) -> np.ndarray:
    """A picture's middle square, at most 64 pixels a side."""
    side = min(pixels.shape[:2])
    top, left = ((n - side) // 2 for n in pixels.shape[:2])
    return fit_within(Picture(pixels[top : top + side, left : left + side], "", ""), THUMB).pixels


def run(params: FineTune) -> Frames:
    """The pictures at once, then fetching and caching, then the head as it learns."""
    pixels, classes, truth = checked(params.pictures)
    held = split(truth, params.held, params.seed)
    kept = Kept(
        tuple(map(thumb, pixels)), classes, truth, torch.full((len(truth), len(classes)), 1 / len(classes)), held
    )
    found, why = yield from brought(params.backbone, partial(waiting, kept))
    parts, began, batches = cut(found.network, params.unfreeze), time.perf_counter(), list[Tensor]()
    yield waiting(kept, f"{found.title} is to read {len(pixels)} pictures, each once.", 0.0)
    for batch in cached(found, parts, pixels):
        batches.append(batch)
        yield waiting(kept, f"{found.title} reads picture {sum(map(len, batches))} of {len(pixels)}, each once.", 0.1)
    together, read = torch.cat(batches), time.perf_counter() - began
    head = Head(width(parts, together), len(classes)).to(together.device)
    given = isinstance(params.head, Weights)
    if isinstance(params.head, Weights):
        load_head(head, params.head, classes, found.name)
    started = time.perf_counter()
    labels, steps = truth.to(together.device), 0 if given else params.steps
    learning = train_head(
        parts,
        head,
        together,
        labels,
        ~held.to(together.device),
        rate=params.rate,
        steps=steps,
        l2=params.l2,
        scale=not given,
    )
    for history in paced(recorded(learning)):
        spent = f"Features read once, in {read:.2f} s; the head learned for {time.perf_counter() - started:.2f} s."
        seen = replace(kept, probabilities=torch.softmax(history[-1].logits, 1).cpu())
        frame = learned(seen, history, steps, f"{why} {spent}".strip())
        files = {"head.safetensors": saved(head, classes, found.name)}
        yield replace(frame, files=files, metrics={**frame.metrics, "Features of": found.title})


def waiting(kept: Kept, sentence: str, share: float) -> Frame:
    """A frame before anything is learned."""
    figures = {"Held-out pictures": tiled(kept, kept.held.nonzero().flatten()[:TILED])}
    return Frame(figures=figures, says=sentence, note=sentence, progress=0.3 * share, state=kept)


def learned(kept: Kept, history: Sequence[Step], steps: int, note: str) -> Frame:
    """A frame of the training: its curves, and how the held-out pictures fare."""
    right = [float((step.logits.argmax(1).cpu() == kept.truth)[kept.held].float().mean()) for step in history]
    curve = [(step.step, step.cost, share) for step, share in zip(history, right, strict=True)]
    shown = results.progress(curve, max(1, steps))
    now, found = history[-1], f"{right[-1]:.0%} of {int(kept.held.sum())} held-out pictures"
    return Frame(
        figures={"Training": figures.progress(shown, x="step")},
        says=f"After {now.step} steps the head finds the class of {found}.",
        metrics={"Held-out accuracy": f"{right[-1]:.0%}", "Cost": f"{now.cost:.3f}", "Step": f"{now.step} of {steps}"},
        progress=0.3 + 0.7 * (now.step / steps if steps else 1.0),
        note=note,
        state=kept,
    )


def view(params: FineTune, frame: Frame) -> Frame:
    """The confusion of the held-out pictures, and the pictures of one of its cells."""
    kept: Kept = frame.state
    if "Step" not in frame.metrics:
        return frame
    chosen, row, column = (
        kept.probabilities.argmax(1),
        *(min(n, len(kept.classes)) - 1 for n in (params.true, params.chosen)),
    )
    counted = confusion(kept.classes, kept.truth[kept.held], chosen[kept.held])
    inside = (kept.held & (kept.truth == row) & (chosen == column)).nonzero().flatten()
    cell = f"{len(inside)} held-out of {kept.classes[row]} taken for {kept.classes[column]}"
    opened = {"Pictures of the cell": tiled(kept, inside[:TILED])} if len(inside) else {}
    return replace(
        frame,
        figures={"Confusion": draw_confusion(counted), **opened},
        says=f"{frame.says} The opened cell: {cell}.",
    )


def tiled(kept: Kept, chosen: Tensor) -> Any:
    """Pictures with what they are, and what the head takes them for."""
    best = kept.probabilities.max(1)
    captions = [
        f"{kept.classes[int(kept.truth[i])]} → {kept.classes[int(best.indices[i])]} {float(best.values[i]):.0%}"
        for i in chosen.tolist()
    ]
    rows = -(-len(captions) // ACROSS)
    return tiles([kept.thumbs[i] for i in chosen.tolist()], captions, ACROSS, height=40 + 110 * rows)


def respond(params: FineTune, event: Event) -> Mapping[str, Any]:
    """A click on a cell of the confusion opens its pictures."""
    if event.figure != "Confusion" or not (math.isfinite(event.x) and math.isfinite(event.y)):
        return {}
    true, chosen = (min(max(round(at) + 1, 1), MOST) for at in (event.y, event.x))
    return {"true": true, "chosen": chosen}


LAB = Lab(
    slug="fine-tune",
    summary="Teach a trained network your own classes from a few pictures of each, in seconds.",
    params=FineTune,
    run=run,
    look_for=(
        "The network has never seen these classes, yet a linear head on its features tells them apart after few steps: edges, "
        "corners and parts are useful everywhere. Reading the features takes far longer than learning the head, which is why "
        "they are kept. With few pictures, setting blocks free fits the training pictures at once and gains little on the "
        "others. Open a cell beside the diagonal: what do the mistaken pictures have in common?"
    ),
    maths=(
        r"$$a = f_{\text{frozen}}(x) \text{ once}, \qquad z = W \frac{a - \mu}{\sigma} + b, \qquad "
        r"J = -\frac{1}{m} \sum_i \log \text{softmax}(z^{(i)})_{y^{(i)}} + \frac{\lambda}{2} \lVert W \rVert^2$$"
        "\n\n"
        r"With blocks set free, $z = W\,(f_{\text{free}}(a) - \mu)/\sigma + b$, and those learn at a tenth of the rate. $\mu$ "
        r"and $\sigma$ are those of the training pictures."
    ),
    code=(train_head, cached, cut),
    presets={
        "Two blocks free": {"unfreeze": 2, "rate": 0.01, "steps": 60},
        "Few to learn from": {"held": 0.8},
        "ResNet-18": {"backbone": "resnet18"},
        "Opened mistake": {"steps": 3, "true": 4, "chosen": 2},
    },
    trains=True,
    measures=True,
    rows=(("Confusion", "Training"), ("Pictures of the cell",)),
    listens=("click",),
    respond=respond,
    views=("true", "chosen"),
    view=view,
)
