"""A label for every pixel of a person's own picture, and a mask for every thing in it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from engine.data.looked import LOOK_NAMES, LookAt, Looked, looked_at
from engine.data.media import Picture, fit_within
from engine.figures import looked as figures
from engine.functional.coco import bounds, run_lengths
from engine.lab import Frame, Frames, Lab
from engine.labs._waiting import waited
from engine.models import bundled, segmenters, unet
from engine.models.detectors import LEAST, Proposed
from engine.models.measuring import Asked, measured
from engine.models.segmenters import BUNDLED, INSTANCE_NAMES, NAMES, PARTS, Drawer, Instances, Segmenter, instances
from engine.params import Params, PictureSource, choice, number, picture
from engine.results.looked import Areas, Overlay

LONGEST, SHOWN = 640, 448
SCALE = (0.14, 0.28)  # objects as large as the bundled U-Net knows them
SEMANTIC, INSTANCE, AREAS = "A label for every pixel", "A mask for every thing", "Area of each label"
MOST = len(figures.PALETTE)
Semantic = Literal["unet", "lraspp_mobilenet_v3_large", "deeplabv3_mobilenet_v3_large", "deeplabv3_resnet50"]
Instance = Literal["parts", "maskrcnn_resnet50_fpn_v2"]


class Segment(Params):
    """What a person can move."""

    look: LookAt = choice(
        "scene", label="Look at", help="A scene that the bundled network knows, or the picture.", names=LOOK_NAMES
    )
    picture: PictureSource = picture("photo-china", help="A sample, or your own, which is always looked at.")
    semantic: Semantic = choice(
        "unet", label="Labels by", help="Which network names every pixel; fetched once, then kept.", names=NAMES
    )
    instance: Instance = choice(
        "parts", label="Instances by", help="What draws a mask for every thing.", names=INSTANCE_NAMES
    )
    opacity: float = number(
        0.6,
        low=0.0,
        high=1.0,
        hint=(0.0, 1.0, 0.05),
        label="Opacity",
        help="How strongly the colours cover the picture.",
    )
    score: float = number(
        0.5, low=LEAST, high=1.0, hint=(LEAST, 0.95, 0.05), label="Score threshold",
        help="Instances of a lower score are dropped.",
    )  # fmt: skip
    mask: float = number(
        0.5, low=0.0, high=1.0, hint=(0.05, 0.95, 0.05), label="Mask threshold",
        help="A pixel belongs to an instance if its probability is higher.", more=True,
    )  # fmt: skip


@dataclass(frozen=True)
class Seen:
    """What :func:`view` draws from: the picture as shown, its labels (h, w) and its proposed instances, and their names."""

    pixels: np.ndarray
    labels: Tensor
    label_names: tuple[str, ...]
    by: str
    proposed: Proposed
    thing_names: tuple[str, ...]
    drawn_by: str


def run(params: Segment) -> Frames:
    """The bundled answer at once, then the fetching, then the answers of the networks asked for."""
    looked = looked_at(params.look, params.picture, params.seed, LONGEST, classes=unet.CLASSES, scale=SCALE)
    pixels = looked.pixels
    early = cache(lambda: (segmenters.atlas(), measured(lambda: segmenters.atlas().ask(pixels))))
    parts = cache(lambda: (segmenters.atlas_parts(), measured(lambda: segmenters.atlas_parts().ask(pixels))))
    named: list[tuple[Segmenter, Asked[Tensor]]] = []

    def waiting(sentence: str, share: float) -> Frame:
        return frame(looked, *(named or [early()])[0], *parts(), sentence, 0.9 * share)

    title = "" if params.semantic == BUNDLED else NAMES[params.semantic]
    found, note = yield from waited(segmenters.bring(params.semantic), title, waiting)
    if found.name != BUNDLED:
        yield waiting(f"{title} looks at the picture.", 0.5)
    named.append(early() if found.name == BUNDLED else (found, measured(lambda: found.ask(pixels))))
    title = "" if params.instance == PARTS else INSTANCE_NAMES[params.instance]
    drawer, why = yield from waited(segmenters.bring_drawer(params.instance), title, waiting)
    if drawer.name != PARTS:
        yield waiting(f"{title} looks at the picture.", 1.0)
    drawn = parts() if drawer.name == PARTS else (drawer, measured(lambda: drawer.ask(pixels)))
    limits = ""
    if looked.scene is None and (found.name == BUNDLED or drawer.name == PARTS):
        limits = f"{segmenters.atlas().title}: {bundled.card(BUNDLED).limits}"
    yield frame(looked, *named[0], *drawn, " ".join(filter(None, [note, why, limits])), 1.0)


def frame(
    looked: Looked,
    found: Segmenter,
    labels: Asked[Tensor],
    drawer: Drawer,
    things: Asked[Proposed],
    note: str,
    progress: float,
) -> Frame:
    """A frame with everything but what depends on opacity and thresholds."""
    small = fit_within(Picture(looked.pixels.copy(), looked.name, ""), SHOWN).pixels
    pairs = ((found, labels), (drawer, things))
    cost: dict[str, list[Any]] = {
        "network": [found.title, drawer.title],
        "draws": ["labels", "instances"],
        "ms": [round(asked.ms, 1) for _, asked in pairs],
        "peak in MB": [round(asked.peak / 1e6, 1) for _, asked in pairs],
        "weights in MB": [round(each.weights / 1e6, 1) for each, _ in pairs],
    }
    return Frame(
        figures={},
        says=f"{found.title} labelled every pixel of {looked.name}, {drawer.title} gave its things masks.",
        metrics={"Labels by": found.title, "Masks by": drawer.title},
        note=note,
        progress=progress,
        tables={"Time and memory": cost},
        state=Seen(
            small,
            labels.answer.to(torch.uint8),
            found.labels,
            found.title,
            things.answer,
            drawer.labels,
            drawer.title,
        ),
    )


def view(params: Segment, frame: Frame) -> Frame:
    """Colours over the picture and the areas under them; from the stored answers, so no network runs again."""
    seen: Seen = frame.state
    kinds, pixels = labelled(seen.labels)
    names = [seen.label_names[k] for k in kinds]
    shares = pixels / seen.labels.numel()
    things = instances(seen.proposed, params.score, params.mask)
    masks = things.where.sum((1, 2)).numpy()
    called = [f"{seen.thing_names[k]} {i}" for i, k in enumerate(things.classes.tolist(), start=1)]
    h, w = seen.labels.shape
    over, each = semantic(seen, kinds, names, shares), separate(seen, things, called)
    told = ", ".join(f"{name} {share:.1%}" for name, share in zip(names, shares, strict=True))
    return replace(
        frame,
        figures={
            SEMANTIC: figures.overlaid(over, params.opacity, f"{seen.by}: {max(0, len(names) - (0 in kinds))} classes"),
            INSTANCE: figures.overlaid(each, params.opacity, f"{seen.drawn_by}: {len(called)} things"),
            AREAS: figures.areas(Areas(tuple(names), shares, tuple(figures.color_of(k) for k in kinds))),
        },
        says=f"{frame.says} Of {w} x {h} pixels: {told}. {len(called)} things score above {params.score:g}.",
        metrics={"Things": str(len(called)), **frame.metrics},
        tables={
            "Areas": {
                "what": [*names, *called],
                "by": [seen.by] * len(names) + [seen.drawn_by] * len(called),
                "pixels": [*pixels.tolist(), *masks.tolist()],
                "share": [f"{n / (h * w):.2%}" for n in (*pixels, *masks)],
                "score": [""] * len(names) + [f"{score:.2f}" for score in things.scores.tolist()],
            },
            **frame.tables,
        },
        files={"labels.json": labels_as_coco(seen, kinds), "instances.json": things_as_coco(seen, things)},
    )


def labelled(labels: Tensor) -> tuple[list[int], np.ndarray]:
    """The labels that occur in (h, w), and how many pixels each has (k,)."""
    counts = torch.bincount(labels.flatten().int())
    kinds = counts.nonzero().flatten()
    return kinds.tolist(), counts[kinds].numpy()


def semantic(seen: Seen, kinds: list[int], names: list[str], shares: np.ndarray) -> Overlay:
    """Each label but the ground in its own colour."""
    shown = [(k, f"{name} {share:.1%}") for k, name, share in zip(kinds, names, shares, strict=True) if k]
    number = np.zeros(max([0, *kinds]) + 1, np.int64)
    number[[k for k, _ in shown]] = np.arange(1, len(shown) + 1)
    colors = tuple(figures.color_of(k) for k, _ in shown)
    return Overlay(seen.pixels, number[seen.labels.numpy()], tuple(name for _, name in shown), colors)


def separate(seen: Seen, things: Instances, called: list[str]) -> Overlay:
    """Each thing in its own colour, the surest on top."""
    layer = np.zeros(things.where.shape[1:], np.int64)
    for i in reversed(range(len(called))):
        layer[things.where[i].numpy()] = i + 1
    return Overlay(seen.pixels, layer, tuple(called), tuple(figures.color_of(i + 1) for i in range(len(called))))


def labels_as_coco(seen: Seen, kinds: list[int]) -> bytes:
    """A COCO file with one mask for each label but the ground."""
    rows: list[tuple[int, Tensor, dict[str, float]]] = [(k, seen.labels == k, {}) for k in kinds if k]
    return as_coco(rows, seen.label_names, seen.labels.shape)


def things_as_coco(seen: Seen, things: Instances) -> bytes:
    """A COCO file with one mask for each thing."""
    rows = [
        (k, where, {"score": round(score, 6)})
        for k, where, score in zip(things.classes.tolist(), things.where, things.scores.tolist(), strict=True)
    ]
    return as_coco(rows, seen.thing_names, seen.labels.shape)


def as_coco(
    rows: Sequence[tuple[int, Tensor, Mapping[str, float]]], names: tuple[str, ...], shape: tuple[int, ...]
) -> bytes:
    """One picture, its masks as run lengths, and the categories that occur, in COCO's format."""
    annotations = [
        {
            "id": i,
            "image_id": 1,
            "category_id": kind,
            "segmentation": run_lengths(where),
            "area": int(where.sum()),
            "bbox": bounds(where),
            "iscrowd": 0,
            **more,
        }
        for i, (kind, where, more) in enumerate(rows, start=1)
        if where.any()
    ]
    held = {
        "images": [{"id": 1, "width": shape[1], "height": shape[0]}],
        "annotations": annotations,
        "categories": [{"id": k, "name": names[k]} for k in sorted({kind for kind, _, _ in rows})],
    }
    return json.dumps(held).encode()


