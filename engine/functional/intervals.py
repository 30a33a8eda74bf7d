"""How sure a measured share is."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def wilson(successes: Tensor, n: int, level: float = 0.95) -> tuple[Tensor, Tensor]:
    """The interval (low, high) for a share of which ``successes`` (...) out of n were seen. Wilson 1927.

    It holds the true share in about ``level`` of all repetitions, for small n and shares near 0 or 1 too.
    """
    z = math.sqrt(2) * float(torch.erfinv(torch.tensor(level, dtype=torch.float64)))
    share = successes.double() / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * torch.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return (middle - reach).clamp(min=0), (middle + reach).clamp(max=1)
