"""What distortions do to a picture, to its colours and to a training."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from engine.functional.augmentation import color_axes
from engine.results import Array

MOST_PIXELS = 350


@dataclass(frozen=True)
class ColorCloud:
    """Some pixels (n, 3) of a picture, levels from 0 to 1, and the cloud of all of them.

    ``mean`` (3,), ``values`` (3,) the variances along the axes, ``axes`` (3, 3) the axes as columns.
    """

    pixels: Array
    mean: Array
    values: Array
    axes: Array


@dataclass(frozen=True)
class Gains:
    """Dev accuracy (arms, seeds, k) at ``steps`` (k,), for each distortion in ``names``; the first arm has none."""

    names: tuple[str, ...]
    steps: Array
    accuracy: Array

    @property
    def gains(self) -> Array:
        """By how much each arm beats the first now, seed by seed: (arms, seeds)."""
        return self.accuracy[..., -1] - self.accuracy[:1, :, -1]


def color_cloud(x: Tensor, generator: torch.Generator) -> ColorCloud:
    """The colours of pictures (m, 3, h, w), and a few hundred pixels drawn from them."""
    pixels = x.movedim(1, -1).reshape(-1, 3)
    chosen = torch.randperm(len(pixels), generator=generator)[:MOST_PIXELS]
    mean, values, axes = color_axes(x)
    return ColorCloud(pixels[chosen].numpy(), mean.numpy(), values.numpy(), axes.numpy())
