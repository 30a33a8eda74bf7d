"""Loss functions, averaged over the batch."""

from __future__ import annotations

import torch
from torch import Tensor


def squared_error(a: Tensor, y: Tensor) -> Tensor:
    """J = mean((a - y)²) of predictions a and targets y of the same shape."""
    return ((a - y) ** 2).mean()


def binary_cross_entropy(a: Tensor, y: Tensor) -> Tensor:
    """J = -mean(y log a + (1 - y) log(1 - a)) of probabilities a and labels y, 0 or 1, of the same shape.

    A logarithm is held at -100, as in PyTorch, so a sure and wrong answer costs much but not infinity.
    """
    return -(y * a.log().clamp(min=-100) + (1 - y) * (1 - a).log().clamp(min=-100)).mean()


def binary_cross_entropy_with_logits(z: Tensor, y: Tensor, dim: int | None = None) -> Tensor:
    """The same with a = sigmoid(z), taken from the logit z so that no logarithm sees 0.

    z and y have the same shape, y is 0 or 1; ``dim`` averages over that axis only. -log a is log(1 + e^-z) and
    -log(1 - a) is log(1 + e^z), which stay exact for any z, also where the answer is sure and right.
    """
    return torch.logaddexp((1 - 2 * y) * z, torch.zeros_like(z)).mean(dim)


def cross_entropy(z: Tensor, y: Tensor, dim: int | None = None) -> Tensor:
    """J = -mean(log a_y) with a = softmax(z), for logits z (..., m, C) and classes y (..., m), whole numbers below C.

    Written as logsumexp(z - z_y), which is exact for any z; ``dim`` averages over that axis of (..., m) only.
    """
    return torch.logsumexp(z - z.gather(-1, y.long().unsqueeze(-1)), -1).mean(dim)


def multi_label_loss(a: Tensor, y: Tensor) -> Tensor:
    """Several yes-or-no questions an example: binary cross-entropy summed over the labels of a, y (m, C), mean over m."""
    logs = y * a.log().clamp(min=-100) + (1 - y) * (1 - a).log().clamp(min=-100)
    return -logs.sum(-1).mean()


def localization_loss(prediction: Tensor, target: Tensor) -> Tensor:
    """Squared error of [p, bx, by, bh, bw, c1, ...] (m, 5 + C): of every number where the target's p is 1, else of p alone."""
    squares = (prediction - target) ** 2
    return torch.where(target[:, 0] == 1, squares.sum(-1), squares[:, 0]).mean()


def triplet_loss(anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 0.2) -> Tensor:
    """mean(max(|A - P|² - |A - N|² + margin, 0)) of embeddings (m, d). Schroff et al. 2015, FaceNet."""
    near, far = ((anchor - other).square().sum(-1) for other in (positive, negative))
    return (near - far + margin).clamp(min=0).mean()
