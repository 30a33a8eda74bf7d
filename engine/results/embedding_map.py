"""An encoding as it is learned: the map of faces, the course of the training, one triplet."""

from __future__ import annotations

from dataclasses import dataclass

from engine.results import Array


@dataclass(frozen=True)
class FaceMap:
    """Places (m, 2), thumbnails (m, h, w, 3) and whose each is (m,)."""

    places: Array
    thumbs: Array
    people: Array


@dataclass(frozen=True)
class Course:
    """By step (t,): loss, share of active triplets, mean squared distance; on people never seen, named right and errors."""

    steps: Array
    loss: Array
    active: Array
    spread: Array
    named: Array
    error: Array
    last: int
