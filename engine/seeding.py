"""Random numbers: every run draws from its own generator, seeded by its parameters."""

from __future__ import annotations

import torch


def generator(seed: int, stream: int = 0) -> torch.Generator:
    """A CPU generator for one purpose of a run.

    Draws are made on the CPU and moved, so a seed gives the same numbers on every device. ``stream`` separates purposes
    (data, weights, batches) that must not shift each other.
    """
    return torch.Generator().manual_seed((seed * 1_000_003 + stream) % 2**63)
