"""Sentences about drawn scenes: what stands where, in the colour that is seen, and whether the ground is light or dark."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.data.scenes import CLASSES, COLORS, Scenes, draw_scenes

Words = tuple[str, ...]

MOST = 3
ACROSS, DOWN = ("left", "", "right"), ("upper", "", "lower")
BEHIND = ("dark", "light")
BRIGHT = 0.5  # what is brighter is light
NAMED = ("red", "yellow", "green", "blue", "purple", "black", "grey", "white")


def draw_told(m: int, generator: torch.Generator, held_out: bool = False) -> Scenes:
    """m scenes of one to three objects that hide little of each other, as the bundled captioner knows them."""
    return draw_scenes(m, generator, most=MOST, scale=(0.13, 0.26), overlap=0.15, clutter=2, held_out=held_out)


def seen_colors(scenes: Scenes) -> Tensor:
    """The name (n,) of the colour nearest to the mean of each object's visible pixels, an index into ``NAMED``."""
    owners = scenes.owners.flatten().long()
    seen = owners >= 0
    pixels = scenes.pictures.permute(0, 2, 3, 1).flatten(0, 2)[seen]
    sums = pixels.new_zeros(len(scenes.scene), 3).index_add_(0, owners[seen], pixels)
    means = sums / torch.bincount(owners[seen], minlength=len(sums)).clamp(min=1)[:, None]
    return torch.cdist(means, torch.tensor([COLORS[name] for name in NAMED])).argmin(1)


def light(scenes: Scenes) -> Tensor:
    """Whether the pixels (m,) of each ground are bright on the average."""
    ground = scenes.owners < 0
    brightness = (scenes.pictures.mean(1) * ground).sum((1, 2)) / ground.sum((1, 2)).clamp(min=1)
    return brightness > BRIGHT


def place(middle: Sequence[float]) -> str:
    """Where a middle (x, y), in units of the side, lies among nine places."""
    across, down = (names[min(int(3 * u), 2)] for names, u in zip((ACROSS, DOWN), middle, strict=True))
    if across:
        return f"at the {down} {across}".replace("  ", " ")
    return {"upper": "at the top", "lower": "at the bottom", "": "in the middle"}[down]


def told(scenes: Scenes) -> list[list[Words]]:
    """Of each scene what can be said of its objects: the same sentence from left to right, and from the top down.

    The first is the one that the captioner is taught.
    """
    colors, side = seen_colors(scenes).tolist(), scenes.pictures.shape[-1]
    middles = ((scenes.boxes[:, :2] + scenes.boxes[:, 2:]) / 2 / side).tolist()
    found = []
    for i, ground in enumerate(light(scenes).tolist()):
        objects = scenes.of(i).tolist()
        sentences = []
        for axis in (0, 1):
            each = [
                f"a {NAMED[colors[j]]} {CLASSES[int(scenes.classes[j])]} {place(middles[j])}"
                for j in sorted(objects, key=lambda j: middles[j][axis])
            ]
            listed = " , ".join(each[:-1]) + (" and " if each[1:] else "") + each[-1] if each else "nothing"
            sentences.append(tuple(f"{listed} before a {BEHIND[ground]} ground .".split()))
        found.append(sentences)
    return found


def vocabulary() -> Words:
    """Every word and mark of these sentences, in alphabetical order."""
    places = {word for x in (0.1, 0.5, 0.9) for y in (0.1, 0.5, 0.9) for word in place((x, y)).split()}
    marks = {"a", "and", ",", ".", "before", "ground", "nothing"}
    return tuple(sorted({*marks, *places, *BEHIND, *NAMED, *CLASSES}))


def sentence(words: Words) -> str:
    """Words as a person writes them: a capital first, marks without a blank before them."""
    text = " ".join(words).replace(" ,", ",").replace(" .", ".")
    return text[:1].upper() + text[1:]
