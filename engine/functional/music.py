"""Notes as sound and as a MIDI file."""

from __future__ import annotations

import struct
from collections.abc import Sequence

import torch
from torch import Tensor

from engine.data.tunes import Note

A4, A4_HZ = 69, 440.0
OVERTONES = 5
ATTACK, RELEASE = 0.01, 0.03  # seconds
FADE = 2.5  # a held note falls to 1/e in 1/FADE seconds
TICKS = 480  # of a beat in a MIDI file
VELOCITY = 90


def frequency(pitch: float) -> float:
    """Hz of a pitch in equal temperament: 440 for A4, twice as much twelve semitones up."""
    return A4_HZ * 2 ** ((pitch - A4) / 12)


def tone(pitch: int, seconds: float, rate: int) -> Tensor:
    """One note (n,): its frequency and four overtones, the k-th as loud as 1 / k², struck and fading."""
    t = torch.arange(round(seconds * rate), dtype=torch.float64) / rate
    hz = frequency(pitch)
    waves = [torch.sin(2 * torch.pi * k * hz * t) / k**2 for k in range(1, OVERTONES + 1) if k * hz < rate / 2]
    shape = (t / ATTACK).clamp(max=1) * ((seconds - t) / RELEASE).clamp(0, 1) * torch.exp(-FADE * t)
    return torch.stack(waves).sum(0) * shape


def starts(notes: Sequence[Note], tempo: float) -> list[float]:
    """When each note begins, in seconds, and when the last ends; ``tempo`` is in beats a minute."""
    beats = torch.tensor([0.0, *(note.beats for note in notes)], dtype=torch.float64)
    return (beats.cumsum(0) * 60 / tempo).tolist()


def synthesize(notes: Sequence[Note], tempo: float, rate: int) -> Tensor:
    """Notes one after another as samples (n,) in [-0.8, 0.8]."""
    ends = [round(s * rate) for s in starts(notes, tempo)]
    pieces = [tone(note.pitch, (b - a) / rate, rate) for note, a, b in zip(notes, ends, ends[1:], strict=False)]
    samples = torch.cat(pieces) if pieces else torch.zeros(1, dtype=torch.float64)
    return (0.8 * samples / samples.abs().max().clamp_min(1e-9)).float()


def varying(value: int) -> bytes:
    """A whole number as MIDI's variable-length quantity: seven bits a byte, the highest bit set on all but the last."""
    parts = [value & 0x7F]
    while value := value >> 7:
        parts.append(value & 0x7F | 0x80)
    return bytes(reversed(parts))


def midi(notes: Sequence[Note], tempo: float, program: int = 0) -> bytes:
    """A standard MIDI file of format 0: one track, one channel, notes one after another.

    The tempo is written as microseconds a beat, a note as key down and, after its length in ticks, key up.
    """
    track = b"\x00\xff\x51\x03" + round(60e6 / tempo).to_bytes(3, "big") + bytes([0, 0xC0, program])
    for pitch, beats in notes:
        track += bytes([0, 0x90, pitch, VELOCITY]) + varying(round(beats * TICKS)) + bytes([0x80, pitch, 0])
    track += b"\x00\xff\x2f\x00"
    return b"MThd" + struct.pack(">IHHH", 6, 0, 1, TICKS) + b"MTrk" + struct.pack(">I", len(track)) + track
