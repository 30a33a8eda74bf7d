"""Clips for trigger words, made by overlay: words laid over a background, none over another, so that every label is known."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.data.noise import noise
from engine.data.utterances import between, drawn, varied
from engine.data.voices import RATE, TRIGGER, Spoken

SECONDS = 10.0
APART = 0.15  # s, between two words at least
MOST_TRIGGERS, MOST_OTHERS = 3, 6
QUIETEST, LOUDEST = 0.0004, 0.05  # of backgrounds, root mean square
SPEEDS = (0.88, 1.14)
GAINS = (0.25, 1.6)
CHIME = ((880.0, 0.0), (1318.5, 0.09))  # Hz, and s after the firing
CHIME_SECONDS, CHIME_LEVEL = 0.35, 0.2


@dataclass(frozen=True, eq=False)
class Laid:
    """A word and the sample where it starts."""

    clip: Spoken
    start: int

    @property
    def end(self) -> int:
        """The sample after its last."""
        return self.start + len(self.clip.samples)


@dataclass(frozen=True, eq=False)
class Overlay:
    """A background (n,) at ``RATE`` and the words laid over it, in the order of time."""

    background: np.ndarray
    words: tuple[Laid, ...]

    @property
    def speech(self) -> np.ndarray:
        """The words alone, (n,)."""
        samples = np.zeros_like(self.background)
        for word in self.words:
            samples[word.start : word.end] += word.clip.samples
        return samples

    @property
    def mix(self) -> np.ndarray:
        """All together, (n,), cut at full scale."""
        return np.clip(self.background + self.speech, -1, 1)

    def ends(self, word: str = TRIGGER) -> list[int]:
        """The samples at which a word has just ended."""
        return [laid.end for laid in self.words if laid.clip.word == word]


def placed(lengths: Sequence[int], total: int, apart: int, random: torch.Generator) -> list[int]:
    """Where stretches of some lengths start, in their order, so that none overlaps: every way to place them is as likely.

    What is left of ``total`` after the stretches and the least distance between them is split at random. Stretches that no
    longer fit are left out, from the end.
    """
    kept = list(lengths)
    while kept and sum(kept) + apart * (len(kept) - 1) > total:
        kept.pop()
    free = total - sum(kept) - apart * max(0, len(kept) - 1)
    before = torch.randint(free + 1, (len(kept),), generator=random).sort().values.tolist()
    taken = 0
    starts = []
    for room, length in zip(before, kept, strict=True):
        starts.append(room + taken)
        taken += length + apart
    return starts


def background(samples: int, random: torch.Generator) -> np.ndarray:
    """Noise of any colour from white to brown, its loudness swelling slowly, over a hum; (samples,)."""
    steepness = torch.tensor([between(0.0, 2.0, random)])
    sound = noise((1, samples), steepness, random)[0]
    time = torch.arange(samples) / RATE
    swell = 1 + 0.5 * torch.sin(2 * math.pi * (time * between(0.05, 0.5, random) + between(0, 1, random)))
    pitch = between(50.0, 200.0, random)
    hum = between(0.0, 0.7, random) * torch.sin(2 * math.pi * pitch * time)
    level = QUIETEST * (LOUDEST / QUIETEST) ** between(0, 1, random)
    return (level * (swell * sound + hum)).numpy().astype(np.float32)


def laid_over(sound: np.ndarray, spoken: Sequence[Spoken], random: torch.Generator) -> Overlay:
    """Clips in their order over a background, at random places that don't overlap."""
    starts = placed([len(clip.samples) for clip in spoken], len(sound), round(APART * RATE), random)
    return Overlay(sound, tuple(Laid(clip, start) for clip, start in zip(spoken, starts, strict=False)))


def overlay(pool: Sequence[Spoken], random: torch.Generator, seconds: float = SECONDS) -> Overlay:
    """A clip of background with up to 3 trigger words and up to 6 others of a pool, each faster or slower, softer or louder."""
    triggers = [clip for clip in pool if clip.word == TRIGGER]
    others = [clip for clip in pool if clip.word != TRIGGER]
    said = drawn(triggers, int(torch.randint(MOST_TRIGGERS + 1, (), generator=random)), random)
    said += drawn(others, int(torch.randint(MOST_OTHERS + 1, (), generator=random)), random)
    shuffled = [said[i] for i in torch.randperm(len(said), generator=random).tolist()]
    loudness = between(*GAINS, random)
    heard = [varied(clip, between(*SPEEDS, random), loudness * between(0.7, 1.0, random)) for clip in shuffled]
    return laid_over(background(round(seconds * RATE), random), heard, random)


def labels(ends: Sequence[int], frames: int, hop: int, width: int) -> Tensor:
    """y (frames,): 1 at the ``width`` frames after each end of a trigger word, in samples, 0 elsewhere.

    Frame i ends at sample (i + 1) · hop; the first of the ones is the first that ends after the word.
    """
    y = torch.zeros(frames)
    for end in ends:
        first = end // hop
        y[first : first + width] = 1
    return y


def chimed(samples: np.ndarray, at: Sequence[int]) -> np.ndarray:
    """Samples (n,) with a chime of two tones laid over them from each of some samples on."""
    time = np.arange(round(CHIME_SECONDS * RATE)) / RATE
    tones = [
        np.where(time >= late, np.sin(2 * np.pi * pitch * (time - late)) * np.exp(-12 * (time - late)), 0)
        for pitch, late in CHIME
    ]
    chime = CHIME_LEVEL * np.sum(tones, 0)
    heard = samples.astype(np.float64)
    for start in at:
        piece = heard[start : start + len(chime)]
        piece += chime[: len(piece)]
    return np.clip(heard, -1, 1).astype(np.float32)
