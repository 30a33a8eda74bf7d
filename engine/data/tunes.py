"""Tunes to learn from: scales, arpeggios and broken chords by rule, and old melodies, typed as notes, that belong to nobody.

All stand in C major, A minor or another key of the white keys, with a few sharps. A note is a pitch, 60 for middle C and one
more each semitone up, and a length in beats; a tune is a row of them, one after another.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
SHARP = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
MIDDLE_C = 60
WHITE = (0, 2, 4, 5, 7, 9, 11)


class Note(NamedTuple):
    """A pitch in semitones, 60 for middle C, and how many beats it lasts."""

    pitch: int
    beats: float


@dataclass(frozen=True)
class Tune:
    """Notes one after another."""

    name: str
    kind: str
    notes: tuple[Note, ...]


def name_of(pitch: int) -> str:
    """C4 for 60."""
    return f"{SHARP[pitch % 12]}{pitch // 12 - 1}"


def read(text: str) -> tuple[list[Note], list[str]]:
    """Notes such as C4, F#4 or Bb3:0.5 (half a beat; one if not said), and the pieces that aren't."""
    notes, strange = [], []
    for piece in text.replace(",", " ").split():
        found = re.fullmatch(r"([A-Ga-g])([#♯b♭]?)([0-8])(?::([0-9]{0,2}(?:\.[0-9]{1,3})?))?", piece)
        if found is None or found[4] == "":
            strange.append(piece)
            continue
        shift = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1}[found[2]]
        notes.append(Note(12 * (int(found[3]) + 1) + LETTERS[found[1].upper()] + shift, float(found[4] or 1)))
    return notes, strange


