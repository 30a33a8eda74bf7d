"""Sets of pictures by name, for labs that take several at once: the samples, and silhouettes drawn here in four classes."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from PIL import Image, ImageDraw

from engine.data.albums import Album
from engine.data.media import Picture, digest_of
from engine.data.samples import PICTURES, STYLES, picture_sample
from engine.errors import BadInput

ALL = "all"
SAMPLES = (*PICTURES, ALL)
SIDE = 96
SILHOUETTES = ("house", "tree", "fish", "boat")
EACH = 15


def sampled(source: str | Album) -> tuple[tuple[str, ...], tuple[Picture, ...]]:
    """Names and pictures of a sample by name, of all samples, or of a person's own."""
    if isinstance(source, Album):
        return tuple(picture.name for picture in source.pictures), source.pictures
    names = tuple(name for name in PICTURES if name not in STYLES) if source == ALL else (source,)
    return names, tuple(picture_sample(name) for name in names)


def labelled(source: str | Album) -> tuple[tuple[Picture, ...], tuple[str, ...]]:
    """Pictures with their classes: the drawn silhouettes, or a person's own."""
    if isinstance(source, Album):
        if not all(source.labels):
            bare = sum(not label for label in source.labels)
            raise BadInput(
                f"Every picture must have a class, from its folder or typed beside it, got {bare} without one."
            )
        return source.pictures, source.labels
    pictures = [_silhouette(kind, number) for kind in SILHOUETTES for number in range(EACH)]
    return tuple(pictures), tuple(kind for kind in SILHOUETTES for _ in range(EACH))


@cache
def _silhouette(kind: str, number: int) -> Picture:
    """One of many drawings of a class, each with its own colours, size, place, turn and ground."""
    random = np.random.default_rng([SILHOUETTES.index(kind), number])
    ground, ink = random.uniform(90, 255, 3), random.uniform(0, 130, 3)
    fine = SIDE * 3
    slope = np.linspace(0.7, 1.0, fine)[:, None, None] * np.ones((fine, fine, 1)) * ground
    image = Image.fromarray(slope.clip(0, 255).astype(np.uint8))
    pen, color = ImageDraw.Draw(image), tuple(int(x) for x in ink)
    middle, size = random.uniform(0.4, 0.6, 2) * fine, random.uniform(0.25, 0.42) * fine
    turn, mirror = random.uniform(-0.25, 0.25), random.choice([-1, 1])

    def at(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
        cos, sin = math.cos(turn), math.sin(turn)
        turned = [(mirror * (x * cos - y * sin), x * sin + y * cos) for x, y in points]
        return [(float(middle[0] + size * x), float(middle[1] + size * y)) for x, y in turned]

    for part in _parts(kind, random):
        pen.polygon(at(part), fill=color)
    pixels = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX), float) + random.normal(0, 6, (SIDE, SIDE, 3))
    levels = pixels.clip(0, 255).astype(np.uint8)
    return Picture(levels, f"{kind}-{number}", digest_of(levels.tobytes()))


def _parts(kind: str, random: np.random.Generator) -> list[list[tuple[float, float]]]:
    """A silhouette as polygons about 1 in radius, its proportions a little different each time."""
    a, b = random.uniform(0.8, 1.2, 2)
    if kind == "house":
        chimney = [(0.3, -0.9), (0.5, -0.9), (0.5, -0.2), (0.3, -0.2)]
        return [[(-0.7, 0), (0.7, 0), (0.7, 0.8 * a), (-0.7, 0.8 * a)], [(-0.95, 0), (0, -0.8 * b), (0.95, 0)], chimney]
    if kind == "tree":
        crown = [[(-0.75 * a, y + 0.6), (0, y - 0.3 * b), (0.75 * a, y + 0.6)] for y in (-0.7, -0.3, 0.1)]
        return [*crown, [(-0.12, 0.6), (0.12, 0.6), (0.12, 1), (-0.12, 1)]]
    if kind == "fish":
        body = [(0.8 * math.cos(t), 0.42 * a * math.sin(t)) for t in np.linspace(0, 2 * math.pi, 28)]
        return [body, [(-0.6, 0), (-1.1, -0.45 * b), (-1.1, 0.45 * b)], [(-0.1, -0.3), (0.2, -0.75), (0.35, -0.3)]]
    hull = [(-0.9, 0.35), (0.9, 0.35), (0.6, 0.8 * a), (-0.6, 0.8 * a)]
    return [hull, [(0.05, -0.9), (0.05, 0.25), (0.75 * b, 0.25)], [(-0.05, -0.7), (-0.05, 0.25), (-0.55, 0.25)]]
