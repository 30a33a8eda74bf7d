"""Costs of neural style transfer (Gatys, Ecker and Bethge 2015), in the normalisation of the course.

Features are the activations of one layer: (C, H, W), or (m, C, H, W) for m pictures at once, which get a cost each.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.errors import BadInput


def gram_matrix(features: Tensor) -> Tensor:
    """Which channels are active together: (..., C, H, W) -> (..., C, C), G_kk' = sum over all places of a_k a_k'."""
    flat = features.flatten(-2)  # (..., C, HW)
    return flat @ flat.mT


def content_cost(content: Tensor, generated: Tensor) -> Tensor:
    """How far one layer's activations are from those of the content picture: sum of squares / (4 HWC), (...)."""
    _check_alike(content, generated)
    return (content - generated).square().sum((-3, -2, -1)) / (4 * _numbers(generated))


def layer_style_cost(style: Tensor, generated: Tensor) -> Tensor:
    """How far one layer's Gram matrix is from that of the style picture: ||G - G'||^2 / (2 HWC)^2, (...).

    The style picture may be of another size: its Gram matrix is then scaled to as many places.
    """
    if style.shape[-3] != generated.shape[-3]:
        raise BadInput(
            f"Both activations must have the same channels, got {style.shape[-3]} and {generated.shape[-3]}."
        )
    places = generated.shape[-2:].numel() / style.shape[-2:].numel()
    return gram_cost(places * gram_matrix(style), generated)


def gram_cost(target: Tensor, generated: Tensor) -> Tensor:
    """:func:`layer_style_cost` against a Gram matrix (..., C, C) that is known already, of as many places."""
    return (target - gram_matrix(generated)).square().sum((-2, -1)) / (2 * _numbers(generated)) ** 2


def style_cost(style: Sequence[Tensor], generated: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    """The layers' style costs, each by its weight."""
    parts = [w * layer_style_cost(s, g) for s, g, w in zip(style, generated, weights, strict=True)]
    return torch.stack(parts).sum(0)


def total_cost(content: Tensor, style: Tensor, alpha: float = 10, beta: float = 40) -> Tensor:
    """J(G) = alpha J_content + beta J_style."""
    return alpha * content + beta * style


def total_variation(picture: Tensor) -> Tensor:
    """Mean squared step between neighbours of pictures (..., 3, H, W), down and across: rough pictures cost more, (...)."""
    down, across = picture.diff(dim=-2).square(), picture.diff(dim=-1).square()
    return down.mean((-3, -2, -1)) + across.mean((-3, -2, -1))


def _numbers(features: Tensor) -> int:
    return features.shape[-3:].numel()


def _check_alike(a: Tensor, b: Tensor) -> None:
    if a.shape[-3:] != b.shape[-3:]:
        raise BadInput(
            f"Both activations must be of the same size, got {tuple(a.shape[-3:])} and {tuple(b.shape[-3:])}."
        )
