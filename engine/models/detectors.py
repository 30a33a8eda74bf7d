"""Any detector behind one form, bundled or pretrained: asked once for all it proposes, then thinned out at will.

What torchvision's detectors do after their network, a score threshold, non-max suppression and a most number of boxes, is
put off to :func:`kept`, in the network's own pixels and with torchvision's own suppression, so that it gives the same boxes.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torchvision.ops import batched_nms

from engine.device import device
from engine.functional.boxes import filter_by_score
from engine.models import bundled, pretrained, yolo
from engine.models.detecting import Found, detect
from engine.models.measuring import weight_bytes

BUNDLED = "yolo"
NAMES = {BUNDLED: "Atlas YOLO (bundled)", **{name: pretrained.TITLES[name] for name in pretrained.DETECTORS}}
LEAST = 0.05  # what scores less isn't even proposed
# An IoU that no two boxes exceed, and more boxes than any detector proposes.
NEVER, UNLIMITED = 2.0, 1_000_000
PAPER = 0.5  # fills a picture up to a square
Stages = Literal["one-shot", "two-stage"]


@dataclass(frozen=True)
class Proposed:
    """All boxes (n, 4) that a detector proposes above ``LEAST``, in the network's pixels, with scores and classes (n,).

    ``scale`` (2,) is the picture's pixels, x and y, for one of the network's, ``shift`` (2,) the network's pixel at the
    picture's corner, and ``size`` (2,) the picture's width and height. Of what is kept at most ``limit`` boxes count.
    ``masks`` (n, 1, s, s) are there where the detector draws them.
    """

    boxes: Tensor
    scores: Tensor
    classes: Tensor
    scale: Tensor
    shift: Tensor
    size: Tensor
    limit: int
    masks: Tensor | None = None


@dataclass(frozen=True)
class Detector:
    """A detector: ``ask`` proposes boxes for a picture (h, w, 3); ``labels`` are by class, ``weights`` its bytes."""

    name: str
    title: str
    stages: Stages
    ask: Callable[[np.ndarray], Proposed]
    labels: tuple[str, ...]
    weights: int


@cache
def atlas() -> Detector:
    """The bundled detector, which is always here. Its classes are numbered from 0."""
    card = bundled.card(BUNDLED)
    network = yolo.Yolo(len(card.labels))
    network.load_state_dict(bundled.state(BUNDLED))
    network.eval().to(device())
    ask = partial(ask_grid, network)
    return Detector(BUNDLED, card.title, "one-shot", ask, card.labels, weight_bytes(network))


def detector(name: str) -> Detector:
    """A detector by name, its weights fetched before; raises Unavailable if they aren't here."""
    if name == BUNDLED:
        return atlas()
    found = pretrained.load(name)
    network, limit = found.network.to(device()), most(name)
    opened(network, suppressed="mask" in name)
    stages: Stages = "two-stage" if "rcnn" in name else "one-shot"
    ask = partial(ask_torchvision, network, found.prepare, limit)
    return Detector(name, found.title, stages, ask, found.labels, found.size)


def bring(name: str) -> Generator[float, None, tuple[Detector, str]]:
    """Fetch a detector, yielding the share that has arrived; returns it, or the bundled one and a sentence that says why."""
    try:
        if name != BUNDLED:
            yield from pretrained.fetch(name)
        return detector(name), ""
    except pretrained.Unavailable as problem:
        return atlas(), f"{problem} The bundled {atlas().title} answers instead."


def most(name: str) -> int:
    """How many boxes torchvision leaves in a picture, if nothing else is asked for."""
    return {"ssdlite320_mobilenet_v3_large": 300, "retinanet_resnet50_fpn_v2": 300}.get(name, 100)


