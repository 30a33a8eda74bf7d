"""Noise of any colour."""

from __future__ import annotations

import torch
from scipy.fft import next_fast_len
from torch import Tensor


def noise(shape: tuple[int, int], steepness: Tensor, random: torch.Generator) -> Tensor:
    """Noise (m, n) of mean square 1 whose power falls as 1 / f^steepness (m,): 0 is white, 1 pink, 2 brown."""
    size = next_fast_len(shape[1], real=True)
    spectrum = torch.fft.rfft(torch.randn(shape[0], size, generator=random))
    frequency = torch.arange(spectrum.shape[1]).clamp_min(1)
    shaped = torch.fft.irfft(spectrum * frequency ** (-steepness[:, None] / 2), size)[:, : shape[1]]
    return shaped / shaped.square().mean(1, keepdim=True).sqrt()
