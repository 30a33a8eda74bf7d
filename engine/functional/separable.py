"""Depthwise-separable convolution and what it saves: Howard et al. 2017, section 3.1."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import conv2d

from engine.functional.convolution import output_size


def separable_conv(x: Tensor, depth: Tensor, point: Tensor, padding: int = 0) -> Tensor:
    """One kernel a channel, then 1 x 1 across channels.

    ``x`` is (m, c, h, w), the kernels ``depth`` (c, 1, f, f), ``point`` (k, c, 1, 1). Returns (m, k, h_out, w_out).
    """
    return conv2d(conv2d(x, depth, padding=padding, groups=len(depth)), point)


def normal_cost(side: int, channels: int, filters: int, f: int, padding: int = 0) -> int:
    """Multiplications of a normal convolution of stride 1: each of the n·n·k outputs takes f·f·c."""
    n = output_size(side, f, padding)
    return n * n * filters * f * f * channels


def separable_cost(side: int, channels: int, filters: int, f: int, padding: int = 0) -> tuple[int, int]:
    """Multiplications of the depthwise step, f·f for each of n·n·c outputs, and of the pointwise one, c for each of n·n·k."""
    n = output_size(side, f, padding)
    return n * n * channels * f * f, n * n * filters * channels


def ratio(filters: int, f: int) -> float:
    """Separable over normal cost, 1/k + 1/f², whatever the picture's size and channels."""
    return 1 / filters + 1 / f**2
