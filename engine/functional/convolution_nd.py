"""Convolution over any number of dimensions: a signal, a picture, a volume."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from engine.errors import BadInput


def conv_nd(x: Tensor, w: Tensor, b: Tensor, stride: int = 1, padding: int = 0) -> Tensor:
    """Each output is the sum of one window times one kernel, plus the kernel's bias, over as many axes as w has.

    ``x`` is (m, c, n1, ..., nd), the kernels ``w`` (k, c, f1, ..., fd), ``b`` (k,). Returns (m, k, o1, ..., od) with
    o = ⌊(n + 2p - f) / s⌋ + 1 along each axis. BadInput if no window fits.
    """
    axes = range(2, w.dim())
    windows = pad(x, (padding, padding) * len(axes))
    for axis in axes:
        if w.shape[axis] > windows.shape[axis]:
            raise BadInput(
                f"The input must be at least {w.shape[axis]} long for that kernel, got {windows.shape[axis]}."
            )
        windows = windows.unfold(axis, w.shape[axis], stride)  # (m, c, o1, ..., f1, ...)
    inside = [axis + len(axes) for axis in axes]
    return torch.tensordot(windows, w, ([1, *inside], [1, *axes])).movedim(-1, 1) + b.view(-1, *(1 for _ in axes))


def kernel_nd(name: str, f: int, d: int, generator: torch.Generator) -> Tensor:
    """A kernel of d axes, f odd along each: average, change along the first axis, peak, or random; (f, ..., f)."""
    shape, count = (f,) * d, f**d
    if name == "average":
        return torch.full(shape, 1 / count)
    if name == "change":
        sides = torch.sign(torch.arange(f) - f // 2).float() * 2 / (count - count // f)
        return sides.view(f, *(1,) * (d - 1)).expand(shape).clone()
    if name == "peak":
        kernel = torch.full(shape, -1 / (count - 1))
        kernel[(f // 2,) * d] = 1.0
        return kernel
    return torch.randn(shape, generator=generator) / count**0.5
