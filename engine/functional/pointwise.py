"""A 1 x 1 convolution is a dense layer over the channels of each pixel: Lin, Chen and Yan 2013, section 3.2."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import conv2d


def pointwise(x: Tensor, weights: Tensor) -> Tensor:
    """A convolution of 1 x 1 kernels: x (c, h, w), weights (k, c), gives (k, h, w)."""
    return conv2d(x[None], weights[:, :, None, None])[0]


def dense_at_each_pixel(x: Tensor, weights: Tensor) -> Tensor:
    """The same as one matrix product, every pixel a column: (k, c) times (c, h w), laid back as (k, h, w)."""
    return (weights @ x.flatten(1)).view(-1, *x.shape[1:])


def best_constants(x: Tensor, y: Tensor) -> Tensor:
    """For each channel of y (k, h, w) the number that brings x's channel of the same place (k, h, w) nearest, (k,)."""
    power = x.square().sum((1, 2))
    return (x * y).sum((1, 2)) / torch.where(power > 0, power, 1.0)
