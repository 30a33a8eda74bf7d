"""Networks for the parity of n bits: a tree of small XOR blocks, and one wide hidden layer, many restarts at once."""

from __future__ import annotations

import torch
from torch import Tensor

Parameters = list[Tensor]
BLOCK = 3


def bits(n: int) -> tuple[Tensor, Tensor]:
    """All 2^n strings of n bits as -1 and 1, (2^n, n), and their parity, 1 where the number of ones is odd, (2^n,)."""
    rows = torch.arange(2**n)[:, None] >> torch.arange(n) & 1
    return 2.0 * rows - 1, (rows.sum(1) % 2).float()


def tree_units(n: int) -> int:
    """Units of a tree of XORs over n bits: two hidden and one output for each of its n - 1 XORs."""
    return 3 * (n - 1)


def wide_units(n: int) -> int:
    """Units of one hidden layer that keeps a unit for every string of odd parity, and its output."""
    return int(2 ** (n - 1)) + 1


def tree(n: int, restarts: int, generator: torch.Generator) -> Parameters:
    """Random blocks [W1, b1, W2, b2, ...] for each level: W1 (R, k, 3, 2), b1 (R, k, 3), W2 (R, k, 1, 3), b2 (R, k, 1).

    A block has three tanh units, one more than an XOR needs, so that fewer starts get stuck.
    """
    params = []
    while n > 1:
        k = n // 2
        for n_in, n_out in ((2, BLOCK), (BLOCK, 1)):
            params += [torch.randn(restarts, k, n_out, n_in, generator=generator), torch.zeros(restarts, k, n_out)]
        n = k + n % 2
    return params


def tree_forward(params: Parameters, x: Tensor) -> Tensor:
    """Logits (R, m) of bits x (m, n): each level takes the XOR of neighbours; an odd bit out passes."""
    restarts = params[0].shape[0]
    values = x.expand(restarts, *x.shape)  # (R, m, n)
    for level in range(0, len(params), 4):
        W1, b1, W2, b2 = params[level : level + 4]
        k = W1.shape[1]
        pairs = values[..., : 2 * k].reshape(*values.shape[:-1], k, 2)  # (R, m, k, 2)
        hidden = torch.tanh(torch.einsum("rmki,rkoi->rmko", pairs, W1) + b1[:, None])
        z = torch.einsum("rmki,rkoi->rmko", hidden, W2).squeeze(-1) + b2[:, None, :, 0]  # (R, m, k)
        values = torch.cat([torch.tanh(z), values[..., 2 * k :]], -1)
    return z[..., 0]


def wide(n: int, restarts: int, generator: torch.Generator) -> Parameters:
    """One hidden layer of 2^(n-1) units, and at least 4: W1 (R, h, n), b1 (R, h), W2 (R, 1, h), b2 (R, 1)."""
    h = max(4, wide_units(n) - 1)
    first, second = torch.randn(restarts, h, n, generator=generator), torch.randn(restarts, 1, h, generator=generator)
    return [first, torch.zeros(restarts, h), second / h**0.5, torch.zeros(restarts, 1)]


def wide_forward(params: Parameters, x: Tensor) -> Tensor:
    """Logits (R, m) of bits x (m, n)."""
    W1, b1, W2, b2 = params
    return (torch.tanh(x @ W1.mT + b1[:, None]) @ W2.mT + b2[:, None]).squeeze(-1)