MELODIES = {
    "Twinkle, twinkle": "C4 C4 G4 G4 A4 A4 G4:2 F4 F4 E4 E4 D4 D4 C4:2 G4 G4 F4 F4 E4 E4 D4:2 G4 G4 F4 F4 E4 E4 D4:2 "
    "C4 C4 G4 G4 A4 A4 G4:2 F4 F4 E4 E4 D4 D4 C4:2",
    "Ode to Joy": "E4 E4 F4 G4 G4 F4 E4 D4 C4 C4 D4 E4 E4:1.5 D4:.5 D4:2 E4 E4 F4 G4 G4 F4 E4 D4 C4 C4 D4 E4 D4:1.5 C4:.5 "
    "C4:2 D4 D4 E4 C4 D4 E4:.5 F4:.5 E4 C4 D4 E4:.5 F4:.5 E4 D4 C4 D4 G3:2 E4 E4 F4 G4 G4 F4 E4 D4 C4 C4 D4 E4 D4:1.5 "
    "C4:.5 C4:2",
    "Frère Jacques": "C4 D4 E4 C4 C4 D4 E4 C4 E4 F4 G4:2 E4 F4 G4:2 G4:.5 A4:.5 G4:.5 F4:.5 E4 C4 G4:.5 A4:.5 G4:.5 F4:.5 "
    "E4 C4 C4 G3 C4:2 C4 G3 C4:2",
    "Mary had a little lamb": "E4 D4 C4 D4 E4 E4 E4:2 D4 D4 D4:2 E4 G4 G4:2 E4 D4 C4 D4 E4 E4 E4 E4 D4 D4 E4 D4 C4:4",
    "Au clair de la lune": "C4 C4 C4 D4 E4:2 D4:2 C4 E4 D4 D4 C4:4 C4 C4 C4 D4 E4:2 D4:2 C4 E4 D4 D4 C4:4 D4 D4 D4 D4 "
    "A3:2 A3:2 D4 C4 B3 A3 G3:4 C4 C4 C4 D4 E4:2 D4:2 C4 E4 D4 D4 C4:4",
    "London Bridge": "G4:1.5 A4:.5 G4 F4 E4 F4 G4:2 D4 E4 F4:2 E4 F4 G4:2 G4:1.5 A4:.5 G4 F4 E4 F4 G4:2 D4:2 G4:2 E4 C4:3",
    "Jingle Bells": "E4 E4 E4:2 E4 E4 E4:2 E4 G4 C4:1.5 D4:.5 E4:4 F4 F4 F4:1.5 F4:.5 F4 E4 E4 E4:.5 E4:.5 E4 D4 D4 E4 "
    "D4:2 G4:2 E4 E4 E4:2 E4 E4 E4:2 E4 G4 C4:1.5 D4:.5 E4:4 F4 F4 F4:1.5 F4:.5 F4 E4 E4 E4:.5 E4:.5 G4 G4 F4 D4 C4:4",
    "Row your boat": "C4:1.5 C4:1.5 C4 D4:.5 E4:1.5 E4 D4:.5 E4 F4:.5 G4:3 C5:.5 C5:.5 C5:.5 G4:.5 G4:.5 G4:.5 E4:.5 E4:.5 "
    "E4:.5 C4:.5 C4:.5 C4:.5 G4 F4:.5 E4 D4:.5 C4:3",
    "Old MacDonald": "C4 C4 C4 G3 A3 A3 G3:2 E4 E4 D4 D4 C4:3 G3 C4 C4 C4 G3 A3 A3 G3:2 E4 E4 D4 D4 C4:4",
    "When the saints": "C4 E4 F4 G4:4 C4 E4 F4 G4:4 C4 E4 F4 G4:2 E4:2 C4:2 E4:2 D4:4 E4 E4 D4 C4:3 C4 E4:2 G4:2 G4 F4:3 "
    "E4 F4 G4:2 E4:2 C4:2 D4:2 C4:4",
    "Amazing Grace": "G3 C4:2 E4:.5 C4:.5 E4:2 D4 C4:2 A3 G3:2 G3 C4:2 E4:.5 C4:.5 E4:2 D4 G4:4 E4 G4:2 E4:.5 C4:.5 E4:2 "
    "D4 C4:2 A3 G3:2 G3 C4:2 E4:.5 C4:.5 E4:2 D4 C4:4",
    "Yankee Doodle": "C4 C4 D4 E4 C4 E4 D4 G3 C4 C4 D4 E4 C4:2 B3:2 C4 C4 D4 E4 F4 E4 D4 C4 B3 G3 A3 B3 C4:2 C4:2 A3:1.5 "
    "B3:.5 A3 G3 A3 B3 C4:2 G3:1.5 A3:.5 G3 F3 E3:2 G3:2 A3:1.5 B3:.5 A3 G3 A3 B3 C4 A3 G3 C4 B3 D4 C4:2 C4:2",
    "Auld Lang Syne": "G3 C4:1.5 C4:.5 C4 E4 D4:1.5 C4:.5 D4 E4 C4:1.5 C4:.5 E4 G4 A4:3 A4 G4:1.5 E4:.5 E4 C4 D4:1.5 C4:.5 "
    "D4 E4 C4:1.5 A3:.5 A3 G3 C4:3",
    "Lullaby (Brahms)": "E4:.5 E4:.5 G4:2 E4:.5 E4:.5 G4:2 E4:.5 G4:.5 C5 B4 A4 A4 G4 D4:.5 E4:.5 F4 D4 D4:.5 E4:.5 F4:2 "
    "D4:.5 F4:.5 B4:.5 A4:.5 G4 B4 C5:3",
    "Silent Night": "G4:1.5 A4:.5 G4 E4:3 G4:1.5 A4:.5 G4 E4:3 D5:2 D5 B4:3 C5:2 C5 G4:3 A4:2 A4 C5:1.5 B4:.5 A4 G4:1.5 "
    "A4:.5 G4 E4:3 A4:2 A4 C5:1.5 B4:.5 A4 G4:1.5 A4:.5 G4 E4:3 D5:2 D5 F5:1.5 D5:.5 B4 C5:3 E5:3 C5:1.5 G4:.5 E4 G4:1.5 "
    "F4:.5 D4 C4:4",
    "Greensleeves": "A4 C5:2 D5 E5:1.5 F5:.5 E5 D5:2 B4 G4:1.5 A4:.5 B4 C5:2 A4 A4:1.5 G#4:.5 A4 B4:2 G#4 E4:2 A4 C5:2 D5 "
    "E5:1.5 F5:.5 E5 D5:2 B4 G4:1.5 A4:.5 B4 C5:1.5 B4:.5 A4 G#4:1.5 F#4:.5 G#4 A4:3",
    "Scarborough Fair": "D4:2 D4 A4:2 A4 E4:1.5 F4:.5 E4 D4:4 A4 C5 D5:2 C5 A4 B4 G4 A4:4 D5 D5:2 D5 C5:2 A4 A4 G4 F4 E4 "
    "C4:4 D4:2 A4 G4:2 F4 E4 D4 C4 D4:4",
    "Minuet (Petzold)": "G4 C4:.5 D4:.5 E4:.5 F4:.5 G4 C4 C4 A4 F4:.5 G4:.5 A4:.5 B4:.5 C5 C4 C4 F4 G4:.5 F4:.5 E4:.5 D4:.5 "
    "E4 F4:.5 E4:.5 D4:.5 C4:.5 B3 C4:.5 D4:.5 E4:.5 C4:.5 E4 D4:2 G4 C4:.5 D4:.5 E4:.5 F4:.5 G4 C4 C4 A4 F4:.5 G4:.5 A4:.5 "
    "B4:.5 C5 C4 C4 F4 G4:.5 F4:.5 E4:.5 D4:.5 E4 F4:.5 E4:.5 D4:.5 C4:.5 D4 E4:.5 D4:.5 C4:.5 B3:.5 C4:3",
    "Hänschen klein": "G4 E4 E4:2 F4 D4 D4:2 C4 D4 E4 F4 G4 G4 G4:2 G4 E4 E4:2 F4 D4 D4:2 C4 E4 G4 G4 C4:4 D4 D4 D4 D4 D4 "
    "E4 F4:2 E4 E4 E4 E4 E4 F4 G4:2 G4 E4 E4:2 F4 D4 D4:2 C4 E4 G4 G4 C4:4",
    "Alle meine Entchen": "C4 D4 E4 F4 G4:2 G4:2 A4 A4 A4 A4 G4:4 A4 A4 A4 A4 G4:4 F4 F4 F4 F4 E4:2 E4:2 D4 D4 D4 D4 C4:4",
    "Largo (Dvořák)": "E4:1.5 G4:.5 G4:2 E4:1.5 D4:.5 C4:2 D4 E4 G4 E4 D4:4 E4:1.5 G4:.5 G4:2 E4:1.5 D4:.5 C4:2 D4 E4 D4 "
    "C4 C4:4",
    "Oh! Susanna": "C4:.5 D4:.5 E4 G4 G4:1.5 A4:.5 G4 E4 C4:1.5 D4:.5 E4 E4 D4 C4 D4:3 C4:.5 D4:.5 E4 G4 G4:1.5 A4:.5 G4 E4 "
    "C4:1.5 D4:.5 E4 E4 D4 D4 C4:4",
}
# Kept from training, to see what a model makes of a melody that it doesn't know.
HELD_OUT = ("Auld Lang Syne", "Hänschen klein", "Largo (Dvořák)")
# Degrees of C major: 1 for C.
PROGRESSIONS = {
    "I V vi IV": (1, 5, 6, 4),
    "I vi IV V": (1, 6, 4, 5),
    "ii V I": (2, 5, 1, 1),
    "I IV V I": (1, 4, 5, 1),
    "vi IV I V": (6, 4, 1, 5),
    "Pachelbel": (1, 5, 6, 3, 4, 1, 4, 5),
    "Twelve bars": (1, 1, 1, 1, 4, 4, 1, 1, 5, 4, 1, 5),
}
PATTERNS = {"up and down": (0, 2, 4, 2), "Alberti": (0, 4, 2, 4), "up": (0, 2, 4, 7)}