def opened(network: nn.Module, suppressed: bool = False) -> None:
    """Let a torchvision detector propose everything above ``LEAST``, in its own pixels.

    Where it draws a mask for each box, which is slow, its own suppression and limit stay: ``suppressed``.
    """
    whole: Any = network
    last = getattr(whole, "roi_heads", whole)
    last.score_thresh = LEAST
    if not suppressed:
        last.nms_thresh, last.detections_per_img = NEVER, UNLIMITED
    whole.transform.postprocess = _unscaled


def _unscaled(result: list[dict[str, Tensor]], sizes: list[tuple[int, int]], _: Any) -> list[dict[str, Tensor]]:
    """Stands for the step that scales boxes to the picture: it adds the size of the network's own picture instead."""
    return [{**each, "size": torch.tensor(size)} for each, size in zip(result, sizes, strict=True)]


@torch.inference_mode()
def ask_torchvision(
    network: nn.Module, prepare: Callable[[Tensor], Tensor], limit: int, pixels: np.ndarray
) -> Proposed:
    """Run an :func:`opened` detector once on a picture (h, w, 3)."""
    picture = torch.from_numpy(pixels.copy()).permute(2, 0, 1)
    answer = {key: value.cpu() for key, value in network([prepare(picture).to(device())])[0].items()}
    size = torch.tensor([pixels.shape[1], pixels.shape[0]])
    scale = size / answer["size"].flip(0)  # float32, as torchvision's own
    boxes, scores, classes = answer["boxes"], answer["scores"], answer["labels"]
    return Proposed(boxes, scores, classes, scale, torch.zeros(2), size, limit, answer.get("masks"))


@torch.inference_mode()
def ask_grid(network: yolo.Yolo, pixels: np.ndarray) -> Proposed:
    """Run the bundled detector once on a picture (h, w, 3), which is laid into the middle of its square."""
    square, factor, shift = squared(pixels, yolo.SIDE)
    raw = detect(network, square.to(device()))
    boxes, scores, classes = filter_by_score(raw.boxes[0], raw.scores[0], raw.classes[0], LEAST)
    size = torch.tensor([pixels.shape[1], pixels.shape[0]])
    return Proposed(boxes, scores, classes, torch.full((2,), 1 / factor), shift, size, 100)


def squared(pixels: np.ndarray, side: int) -> tuple[Tensor, float, Tensor]:
    """A picture (h, w, 3) in the middle of a grey square (1, 3, side, side) of levels in [0, 1].

    Also the square's pixels for one of the picture's, and the place (2,) of its corner, x and y.
    """
    x = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255
    h, w = pixels.shape[:2]
    factor = side / max(h, w)
    high, wide = max(1, round(h * factor)), max(1, round(w * factor))
    top, left = (side - high) // 2, (side - wide) // 2
    square = torch.full((1, 3, side, side), PAPER)
    small = interpolate(x, size=(high, wide), mode="bilinear", antialias=True)
    square[..., top : top + high, left : left + wide] = small.clamp(0, 1)
    return square, factor, torch.tensor([float(left), float(top)])


def chosen(proposed: Proposed, score: float, overlap: float) -> Tensor:
    """The proposals (k,) that a score threshold, suppression per class at an IoU and the limit leave, best first."""
    above = (proposed.scores > score).nonzero().flatten()
    order = batched_nms(proposed.boxes[above], proposed.scores[above], proposed.classes[above], overlap)
    return above[order[: proposed.limit]]


def placed(proposed: Proposed, which: Tensor) -> Tensor:
    """Those proposals' boxes (k, 4) in the picture's pixels, cut at its border."""
    boxes = (proposed.boxes[which] - proposed.shift.repeat(2)) * proposed.scale.repeat(2)
    return boxes.clamp(min=0).minimum(proposed.size.repeat(2).to(boxes.dtype))


def kept(proposed: Proposed, score: float, overlap: float) -> Found:
    """What a score threshold and non-max suppression per class leave, in the picture's pixels; no network runs."""
    which = chosen(proposed, score, overlap)
    return Found(placed(proposed, which), proposed.scores[which], proposed.classes[which])
