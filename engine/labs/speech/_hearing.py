"""The person's sound as the page's networks hear it: one channel at 8 kHz."""

from __future__ import annotations

import numpy as np

from engine.data.media import Sound, digest_of
from engine.data.samples import sound_sample
from engine.data.voices import RATE
from engine.functional.waveform import resample

QUIET = 1e-4  # the loudest sample of what counts as silence
STEP, FAINT, PAUSE = 0.02, 1e-3, 0.16  # s, of the loudest moment's energy, and s: what ends a word
FULL_SCALE, MANY = 0.999, 0.001  # a sample is cut, and what share of them makes a recording clipped


def chosen(source: str | Sound) -> Sound:
    """A sample by name, or what was uploaded or recorded."""
    return source if isinstance(source, Sound) else sound_sample(source)


def at_8_khz(sound: Sound) -> np.ndarray:
    """(n,) float32: the mean of the channels at ``RATE``, at least one sample."""
    return np.clip(resample(sound.mono, sound.rate, RATE), -1, 1).astype(np.float32)


def made(samples: np.ndarray, name: str) -> Sound:
    """Samples (n,) at ``RATE`` as something to play."""
    kept = np.clip(samples, -1, 1).astype(np.float32)[None]
    return Sound(kept, RATE, name, digest_of(kept.tobytes()))


def remarks(sound: Sound) -> str:
    """What is wrong with a recording, in words; empty if nothing is."""
    loudest = float(np.abs(sound.samples).max())
    if loudest <= QUIET:
        return "The recording is silent."
    if float((np.abs(sound.samples) >= FULL_SCALE).mean()) > MANY:
        return "The recording is clipped: its loudest parts are cut off at full scale."
    return ""


def loudest_stretch(samples: np.ndarray, seconds: float, least: float) -> np.ndarray:
    """The part of (n,) samples of at most so many seconds that holds most energy; filled up with silence to the ``least``."""
    longest, shortest = round(seconds * RATE), round(least * RATE)
    if len(samples) > longest:
        energy = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
        start = int((energy[longest:] - energy[:-longest]).argmax())
        return samples[start : start + longest]
    return np.pad(samples, (0, max(0, shortest - len(samples))))


def loudest_word(samples: np.ndarray, longest: float, least: float) -> np.ndarray:
    """The stretch of (n,) samples around the loudest moment up to the nearest pauses, of at most so many seconds."""
    step = round(STEP * RATE)
    padded = np.pad(samples, (0, -len(samples) % step))
    energy = np.square(padded, dtype=np.float64).reshape(-1, step).mean(1)
    peak = int(energy.argmax())
    loud = np.flatnonzero(energy > FAINT * energy[peak])
    breaks = np.flatnonzero(np.diff(loud) > PAUSE / STEP)
    starts, ends = np.concatenate([loud[:1], loud[breaks + 1]]), np.concatenate([loud[breaks], loud[-1:]])
    if not len(loud):
        return loudest_stretch(samples, longest, least)
    i = int(np.searchsorted(starts, peak, side="right")) - 1
    return loudest_stretch(samples[starts[i] * step : (ends[i] + 1) * step], longest, least)
