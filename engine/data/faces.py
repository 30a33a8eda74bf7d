"""Drawn faces with known landmarks: an identity is a vector of numbers, and every picture of it another pose, light and look.

The head is a ball, stretched to a face: each pixel is traced back to its place on the turned ball, where the features are
painted, so they foreshorten as the head turns. "Left" and "right" are the picture's.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate

# What makes a person, each from -1 to 1.
IDENTITY = (
    "width", "jaw", "skin", "warmth", "eyes apart", "eye size", "slant", "iris", "brow height", "brow strength",
    "nose length", "nose width", "mouth height", "mouth width", "lips", "hairline", "parting", "hair length", "hair colour",
    "beard", "glasses",
)  # fmt: skip
# What differs between two pictures of a person, each from -1 to 1.
VARIATION = (
    "yaw", "pitch", "roll", "size", "across", "down", "smile", "open", "blink", "brows", "gaze", "light from",
    "light height", "contrast",
)  # fmt: skip
LANDMARKS = (
    "left eye, outer corner", "left eye, inner corner", "right eye, inner corner", "right eye, outer corner",
    "left brow", "right brow", "nose tip", "left nostril", "right nostril",
    "left mouth corner", "right mouth corner", "upper lip", "lower lip", "chin",
)  # fmt: skip
# The landmark that each becomes in a mirrored picture.
MIRRORED = (3, 2, 1, 0, 5, 4, 6, 8, 7, 10, 9, 11, 12, 13)
YAW, PITCH, ROLL = 0.5, 0.22, 0.25  # radians at most
SIDE, BATCH = 64, 32
SKINS = ((0.98, 0.83, 0.73), (0.88, 0.67, 0.52), (0.68, 0.46, 0.32), (0.40, 0.25, 0.17))
HAIRS = (
    (0.09, 0.07, 0.07),
    (0.25, 0.15, 0.10),
    (0.45, 0.27, 0.15),
    (0.78, 0.58, 0.32),
    (0.62, 0.25, 0.12),
    (0.72, 0.72, 0.72),
)
IRISES = ((0.30, 0.18, 0.10), (0.25, 0.42, 0.28), (0.25, 0.45, 0.68))

Numbers = dict[str, Tensor]


@dataclass(frozen=True)
class Faces:
    """m faces: ``pictures`` (m, 3, s, s) in [0, 1], ``landmarks`` (m, 14, 2) as x, y in pixels, in the order of ``LANDMARKS``.

    ``identity`` (m, 21) and ``variation`` (m, 14) are the numbers they were drawn from.
    """

    pictures: Tensor
    landmarks: Tensor
    identity: Tensor
    variation: Tensor


def identities(m: int, generator: torch.Generator) -> Tensor:
    """m persons (m, 21) at random."""
    return 2 * torch.rand(m, len(IDENTITY), generator=generator) - 1


def draw_faces(
    identity: Tensor, generator: torch.Generator, side: int = SIDE, *, variation: float = 1.0, noise: float = 0.03
) -> Faces:
    """A picture of each of these persons (m, 21), its pose, expression and light drawn at random, ``variation`` as strong.

    ``noise`` is the deviation of a pixel.
    """
    m = len(identity)
    varied = variation * (2 * torch.rand(m, len(VARIATION), generator=generator) - 1)
    grounds = torch.rand(m, 3, 4, 4, generator=generator)
    clothes = torch.rand(m, 3, generator=generator)
    given = [torch.split(each, BATCH) for each in (identity, varied, grounds, clothes)]
    pictures, landmarks = zip(*(_drawn(side, *part) for part in zip(*given, strict=True)), strict=True)
    grain = noise * torch.randn(m, 3, side, side, generator=generator)
    return Faces((torch.cat(pictures) + grain).clamp_(0, 1), torch.cat(landmarks), identity, varied)


def _drawn(side: int, identity: Tensor, varied: Tensor, grounds: Tensor, clothes: Tensor) -> tuple[Tensor, Tensor]:
    """Pictures (m, 3, s, s) and landmarks (m, 14, 2) of a batch."""
    p = dict(zip((*IDENTITY, *VARIATION), torch.cat([identity, varied], 1).T[..., None, None], strict=True))
    features = _features(p)
    head = _Head(p, side)
    skin, hair = _mixed(SKINS, p["skin"]), _mixed(HAIRS, p["hair colour"])
    skin = skin * (1 + 0.05 * p["warmth"][:, None] * torch.tensor([1.0, 0.0, -1.0])[:, None, None])
    picture = interpolate(grounds, size=(side, side), mode="bicubic").clamp(0, 1) * 0.4 + 0.3
    picture = _behind(picture, head, skin, hair, clothes)
    face = _hair(_beard(skin.expand_as(picture), head, features, hair), head, hair)
    for paint in (_nose, _mouth, _eyes):
        face = paint(face, head, features, hair)
    picture = _over(picture, face * head.light(features)[:, None], head.inside)
    return picture, head.project(_places(features)) * side


def _mixed(colors: tuple[tuple[float, float, float], ...], at: Tensor) -> Tensor:
    """The colour (m, 3, 1, 1) at a place (m, 1, 1) from -1 to 1 along a row of colours."""
    row = torch.tensor(colors)
    place = (at.flatten().clamp(-1, 1) + 1) / 2 * (len(row) - 1)
    low = place.long().clamp(max=len(row) - 2)
    return torch.lerp(row[low], row[low + 1], (place - low)[:, None])[..., None, None]


def _over(under: Tensor, color: Tensor, mask: Tensor) -> Tensor:
    """Paint of ``color`` (m, 3, ...) over a picture (m, 3, s, s) where ``mask`` (m, s, s) is 1."""
    return torch.lerp(under, color.expand_as(under), mask[:, None].expand_as(under))


def _tone(level: float | Tensor, color: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Tensor:
    return level * torch.tensor(color)[:, None, None]


class _Head:
    """Where each pixel lies: ``across``, ``down`` (m, s, s) beside the head, ``x``, ``y``, ``z`` on the ball turned back.

    The ball has radius 1, x growing to the right, y down, z towards us. ``sharp`` (m, 1, 1) is a length of 1 in pixels.
    """

    def __init__(self, p: Numbers, side: int) -> None:
        self.p = p
        self.turns = [(t.cos(), t.sin()) for t in (YAW * p["yaw"], PITCH * p["pitch"], ROLL * p["roll"])]
        self.size = 0.74 + 0.08 * p["size"]
        self.shift = torch.cat([0.1 * p["across"], 0.06 + 0.08 * p["down"]], 2)[:, 0]  # (m, 2)
        self.width = 0.74 + 0.05 * p["width"]
        self.sharp = self.size * side / 2
        axis = (torch.arange(side) + 0.5) / side * 2 - 1
        right = (axis - self.shift[:, :1, None]) / self.size
        low = (axis[:, None] - self.shift[:, 1:, None]) / self.size
        (yaw, sway), (pitch, nod), (roll, lean) = self.turns
        self.across, self.down = right * roll + low * lean, low * roll - right * lean
        self.a = self.across / self._wide(self.down)
        reach = torch.hypot(self.a, self.down)
        self.inside = self.soft(0.8 * (1 - reach))
        self.front = (1 - reach.square()).clamp(min=0).sqrt()
        self.y = self.down * pitch - self.front * nod
        turned = self.down * nod + self.front * pitch
        self.x, self.z = self.a * yaw - turned * sway, self.a * sway + turned * yaw

    def _wide(self, down: Tensor) -> Tensor:
        """Half the width of the head's stretched ball at a height: narrower towards the chin."""
        return self.width * (1 - (0.2 - 0.1 * self.p["jaw"]) * down.clamp(min=0).square())

    def soft(self, distance: Tensor) -> Tensor:
        """1 where a distance into a shape is positive, 0 where it is negative, in between over a pixel."""
        return (distance * self.sharp + 0.5).clamp(0, 1)

    def project(self, places: Tensor) -> Tensor:
        """Where places (m, k, 2) on the front of the ball are seen, (m, k, 2) in shares of the side."""
        (yaw, sway), (pitch, nod), (roll, lean) = ((cos[:, 0], sin[:, 0]) for cos, sin in self.turns)
        x, y = places.unbind(-1)
        z = (1 - x.square() - y.square()).clamp(min=0).sqrt()
        a, z = x * yaw + z * sway, z * yaw - x * sway
        down = y * pitch + z * nod
        across = a * self._wide(down[:, None])[:, 0]
        seen = torch.stack([across * roll - down * lean, across * lean + down * roll], -1)
        return ((seen * self.size + self.shift[:, None]) + 1) / 2

    def light(self, f: Numbers) -> Tensor:
        """How bright each pixel of the head is, (m, s, s): Lambert's law over the ball and the nose's ridge."""
        p, x, y = self.p, self.x, self.y
        slope = (y - f["eye y"]) / (f["nose y"] - f["eye y"])
        ridge = slope.clamp(0, 1) * torch.sigmoid((f["nose y"] + 0.04 - y) / 0.03)
        bump = 0.9 * ridge * x / f["nose x"] * torch.exp(-((x / (0.8 * f["nose x"])).square()))
        angle, height = 0.9 * p["light from"], 0.35 + 0.35 * p["light height"]
        facing = (self.a + bump) * angle.sin() - self.down * height + self.front * angle.cos()
        contrast = 0.4 + 0.25 * p["contrast"]
        return (1.06 - contrast) + contrast * facing.clamp(min=-0.2)


