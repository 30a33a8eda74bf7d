"""How sure a measured share is."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def _deviations(level: float) -> float:
    """How many deviations to both sides hold ``level`` of a normal."""
    return math.sqrt(2) * float(torch.erfinv(torch.tensor(level, dtype=torch.float64)))


def wilson(successes: Tensor, n: int, level: float = 0.95) -> tuple[Tensor, Tensor]:
    """The interval (low, high) for a share of which ``successes`` (...) out of n were seen. Wilson 1927.

    It holds the true share in about ``level`` of all repetitions, for small n and shares near 0 or 1 too.
    """
    z = _deviations(level)
    share = successes.double() / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * torch.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    # At none and at all one end is exact, which rounding would move.
    low, high = torch.where(successes == 0, 0.0, middle - reach), torch.where(successes == n, 1.0, middle + reach)
    return low.clamp(min=0), high.clamp(max=1)


def plain(successes: Tensor, n: int, level: float = 0.95) -> tuple[Tensor, Tensor]:
    """The same by the deviation of the share that was seen, share ± z sqrt(share (1 - share) / n).

    It holds the true share too rarely where few were seen: after none it has no width at all.
    """
    share = successes.double() / n
    reach = _deviations(level) * torch.sqrt(share * (1 - share) / n)
    return (share - reach).clamp(min=0), (share + reach).clamp(max=1)
