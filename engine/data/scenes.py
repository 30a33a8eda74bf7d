"""Pictures with known truth: shapes and everyday silhouettes before textured grounds, overlapping, cluttered, noisy.

Every scene is an independent draw, so there is no end of them, and the same generator gives the same scenes. Boxes are
(x0, y0, x1, y1) in pixels, with y pointing down, and hold what is visible: they are the tight bounds of the masks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, interpolate

from engine.data import drawn
from engine.data.outlines import AT, CLASSES, CLUTTER, REACH, WIDEST, templates

__all__ = ["CLASSES", "COLORS", "GROUNDS", "Scenes", "draw_scenes"]

GROUNDS = ("plain", "gradient", *drawn.MATERIALS)
COLORS = {
    "red": (0.85, 0.15, 0.15), "orange": (0.95, 0.55, 0.1), "yellow": (0.95, 0.9, 0.2), "green": (0.2, 0.65, 0.25),
    "turquoise": (0.2, 0.75, 0.75), "blue": (0.2, 0.35, 0.85), "purple": (0.55, 0.25, 0.7), "pink": (0.95, 0.6, 0.75),
    "brown": (0.45, 0.3, 0.15), "black": (0.1, 0.1, 0.1), "grey": (0.5, 0.5, 0.5), "white": (0.95, 0.95, 0.95),
}  # fmt: skip
BATCH = 32
AHEAD = 2  # batches that may wait to be painted
FEWEST_SEEN = 0.25  # an object of which less is visible is left out
TRIES = 8


@dataclass(frozen=True)
class Scenes:
    """m square scenes of side s with n objects in all, those of one scene in a row, the ones further back first.

    ``pictures`` (m, 3, s, s) in [0, 1]; ``owners`` (m, s, s) holds the object seen at each pixel, -1 for the ground. Of every
    object: ``scene`` (n,) it lies in, ``classes`` (n,) indices into ``CLASSES``, ``boxes`` (n, 4) around what is visible,
    ``landmarks`` (n, 4, 2) as x, y of its ``outlines.LANDMARKS`` even where they are hidden, ``visible`` (n,) share of
    its area, ``colors`` (n, 3). ``grounds`` (m,) are indices into ``GROUNDS``.
    """

    pictures: Tensor
    owners: Tensor
    scene: Tensor
    classes: Tensor
    boxes: Tensor
    landmarks: Tensor
    visible: Tensor
    colors: Tensor
    grounds: Tensor

    def of(self, i: int) -> Tensor:
        """The objects (k,) of one scene, as rows of ``boxes``, ``classes`` and the others."""
        return (self.scene == i).nonzero().flatten()

    def masks(self, i: int) -> Tensor:
        """Where each object (k, s, s) of one scene is seen."""
        return self.owners[i] == self.of(i)[:, None, None]

    def labels(self, classes: Sequence[str] = CLASSES) -> Tensor:
        """The class (m, s, s) of each pixel: 0 for the ground and for what isn't among ``classes``, else 1 + its index."""
        index = torch.tensor([classes.index(name) + 1 if name in classes else 0 for name in CLASSES])
        return torch.cat([index[self.classes], index.new_zeros(1)])[self.owners.long()]

    def caption(self, i: int) -> str:
        """One sentence about a scene, the object in front first."""
        named = [self._named(j) for j in reversed(self.of(i).tolist())]
        listed = ", ".join(named[:-1]) + (" and " if named[1:] else "") + named[-1] if named else "Nothing"
        ground = GROUNDS[int(self.grounds[i])]
        behind = {"plain": "a plain ground", "gradient": "a shaded ground"}.get(ground, f"a ground of {ground}")
        return f"{listed[0].upper()}{listed[1:]} before {behind}."

    def _named(self, j: int) -> str:
        side = self.pictures.shape[-1]
        x0, y0, x1, y1 = (self.boxes[j] / side).tolist()
        size = max(x1 - x0, y1 - y0)
        word = "large" if size > 0.45 else "small" if size < 0.27 else "middling"
        palette = torch.tensor(list(COLORS.values()))
        color = list(COLORS)[int((palette - self.colors[j].cpu()).square().sum(1).argmin())]
        across = ("left", "", "right")[min(int(1.5 * (x0 + x1)), 2)]
        down = ("upper", "", "lower")[min(int(1.5 * (y0 + y1)), 2)]
        place = {"upper": "at the top", "lower": "at the bottom", "": "in the middle"}[down]
        place = f"at the {down} {across}".replace("  ", " ") if across else place
        hidden = ", partly hidden," if self.visible[j] < 0.9 else ""
        return f"a {word} {color} {CLASSES[int(self.classes[j])]}{hidden} {place}"