def white(degree: int) -> int:
    """The pitch of a step of C major: 0 for middle C, 1 for the D above it, -1 for the B below."""
    return MIDDLE_C + 12 * (degree // 7) + WHITE[degree % 7]


def by_rule() -> list[Tune]:
    """Scales up and down, arpeggios and chord progressions, chords broken into single notes."""
    made = []
    for first in range(-3, 6):
        for beats in (0.5, 1.0):
            up = [white(first + k) for k in range(8)]
            notes = [Note(p, beats) for p in (*up, *up[-2:0:-1])] + [Note(up[0], 2.0)]
            made.append(Tune(f"Scale from {name_of(up[0])}{', slow' if beats == 1 else ''}", "scales", tuple(notes)))
        chord = [white(first + k) for k in (0, 2, 4, 7, 4, 2)]
        notes = [Note(p, 0.5) for p in (*chord, *chord)] + [Note(chord[0], 2.0)]
        made.append(Tune(f"Arpeggio from {name_of(chord[0])}", "scales", tuple(notes)))
    for name, degrees in PROGRESSIONS.items():
        for pattern, steps in PATTERNS.items():
            roots = [d - 1 if d <= 4 else d - 8 for d in degrees]
            notes = [Note(white(root + k), 0.5) for root in roots for k in (*steps, *steps)] + [Note(white(0), 2.0)]
            made.append(Tune(f"{name}, {pattern}", "chords", tuple(notes)))
    return made


@lru_cache(maxsize=1)
def tunes() -> tuple[Tune, ...]:
    """Everything there is to learn from, melodies first."""
    return tuple(Tune(name, "melodies", tuple(read(text)[0])) for name, text in MELODIES.items()) + tuple(by_rule())


@lru_cache(maxsize=1)
def vocabulary() -> tuple[Note, ...]:
    """Every note of any tune, each with its length, from low to high."""
    return tuple(sorted({note for tune in tunes() for note in tune.notes}))


def nearest(note: Note) -> int:
    """The place in the vocabulary of the note nearest to one: in pitch first, then in length."""
    known = vocabulary()
    return min(range(len(known)), key=lambda i: (abs(known[i].pitch - note.pitch), abs(known[i].beats - note.beats)))


def copied(notes: Sequence[Note], among: Sequence[Tune]) -> tuple[int, str]:
    """The longest stretch of notes that stands in one of the tunes as it is, and that tune's name."""
    longest, name = 0, ""
    for tune in among:
        previous = [0] * (len(tune.notes) + 1)
        for note in notes:
            row = [0] * (len(tune.notes) + 1)
            for j, other in enumerate(tune.notes):
                if note == other:
                    row[j + 1] = previous[j] + 1
                    if row[j + 1] > longest:
                        longest, name = row[j + 1], tune.name
            previous = row
    return longest, name
