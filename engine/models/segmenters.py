"""Any network that names pixels or draws a mask for each thing, bundled or pretrained, behind one form."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from PIL import Image
from scipy import ndimage
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torchvision.models.detection.roi_heads import paste_masks_in_image

from engine.device import device
from engine.models import bundled, detectors, pretrained, unet
from engine.models.detectors import LEAST, Proposed, squared
from engine.models.measuring import weight_bytes

BUNDLED = "unet"
PARTS, MASKS = "parts", "maskrcnn_resnet50_fpn_v2"
NAMES = {BUNDLED: "U-Net (bundled)", **{name: pretrained.TITLES[name] for name in pretrained.SEGMENTERS}}
INSTANCE_NAMES = {PARTS: "U-Net in parts (bundled)", MASKS: pretrained.TITLES[MASKS]}
SMALL = 28  # a mask's side before it is laid into its box, as Mask R-CNN's
FEWEST = 6  # parts of fewer pixels are specks


@dataclass(frozen=True)
class Segmenter:
    """``ask`` gives every pixel of a picture (h, w, 3) its label (h, w); ``labels`` are by label, 0 the ground."""

    name: str
    title: str
    ask: Callable[[np.ndarray], Tensor]
    labels: tuple[str, ...]
    weights: int


@dataclass(frozen=True)
class Drawer:
    """``ask`` proposes boxes with masks for a picture (h, w, 3); ``labels`` are by class."""

    name: str
    title: str
    ask: Callable[[np.ndarray], Proposed]
    labels: tuple[str, ...]
    weights: int


@cache
def atlas() -> Segmenter:
    """The bundled U-Net, which is always here."""
    network, card = unet.bundled(True), bundled.card(BUNDLED)
    return Segmenter(BUNDLED, card.title, partial(ask_unet, network), card.labels, weight_bytes(network))


@cache
def atlas_parts() -> Drawer:
    """The connected parts of what the bundled U-Net finds."""
    network, card = unet.bundled(True), bundled.card(BUNDLED)
    return Drawer(PARTS, f"{card.title} in parts", partial(ask_parts, network), card.labels, weight_bytes(network))


def segmenter(name: str) -> Segmenter:
    """A network by name, its weights fetched before; raises Unavailable if they aren't here."""
    if name == BUNDLED:
        return atlas()
    found = pretrained.load(name)
    ask = partial(ask_torchvision, found.network.to(device()), found.prepare)
    return Segmenter(name, found.title, ask, found.labels, found.size)


def drawer(name: str) -> Drawer:
    """The same for what draws instances."""
    if name == PARTS:
        return atlas_parts()
    found = detectors.detector(name)
    return Drawer(name, found.title, found.ask, found.labels, found.weights)


def bring(name: str) -> Generator[float, None, tuple[Segmenter, str]]:
    """Fetch a network, yielding the share that has arrived; returns it, or the bundled one and a sentence that says why."""
    try:
        if name != BUNDLED:
            yield from pretrained.fetch(name)
        return segmenter(name), ""
    except pretrained.Unavailable as problem:
        return atlas(), f"{problem} The bundled {atlas().title} answers instead."


def bring_drawer(name: str) -> Generator[float, None, tuple[Drawer, str]]:
    """The same for what draws instances."""
    try:
        if name != PARTS:
            yield from pretrained.fetch(name)
        return drawer(name), ""
    except pretrained.Unavailable as problem:
        return atlas_parts(), f"{problem} The bundled {atlas_parts().title} answers instead."


@torch.inference_mode()
def ask_torchvision(network: nn.Module, prepare: Callable[[Any], Tensor], pixels: np.ndarray) -> Tensor:
    """Labels (h, w): the largest logit at each pixel, the logits spread to the picture's size."""
    x = prepare(Image.fromarray(pixels))[None].to(device())
    logits = interpolate(network(x)["out"], size=pixels.shape[:2], mode="bilinear", align_corners=False)
    return logits[0].argmax(0).cpu()


@torch.inference_mode()
def ask_unet(network: nn.Module, pixels: np.ndarray) -> Tensor:
    """The same of the bundled U-Net, which sees the picture in the middle of its square."""
    return _spread(*_read(network, pixels), pixels).argmax(0)


def _read(network: nn.Module, pixels: np.ndarray) -> tuple[Tensor, float, Tensor]:
    """Logits (classes, 64, 64), and where the picture lies in that square."""
    square, factor, corner = squared(pixels, unet.SIDE)
    return network(square)[0], factor, corner


def _spread(logits: Tensor, factor: float, corner: Tensor, pixels: np.ndarray) -> Tensor:
    """The logits of a picture's part of the square in the picture's own size (classes, h, w)."""
    h, w = pixels.shape[:2]
    left, top = (int(c) for c in corner)
    high, wide = max(1, round(h * factor)), max(1, round(w * factor))
    part = logits[None, :, top : top + high, left : left + wide]
    return interpolate(part, size=(h, w), mode="bilinear", align_corners=False)[0]


@torch.inference_mode()
def ask_parts(network: nn.Module, pixels: np.ndarray) -> Proposed:
    """One instance for each connected part of a class: its score is the mean probability, its mask the probabilities there.

    Two of a class that touch come out as one, which is why networks for instances exist.
    """
    share = torch.softmax(_spread(*_read(network, pixels), pixels), 0)
    labels = share.argmax(0)
    boxes, scores, classes, masks = [], [], [], []
    smallest = FEWEST * (max(pixels.shape[:2]) / unet.SIDE) ** 2
    for kind in (k for k in torch.unique(labels).tolist() if k):
        parts, _ = ndimage.label((labels == kind).numpy())
        for number, (rows, columns) in enumerate(ndimage.find_objects(parts), start=1):
            mine = torch.from_numpy(parts[rows, columns] == number)
            if mine.sum() < smallest:
                continue
            soft = share[kind, rows, columns]
            boxes.append([columns.start, rows.start, columns.stop, rows.stop])
            scores.append(float(soft[mine].mean()))
            classes.append(kind)
            masks.append(
                interpolate((soft * mine)[None, None], size=(SMALL, SMALL), mode="bilinear", antialias=True)[0]
            )
    order = torch.tensor(scores).argsort(descending=True)
    size = torch.tensor([pixels.shape[1], pixels.shape[0]])
    return Proposed(
        torch.tensor(boxes, dtype=torch.float32).view(-1, 4)[order],
        torch.tensor(scores)[order],
        torch.tensor(classes, dtype=torch.long)[order],
        torch.ones(2),
        torch.zeros(2),
        size,
        100,
        torch.stack(masks)[order] if masks else torch.zeros(0, 1, SMALL, SMALL),
    )


@dataclass(frozen=True)
class Instances:
    """Things (k,) above a score, the surest first: where each is (k, h, w), its score and class (k,), its box (k, 4)."""

    where: Tensor
    scores: Tensor
    classes: Tensor
    boxes: Tensor


def instances(proposed: Proposed, score: float, mask: float) -> Instances:
    """Those that score above ``score``, their masks laid into the picture and cut at ``mask``; no network runs."""
    which = (proposed.scores > max(score, LEAST)).nonzero().flatten()
    boxes = detectors.placed(proposed, which)
    wide, high = proposed.size.tolist()
    where = torch.zeros(len(which), high, wide, dtype=torch.bool)
    if proposed.masks is not None:
        for i, k in enumerate(which.tolist()):  # one after another: all at once are large
            where[i] = paste_masks_in_image(proposed.masks[k][None], boxes[i][None], (high, wide))[0, 0] > mask
    return Instances(where, proposed.scores[which], proposed.classes[which], boxes)
