"""Pictures as the page's networks read them, and the network itself, fetched where it must be."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, Literal

import numpy as np
from torch import Tensor

from engine.data.media import Picture, fit_within
from engine.data.pixels import opened, to_levels, to_tensor
from engine.device import device
from engine.lab import Frame
from engine.labs._waiting import waited
from engine.models.styling import BUNDLED, NAMES, Reader, bring
from engine.params import choice

# Four halvings leave one place of so many pixels.
SHORTEST = 16
Network = Literal["texture", "vgg19"]


def network(more: bool = True) -> Any:
    """The parameter that says which network reads."""
    return choice(
        "texture",
        label="Network",
        help="Which network reads the pictures; VGG-19 is fetched once, some 550 MB, and needs minutes without a GPU.",
        names=NAMES,
        more=more,
    )


def read_in(source: str | Picture, side: int) -> Tensor:
    """A picture (3, h, w) in [0, 1], its longer side at most so many pixels; a sliver is widened by its edge."""
    pixels = fit_within(opened(source), side).pixels
    short = [(0, max(0, SHORTEST - length)) for length in pixels.shape[:2]]
    return to_tensor([np.pad(pixels, (*short, (0, 0)), mode="edge")])[0].to(device())


def levels(picture: Tensor) -> np.ndarray:
    """A picture (3, h, w) in [0, 1] as levels (h, w, 3)."""
    return to_levels(picture.detach().clamp(0, 1).nan_to_num().cpu())


def brought(name: str, waiting: Callable[[str, float], Frame]) -> Generator[Frame, None, tuple[Reader, str]]:
    """Yield ``waiting(sentence, share)`` while a network is fetched; nothing for the bundled one, which is here."""
    return (yield from waited(bring(name), "" if name == BUNDLED else NAMES[name], waiting))
