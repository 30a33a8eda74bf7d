"""Small colour pictures of twenty classes, drawn as they are asked for: ten shapes before any ground, ten materials.

Every picture is an independent draw of size, place, turn, colours, light and noise, so there is no end of them, and the
same generator gives the same pictures.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, interpolate

SIDE = 64
SHAPES = ("circle", "ring", "square", "triangle", "star", "cross", "heart", "crescent", "arrow", "hexagon")
MATERIALS = ("stripes", "checks", "dots", "bricks", "waves", "grain", "clouds", "rings", "grass", "gravel")
CLASSES = (*SHAPES, *MATERIALS)
# Photographs of materials are cut from one half for training and from the other for testing.
PHOTOGRAPHS = ("grass", "gravel")


def draw(classes: Tensor, generator: torch.Generator, held_out: bool = False) -> Tensor:
    """Pictures (m, 3, 64, 64) in [0, 1] of these classes (m,), indices into ``CLASSES``.

    ``held_out`` cuts the photographed materials from the part of their photograph that training never sees.
    """
    pictures = torch.empty(len(classes), 3, SIDE, SIDE)
    for index in sorted(set(classes.tolist())):
        chosen = (classes == index).nonzero().flatten()
        name = CLASSES[index]
        drawn = _shape(name, len(chosen), generator, held_out) if name in SHAPES else None
        pictures[chosen] = _material(name, len(chosen), generator, held_out) if drawn is None else drawn
    light = 0.7 + 0.6 * _uniform(len(classes), 1, 1, 1, generator=generator)
    noise = 0.05 * _uniform(len(classes), 1, 1, 1, generator=generator)
    return (pictures * light + noise * torch.randn(pictures.shape, generator=generator)).clamp(0, 1)


def _uniform(*shape: int, generator: torch.Generator) -> Tensor:
    return torch.rand(shape, generator=generator)


def _colors(m: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Two colours (m, 3, 1, 1) each that differ enough to be told apart."""
    one = _uniform(m, 3, 1, 1, generator=generator)
    step = 0.35 + 0.4 * _uniform(m, 3, 1, 1, generator=generator)
    return one, torch.where(one > 0.5, one - step, one + step).clamp(0, 1)


def _plane(
    m: int, generator: torch.Generator, turn: float, scale: tuple[float, float], shift: float
) -> tuple[Tensor, Tensor]:
    """Coordinates x, y (m, 64, 64) of every pixel, moved, turned by at most ``turn`` and divided by a random size."""
    axis = (torch.arange(SIDE) + 0.5) / SIDE * 2 - 1
    at = [
        axis.view(1, *view) - shift * (2 * _uniform(m, 1, 1, generator=generator) - 1)
        for view in ((1, SIDE), (SIDE, 1))
    ]
    angle = turn * (2 * _uniform(m, 1, 1, generator=generator) - 1)
    size = scale[0] + (scale[1] - scale[0]) * _uniform(m, 1, 1, generator=generator)
    cos, sin = angle.cos() / size, angle.sin() / size
    return at[0] * cos + at[1] * sin, at[1] * cos - at[0] * sin


def _polygon(x: Tensor, y: Tensor, corners: int, first: float) -> Tensor:
    """How far inside a regular polygon of circumradius 1; ``first`` is the angle of a corner."""
    half = math.pi / corners
    angle = torch.atan2(y, x) - first
    fold = (angle + half).remainder(2 * half) - half
    return math.cos(half) - torch.hypot(x, y) * torch.cos(fold.abs() - half)


def _star(x: Tensor, y: Tensor) -> Tensor:
    fifth = math.pi / 5
    fold = (
        (torch.atan2(y, x) + math.pi / 2).remainder(2 * fifth) - fifth
    ).abs()  # 0 between two points, a fifth at a point
    reach = torch.hypot(x, y)
    px, py = reach * torch.cos(fifth - fold), reach * torch.sin(fifth - fold)
    # Inside the edge from the point (1, 0) to the notch at radius 0.42.
    nx, ny = 0.42 * math.cos(fifth), 0.42 * math.sin(fifth)
    return ((1 - px) * ny - py * (1 - nx)) / math.hypot(ny, 1 - nx)


def _heart(x: Tensor, y: Tensor) -> Tensor:
    x, y = x.abs() * 1.15, 0.2 - y * 1.15
    return 0.55 - (x**2 + (y - 0.75 * (x + 1e-6).sqrt() + 0.35) ** 2).sqrt() + 0.25


# How far inside each shape a place is, for shapes about 1 in radius; y grows downwards.
INSIDE: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "circle": lambda x, y: 0.9 - torch.hypot(x, y),
    "ring": lambda x, y: 0.22 - (torch.hypot(x, y) - 0.7).abs(),
    "square": lambda x, y: 0.8 - torch.maximum(x.abs(), y.abs()),
    "triangle": lambda x, y: _polygon(x, y, 3, -math.pi / 2),
    "hexagon": lambda x, y: _polygon(x, y, 6, 0),
    "star": _star,
    "cross": lambda x, y: torch.maximum(
        torch.minimum(0.28 - x.abs(), 0.9 - y.abs()), torch.minimum(0.28 - y.abs(), 0.9 - x.abs())
    ),
    "heart": _heart,
    "crescent": lambda x, y: torch.minimum(0.9 - torch.hypot(x, y), torch.hypot(x - 0.45, y) - 0.72),
    "arrow": lambda x, y: torch.maximum(
        torch.minimum(0.2 - y.abs(), torch.minimum(x + 0.95, 0.2 - x)), torch.minimum(0.95 - x - 1.2 * y.abs(), x - 0.1)
    ),
}


