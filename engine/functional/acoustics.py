"""What rooms, microphones and lines do to speech: noise, reverberation, colour, loudness. Drawn at random, a batch at once.

Samples are (m, n) float32 at ``engine.data.voices.RATE``.
"""

from __future__ import annotations

import torch
from scipy.fft import next_fast_len
from torch import Tensor

from engine.data.noise import noise
from engine.data.voices import RATE
from engine.functional.audio import mix_at_snr

LONGEST_ECHO = 0.5  # s


def rooms(count: int, random: torch.Generator) -> Tensor:
    """Impulse responses (count, n): the direct sound, then echoes that die away by 60 dB in 0.05 to 0.5 s."""
    time = torch.arange(int(LONGEST_ECHO * RATE)) / RATE
    dying = 0.05 + (LONGEST_ECHO - 0.05) * torch.rand(count, 1, generator=random)
    echoes = torch.randn(count, len(time), generator=random) * 10 ** (-3 * time / dying)
    echoes *= (0.6 * torch.rand(count, 1, generator=random)) / echoes.square().sum(1, keepdim=True).sqrt()
    echoes[:, 0] = 1
    return echoes


def colours(count: int, bins: int, random: torch.Generator, strength: float = 12.0) -> Tensor:
    """Frequency responses (count, bins) of microphones and lines: smooth curves, within about ± ``strength`` dB."""
    knots = torch.randn(count, 1, 6, generator=random) * strength / 2
    level = torch.nn.functional.interpolate(knots, bins, mode="linear", align_corners=True)[:, 0]
    return 10 ** (level / 20)


def disturbed(samples: Tensor, random: torch.Generator, strength: float = 12.0) -> Tensor:
    """Each recording in a room of its own, through a microphone of its own, with noise 5 to 50 dB below it, at any loudness.

    A tenth is so loud that its peaks are cut.
    """
    m, n = samples.shape
    size = next_fast_len(n + int(LONGEST_ECHO * RATE), real=True)
    spectrum = torch.fft.rfft(samples, size) * torch.fft.rfft(rooms(m, random), size)
    heard = torch.fft.irfft(spectrum * colours(m, spectrum.shape[1], random, strength), size)[:, :n]
    steepness = 2 * torch.rand(m, generator=random)
    heard = mix_at_snr(heard, noise((m, n), steepness, random), 5 + 45 * torch.rand(m, 1, generator=random))
    peak = heard.abs().amax(1, keepdim=True).clamp_min(1e-9)
    loudness = 10 ** (-2 * torch.rand(m, 1, generator=random))  # down to -40 dB
    cut = torch.rand(m, 1, generator=random) < 0.1
    return torch.where(cut, (3 * heard / peak).clamp(-1, 1), heard / peak * loudness)
