"""What a Transformer is made of, beside the attention itself: heads and positions. Vaswani et al. 2017.

Batch first: sequences are (..., T, d). A mask is True where a position may look, and spreads over leading dimensions.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from engine.functional.attention import attention_weights, context, scaled_dot_energies

LONGEST_WAVE = 10_000.0


class HeadWeights(NamedTuple):
    """The weights of all heads: ``Wq``, ``Wk``, ``Wv`` and ``Wo`` are (d, d), the biases (d,); a head has rows of its own in
    the first three and columns of its own in the last.
    """

    Wq: Tensor
    Wk: Tensor
    Wv: Tensor
    Wo: Tensor
    bq: Tensor
    bk: Tensor
    bv: Tensor
    bo: Tensor


def split_heads(x: Tensor, heads: int) -> Tensor:
    """(..., T, d) as (..., heads, T, d / heads)."""
    return x.reshape(*x.shape[:-1], heads, -1).transpose(-2, -3)


def join_heads(x: Tensor) -> Tensor:
    """(..., heads, T, d / heads) side by side again, (..., T, d)."""
    return x.transpose(-2, -3).flatten(-2)


def multi_head(
    x: Tensor, seen: Tensor, weights: HeadWeights, heads: int, mask: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """What positions x (..., Ty, d) find in positions ``seen`` (..., Tx, d), the same ones for self-attention.

    Returns (..., Ty, d) and every head's weights (..., heads, Ty, Tx). The mask (..., Ty, Tx) is for all heads alike.
    Vaswani et al. 2017, 3.2.2.
    """
    q = split_heads(x @ weights.Wq.mT + weights.bq, heads)
    k = split_heads(seen @ weights.Wk.mT + weights.bk, heads)
    v = split_heads(seen @ weights.Wv.mT + weights.bv, heads)
    alpha = attention_weights(scaled_dot_energies(q, k), None if mask is None else mask.unsqueeze(-3))
    return join_heads(context(alpha, v)) @ weights.Wo.mT + weights.bo, alpha


def positions(T: int, d: int) -> Tensor:
    """Waves that tell places apart (T, d): sin(t / 10000^(2i/d)) in column 2i and the cosine in column 2i + 1, t from 0.

    Vaswani et al. 2017, 3.5.
    """
    t = torch.arange(T, dtype=torch.float64)[:, None]
    angles = t / LONGEST_WAVE ** (torch.arange(0, d, 2, dtype=torch.float64) / d)
    waves = torch.stack([angles.sin(), angles.cos()], -1)
    return waves.flatten(-2)[:, :d].float()
