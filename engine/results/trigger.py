"""What a listener for one word does on clips: firings over one, detections and false alarms over many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.functional.triggering import firings, judged
from engine.models.trigger import FRAME_SECONDS, Trigger, probability
from engine.results import Array
from engine.training.trigger import heard, held_out

BEFORE, AFTER = 0.3, 0.8  # s around the end of a word in which a firing detects it
THRESHOLDS = np.concatenate([[0.002, 0.005], np.arange(1, 100) / 100, [0.995, 0.999]])


@dataclass(frozen=True)
class Rates:
    """At each threshold (k,), how many ``words`` are ``found`` and how many firings are ``false``, in so many ``hours``."""

    threshold: Array
    found: Array
    false: Array
    words: int
    hours: float

    @property
    def detected(self) -> Array:
        """The share of words found, (k,)."""
        return self.found / max(1, self.words)

    @property
    def alarms(self) -> Array:
        """False alarms an hour, (k,)."""
        return self.false / self.hours

    def at(self, threshold: float) -> int:
        """The place of the threshold nearest to one."""
        return int(np.abs(self.threshold - threshold).argmin())

    def joined(self, other: Rates) -> Rates:
        """Both together, at the same thresholds."""
        counts = (
            self.found + other.found,
            self.false + other.false,
            self.words + other.words,
            self.hours + other.hours,
        )
        return Rates(self.threshold, *counts)


def frames_of(seconds: float) -> int:
    """How many frames a time lasts."""
    return round(seconds / FRAME_SECONDS)


def rates(
    probability: Sequence[Array], ends: Sequence[Sequence[int]], refractory: float, thresholds: Array = THRESHOLDS
) -> Rates:
    """Over clips with probabilities (T,) and the frames at which their trigger words end; ``refractory`` in s."""
    found, false = np.zeros(len(thresholds), int), np.zeros(len(thresholds), int)
    for k, threshold in enumerate(thresholds):
        for p, clip_ends in zip(probability, ends, strict=True):
            fired = firings(p, threshold, frames_of(refractory))
            result = judged(fired, clip_ends, frames_of(BEFORE), frames_of(AFTER))
            found[k] += sum(result.detected)
            false[k] += sum(result.false)
    hours = sum(len(p) for p in probability) * FRAME_SECONDS / 3600
    return Rates(thresholds, found, false, sum(len(each) for each in ends), hours)


def bundled_rates(width: int, piece: int, refractory: float) -> Rates:
    """Of the bundled network that learned from labels of so many frames, over a piece of the held-out clips."""
    return rates(list(heard(width, piece)), held_out(piece).ends, refractory)


def tested(network: Trigger, pieces: int, refractory: float) -> Rates:
    """Of a network, over the first pieces of the held-out clips."""
    given = [held_out(piece) for piece in range(pieces)]
    said = [p for piece in given for p in probability(network, piece.x).numpy()]
    return rates(said, [ends for piece in given for ends in piece.ends], refractory)
