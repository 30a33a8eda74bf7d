"""The bundled voices split into those to learn from and those held out, and their words varied and strung together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch

from engine.data.voices import RATE, Spoken, bank, said

EVERY, FIRST_HELD_OUT = 6, 3  # so that half of the voices held out say every word


@cache
def voices() -> tuple[str, ...]:
    """Every voice, in the order of the bank."""
    return tuple(clip.voice for clip in said("zero"))


@cache
def held_out_voices() -> tuple[str, ...]:
    """The voices that nothing learns from."""
    return voices()[FIRST_HELD_OUT::EVERY]


@cache
def clips(held_out: bool) -> tuple[Spoken, ...]:
    """The clips of the voices held out, or of the others."""
    return tuple(clip for clip in bank() if (clip.voice in held_out_voices()) == held_out)


def varied(clip: Spoken, speed: float, gain: float = 1.0) -> Spoken:
    """A clip so many times as fast, its pitch along with it as on a tape, and so many times as loud."""
    count = max(2, round(len(clip.samples) / speed))
    at = np.linspace(0, len(clip.samples) - 1, count)
    samples = gain * np.interp(at, np.arange(len(clip.samples)), clip.samples)
    phones = tuple((symbol, start / speed) for symbol, start in clip.phones)
    return replace(clip, samples=samples.astype(np.float32), phones=phones)


@dataclass(frozen=True, eq=False)
class Utterance:
    """Words one after the other: samples (n,) at ``RATE``, and each word with the samples where it starts and ends."""

    samples: np.ndarray
    words: tuple[tuple[str, int, int], ...]


def strung(said: Sequence[Spoken], pauses: Sequence[float]) -> Utterance:
    """Clips after each other with a pause, in seconds, before each and one after the last."""
    pieces: list[np.ndarray] = []
    words: list[tuple[str, int, int]] = []
    at = 0
    for clip, pause in zip(said, pauses, strict=False):
        at += round(pause * RATE)
        pieces += [np.zeros(round(pause * RATE), np.float32), clip.samples]
        words.append((clip.word, at, at + len(clip.samples)))
        at += len(clip.samples)
    pieces.append(np.zeros(round(pauses[len(said)] * RATE), np.float32))
    return Utterance(np.concatenate(pieces), tuple(words))


def drawn(pool: Sequence[Spoken], count: int, random: torch.Generator) -> list[Spoken]:
    """So many clips of a pool, any of them more than once."""
    return [pool[i] for i in torch.randint(len(pool), (count,), generator=random).tolist()]


def between(low: float, high: float, random: torch.Generator) -> float:
    """A number from low to high, each as likely."""
    return low + (high - low) * float(torch.rand((), generator=random))
