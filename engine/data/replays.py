"""What a camera sees of a live face, and of one replayed to it: printed, on a screen, through a moiré, or out of focus."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

ATTACKS = ("print", "screen", "moire", "blur")
NOISE = 0.02


def camera(faces: Tensor, generator: torch.Generator, soft: float = 0.3) -> Tensor:
    """Faces (m, 3, s, s) in [0, 1] as a camera takes them: out of focus by up to a share ``soft``, and with noise."""
    blurred = _blurred(faces, soft * torch.rand(len(faces), 1, 1, 1, generator=generator), 3)
    return (blurred + NOISE * torch.randn(faces.shape, generator=generator)).clamp(0, 1)


def replayed(faces: Tensor, attack: str, strength: float, generator: torch.Generator) -> Tensor:
    """Faces (m, 3, s, s) in [0, 1] after a first camera, a print or a screen, and the second camera.

    ``strength`` from 0 to 1 says how much the replay leaves its traces; at 0 it is as good as live.
    """
    m = len(faces)
    amount = strength * (0.6 + 0.4 * torch.rand(m, 1, 1, 1, generator=generator))
    shown = {"print": _printed, "screen": _screened, "moire": _moire, "blur": _defocused}[attack](
        faces, amount, generator
    )
    return camera(shown.clamp(0, 1), generator)


def _printed(faces: Tensor, amount: Tensor, generator: torch.Generator) -> Tensor:
    """Less contrast on off-white paper with fibres, in dots of a halftone."""
    m, _, side, _ = faces.shape
    paper = torch.tensor([0.92, 0.9, 0.84])[:, None, None]
    flat = faces + 0.4 * amount * (0.55 * paper - 0.55 * faces)
    fibres = interpolate(
        torch.randn(m, 1, side // 3, side // 3, generator=generator), size=(side, side), mode="bilinear"
    )
    a, b = _waves(m, side, 0.3, 0.4, generator), _waves(m, side, 0.3, 0.4, generator)
    return flat * (1 + 0.04 * amount * fibres) + 0.09 * amount * a * b


def _screened(faces: Tensor, amount: Tensor, generator: torch.Generator) -> Tensor:
    """Bluish light, dark lines between the rows of pixels, and the glare of a lamp on the glass."""
    m, _, side, _ = faces.shape
    cast = 1 + 0.22 * amount * torch.tensor([-1.0, 0.0, 1.0])[:, None, None]
    rows = torch.cos(2 * math.pi * torch.arange(side) / (2.2 + torch.rand(m, 1, 1, 1, generator=generator)))
    axis = torch.linspace(-1, 1, side)
    x, y = (2 * torch.rand(m, 1, 1, 1, generator=generator) - 1 for _ in range(2))
    glare = torch.exp(-((axis - x).square() + (axis[:, None] - y).square()) / 0.15)
    return faces * cast + 0.06 * amount * rows.transpose(-1, -2) + 0.35 * amount * glare


def _moire(faces: Tensor, amount: Tensor, generator: torch.Generator) -> Tensor:
    """A screen's grid finer than the camera's pixels: sampled once each, it comes back as wide coloured bands."""
    m, _, side, _ = faces.shape
    bands = [_waves(m, side, 0.85, 1.15, generator, turn=0.3, bend=0.002) for _ in range(3)]
    return faces + 0.12 * amount * torch.cat(bands, 1)


def _defocused(faces: Tensor, amount: Tensor, generator: torch.Generator) -> Tensor:
    """Out of focus: detail is gone that the second camera's noise doesn't bring back."""
    return _blurred(faces, amount.sqrt(), 7)


def _waves(
    m: int, side: int, low: float, high: float, generator: torch.Generator, turn: float = math.pi, bend: float = 0.0
) -> Tensor:
    """Gratings (m, 1, s, s) of low to high cycles a pixel, turned within ``turn``, bent a little, sampled at whole pixels."""
    draw = torch.rand(4, m, 1, 1, 1, generator=generator)
    frequency, angle = low + (high - low) * draw[0], turn * (draw[1] - 0.5)
    axis = torch.arange(float(side))
    along = axis * angle.cos() + axis[:, None] * angle.sin()
    across = axis[:, None] * angle.cos() - axis * angle.sin()
    return torch.cos(2 * math.pi * (frequency * along + bend * (2 * draw[3] - 1) * across.square() + draw[2]))


def _blurred(faces: Tensor, share: Tensor, width: int) -> Tensor:
    """Faces (m, 3, s, s) mixed with what two means over ``width`` pixels leave of them, ``share`` (m, 1, 1, 1) of it."""
    blurred = faces
    for _ in range(2):
        blurred = avg_pool2d(blurred, width, 1, width // 2, count_include_pad=False)
    return torch.lerp(faces, blurred, share)
