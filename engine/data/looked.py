"""What a detector or a segmenter is given to look at: a person's own picture, a sample, or a drawn scene with its truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.data.media import Picture, fit_within
from engine.data.samples import picture_sample
from engine.data.scenes import CLASSES, Scenes, draw_scenes
from engine.seeding import generator

SIDE = 256
LookAt = Literal["scene", "picture"]
LOOK_NAMES = {"scene": "A drawn scene", "picture": "The picture below"}


@dataclass(frozen=True)
class Looked:
    """A picture (h, w, 3) with its name; ``scene`` is the one scene that it shows, where it was drawn."""

    name: str
    pixels: np.ndarray
    scene: Scenes | None = None


def looked_at(
    look: LookAt,
    source: str | Picture,
    seed: int,
    longest: int,
    *,
    classes: Sequence[str] = CLASSES,
    scale: tuple[float, float] = (0.11, 0.26),
) -> Looked:
    """A drawn scene, unless a picture is asked for or uploaded, which is at most ``longest`` pixels along a side."""
    if look == "scene" and isinstance(source, str):
        scene = draw_scenes(
            1, generator(seed, 1), SIDE, fewest=3, most=4, classes=classes, scale=scale, overlap=0.2, held_out=True
        )
        pixels = (scene.pictures[0].permute(1, 2, 0) * 255).round().byte().numpy()
        return Looked("a drawn scene", pixels, scene)
    found = fit_within(source if isinstance(source, Picture) else picture_sample(source), longest)
    return Looked(found.name.replace("-", " ") if isinstance(source, str) else found.name, found.pixels)
