"""A melody and what could have come next in it."""

from __future__ import annotations

from dataclasses import dataclass

from engine.data.tunes import Note
from engine.results import Array


@dataclass(frozen=True)
class Melody:
    """Notes in playing order, the first ``given`` of them by the person; new tunes begin at ``breaks`` (note numbers)."""

    notes: tuple[Note, ...]
    given: int
    breaks: tuple[int, ...]


@dataclass(frozen=True)
class Next:
    """The likeliest notes at one place, best first: names, probabilities (k,), and the name of the one taken."""

    names: tuple[str, ...]
    probabilities: Array
    taken: str
