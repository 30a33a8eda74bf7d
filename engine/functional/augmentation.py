"""Distortions that make one picture into many. All random numbers of one variant are drawn first, then applied."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import interpolate

CELLS = 4
Triple = tuple[float, float, float]


class Strengths(NamedTuple):
    """How far each distortion may go; all 0 leaves a picture as it is.

    ``crop`` is the largest share of each side that is cut off, ``rotate`` and ``shear`` are degrees to either side, ``warp``
    is the deviation of a point's displacement as a share of the side, ``color`` the largest shift of a channel and ``pca``
    the deviation of alpha, both for levels from 0 to 1.
    """

    mirror: bool = False
    crop: float = 0.0
    rotate: float = 0.0
    shear: float = 0.0
    warp: float = 0.0
    color: float = 0.0
    pca: float = 0.0

    def only(self, kind: str) -> Strengths:
        """One distortion alone."""
        return Strengths(**{kind: getattr(self, kind)})

    @property
    def kinds(self) -> tuple[str, ...]:
        """The distortions that do something."""
        return tuple(kind for kind in self._fields if getattr(self, kind))


class Variant(NamedTuple):
    """What exactly happens to a picture: the share that ``crop`` cuts off, and how much of it lies above and to the left.

    ``rotate`` and ``shear`` are degrees, ``warp`` (2, 4, 4) displacements across and down at coarse points, ``color`` is
    added to R, G, B, and ``pca`` are the alphas that multiply the eigenvalues of the colours.
    """

    mirror: bool = False
    crop: Triple = (0.0, 0.0, 0.0)
    rotate: float = 0.0
    shear: float = 0.0
    warp: Tensor | None = None
    color: Triple = (0.0, 0.0, 0.0)
    pca: Triple = (0.0, 0.0, 0.0)

    def only(self, kind: str) -> Variant:
        """One distortion alone."""
        return Variant(**{kind: getattr(self, kind)})


def draw_variant(strengths: Strengths, generator: torch.Generator) -> Variant:
    """One random variant. All numbers are drawn whatever the strengths, so changing one leaves the others' draws alone."""
    uniform = torch.rand(9, generator=generator).tolist()
    normal, field = torch.randn(3, generator=generator), torch.randn(2, CELLS, CELLS, generator=generator)
    either = [2 * u - 1 for u in uniform]
    r, g, b = (strengths.color * e for e in either[6:])
    first, second, third = (strengths.pca * normal).tolist()
    return Variant(
        mirror=strengths.mirror and uniform[0] < 0.5,
        crop=(strengths.crop * uniform[1], uniform[2], uniform[3]),
        rotate=strengths.rotate * either[4],
        shear=strengths.shear * either[5],
        warp=strengths.warp * field if strengths.warp else None,
        color=(r, g, b),
        pca=(first, second, third),
    )


def strongest(strengths: Strengths, generator: torch.Generator) -> Variant:
    """A variant at the end of every range; where to cut, the field of the warp and the alphas stay random."""
    drawn = draw_variant(strengths, generator)
    return drawn._replace(
        mirror=strengths.mirror,
        crop=(strengths.crop, *drawn.crop[1:]),
        rotate=strengths.rotate,
        shear=strengths.shear,
        color=(strengths.color, -strengths.color, strengths.color),
    )


def distort(x: Tensor, variant: Variant, fill: Tensor) -> Tensor:
    """Apply one variant to pictures (m, c, h, w) in [0, 1]; ``fill`` (c,) is the colour of what lies outside."""
    from torchvision.transforms.v2 import functional as transforms

    if variant.mirror:
        x = transforms.horizontal_flip(x)
    if variant.crop[0]:
        x = crop_and_resize(x, *variant.crop)
    if variant.rotate or variant.shear:
        bilinear, shear = transforms.InterpolationMode.BILINEAR, [variant.shear, 0.0]
        x = transforms.affine(x, variant.rotate, [0, 0], 1.0, shear, interpolation=bilinear, fill=fill.tolist())
    if variant.warp is not None:
        x = transforms.elastic(x, displacement(variant.warp, *x.shape[-2:]), fill=fill.tolist())
    if any(variant.color):
        x = (x + torch.tensor(variant.color)[:, None, None]).clamp(0, 1)
    if any(variant.pca):
        x = x + pca_shift(x, variant.pca)[:, None, None]
    return x.clamp(0, 1)


def crop_and_resize(x: Tensor, cut: float, down: float, across: float) -> Tensor:
    """Cut off a share of both sides, the given part of it above and to the left, and enlarge the rest to the old size."""
    from torchvision.transforms.v2 import functional as transforms

    h, w = x.shape[-2:]
    height, width = (max(1, round(n * (1 - cut))) for n in (h, w))
    top, left = round(down * (h - height)), round(across * (w - width))
    return transforms.resized_crop(x, top, left, height, width, [h, w], antialias=True)


def displacement(coarse: Tensor, height: int, width: int) -> Tensor:
    """A smooth field (1, height, width, 2): where each pixel is fetched from, x then y, both sides being 2 long.

    Coarse displacements (2, k, k) as shares of a side are joined by bicubic interpolation; Simard et al. 2003, section 2,
    smooth a fine random field instead.
    """
    fine = interpolate(coarse[None], size=(height, width), mode="bicubic", align_corners=True)  # (1, 2, h, w)
    return 2 * fine.permute(0, 2, 3, 1)


def color_axes(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Where the colours of pictures (..., c, h, w) lie: mean (c,), variances (c,) along the axes, axes (c, c) as columns.

    The axes are the eigenvectors of the channels' covariance, the longest first, each with its largest component positive.
    """
    pixels = x.movedim(-3, 0).flatten(1).double()  # (c, n)
    values, vectors = torch.linalg.eigh(torch.cov(pixels, correction=0))
    vectors = vectors * vectors.gather(0, vectors.abs().argmax(0, keepdim=True)).sign()
    return pixels.mean(1), values.flip(0).clamp(min=0), vectors.flip(1)


def pca_shift(x: Tensor, alpha: Triple) -> Tensor:
    """What PCA colour adds to every pixel of x (..., c, h, w): [p1, p2, p3] [α1 λ1, α2 λ2, α3 λ3]ᵀ, of shape (c,).

    Krizhevsky et al. 2012, section 4.1.
    """
    _, values, vectors = color_axes(x)
    return (vectors @ (torch.tensor(alpha, dtype=torch.float64) * values)).to(x)
