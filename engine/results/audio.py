"""Sounds over time and frequency."""

from __future__ import annotations

from dataclasses import dataclass

from engine.results import Array


@dataclass(frozen=True)
class Waveform:
    """A sound: ``samples`` (n,) in [-1, 1], ``rate`` in Hz."""

    samples: Array
    rate: int


@dataclass(frozen=True)
class Spectrogram:
    """Energy over frequency and time: ``power`` (f, t), ``frequency`` (f,) in Hz, ``time`` (t,) in s at the windows' middles.

    Power is in squared amplitude per Hz at evenly spaced frequencies from 0; with ``mel``, the weighted sum of |STFT|² in
    bands around the frequencies.
    """

    power: Array
    frequency: Array
    time: Array
    mel: bool = False