def _features(p: Numbers) -> Numbers:
    """Places and sizes (m, 1, 1) on the ball, named."""
    smile, opened = p["smile"], p["open"].clamp(min=0)
    return {
        "eye x": 0.38 + 0.05 * p["eyes apart"],
        "eye y": torch.zeros_like(smile),
        "eye wide": 0.175 + 0.025 * p["eye size"],
        "eye high": (0.085 + 0.02 * p["eye size"]) * (1 - 0.75 * (p["blink"] - 0.5).clamp(min=0) / 0.5),
        "slant": 0.12 * p["slant"],
        "brow y": -0.23 - 0.03 * p["brow height"] - 0.045 * p["brows"],
        "nose y": 0.34 + 0.05 * p["nose length"],
        "nose x": 0.15 + 0.035 * p["nose width"],
        "mouth y": 0.61 + 0.03 * p["mouth height"],
        "mouth x": 0.26 + 0.04 * p["mouth width"] + 0.04 * smile,
        "corner": -0.08 * smile,
        "upper": 0.055 + 0.02 * p["lips"] + 0.08 * opened,
        "lower": 0.075 + 0.025 * p["lips"] + 0.08 * opened,
        "gap": 0.08 * opened,
    }


def _places(f: Numbers) -> Tensor:
    """The landmarks (m, 14, 2) on the ball."""
    inner, outer, tilt = f["eye x"] - f["eye wide"], f["eye x"] + f["eye wide"], f["slant"] * f["eye wide"]
    corner, zero = f["mouth y"] + f["corner"], torch.zeros_like(f["eye x"])
    eyes = [
        (-outer, f["eye y"] - tilt),
        (-inner, f["eye y"] + tilt),
        (inner, f["eye y"] + tilt),
        (outer, f["eye y"] - tilt),
    ]
    brows = [(-f["eye x"], f["brow y"]), (f["eye x"], f["brow y"])]
    nose = [(zero, f["nose y"]), (-f["nose x"], f["nose y"] + 0.02), (f["nose x"], f["nose y"] + 0.02)]
    mouth = [(-f["mouth x"], corner), (f["mouth x"], corner)]
    mouth += [(zero, f["mouth y"] - f["upper"]), (zero, f["mouth y"] + f["lower"])]
    return torch.stack([torch.cat(pair, 2)[:, 0] for pair in (*eyes, *brows, *nose, *mouth, (zero, zero + 0.96))], 1)