def draw_scenes(
    m: int,
    generator: torch.Generator,
    side: int = 128,
    most: int = 4,
    *,
    fewest: int = 1,
    classes: Sequence[str] = CLASSES,
    scale: tuple[float, float] = (0.11, 0.26),
    overlap: float = 0.5,
    clutter: int = 3,
    noise: float = 0.05,
    texture: float = 0.45,
    held_out: bool = False,
) -> Scenes:
    """m scenes of ``fewest`` to ``most`` objects of these classes, each about 2 ``scale`` of the side across.

    At most ``overlap`` of the smaller of two boxes lies in the other as objects are placed; what finds no room is left out.
    ``clutter`` is the most pieces that lie about, ``noise`` the largest deviation of a pixel, ``texture`` the largest strength
    of the ground's. ``held_out`` takes photographed grounds from a part of their photograph that training never sees.
    """
    indices = torch.tensor([CLASSES.index(name) for name in classes])
    pictures, owners = torch.empty(m, 3, side, side), torch.full((m, side, side), -1, dtype=torch.int32)
    parts, inference = [_nothing()], torch.is_inference_mode_enabled()

    def paint(batch: slice, grounds: Tensor, clutter: _Objects, objects: _Objects, air: tuple[Tensor, ...]) -> None:
        with torch.inference_mode(inference):
            _scatter(pictures[batch], clutter)
            part = _painted(pictures[batch], owners[batch], objects, sum(len(done[0]) for done in parts))
            light, level, grain = air
            pictures[batch].mul_(light).addcmul_(level, grain).clamp_(0, 1)
            parts.append((part[0] + batch.start, *part[1:], grounds))

    # The random numbers of a batch are drawn, in their order, while those before it are painted.
    with ThreadPoolExecutor(1) as painter:
        painted: list[Future[None]] = []
        for start in range(0, m, BATCH):
            batch = slice(start, min(start + BATCH, m))
            count = batch.stop - start
            placed = _place(count, generator, (fewest, most), scale, overlap)
            kinds = indices[torch.randint(0, len(indices), (count, most), generator=generator)]
            grounds, base = _grounds(pictures[batch], generator, texture, held_out)
            lying = _lying(base, clutter, generator)
            objects = _Objects(placed, kinds, _colors(base, most, generator), _shade(count, most, generator))
            light = _between(0.75, 1.25, count, 1, 1, 1, generator=generator)
            level = _between(0, noise, count, 1, 1, 1, generator=generator)
            grain = torch.randn((count, 1, side, side), generator=generator)
            painted.append(painter.submit(paint, batch, grounds, lying, objects, (light, level, grain)))
            if len(painted) > AHEAD:
                painted[-1 - AHEAD].result()
        for part in painted:
            part.result()
    return Scenes(pictures, owners, *(torch.cat(column) for column in zip(*parts, strict=True)))


def _nothing() -> tuple[Tensor, ...]:
    """What is known of the objects of no scene, as columns of :class:`Scenes` from ``scene`` on."""
    whole = torch.zeros(0, dtype=torch.long)
    return whole, whole, torch.zeros(0, 4), torch.zeros(0, 4, 2), torch.zeros(0), torch.zeros(0, 3), whole


