"""The bundled bank of made speech: single words in many voices, with the moment at which each phoneme begins.

recipes/voices.py makes it; the app only plays and joins what is there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import soundfile

RATE = 8000  # Hz, a telephone's: what a recording is brought to before a network hears it
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TRIGGER = "activate"
BANK = Path(__file__).resolve().parents[2] / "assets" / "speech"


@dataclass(frozen=True, eq=False)
class Spoken:
    """A word or a few, as one voice says them.

    Attributes:
        word: What is said.
        voice: Who says it.
        samples: (n,) float32 in [-1, 1] at ``RATE``.
        phones: Every phoneme in espeak's letters and the second at which it begins.
    """

    word: str
    voice: str
    samples: np.ndarray
    phones: tuple[tuple[str, float], ...]

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.samples) / RATE


@cache
def bank() -> tuple[Spoken, ...]:
    """Every bundled clip, ordered by word and voice."""
    listed = json.loads((BANK / "voices.json").read_text(encoding="utf-8"))
    samples, _ = soundfile.read(BANK / "voices.ogg", dtype="float32")
    samples.setflags(write=False)
    return tuple(
        Spoken(clip["word"], clip["voice"], samples[clip["start"] : clip["end"]], tuple(map(tuple, clip["phones"])))
        for clip in listed
    )


@cache
def said(word: str) -> tuple[Spoken, ...]:
    """All clips of a word, one a voice."""
    return tuple(clip for clip in bank() if clip.word == word)
