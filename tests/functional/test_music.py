"""Notes as sound, heard by an FFT, and as MIDI, read back by a small parser of its own."""

import numpy as np
import pytest
import torch

from engine.data.tunes import Note
from engine.functional.music import frequency, midi, starts, synthesize, tone, varying
from tests.functional.midi_file import parse

RATE = 22_050


def test_frequencies_of_equal_temperament() -> None:
    assert frequency(69) == 440 and frequency(81) == 880 and frequency(57) == 220
    assert frequency(60) == pytest.approx(261.6256, abs=1e-4)


def heard(samples: np.ndarray, rate: int) -> float:
    """The strongest frequency as a pitch, by a windowed FFT with zeros after it."""
    n = 1 << 18
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), n))
    spectrum[: int(50 * n / rate)] = 0
    return 69 + 12 * np.log2(spectrum.argmax() * rate / n / 440)


@pytest.mark.parametrize("pitch", [40, 52, 60, 61, 69, 81, 96])
@pytest.mark.parametrize("seconds", [0.15, 0.25, 1.0])
def test_a_tone_sounds_at_its_pitch(pitch: int, seconds: float) -> None:
    samples = tone(pitch, seconds, RATE).numpy()
    assert len(samples) == round(seconds * RATE)
    assert abs(heard(samples, RATE) - pitch) < 0.25


def test_a_tone_starts_and_ends_in_silence() -> None:
    samples = tone(60, 0.5, RATE)
    assert samples[0] == 0 and abs(float(samples[-1])) < 1e-3 and torch.isfinite(samples).all()


def test_notes_follow_one_another() -> None:
    notes = [Note(60, 1), Note(64, 0.5), Note(67, 2)]
    assert starts(notes, 120) == pytest.approx([0, 0.5, 0.75, 1.75])
    samples = synthesize(notes, 120, RATE)
    assert len(samples) == round(1.75 * RATE) and float(samples.abs().max()) == pytest.approx(0.8)
    assert synthesize([], 120, RATE).tolist() == [0]


@pytest.mark.parametrize(
    ("value", "written"),
    [(0, "00"), (0x7F, "7f"), (0x80, "8100"), (0x2000, "c000"), (0x3FFF, "ff7f"), (0x0FFFFFFF, "ffffff7f")],
)
def test_variable_lengths_as_in_the_standard(value: int, written: str) -> None:
    assert varying(value).hex() == written


@pytest.mark.parametrize("tempo", [40, 132, 240])
def test_midi_reads_back(tempo: float) -> None:
    notes = [Note(60, 1), Note(60, 0.5), Note(72, 4), Note(55, 1.5)]
    score = parse(midi(notes, tempo, program=12))
    assert score.tempo == pytest.approx(tempo, rel=1e-5) and score.program == 12
    assert [(n.pitch, n.beats) for n in score.notes] == [tuple(n) for n in notes]
    assert [n.at for n in score.notes] == [0, 1, 1.5, 5.5]
