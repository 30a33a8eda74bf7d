"""From the probability of a trigger word, frame by frame, to firings, and how many of them are right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

Array = np.ndarray


def firings(probability: Array, threshold: float, refractory: int) -> list[int]:
    """The frames at which (T,) probabilities reach the threshold from below, each more than ``refractory`` after the last."""
    above = np.concatenate([[False], probability >= threshold])
    fired: list[int] = []
    for frame in np.flatnonzero(above[1:] & ~above[:-1]).tolist():
        if not fired or frame - fired[-1] > refractory:
            fired.append(frame)
    return fired


class Judged(NamedTuple):
    """Which words were detected, and which firings are false alarms."""

    detected: tuple[bool, ...]
    false: tuple[bool, ...]


def judged(fired: Sequence[int], ends: Sequence[int], before: int, after: int) -> Judged:
    """Each firing detects the first word not yet detected that ends at most ``after`` before it or ``before`` after it.

    All in frames, in the order of time. A firing with no such word is a false alarm.
    """
    detected, false = [False] * len(ends), []
    for frame in fired:
        found = [i for i, end in enumerate(ends) if end - before <= frame <= end + after and not detected[i]]
        false.append(not found)
        if found:
            detected[found[0]] = True
    return Judged(tuple(detected), tuple(false))
