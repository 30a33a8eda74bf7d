"""What keeps a network from fitting the noise: penalties on its weights, and dropout."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def l2_penalty(weights: Sequence[Tensor], strength: float, m: int = 1) -> Tensor:
    """strength / 2m * the sum of all squared weights, added to the cost of m examples. Biases aren't given to it."""
    return strength / (2 * m) * torch.stack([W.square().sum() for W in weights]).sum()


def l1_penalty(weights: Sequence[Tensor], strength: float, m: int = 1) -> Tensor:
    """strength / m * the sum of all weights without their signs, added to the cost of m examples."""
    return strength / m * torch.stack([W.abs().sum() for W in weights]).sum()


def dropout_mask(shape: Sequence[int], keep: float | Tensor, generator: torch.Generator | None = None) -> Tensor:
    """1 / keep with probability ``keep``, else 0: what inverted dropout multiplies activations by. Drawn on the CPU."""
    return (torch.rand(tuple(shape), generator=generator) < keep) / keep


def inverted_dropout(a: Tensor, keep: float, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
    """Drop each activation with probability 1 - keep and divide the kept ones by keep, so the expectation stays a.

    Returns the activations and the mask that multiplied them, both of the shape of a. At test time nothing is dropped or
    scaled. Srivastava et al. 2014, in the inverted form.
    """
    mask = dropout_mask(a.shape, keep, generator).to(a)
    return a * mask, mask
