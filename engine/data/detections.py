"""Made-up truths of many pictures, and what a detector with chosen faults says of them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

SIDE = 100.0
# Mean width and height of each class's boxes in pixels.
SHAPES = ((34.0, 18.0), (10.0, 30.0), (22.0, 22.0))
FALSE_ALARMS = 8


@dataclass(frozen=True)
class Labelled:
    """Boxes (n, 4) in pixels with their classes (n,), the pictures (n,) that they lie in, and their scores (n,)."""

    boxes: Tensor
    classes: Tensor
    pictures: Tensor
    scores: Tensor

    def of(self, chosen: Tensor) -> Labelled:
        """Some of them."""
        return Labelled(self.boxes[chosen], self.classes[chosen], self.pictures[chosen], self.scores[chosen])


def truths(pictures: int, objects: int, generator: torch.Generator) -> Labelled:
    """So many objects in each of so many pictures, anywhere that they fit."""
    return _anywhere(torch.arange(pictures).repeat_interleave(objects), generator)


def _anywhere(pictures: Tensor, generator: torch.Generator) -> Labelled:
    n = len(pictures)
    classes = torch.randint(0, len(SHAPES), (n,), generator=generator)
    spread = (0.25 * torch.randn(n, 2, generator=generator, dtype=torch.float64)).exp()
    sizes = torch.tensor(SHAPES, dtype=torch.float64)[classes] * spread
    corners = (SIDE - sizes) * torch.rand(n, 2, generator=generator, dtype=torch.float64)
    boxes = torch.cat([corners, corners + sizes], dim=1)
    return Labelled(boxes, classes, pictures, torch.ones(n, dtype=torch.float64))


def detect(
    truth: Labelled, noise: float, misses: float, false_alarms: float, duplicates: float, generator: torch.Generator
) -> Labelled:
    """What a made-up detector says of the truths, in no order.

    ``noise`` px is the standard deviation of every edge. A share ``misses`` of the objects isn't found and a share
    ``duplicates`` of the found is found twice; ``false_alarms`` come with each picture on average, at most 8. The random
    numbers are the same whatever the faults, so moving one changes nothing of the others.
    """
    m, pictures = len(truth.boxes), torch.arange(int(truth.pictures.max()) + 1).repeat_interleave(FALSE_ALARMS)
    found = _chance(m, generator) >= misses
    again = found & (_chance(m, generator) < duplicates)
    wrong = _chance(len(pictures), generator) < false_alarms / FALSE_ALARMS
    every = (
        _moved(truth, noise, 0.75, generator).of(found),
        _moved(truth, noise + 1.5, 0.6, generator).of(again),
        _moved(_anywhere(pictures, generator), 0.0, 0.5, generator).of(wrong),
    )
    return Labelled(
        torch.cat([each.boxes for each in every]),
        torch.cat([each.classes for each in every]),
        torch.cat([each.pictures for each in every]),
        torch.cat([each.scores for each in every]),
    )


def _chance(n: int, generator: torch.Generator) -> Tensor:
    return torch.rand(n, generator=generator, dtype=torch.float64)


def _moved(objects: Labelled, noise: float, score: float, generator: torch.Generator) -> Labelled:
    """Objects with noise on their edges and scores around a mean."""
    n = len(objects.boxes)
    edges = objects.boxes + noise * torch.randn(n, 4, generator=generator, dtype=torch.float64)
    boxes = torch.cat([torch.minimum(edges[:, :2], edges[:, 2:] - 1), edges[:, 2:]], dim=1)
    scores = score + 0.14 * torch.randn(n, generator=generator, dtype=torch.float64)
    return Labelled(boxes, objects.classes, objects.pictures, scores.clamp(0.02, 0.99))