def _between(low: float, high: float, *shape: int, generator: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(shape, generator=generator)


@dataclass(frozen=True)
class _Placed:
    """Objects in units of the side, (m, k, ...): centre, radius, turn in radians, stretch along both axes, whether there."""

    centre: Tensor
    radius: Tensor
    turn: Tensor
    stretch: Tensor
    there: Tensor


@dataclass(frozen=True)
class _Objects:
    """What is to be painted, (m, k): its place, its kind, its colour (m, k, 3) and shade (m, k, 2)."""

    placed: _Placed
    kinds: Tensor
    colors: Tensor
    shade: Tensor


def _place(
    m: int, generator: torch.Generator, counts: tuple[int, int], scale: tuple[float, float], overlap: float
) -> _Placed:
    """Each object takes the first of a few random places where those before leave it room, if there is one."""
    fewest, most = counts
    radius = _between(*scale, m, most, generator=generator)
    tried = torch.rand(m, most, TRIES, 2, generator=generator)
    margin = 0.85 * radius[..., None, None]
    tried = margin + (1 - 2 * margin) * tried
    wanted = torch.randint(fewest, most + 1, (m, 1), generator=generator)
    there = torch.arange(most) < wanted
    centre = tried[:, :, 0].clone()
    for k in range(1, most):
        reach = radius[:, :k, None, None] + radius[:, k, None, None, None]  # (m, k, 1, 1)
        apart = (centre[:, :k, None] - tried[:, k, None]).abs()  # (m, k, tries, 2)
        smaller = 2 * torch.minimum(radius[:, :k], radius[:, k, None])[..., None]
        shared = torch.minimum((reach - apart).clamp(min=0), smaller[..., None])
        inside = shared.prod(-1) / smaller**2  # share of the smaller box
        worst = (inside * there[:, :k, None]).amax(1)  # (m, tries)
        fits = worst <= overlap
        centre[:, k] = tried[torch.arange(m), k, fits.int().argmax(1)]
        there[:, k] &= fits.any(1)
    stretch = _between(0.85, 1.15, m, most, 2, generator=generator)
    stretch[..., 0] *= torch.where(torch.rand(m, most, generator=generator) < 0.5, -1.0, 1.0)
    return _Placed(centre, radius, _between(-0.35, 0.35, m, most, generator=generator), stretch, there)


def _grounds(pictures: Tensor, generator: torch.Generator, texture: float, held_out: bool) -> tuple[Tensor, Tensor]:
    """Fill ``pictures`` (m, 3, side, side) with grounds; the kind (m,) and the mean colour (m, 3) of each."""
    m, side = len(pictures), pictures.shape[-1]
    kinds = torch.randint(0, len(GROUNDS), (m,), generator=generator)
    base = _between(0.1, 0.9, m, 3, generator=generator)
    angle = _between(0, 2 * math.pi, m, 1, 1, generator=generator)
    strength = _between(0.05, 0.25, m, 1, 1, generator=generator) * (kinds > 0).view(m, 1, 1)
    axis = torch.linspace(-1, 1, side)
    slope = strength * (angle.cos() * axis + angle.sin() * axis[:, None])  # (m, side, side)
    torch.add(base[..., None, None], slope[:, None], out=pictures)
    woven = (kinds >= 2).nonzero().flatten()
    cloth = drawn.draw(kinds[woven] + len(drawn.SHAPES) - 2, generator, held_out)
    fade = texture * _between(0.3, 1, len(woven), 1, 1, 1, generator=generator)
    cloth = fade * (cloth - cloth.mean((2, 3), keepdim=True))
    pictures.index_add_(0, woven, interpolate(cloth, size=(side, side), mode="bilinear"))
    return kinds, base


def _lying(base: Tensor, most: int, generator: torch.Generator) -> _Objects:
    """Up to ``most`` small pieces of clutter for each ground, not far from its mean colour (m, 3)."""
    m = len(base)
    counts = torch.randint(0, most + 1, (m, 1), generator=generator)
    centre = torch.rand(m, most, 2, generator=generator)
    radius = _between(0.03, 0.07, m, most, generator=generator)
    turn = _between(0, 2 * math.pi, m, most, generator=generator)
    kinds = len(CLASSES) + torch.randint(0, len(CLUTTER), (m, most), generator=generator)
    placed = _Placed(centre, radius, turn, torch.ones(m, most, 2), torch.arange(most) < counts)
    colors = (base[:, None] + _between(-0.5, 0.5, m, most, 3, generator=generator)).clamp(0, 1)
    return _Objects(placed, kinds, colors, torch.zeros(m, most, 2))


def _shade(m: int, most: int, generator: torch.Generator) -> Tensor:
    """How much brighter objects (m, most, 2) are at their right and lower ends."""
    return _between(-0.18, 0.18, m, most, 2, generator=generator)


def _scatter(pictures: Tensor, clutter: _Objects) -> None:
    """Paint clutter into each ground, in place."""
    scene, layer = clutter.placed.there.nonzero(as_tuple=True)
    inside, corners = _inside(clutter.placed, clutter.kinds, scene, layer, pictures.shape[-1])
    paint = clutter.colors[scene, layer, :, None, None].expand(-1, -1, *inside.shape[1:])
    _paint(pictures, scene, corners, paint, inside)


def _paint(pictures: Tensor, scene: Tensor, corners: Tensor, paint: Tensor, inside: Tensor) -> None:
    """Lay n windows of ``paint`` (n, 3, w, w) into their pictures, in place, where they are ``inside`` (n, w, w)."""
    alpha = inside.add(0.5).clamp_(0, 1)[:, None]  # soft over a pixel
    for window, color, share in zip(_views(pictures, scene, corners, inside.shape[-1]), paint, alpha, strict=True):
        window.lerp_(color, share)


def _views(canvas: Tensor, scene: Tensor, corners: Tensor, wide: int) -> list[Tensor]:
    """The window (..., wide, wide) of its scene that each object lies in, as views of the canvas (m, ..., s, s)."""
    places = zip(scene.tolist(), *corners.T.tolist(), strict=True)
    return [canvas[i, ..., y : y + wide, x : x + wide] for i, x, y in places]


def _painted(pictures: Tensor, owners: Tensor, objects: _Objects, first: int) -> tuple[Tensor, ...]:
    """Paint the objects over the grounds and number them from ``first``, in place: scene, classes, boxes and so on."""
    placed, kinds, side = objects.placed, objects.kinds, pictures.shape[-1]
    scene, layer = placed.there.nonzero(as_tuple=True)
    inside, corners = _inside(placed, kinds, scene, layer, side)  # (n, w, w), (n, 2)
    visible = _own(owners, inside > 0, scene, corners, first)
    kept = visible >= FEWEST_SEEN
    if not bool(kept.all()):
        scene, layer, inside, corners = scene[kept], layer[kept], inside[kept], corners[kept]
        visible = _own(owners.fill_(-1), inside > 0, scene, corners, first)
    axis = torch.linspace(-1, 1, inside.shape[-1])
    across, down = objects.shade[scene, layer, :, None, None].unbind(1)
    paint = objects.colors[scene, layer, :, None, None] + (across * axis + down * axis[:, None])[:, None]
    _paint(pictures, scene, corners, paint, inside)
    landmarks = _landmarks(placed, kinds, scene, layer) * side
    boxes = _bounds(owners, scene, corners, inside.shape[-1], first)
    return scene, kinds[scene, layer], boxes, landmarks, visible, objects.colors[scene, layer]


def _colors(base: Tensor, most: int, generator: torch.Generator) -> Tensor:
    """Colours (m, most, 3), each as far as a few tries bring it from the ground's and from those before."""
    m = len(base)
    tried = torch.rand(m, most, 6, 3, generator=generator)
    taken = base[:, None]
    for k in range(most):
        apart = (tried[:, k, :, None] - taken[:, None]).norm(dim=-1).amin(2)  # (m, tries)
        best = tried[torch.arange(m), k, apart.argmax(1)]
        taken = torch.cat([taken, best[:, None]], 1)
    return taken[:, 1:]


def _inside(placed: _Placed, kinds: Tensor, scene: Tensor, layer: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """About how many pixels inside its outline each pixel of a window around n of the objects lies, (n, w, w).

    With the left and top pixel (n, 2) of each window, which lies within the picture and holds all of the object seen there.
    """
    if not len(scene):
        return torch.zeros(0, 1, 1), torch.zeros(0, 2, dtype=torch.long)
    one = (scene, layer)
    cos, sin = placed.turn[one].cos(), placed.turn[one].sin()
    radius, stretch = placed.radius[one] * side, placed.stretch[one]
    centre = placed.centre[one] * side
    wide = min(side, int(2 * WIDEST * float(placed.radius.max() * placed.stretch.abs().max()) * side) + 2)
    corners = (centre - wide / 2).round().clamp(0, side - wide)
    # From the window's [-1, 1] to the template's: p - centre, turned back, over radius, stretch and reach.
    across = torch.stack([cos, sin], 1) / (radius * stretch[:, 0] * REACH)[:, None]
    down = torch.stack([-sin, cos], 1) / (radius * stretch[:, 1] * REACH)[:, None]
    matrix = torch.stack([across, down], 1)  # (n, 2, 2)
    moved = matrix @ (corners + wide / 2 - centre)[..., None]
    grid = affine_grid(torch.cat([matrix * (wide / 2), moved], 2), [len(scene), 1, wide, wide], align_corners=False)
    bank = templates()[kinds[one]][:, None]
    found = grid_sample(bank, grid, padding_mode="border", align_corners=False)[:, 0]
    return found.mul_((radius * stretch.abs().amin(1))[:, None, None]), corners.long()


def _landmarks(placed: _Placed, kinds: Tensor, scene: Tensor, layer: Tensor) -> Tensor:
    """Landmarks (n, 4, 2) of n of the placed objects, in units of the side."""
    one = (scene, layer)
    local = torch.tensor([AT[name] for name in CLASSES])[kinds[one]] * placed.stretch[one][:, None]
    cos, sin = (f(placed.turn[one])[:, None] for f in (torch.cos, torch.sin))
    x, y = local.unbind(-1)
    turned = torch.stack([x * cos - y * sin, x * sin + y * cos], -1)
    return placed.centre[one][:, None] + placed.radius[one][:, None, None] * turned


def _own(owners: Tensor, masks: Tensor, scene: Tensor, corners: Tensor, first: int) -> Tensor:
    """Write who is seen where into ``owners``, for n whole masks (n, w, w); the share of each (n,) that is seen."""
    for j, window in enumerate(_views(owners, scene, corners, masks.shape[-1])):
        window.masked_fill_(masks[j], first + j)
    seen = torch.bincount((owners.flatten() + (1 - first)).clamp_(min=0), minlength=len(masks) + 1)[1:]
    return seen / masks.flatten(1).sum(1).clamp(min=1)


def _bounds(owners: Tensor, scene: Tensor, corners: Tensor, wide: int, first: int) -> Tensor:
    """Tight boxes (n, 4) of the pixels that each object owns."""
    if not len(scene):
        return torch.zeros(0, 4)
    number = torch.arange(len(scene), dtype=owners.dtype)[:, None, None] + first
    masks = torch.stack(_views(owners, scene, corners, wide)) == number
    columns, rows = masks.any(1).int(), masks.any(2).int()  # (n, w)
    low = torch.stack([columns.argmax(1), rows.argmax(1)], 1)
    high = wide - torch.stack([columns.flip(1).argmax(1), rows.flip(1).argmax(1)], 1)
    return torch.cat([corners + low, corners + high], 1).float()
