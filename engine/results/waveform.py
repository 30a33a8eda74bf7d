"""A sound and its versions at another sample rate: stretches of single samples, spectra, and noise by bits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from engine.data.media import Sound
from engine.functional.waveform import power_db, quantization_noise_db, quantize, spectrum
from engine.results import Array

HEARD_SECONDS = 0.064  # how much sound a spectrum is of
MOST_MEASURED = 100_000  # samples whose noise is measured
STANDS_OUT = 4.0  # a peak over the mean amplitude: more than white noise has


@dataclass(frozen=True)
class Stretch:
    """Samples (n,) of one channel; ``start`` and ``step`` in ms, counted from the moment that is looked at."""

    samples: Array
    start: float
    step: float


@dataclass(frozen=True)
class Spectrum:
    """``amplitude`` (f,) at ``frequency`` (f,) in Hz, up to half of the sample ``rate``."""

    frequency: Array
    amplitude: Array
    rate: int

    @property
    def strongest(self) -> float:
        """The frequency in Hz of the largest amplitude; NaN where none is far above the mean of all."""
        stands_out = self.amplitude.max() > STANDS_OUT * self.amplitude.mean()
        return float(self.frequency[self.amplitude.argmax()]) if stands_out else float("nan")


@dataclass(frozen=True)
class Noise:
    """The signal's power over that of its error in dB, by ``bits`` (n,), ``measured`` and by the ``rule`` of an even error.

    Both are NaN for silence, ``measured`` also where the samples need no more bits than that.
    """

    bits: Array
    measured: Array
    rule: Array


def stretch(sound: Sound, moment: float, seconds: float) -> Stretch:
    """The samples of the first channel around a moment in s, one on either side at least."""
    half = max(seconds / 2, 1.5 / sound.rate)
    first = max(0, int(np.ceil((moment - half) * sound.rate)))
    last = min(sound.samples.shape[1] - 1, int(np.floor((moment + half) * sound.rate)))
    samples = sound.samples[0, first : max(first, last) + 1]
    return Stretch(samples, 1000 * (first / sound.rate - moment), 1000 / sound.rate)


def spectra(sounds: Mapping[str, Sound], moment: float) -> dict[str, Spectrum]:
    """The spectrum of 64 ms of the first channel around a moment in s, by name."""
    found = {}
    for name, sound in sounds.items():
        heard = min(sound.samples.shape[1], max(2, round(HEARD_SECONDS * sound.rate)))
        first = min(max(0, round(moment * sound.rate) - heard // 2), sound.samples.shape[1] - heard)
        samples = sound.samples[0, first : first + heard].astype(np.float64)
        found[name] = Spectrum(*spectrum(samples, sound.rate), sound.rate)
    return found


def noise(samples: Array, most_bits: int) -> Noise:
    """The noise of 2 bits and up, of the middle of the first channel of samples (c, n)."""
    spare = max(0, samples.shape[1] - MOST_MEASURED) // 2
    heard = samples[0, spare : spare + MOST_MEASURED].astype(np.float64)
    bits = np.arange(2, most_bits + 1)
    level = power_db(heard)
    errors = [power_db(quantize(heard, int(b)) - heard) for b in bits]
    measured = np.array([level - e if np.isfinite(level) and np.isfinite(e) else np.nan for e in errors])
    rule = np.array([level - quantization_noise_db(int(b)) if np.isfinite(level) else np.nan for b in bits])
    return Noise(bits, measured, rule)
