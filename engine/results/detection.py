"""Detections, anchors and grids: what the labs of object detection compute."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine.results import Array

CLASSES = ("car", "pedestrian", "motorcycle")

State = Literal["pick", "kept", "discarded", "waiting", "low"]


@dataclass(frozen=True)
class Suppression:
    """A moment of non-max suppression over boxes (n, 4) with scores (n,) and classes (n,), named by a letter each.

    ``states`` tell what has become of each, ``overlaps`` (n,) is its IoU with the pick, NaN where it isn't compared, and
    ``decided`` (n,) numbers the step that decides over it, from 1; ``step`` is the present one.
    """

    boxes: Array
    scores: Array
    classes: Array
    names: tuple[str, ...]
    states: tuple[State, ...]
    overlaps: Array
    decided: Array
    step: int


@dataclass(frozen=True)
class Clustering:
    """One step of k-means over box shapes (n, 2): centres (k, 2), those of every step (t, k, 2), the nearest (n,).

    ``mean_iou`` (t,) is the mean IoU with the best centre after each step and ``reference`` that of Euclidean k-means.
    """

    sizes: Array
    anchors: Array
    path: Array
    nearest: Array
    mean_iou: Array
    reference: float
    step: int


@dataclass(frozen=True)
class Assigned:
    """Objects (n, 4) of a picture in slots of an S x S grid: row, column and anchor (n, 3), and which are lost (n,)."""

    boxes: Array
    slots: Array
    lost: Array
    grid: int
    side: float


@dataclass(frozen=True)
class Encoded:
    """Objects (n, 4) of classes (n,), named by a letter each, and their target (S, S, A, 5 + C).

    ``slots`` (n, 3) are row, column and anchor, ``lost`` (n,) tells whose slot was taken already, and ``cell`` is the row
    and column looked at. ``parts`` names the 5 + C numbers of a slot.
    """

    boxes: Array
    classes: Array
    names: tuple[str, ...]
    target: Array
    slots: Array
    lost: Array
    cell: tuple[int, int]
    parts: tuple[str, ...]
    side: float


@dataclass(frozen=True)
class Curve:
    """Precision (n,) and recall (n,) of one class's best detections, and the area below."""

    name: str
    recall: Array
    precision: Array
    average: float


@dataclass(frozen=True)
class Ranked:
    """All detections by score (n,): their verdicts, indices into ``VERDICTS``, their classes (n,), and the one looked at."""

    scores: Array
    verdicts: Array
    classes: Array
    chosen: int


VERDICTS = ("correct", "duplicate", "badly placed", "false alarm")


@dataclass(frozen=True)
class Judged:
    """One picture: truths (m, 4) and detections (n, 4) with classes and verdicts, and the one looked at, -1 for none."""

    truths: Array
    truth_classes: Array
    boxes: Array
    classes: Array
    verdicts: Array
    chosen: int
    side: float