def _shape(name: str, m: int, generator: torch.Generator, held_out: bool) -> Tensor:
    """A shape of one colour before a ground: plain, clouded, or any material, faded."""
    x, y = _plane(m, generator, math.pi / 6, (0.35, 0.85), 0.3)
    inside = (INSIDE[name](x, y) * 24).clamp(-0.5, 0.5).add(0.5)[:, None]  # soft over about a pixel
    front, back = _colors(m, generator)
    kinds = torch.randint(0, len(MATERIALS), (m,), generator=generator)
    ground = torch.empty(m, 3, SIDE, SIDE)
    for kind in sorted(set(kinds.tolist())):
        chosen = (kinds == kind).nonzero().flatten()
        ground[chosen] = _material(MATERIALS[kind], len(chosen), generator, held_out)
    fade = 0.45 * _uniform(m, 1, 1, 1, generator=generator)
    ground = back + fade * (ground - ground.mean((2, 3), keepdim=True))
    return inside * front + (1 - inside) * ground


def _smooth(m: int, cells: int, generator: torch.Generator) -> Tensor:
    """Smooth noise (m, 64, 64) in about [0, 1], varying over 64 / cells pixels."""
    coarse = torch.rand(m, 1, cells, cells, generator=generator)
    return interpolate(coarse, size=(SIDE, SIDE), mode="bicubic", align_corners=False)[:, 0].clamp(0, 1)


def _waving(x: Tensor, m: int, generator: torch.Generator, bend: float) -> Tensor:
    return x + bend * (_smooth(m, 4, generator) - 0.5)


def _level(name: str, m: int, generator: torch.Generator) -> Tensor:
    """The share (m, 64, 64) of the second colour in a drawn material."""
    x, y = _plane(m, generator, math.pi, (0.08, 0.2), 1.0)
    if name == "stripes":
        return (torch.sin(math.pi * _waving(x, m, generator, 0.5)) * 4).clamp(-1, 1) / 2 + 0.5
    if name == "checks":
        return (torch.sin(math.pi * x / 1.5) * torch.sin(math.pi * y / 1.5) * 12).clamp(-1, 1) / 2 + 0.5
    if name == "dots":
        from_middle = torch.hypot(x.remainder(2.4) - 1.2, y.remainder(2.4) - 1.2)
        return ((0.75 - from_middle) * 4).clamp(-1, 1) / 2 + 0.5
    if name == "bricks":
        row = torch.floor(y / 1.5)
        across, down = (x + 1.5 * row.remainder(2)).remainder(3), y.remainder(1.5)
        return ((torch.minimum(across, down) - 0.18) * 8).clamp(-1, 1) / 2 + 0.5
    if name == "waves":
        return torch.sin(math.pi * (y / 1.5 + 0.8 * torch.sin(x / 1.5))) / 2 + 0.5
    if name == "rings":
        return torch.sin(2.2 * _waving(torch.hypot(x / 1.2, y / 1.2), m, generator, 2.0)) / 2 + 0.5
    if name == "grain":
        return avg_pool2d(torch.rand(m, 1, SIDE + 1, SIDE + 1, generator=generator), 2, 1)[:, 0]
    octaves = [_smooth(m, cells, generator) / 2**i for i, cells in enumerate((3, 6, 12))]  # clouds
    return ((octaves[0] + octaves[1] + octaves[2]) / 1.75 * 1.6 - 0.3).clamp(0, 1)


def _material(name: str, m: int, generator: torch.Generator, held_out: bool) -> Tensor:
    """Pictures (m, 3, 64, 64) filled with one material in two colours."""
    level = _photographed(name, m, generator, held_out) if name in PHOTOGRAPHS else _level(name, m, generator)
    one, other = _colors(m, generator)
    return one + (other - one) * level[:, None]


@cache
def _photograph(name: str) -> Tensor:
    from skimage import data

    return torch.from_numpy(getattr(data, name)()).float() / 255  # (512, 512)


def _photographed(name: str, m: int, generator: torch.Generator, held_out: bool) -> Tensor:
    """Cuts of 96 to 160 pixels from a photograph's left two thirds, or its held-out right third, mirrored at random."""
    photograph = _photograph(name)
    part = photograph[:, 341:] if held_out else photograph[:, :341]
    sides = torch.randint(96, 161, (m,), generator=generator).tolist()
    places = torch.rand(m, 2, generator=generator).tolist()
    mirrored = torch.rand(m, generator=generator).lt(0.5)
    cuts = torch.empty(m, SIDE, SIDE)
    for i, (side, (down, across)) in enumerate(zip(sides, places, strict=True)):
        top, left = int(down * (part.shape[0] - side)), int(across * (part.shape[1] - side))
        cut = part[None, None, top : top + side, left : left + side]
        cuts[i] = interpolate(cut, size=(SIDE, SIDE), mode="area")[0, 0]
    cuts[mirrored] = cuts[mirrored].flip(-1)
    low, high = cuts.amin((1, 2), keepdim=True), cuts.amax((1, 2), keepdim=True)
    return (cuts - low) / (high - low)
