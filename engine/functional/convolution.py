"""Convolution as deep learning means it, which is cross-correlation: slide the kernel, multiply, add."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from engine.errors import BadInput
from engine.functional.optimizers import sgd

Pooling = Literal["max", "average"]

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


def conv_backward(
    grad: Tensor, x: Tensor, w: Tensor, stride: int = 1, padding: int = 0
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of a cost by ``x``, ``w`` and ``b`` of :func:`conv_forward`, from ``grad``, that by its output.

    Each output number passes its gradient, times the kernel, back to its window, and times the window to the kernel.
    Returns dx (m, c, h, w), dw (k, c, f, f) and db (k,).
    """
    padded = zero_pad(x, padding)
    patches = windows(padded, w.shape[-1], stride)  # (m, c, h_out, w_out, f, f)
    dx = spread(torch.einsum("mkij,kcuv->mcijuv", grad, w), padded.shape[-2], padded.shape[-1], stride)
    dw = torch.einsum("mkij,mcijuv->kcuv", grad, patches)
    return dx[..., padding : padding + x.shape[-2], padding : padding + x.shape[-1]], dw, grad.sum((0, 2, 3))


def spread(patches: Tensor, height: int, width: int, stride: int = 1) -> Tensor:
    """Lay windows (..., h_out, w_out, f, f) back where they came from and add where they overlap: (..., height, width).

    The transpose of :func:`windows`, which is all that the backward passes and the transposed convolution are.
    """
    down, across, f = patches.shape[-4], patches.shape[-3], patches.shape[-1]
    whole = patches.new_zeros(*patches.shape[:-4], height, width)
    for u in range(f):
        for v in range(f):
            rows, columns = slice(u, u + stride * down, stride), slice(v, v + stride * across, stride)
            whole[..., rows, columns][..., :down, :across] += patches[..., u, v]
    return whole


def pool_forward(x: Tensor, f: int, stride: int, kind: Pooling = "max") -> Tensor:
    """The largest number of each f x f window, or the mean: (m, c, h, w) -> (m, c, h_out, w_out)."""
    patches = windows(x, f, stride)
    return patches.amax((-2, -1)) if kind == "max" else patches.mean((-2, -1))


def pool_mask(x: Tensor, f: int, stride: int, kind: Pooling = "max") -> Tensor:
    """The share of each window's gradient that each of its cells gets: (m, c, h_out, w_out, f, f), each window sums to 1.

    The largest cell gets all, the first of several as in PyTorch; under the mean all get the same.
    """
    patches = windows(x, f, stride)
    if kind == "average":
        return torch.full_like(patches, 1 / f**2)
    flat = patches.reshape(*patches.shape[:-2], f * f)
    return torch.zeros_like(flat).scatter_(-1, flat.argmax(-1, keepdim=True), 1).view(patches.shape)


def pool_backward(grad: Tensor, x: Tensor, f: int, stride: int, kind: Pooling = "max") -> Tensor:
    """The gradient by ``x`` of :func:`pool_forward` (m, c, h, w), from ``grad`` by its output (m, c, h_out, w_out)."""
    shares = pool_mask(x, f, stride, kind) * grad[..., None, None]
    return spread(shares, x.shape[-2], x.shape[-1], stride)


def conv_transpose(x: Tensor, w: Tensor, b: Tensor, stride: int = 1, padding: int = 0) -> Tensor:
    """Each input number lays down its multiple of the kernel; overlaps add (Dumoulin and Visin 2016, section 4).

    ``x`` is (m, c, h, w), the kernels ``w`` (c, k, f, f), ``b`` (k,). Returns (m, k, (h - 1)s - 2p + f, ...).
    """
    height, width = ((n - 1) * stride + w.shape[-1] for n in x.shape[-2:])
    laid = spread(torch.einsum("mcij,ckuv->mkijuv", x, w), height, width, stride)
    return laid[..., padding : height - padding, padding : width - padding] + b[:, None, None]


class Field(NamedTuple):
    """What a unit of a layer sees of the input, along one side, in input pixels.

    ``n`` is how many units the layer has along the side, ``jump`` the distance between the middles of neighbours' fields,
    ``size`` the field's width and ``start`` the middle of the first unit's field, where pixel 0 has its middle at 0.5.
    """

    n: int
    jump: int
    size: int
    start: float


def receptive_field(n: int, layers: Sequence[tuple[int, int, int]]) -> list[Field]:
    """The fields of the input, n pixels wide, and after each layer (f, stride, padding) (Le and Borji 2017).

    size += (f - 1) jump, start += ((f - 1) / 2 - p) jump, jump *= s. BadInput names the layer that can't fit.
    """
    fields = [Field(n, 1, 1, 0.5)]
    for number, (f, stride, padding) in enumerate(layers, start=1):
        n, jump, size, start = fields[-1]
        if f > n + 2 * padding:
            raise BadInput(f"Layer {number} must have a window of at most {n + 2 * padding} pixels there, got {f}.")
        start += ((f - 1) / 2 - padding) * jump
        fields.append(Field(output_size(n, f, padding, stride), jump * stride, size + (f - 1) * jump, start))
    return fields


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