def _behind(picture: Tensor, head: _Head, skin: Tensor, hair: Tensor, clothes: Tensor) -> Tensor:
    """Hair behind the head, neck, clothes and ears, over the ground."""
    x, y, wide, long = head.across, head.down, head.width, head.p["hair length"]
    crown = 1.1 - torch.hypot(x / (wide * 1.08), (y + 0.04))
    curtain = torch.minimum(wide * 1.14 - x.abs(), torch.minimum(y + 0.2, 0.5 + 0.9 * long - y))
    picture = _over(picture, 0.7 * hair, head.soft(torch.maximum(crown, curtain)))
    picture = _over(picture, 0.72 * skin, head.soft(torch.minimum(0.58 * wide - x.abs(), y - 0.4)))
    picture = _over(picture, clothes[..., None, None] * 0.8, head.soft(0.7 - torch.hypot(x / 1.7, y - 1.75)))
    yaw = head.turns[0][0]
    for sign in (-1.0, 1.0):
        ear = 0.17 - torch.hypot((x - sign * wide * yaw) / 0.7, y - 0.08)
        picture = _over(picture, 0.82 * skin, head.soft(ear))
    return picture


def _hair(face: Tensor, head: _Head, hair: Tensor) -> Tensor:
    """Hair above the forehead, down to the ears and at the back."""
    x, y, p = head.x, head.y, head.p
    line = -0.6 + 0.12 * p["hairline"] + 0.14 * p["parting"] * x + 0.55 * x.square().square()
    strands = 1 + 0.09 * torch.sin(26 * x + 9 * y + 4 * p["parting"])
    return _over(face, hair * strands[:, None], head.soft(torch.maximum(line - y, -0.05 - head.z)))


