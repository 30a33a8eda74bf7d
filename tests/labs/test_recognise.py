"""The recogniser: what it reads from made voices and from people, what it is told to expect, and what isn't speech."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from engine import cli
from engine.data.media import Sound
from engine.data.recordings import recordings
from engine.data.samples import SOUNDS, sound_sample
from engine.data.utterances import clips
from engine.data.voices import DIGITS, RATE
from engine.functional.acoustics import disturbed
from engine.functional.decoding import ctc_greedy
from engine.functional.waveform import resample
from engine.functional.word_errors import word_error_rate, word_errors
from engine.labs.speech import recognise as lab
from engine.labs.speech._hearing import at_8_khz
from engine.labs.speech.recognise import LAB, Recognise
from engine.models.recogniser import SYMBOLS, levels, log_probabilities
from engine.seeding import generator

REAL = Path(__file__).resolve().parents[3] / "shared" / "real" / "speech" / "fsdd"


def brought(sound: Sound) -> torch.Tensor:
    return torch.from_numpy(at_8_khz(sound))


def strings(count: int, seed: int) -> list[tuple[torch.Tensor, list[str]]]:
    """Strings of one to five digits in voices that training never used, with pauses, in rooms and noise."""
    random, draw = generator(seed), np.random.default_rng(seed)
    held = [clip for clip in clips(held_out=True) if clip.word in DIGITS]
    made = []
    for _ in range(count):
        chosen = [held[i] for i in draw.integers(len(held), size=draw.integers(1, 6))]
        parts = [part for clip in chosen for part in (clip.samples, np.zeros(int(draw.uniform(0.05, 0.3) * RATE)))]
        samples = torch.from_numpy(np.concatenate(parts).astype(np.float32))
        made.append((disturbed(samples[None], random)[0], [clip.word for clip in chosen]))
    return made


def read(samples: torch.Tensor) -> list[str]:
    return [SYMBOLS[label] for label in ctc_greedy(log_probabilities(samples))]


def test_at_most_two_percent_of_words_are_wrong_in_made_voices_never_trained_on():
    errors = [word_errors(said, read(samples)) for samples, said in strings(120, 5)]
    assert sum(one.said for one in errors) > 300
    assert word_error_rate(errors) <= 0.02


def people(every: int) -> list[tuple[str, torch.Tensor]]:
    if not REAL.is_dir():
        pytest.skip(f"no recordings of people under {REAL.parent.parent.name}")
    files = sorted(REAL.glob("*.wav"))[::every]
    return [(path.name[0], brought(sound_of(path))) for path in files]


def sound_of(path: Path) -> Sound:
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return Sound(samples.T.copy(), rate, path.name, "0" * 12)


def wrong(spoken: list[tuple[str, torch.Tensor]]) -> float:
    return word_error_rate([word_errors([DIGITS[int(digit)]], read(samples)) for digit, samples in spoken])


@pytest.mark.real
def test_at_most_a_quarter_of_digits_of_real_people_are_wrong():
    assert wrong(people(5)) <= 0.25


@pytest.mark.real
@pytest.mark.slow
def test_at_most_a_quarter_of_all_recordings_of_real_people_are_wrong():
    assert wrong(people(1)) <= 0.25


def test_the_levels_span_sixty_decibels_below_the_loudest_at_any_gain():
    samples = torch.from_numpy(sound_sample("vowels").mono)[None]
    found = levels(samples)
    assert float(found.max()) == pytest.approx(1) and float(found.min()) == 0
    assert torch.allclose(levels(samples * 0.01), found, atol=1e-5)


def test_the_sample_is_read_right_and_every_frame_sums_to_one():
    frame = next(LAB.frames(Recognise()))
    assert frame.metrics["Heard"] == "31415"
    chances = log_probabilities(brought(sound_sample("spoken-digits"))).exp()
    assert torch.allclose(chances.sum(1), torch.ones(len(chances)), atol=1e-5)
    marks = frame.figures["Posteriors"]["layout"]["annotations"]
    assert [mark["text"] for mark in marks] == [f"<b>{word}</b>" for word in ("three", "one", "four", "one", "five")]
    seconds = [mark["x"] for mark in marks]
    assert seconds == sorted(seconds) and seconds[0] > 0 and seconds[-1] < sound_sample("spoken-digits").seconds + 0.2


def test_a_language_model_turns_the_answer_to_what_is_expected_only_as_far_as_it_is_weighed():
    def heard(**more: object) -> str:
        return str(next(LAB.frames(Recognise(**more))).metrics["Heard"])

    assert heard(expected="31415", weight=1.0) == "31415"
    assert heard(expected="777777", weight=0.1) == "31415"
    assert heard(expected="777777", weight=5.0, width=64) != "31415"


def test_the_language_model_knows_what_follows_in_an_expected_number():
    language = lab.language_model("31415 31415 31415")
    for before, digit in [((4,), 1), ((4, 2), 4), ((4, 2, 5), 1), ((4, 2, 5, 2), 5)]:
        assert int(language(before)[1:].argmax()) == digit  # label d + 1 stands for digit d
        assert float(language(before)[1:].exp().sum()) == pytest.approx(1, abs=1e-5)


def test_the_score_of_a_reading_is_that_of_sound_and_language_model():
    params = Recognise(expected="3141 2718", weight=0.7)
    language, frames = lab.language_model(params.expected), log_probabilities(brought(sound_sample("spoken-digits")))
    for found in lab.decoded(frames, params, language)[:3]:
        said = sum(float(language(found.labels[:i])[label]) for i, label in enumerate(found.labels))
        assert found.score == pytest.approx(found.log_probability + 0.7 * said, abs=1e-5)


def own() -> bytes:
    """A zip of five recordings: two right, one whose name lies, one of two digits, one that is none."""
    held = {clip.word: clip for clip in clips(held_out=True)}
    both = np.concatenate([held["three"].samples, np.zeros(1000, np.float32), held["nine"].samples])
    spoken = {
        "7_a.wav": held["seven"].samples,
        "two_b.wav": held["two"].samples,
        "5_c.wav": held["one"].samples,
        "3-9_d.wav": both,
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, samples in spoken.items():
            wav = io.BytesIO()
            soundfile.write(wav, samples, RATE, format="WAV")
            archive.writestr(name, wav.getvalue())
        archive.writestr("notes.txt", "not a sound")
    return file.getvalue()


def test_own_recordings_are_judged_by_their_names():
    frame = LAB.last_frame(Recognise(clips=recordings(own(), "mine.zip")))
    assert frame.metrics["Word error rate"] == "20.0%" and frame.metrics["Test recordings"] == "4"
    table = frame.tables["Test recordings, wrong ones first"]
    assert [column[0] for column in table.values()] == ["5_c.wav", "five", "one"]
    rows = list(csv.reader(io.StringIO(frame.files["heard.csv"].decode())))
    assert rows[0] == ["recording", "said", "heard"] and ["3-9_d.wav", "three nine", "three nine"] in rows
    counts = np.zeros((11, 11), int)
    for said, heard in [("seven", "seven"), ("two", "two"), ("five", "one"), ("three", "three"), ("nine", "nine")]:
        counts[DIGITS.index(said), DIGITS.index(heard)] += 1
    drawn = frame.figures["Said and heard"]["data"][0]["text"]
    np.testing.assert_array_equal(np.asarray(drawn).astype(int), counts)


def test_the_command_line_takes_a_zip_of_recordings(tmp_path, capsys):
    path = tmp_path / "mine.zip"
    path.write_bytes(own())
    assert cli.main(["run", "recognise", "--input", f"clips={path}", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["metrics"]["Word error rate"] == "20.0%"


def tone(seconds: float, rate: int = RATE, gain: float = 0.5) -> np.ndarray:
    return gain * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate).astype(np.float32)


@pytest.mark.parametrize(
    ("samples", "rate"),
    [
        (np.zeros(8000, np.float32), 8000),
        (np.zeros(1, np.float32), 8000),
        (np.clip(20 * tone(1.0), -1, 1), 8000),
        (tone(120.0), 8000),
        (tone(1.0, 48_000), 48_000),
        (tone(0.5, 8000, 1e-3), 8000),
    ],
)
def test_silence_clipping_two_minutes_and_tones_give_an_answer_or_a_sentence(samples, rate):
    frame = next(LAB.frames(Recognise(sound=Sound(np.stack([samples, samples]), rate, "odd", "1" * 12))))
    assert frame.says and all(len(np.ravel(f["data"][0]["z"])) < 40_000 for f in list(frame.figures.values())[:2])
    if not samples.any():
        assert frame.metrics["Heard"] == "nothing" and "silent" in frame.note


@pytest.mark.parametrize("name", SOUNDS)
def test_music_and_noise_give_an_answer(name):
    frame = next(LAB.frames(Recognise(sound=name)))
    assert frame.metrics["Heard"] == "nothing" or frame.metrics["Heard"].isdigit()


def test_telephone_sound_and_recordings_in_stereo_at_any_rate_are_read_alike():
    whole = sound_sample("spoken-digits")
    for rate in (8000, 11_025, 16_000, 44_100, 96_000):
        samples = resample(whole.mono, whole.rate, rate).astype(np.float32)
        frame = next(LAB.frames(Recognise(sound=Sound(np.stack([samples, samples]), rate, "phone", "2" * 12))))
        assert frame.metrics["Heard"] == "31415"
