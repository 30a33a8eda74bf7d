"""Convolution as deep learning means it, which is cross-correlation: slide the kernel, multiply, add."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.functional import pad

from engine.errors import BadInput
from engine.functional.optimizers import sgd

EDGE_KERNELS: dict[str, tuple[tuple[float, ...], ...]] = {
    "vertical": ((1, 0, -1), (1, 0, -1), (1, 0, -1)),
    "horizontal": ((1, 1, 1), (0, 0, 0), (-1, -1, -1)),
    "sobel-vertical": ((1, 0, -1), (2, 0, -2), (1, 0, -1)),
    "sobel-horizontal": ((1, 2, 1), (0, 0, 0), (-1, -2, -1)),
    "scharr-vertical": ((3, 0, -3), (10, 0, -10), (3, 0, -3)),
    "scharr-horizontal": ((3, 10, 3), (0, 0, 0), (-3, -10, -3)),
    "laplacian": ((0, 1, 0), (1, -4, 1), (0, 1, 0)),
}


def output_size(n: int, f: int, padding: int = 0, stride: int = 1) -> int:
    """How many windows of size f fit along n pixels: ⌊(n + 2p - f) / s⌋ + 1; BadInput if not one does."""
    if f > n + 2 * padding:
        raise BadInput(f"The picture must be at least {f} pixels along each side to hold a {f} x {f} kernel, got {n}.")
    return (n + 2 * padding - f) // stride + 1


def zero_pad(x: Tensor, p: int) -> Tensor:
    """A border of p zeros around the last two dimensions: (..., h, w) -> (..., h + 2p, w + 2p)."""
    return pad(x, (p, p, p, p))


def windows(x: Tensor, f: int, stride: int = 1) -> Tensor:
    """Every f x f window, a view without a copy: (..., h, w) -> (..., h_out, w_out, f, f)."""
    for n in x.shape[-2:]:
        output_size(n, f, stride=stride)
    return x.unfold(-2, f, stride).unfold(-2, f, stride)


def conv_forward(x: Tensor, w: Tensor, b: Tensor, stride: int = 1, padding: int = 0) -> Tensor:
    """Each output is the sum of one window times one kernel, plus the kernel's bias.

    ``x`` is (m, c, h, w), the kernels ``w`` (k, c, f, f), ``b`` (k,). Returns (m, k, h_out, w_out).
    """
    patches = windows(zero_pad(x, padding), w.shape[-1], stride)  # (m, c, h_out, w_out, f, f)
    return torch.einsum("mcijuv,kcuv->mkij", patches, w) + b[:, None, None]


def kernel_moments(image: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """All that learning a kernel has to know of a picture (h, w) and the map (h - f + 1, w - f + 1) to be matched.

    With every window as a row of P (n, f²), returns PᵀP/n (f², f²), Pᵀt/n (f²,) and tᵀt/n ().
    """
    f = image.shape[0] - target.shape[0] + 1
    rows = windows(image, f).reshape(-1, f * f)  # P (n, f²)
    t = target.reshape(-1)  # (n,)
    return rows.T @ rows / len(rows), rows.T @ t / len(rows), t @ t / len(rows)


def learn_kernel(
    moments: tuple[Tensor, Tensor, Tensor], start: Tensor, rate: float, steps: int
) -> Iterator[tuple[Tensor, float]]:
    """Gradient descent on the mean squared error between the map of a kernel and a target map.

    The gradient correlates the picture with the error map, dk = 2/n · Pᵀ(Pk - t). Multiplied out it is
    2 (PᵀP/n · k - Pᵀt/n), so one pass over the picture, :func:`kernel_moments`, serves every step.
    Yields the kernel (f, f) and its cost at ``start`` and after each step.
    """
    gram, cross, power = moments
    k, at_zero = start.reshape(-1), float(power)
    for step in range(steps + 1):
        pull = gram @ k - cross  # half the gradient, (f²,)
        yield k.view_as(start), max(0.0, float(k @ (pull - cross)) + at_zero)
        if step < steps:
            [k], _ = sgd([k], [2 * pull], {}, rate)


def critical_rate(gram: Tensor) -> float:
    """The rate from which :func:`learn_kernel` no longer settles: 2/L, with L = 2 λ the steepest curvature of the cost."""
    return 1 / max(float(torch.linalg.eigvalsh(gram)[-1]), 1e-12)
