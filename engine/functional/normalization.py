"""Bringing numbers to mean 0 and deviation 1: the inputs once, a layer's activations in every batch."""

from __future__ import annotations

import torch
from torch import Tensor


def standardize(
    x: Tensor, mean: Tensor | None = None, deviation: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """(x - mean) / deviation for each column of x (m, n): returns it with the mean (n,) and the deviation (n,) used.

    Without them they are measured on x, so a test set is given those of the training set. A column that doesn't vary is
    only centred.
    """
    mean = x.mean(0) if mean is None else mean
    if deviation is None:
        # Rounding would give a constant column a tiny deviation, and blow it up to one.
        deviation = torch.where(x.amax(0) > x.amin(0), x.std(0, correction=0), 0)
    return (x - mean) / torch.where(deviation > 0, deviation, 1), mean, deviation


def batch_norm(
    z: Tensor,
    gamma: Tensor,
    beta: Tensor,
    mean: Tensor | None = None,
    variance: Tensor | None = None,
    epsilon: float = 1e-5,
) -> tuple[Tensor, Tensor, Tensor]:
    """gamma * (z - mean) / sqrt(variance + epsilon) + beta for z (m, n), gamma and beta (n,). Ioffe and Szegedy 2015.

    Returns it with the mean (n,) and variance (n,) used. In training they are the batch's, the variance divided by m; at
    test time the running averages are given.
    """
    mean = z.mean(0) if mean is None else mean
    variance = z.var(0, correction=0) if variance is None else variance
    return gamma * (z - mean) / torch.sqrt(variance + epsilon) + beta, mean, variance
