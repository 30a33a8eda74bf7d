"""Regions of a picture, how they were grouped, and what three ways of classifying them answer and cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from engine.data.drawn import SHAPES
from engine.data.pixels import to_tensor
from engine.device import device
from engine.functional.boxes import batched_nms
from engine.functional.proposals import Merge, grouped, proposals, segments
from engine.models.answering import atlas
from engine.models.regions import by_crops, by_pooling, from_maps, shared_maps, work
from engine.models.timing import timed
from engine.results import Array

WAYS = ("R-CNN", "Fast", "Faster")
PARTS = ("proposals", "maps", "regions")
LEAST = 16  # pixels along each side of a proposal
CALLS = 2
SURE, SAME = 0.5, 0.3


@dataclass(frozen=True)
class Grouped:
    """A picture (h, w, 3), its segments (h, w), the boxes of segments and merges, the merges, and those proposed (n, 4)."""

    pixels: Array
    labels: Array
    boxes: Array
    merges: list[Merge]
    proposed: Array


@dataclass(frozen=True)
class Compared:
    """Each way's boxes (n, 4) and probabilities (n, 20), and milliseconds (3, 3) for proposals, maps and regions."""

    grouped: Grouped
    boxes: Mapping[str, Array]
    times: Array
    probabilities: Mapping[str, Array] = field(default_factory=dict)

    @property
    def work(self) -> Array:
        """Multiplications (3, 3) for proposals, maps and regions; as many regions for Faster until it proposed its own."""
        height, width = self.grouped.pixels.shape[:2]
        count = len(self.grouped.proposed)
        return np.array(work(height, width, count, len(self.boxes.get("Faster", self.grouped.proposed))), np.int64)


def propose(pixels: Array, scale: float, sigma: float, least: int, most: int) -> Compared:
    """The segments of a picture grouped into at most ``most`` regions, timed; nothing is classified yet."""

    def task() -> Grouped:
        labels = segments(pixels, scale, sigma, least)
        boxes, merges = grouped(labels, pixels)
        return Grouped(pixels, labels, boxes, merges, proposals(boxes, min(LEAST, *pixels.shape[:2]), most))

    found, spent = timed(task, CALLS)
    return Compared(found, dict.fromkeys(WAYS[:2], found.proposed), np.array([[spent, 0, 0], [spent, 0, 0], [0, 0, 0]]))


def classify(start: Compared, most: int) -> Compared:
    """Every way's answers, timed on the same picture; Faster proposes at most ``most`` regions of its own."""
    network: Any = atlas().network
    seen = to_tensor([start.grouped.pixels])[0].to(device())
    regions = torch.from_numpy(start.grouped.proposed).float().to(device())
    crops, t_crops = timed(lambda: by_crops(network, seen, regions), CALLS)
    maps, t_maps = timed(lambda: shared_maps(network, seen), CALLS)
    pooled, t_pooled = timed(lambda: by_pooling(network, maps, regions), CALLS)
    own, t_own = timed(lambda: from_maps(network, maps, most), CALLS)
    answers, t_answers = timed(lambda: by_pooling(network, maps, own), CALLS)
    probabilities = {
        way: logits.softmax(1).cpu().numpy() for way, logits in zip(WAYS, (crops, pooled, answers), strict=True)
    }
    times = start.times + np.array([[0, t_crops, 0], [0, t_maps, t_pooled], [t_own, t_maps, t_answers]])
    boxes = {**start.boxes, "Faster": own.cpu().numpy()}
    return replace(start, boxes=boxes, times=times, probabilities=probabilities)


def named(boxes: Array, probabilities: Array) -> tuple[Array, tuple[str, ...]]:
    """The regions (n, 4) that are a shape for sure, without those that repeat another, and what they are called."""
    sure, best = torch.from_numpy(probabilities).max(1)
    kept = ((sure >= SURE) & (best < len(SHAPES))).nonzero().flatten()
    found = torch.from_numpy(boxes).float()[kept]
    left = batched_nms(found, sure[kept], best[kept], SAME)
    return found[left].numpy(), tuple(f"{SHAPES[int(best[k])]} {float(sure[k]):.0%}" for k in kept[left])
