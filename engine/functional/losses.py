"""Loss functions, averaged over the batch."""

from __future__ import annotations

import torch
from torch import Tensor


def binary_cross_entropy(a: Tensor, y: Tensor) -> Tensor:
    """J = -mean(y log a + (1 - y) log(1 - a)) of probabilities a and labels y, 0 or 1, of the same shape.

    A logarithm is held at -100, as in PyTorch, so a sure and wrong answer costs much but not infinity.
    """
    return -(y * a.log().clamp(min=-100) + (1 - y) * (1 - a).log().clamp(min=-100)).mean()


def binary_cross_entropy_with_logits(z: Tensor, y: Tensor) -> Tensor:
    """The same with a = sigmoid(z), taken from the logit z so that no logarithm sees 0.

    z and y have the same shape, y is 0 or 1. Written as max(z, 0) - y z + log(1 + e^-|z|), which is exact for any z.
    """
    return (z.clamp(min=0) - y * z + torch.log1p(torch.exp(-z.abs()))).mean()
