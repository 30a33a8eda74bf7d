"""The transposed convolution as stamps on a canvas, and as the transpose of a convolution's matrix."""

from __future__ import annotations

import torch
from torch import Tensor

from engine.errors import BadInput
from engine.functional.convolution import conv_forward, spread


def transposed_size(n: int, f: int, padding: int = 0, stride: int = 1, extra: int = 0) -> int:
    """The output's side (n - 1)s - 2p + f + extra for n inputs along a side; BadInput if the padding leaves nothing.

    A convolution with stride s maps s sizes to the same n; ``extra``, below s, says which of them is meant.
    """
    side = (n - 1) * stride - 2 * padding + f + extra
    if side < 1:
        raise BadInput(f"The padding must leave at least one row of {side + 2 * padding}, got {padding} on each side.")
    return side


def transposed(x: Tensor, w: Tensor, stride: int = 1, padding: int = 0, extra: int = 0) -> Tensor:
    """Each number of ``x`` (m, c, n, n) lays its multiple of its channel's kernel down; overlaps add.

    The kernels ``w`` are (c, k, f, f). The stamps lie ``stride`` cells apart on a canvas of (n - 1)s + f + extra cells, of
    which ``padding`` rings are cut away: (m, k, side, side), side as :func:`transposed_size` (Dumoulin and Visin 2016).
    """
    n, f = x.shape[-1], w.shape[-1]
    side = transposed_size(n, f, padding, stride, extra)
    canvas = spread(torch.einsum("mcij,ckuv->mkijuv", x, w), side + 2 * padding, side + 2 * padding, stride)
    return canvas[..., padding : padding + side, padding : padding + side]


def convolution_matrix(w: Tensor, side: int, stride: int = 1, padding: int = 0) -> Tensor:
    """The matrix of the convolution that kernels ``w`` (c, k, f, f) make of k maps of this side: (c n², k side²).

    Its columns are the answers to pictures with a single 1.
    """
    ones = torch.eye(w.shape[1] * side**2, dtype=w.dtype).view(-1, w.shape[1], side, side)
    return conv_forward(ones, w, w.new_zeros(len(w)), stride, padding).flatten(1).T


def transposed_matrix(w: Tensor, n: int, stride: int = 1, padding: int = 0, extra: int = 0) -> Tensor:
    """The matrix of :func:`transposed` with kernels ``w`` (c, k, f, f) on n x n inputs: (k side², c n²), a stamp a column."""
    ones = torch.eye(len(w) * n**2, dtype=w.dtype).view(-1, len(w), n, n)
    return transposed(ones, w, stride, padding, extra).flatten(1).T


def stamps_so_far(x: Tensor, w: Tensor, stride: int = 1, extra: int = 0) -> tuple[Tensor, Tensor]:
    """The whole canvas after each stamp of ``x`` (c, n, n) by ``w`` (c, 1, f, f), and how many stamps lie on each cell.

    Stamps come channel by channel, row by row; both are (c n², height, width).
    """
    order = torch.arange(x.numel()).view(x.shape)
    laid = (order <= torch.arange(x.numel()).view(-1, 1, 1, 1)).to(x.dtype)  # (c n², c, n, n)
    sums, counts = (transposed(part, each, stride, 0, extra)[:, 0] for part, each in ((laid * x, w), (laid, w * 0 + 1)))
    return sums, counts


def stamps_a_cell(f: int, stride: int, n: int) -> Tensor:
    """How many of the f x f stamps of an n x n input lie on each cell of the canvas (side, side)."""
    return transposed(torch.ones(1, 1, n, n), torch.ones(1, 1, f, f), stride)[0, 0]


def tent(f: int) -> Tensor:
    """The f x f kernel of bilinear interpolation: with stride ⌈f/2⌉ its stamps enlarge a picture."""
    reach = (f + 1) // 2
    side = 1 - (torch.arange(f) - (reach - 1 if f % 2 else reach - 0.5)).abs() / reach
    return side[:, None] * side