LAB = Lab(
    slug="segment-upload",
    summary="Give networks your own picture: what every pixel is, and which pixels make up one thing.",
    params=Segment,
    run=run,
    look_for=(
        "Labels tell what each pixel is, so two cars side by side are one patch; instances tell them apart, and each comes "
        "with a score. The bundled network has no instances of its own: the connected parts of its labels stand in, and "
        "two things of a class that touch come out as one. Opacity and thresholds are applied to stored answers, so no "
        "network runs again. Which of the two would you ask how many people there are, and which how much is road?"
    ),
    maths=(
        r"$$\text{label}(p) = \arg\max_k z_k(p), \qquad \text{area}_k = \sum_p [\,\text{label}(p) = k\,]$$"
        "\n\n"
        r"Instance $i$ with score $s_i > t$ holds the pixels of its box whose probability is above the mask threshold: "
        r"$$M_i = \{\, p : \hat m_i(p) > \tau \,\}$$"
        "\n\n"
        "Peak memory is the most that the picture, the maps and the answer hold at one moment; weights are counted apart."
    ),
    code=(segmenters.ask_torchvision, segmenters.ask_parts, instances, view),
    presets={
        "Colours alone": {"opacity": 1.0},
        "Wide masks": {"mask": 0.1, "score": 0.3},
        "A photograph": {"look": "picture", "semantic": "lraspp_mobilenet_v3_large"},
        "The heavy ones": {"look": "picture", "semantic": "deeplabv3_resnet50", "instance": "maskrcnn_resnet50_fpn_v2"},
    },
    trains=True,
    measures=True,
    rows=((SEMANTIC, INSTANCE), (AREAS,)),
    views=("opacity", "score", "mask"),
    view=view,
)