def _beard(face: Tensor, head: _Head, f: Numbers, hair: Tensor) -> Tensor:
    """A beard on the jaws and around the mouth of those who have one."""
    x, y = head.x, head.y
    around = torch.maximum(y - 0.78 + 0.5 * x.square(), y - f["nose y"] - 0.13 - 0.1 * x.abs())
    thick = 0.75 * ((head.p["beard"] - 0.5) * 5).clamp(0, 1)
    return _over(face, hair, thick * torch.sigmoid(around * 25))


def _nose(face: Tensor, head: _Head, f: Numbers, hair: Tensor) -> Tensor:
    """Nostrils and the shadow of the tip; the ridge is a matter of light."""
    x, y, wide = head.x.abs(), head.y - f["nose y"], f["nose x"]
    shadow = torch.exp(-((x / (1.1 * wide)).square() + ((y - 0.09) / 0.035).square()))
    face = face * (1 - 0.3 * shadow)[:, None]
    wing = torch.exp(-(((x - wide) / 0.025).square() + ((y - 0.01) / 0.05).square()))
    face = face * (1 - 0.3 * wing)[:, None]
    hole = 0.03 - torch.hypot((x - 0.5 * wide) * 0.6, y - 0.055)
    return _over(face, 0.35 * face, head.soft(hole))


def _mouth(face: Tensor, head: _Head, f: Numbers, hair: Tensor) -> Tensor:
    """Lips, and between them teeth where they are open."""
    share = (head.x / f["mouth x"]).square()
    thick, y = 1 - share, head.y - f["mouth y"] - f["corner"] * share
    there = (share < 1) & (head.z > 0)
    lips = torch.minimum(y + f["upper"] * thick, f["lower"] * thick - y)
    red = face * _tone(1.0, (0.9, 0.62, 0.62))
    face = _over(face, red * torch.where(y < 0, 0.86, 1.0)[:, None], there * head.soft(lips))
    inside = torch.where(f["gap"] > 0.01, f["gap"], -1.0) * thick - y.abs()
    face = _over(face, _tone(1.0, (0.28, 0.08, 0.08)), there * head.soft(inside))
    face = _over(face, _tone(0.93), there * head.soft(torch.minimum(inside, -y)))
    line = 0.016 * thick - y.abs()
    return _over(face, 0.45 * face, there * head.soft(line) * (f["gap"] <= 0.01))


def _eyes(face: Tensor, head: _Head, f: Numbers, hair: Tensor) -> Tensor:
    """Whites, irises, lashes, brows, and the glasses of those who wear them."""
    x, p = head.x, head.p
    u = x.abs() - f["eye x"]
    v = head.y - f["eye y"] + f["slant"] * u
    inside = f["eye high"] * (1 - (u / f["eye wide"]).square()) - v.abs()
    shut = head.soft(inside)
    face = _over(face, _tone(0.95), shut)
    gazed = torch.hypot(u - 0.05 * p["gaze"] * x.sign(), v)
    face = _over(face, _mixed(IRISES, p["iris"]), shut * head.soft(0.085 - gazed))
    face = _over(face, _tone(0.04), shut * head.soft(0.045 - gazed))
    lash = torch.minimum(0.03 - (inside + 0.012).abs(), -v + 0.01)
    face = _over(face, _tone(0.12), 0.85 * head.soft(lash))
    arch = head.y - f["brow y"] - 0.7 * u.square()
    brow = torch.minimum(0.034 + 0.014 * p["brow strength"] - 0.1 * u.clamp(min=0) - arch.abs(), 0.21 - u.abs())
    face = _over(face, 0.75 * hair, 0.9 * head.soft(brow))
    rim = 0.02 - (torch.hypot(u, head.y - f["eye y"] - 0.02) - 0.25).abs()
    bridge = torch.minimum(0.02 - (head.y - f["eye y"] + 0.02).abs(), f["eye x"] - 0.25 - x.abs())
    return _over(face, _tone(0.1), head.soft(torch.maximum(rim, bridge)) * (p["glasses"] > 0.55) * (head.z > 0))
