"""What a recogniser of speech makes of a recording, or of many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.functional.word_errors import WordErrors
from engine.results import Array
from engine.results.confusion import Confusion

NOTHING = "—"


@dataclass(frozen=True)
class Posteriors:
    """How likely each symbol (K,) is at each frame, (T, K), each ``seconds`` long from ``start`` s on.

    ``words`` are those that greedy decoding reads, each with the second at the middle of the frames that spell it.
    """

    symbols: tuple[str, ...]
    chances: Array
    start: float
    seconds: float
    words: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Reading:
    """A transcript, the log of its probability given the sound, of that in the language model, and the score of both."""

    words: str
    sound: float
    language: float
    score: float


def heard_as(classes: tuple[str, ...], errors: list[WordErrors]) -> Confusion:
    """How often each word was heard as each; the last row is what nobody said, the last column what nobody heard."""
    names = (*classes, NOTHING)
    at = {name: i for i, name in enumerate(classes)}
    counts = np.zeros((len(names), len(names)), np.int64)
    for one in errors:
        for said, heard in one.pairs:
            counts[at.get(said, -1), at.get(heard, -1)] += 1
    return Confusion(names, counts)
