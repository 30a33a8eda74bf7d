"""The tunes: notes read rightly, bars full, scales and chords by rule, and copies found."""

import itertools

import pytest

from engine.data.tunes import (
    HELD_OUT,
    MELODIES,
    PROGRESSIONS,
    Note,
    Tune,
    by_rule,
    copied,
    name_of,
    nearest,
    read,
    tunes,
    vocabulary,
)


@pytest.mark.parametrize(
    ("text", "pitch", "beats"),
    [
        ("C4", 60, 1),
        ("a4", 69, 1),
        ("F#4", 66, 1),
        ("Bb3:0.5", 58, 0.5),
        ("G♯5:1.5", 80, 1.5),
        ("B#3", 60, 1),
        ("C4:.5", 60, 0.5),
    ],
)
def test_a_note_is_read(text: str, pitch: int, beats: float) -> None:
    assert read(text) == ([Note(pitch, beats)], [])


def test_what_is_no_note_is_told() -> None:
    notes, strange = read("C4, H4 E9 x C4: 🎵 E4:2")
    assert notes == [Note(60, 1), Note(64, 2)] and strange == ["H4", "E9", "x", "C4:", "🎵"]


def test_a_name_reads_back() -> None:
    for pitch in range(21, 109):
        assert read(name_of(pitch))[0] == [Note(pitch, 1.0)]


@pytest.mark.parametrize("name", MELODIES)
def test_a_melody_is_all_notes_in_a_singable_range(name: str) -> None:
    notes, strange = read(MELODIES[name])
    assert not strange and 15 <= len(notes) <= 80
    assert all(52 <= note.pitch <= 81 and note.beats in (0.5, 1, 1.5, 2, 3, 4) for note in notes)


@pytest.mark.parametrize(
    ("name", "beats"),
    [
        ("Ode to Joy", 64),
        ("Twinkle, twinkle", 48),
        ("Jingle Bells", 64),
        ("Minuet (Petzold)", 48),
        ("Frère Jacques", 32),
    ],
)
def test_bars_are_full(name: str, beats: int) -> None:
    assert sum(note.beats for note in read(MELODIES[name])[0]) == beats


def test_scales_step_up_and_down_through_white_keys() -> None:
    white = {0, 2, 4, 5, 7, 9, 11}
    made = by_rule()
    scales = [tune for tune in made if tune.name.startswith("Scale")]
    assert len(scales) == 18 and all(note.pitch % 12 in white for tune in made for note in tune.notes)
    for tune in scales:
        pitches = [note.pitch for note in tune.notes]
        assert pitches == pitches[::-1] and max(pitches) - min(pitches) == 12
        assert all(abs(b - a) in (1, 2) for a, b in itertools.pairwise(pitches))


def test_chords_follow_their_progression() -> None:
    tune = next(tune for tune in by_rule() if tune.name == "I V vi IV, up and down")
    chords = [{note.pitch % 12 for note in tune.notes[i : i + 8]} for i in range(0, 32, 8)]
    assert chords == [{0, 4, 7}, {7, 11, 2}, {9, 0, 4}, {5, 9, 0}]
    assert len([t for t in tunes() if t.kind == "chords"]) == 3 * len(PROGRESSIONS)


def test_the_vocabulary_holds_every_note_once_and_the_nearest_is_found() -> None:
    assert len(set(vocabulary())) == len(vocabulary()) == 76
    assert all(vocabulary()[nearest(note)] == note for tune in tunes() for note in tune.notes)
    assert vocabulary()[nearest(Note(20, 7))].pitch == vocabulary()[0].pitch
    assert set(HELD_OUT) < {tune.name for tune in tunes()}


def test_a_copy_is_found_as_brute_force_finds_it() -> None:
    given = tunes()[:4]
    made = [*given[1].notes[3:12], Note(60, 3), *given[2].notes[:5]]

    def longest(tune: Tune) -> int:
        spans = [(i, j) for i in range(len(made)) for j in range(i + 1, len(made) + 1)]
        parts = {tune.notes[i:j] for i in range(len(tune.notes)) for j in range(i + 1, len(tune.notes) + 1)}
        return max((j - i for i, j in spans if tuple(made[i:j]) in parts), default=0)

    assert copied(made, given) == max(((longest(tune), tune.name) for tune in given), key=lambda pair: pair[0])
    assert copied([], given) == (0, "")
