"""Attention: how much every output step looks at every input step, and what it sees there.

Batch first, in the course's notation: the decoder's states s are (..., Ty, n_s), or (..., 1, n_s) for one step; the
encoder's activations a are (..., Tx, n_a). Energies e and weights α are (..., Ty, Tx): row t is what output step t gives
each input step t'. A mask is True where an output step may look, and spreads over leading dimensions.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from engine.functional.activations import tanh


def additive_energies(s: Tensor, a: Tensor, Ws: Tensor, Wa: Tensor, v: Tensor, b: Tensor | None = None) -> Tensor:
    """e<t,t'> = v · tanh(Ws s<t-1> + Wa a<t'> + b), a network of one hidden layer of k units for every pair.

    ``Ws`` is (k, n_s), ``Wa`` (k, n_a), ``v`` and ``b`` (k,). Side by side, [Ws Wa] is the matrix that acts on [s, a].
    Bahdanau et al. 2015, A.1.2, where b is 0.
    """
    hidden = (s @ Ws.mT).unsqueeze(-2) + (a @ Wa.mT).unsqueeze(-3)  # (..., Ty, Tx, k)
    return tanh(hidden if b is None else hidden + b) @ v


def scaled_dot_energies(q: Tensor, k: Tensor) -> Tensor:
    """e<t,t'> = q<t> · k<t'> / √d of queries (..., Ty, d) and keys (..., Tx, d). Vaswani et al. 2017, 3.2.1."""
    return q @ k.mT / math.sqrt(q.shape[-1])


def attention_weights(e: Tensor, mask: Tensor | None = None) -> Tensor:
    """α<t,t'> = exp(e<t,t'>) / Σ over t' of exp(e<t,t'>), each row summing to 1; where the mask is False, α is 0.

    A row that may look nowhere is all 0.
    """
    if mask is None:
        return torch.softmax(e, -1)
    hidden = e.masked_fill(~mask, -torch.inf)
    # A softmax over nothing is NaN, and so is its slope.
    nowhere = ~mask.any(-1, keepdim=True)
    return torch.softmax(hidden.masked_fill(nowhere, 0.0), -1).masked_fill(nowhere, 0.0)


def context(alpha: Tensor, a: Tensor) -> Tensor:
    """c<t> = Σ over t' of α<t,t'> a<t'>: weights (..., Ty, Tx) and activations (..., Tx, n_a) give (..., Ty, n_a)."""
    return alpha @ a


def padding_mask(lengths: Tensor, Tx: int) -> Tensor:
    """Sequences of some lengths (m,) in Tx steps: (m, 1, Tx), True up to each one's length."""
    return (torch.arange(Tx, device=lengths.device) < lengths[:, None]).unsqueeze(-2)


def causal_mask(T: int) -> Tensor:
    """(T, T), True where t' ≤ t: no step sees one that comes later."""
    return torch.ones(T, T, dtype=torch.bool).tril()
