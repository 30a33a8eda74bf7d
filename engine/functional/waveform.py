"""Sound as numbers: other sample rates, fewer bits, and what both do to it. Samples are (..., n) in [-1, 1], rates in Hz."""

from __future__ import annotations

import math

import numpy as np
from scipy.signal import resample_poly

Array = np.ndarray


def resample(samples: Array, rate: int, new_rate: int) -> Array:
    """(..., ⌈n · new rate / rate⌉): a filter first takes out what lies above half of the lower rate.

    ``scipy.signal.resample_poly`` with its own filter, a windowed sinc.
    """
    common = math.gcd(rate, new_rate)
    return resample_poly(samples, new_rate // common, rate // common, axis=-1)


def pick(samples: Array, rate: int, new_rate: int) -> Array:
    """The same without a filter: each new sample is the old one nearest in time, so a whole ratio keeps every so-manieth.

    A frequency above half of the new rate isn't lost but comes back as another, see :func:`alias`.
    """
    n = samples.shape[-1]
    count = -(-n * new_rate // rate)
    nearest = (np.arange(count, dtype=np.int64) * rate + new_rate // 2) // new_rate
    return samples[..., np.minimum(nearest, n - 1)]


def alias(frequency: float, rate: float) -> float:
    """The frequency, at most rate / 2, whose samples are the same as those of a given one: |f - rate · round(f / rate)|."""
    return abs(frequency - rate * round(frequency / rate))


def quantize(samples: Array, bits: int) -> Array:
    """The nearest of 2^bits levels from -1 to 1 - q, a step of q = 2^(1 - bits) apart: pulse code modulation."""
    steps = 2 ** (bits - 1)
    return np.clip(np.rint(samples * steps), -steps, steps - 1) / steps


def power_db(samples: Array) -> float:
    """Mean square in dB: 0 for a square wave between -1 and 1, -3 for a sine; -∞ for silence."""
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    return 10 * math.log10(power) if power else -math.inf


def quantization_noise_db(bits: int) -> float:
    """Mean square in dB of an error spread evenly over a step: 10 log10(q² / 12), 6.02 dB less a bit."""
    return 20 * math.log10(2.0 ** (1 - bits)) - 10 * math.log10(12)


def spectrum(samples: Array, rate: float, finer: int = 8) -> tuple[Array, Array]:
    """Frequencies in Hz and the amplitude of each in (n,) samples under a Hann window: a sine of amplitude A peaks at A.

    ``finer`` is how many frequencies are read for each that n samples tell apart.
    """
    n = samples.shape[-1]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(n) + 0.5) / n)
    amplitude = 2 * np.abs(np.fft.rfft(samples * hann, finer * n)) / hann.sum()
    return np.fft.rfftfreq(finer * n, 1 / rate), amplitude
