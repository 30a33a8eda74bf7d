import math

import numpy as np
import pytest
import scipy.signal

from engine.data.media import Sound
from engine.data.samples import SOUNDS
from engine.lab import Event
from engine.labs.speech.spectrogram import LAB, MOST_WORK, Listening, analyse, cut
from engine.params import parse
from engine.snapshot import snapshot


def sound(samples: np.ndarray, rate: int = 16_000) -> Sound:
    return Sound(np.atleast_2d(samples).astype(np.float32), rate, "test", f"{rate}-{samples.size}")


def tone(frequency: float = 440.0, rate: int = 16_000, seconds: float = 1.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * frequency * np.arange(round(rate * seconds)) / rate)


def noise(n: int = 16_000) -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.5, 0.5, n)


def strongest(params: Listening) -> float:
    [label] = [label for label in LAB.last_frame(params).metrics if label.startswith("Strongest")]
    return float(LAB.last_frame(params).metrics[label].removesuffix(" Hz"))


@pytest.mark.parametrize("rate", [8000, 16_000, 44_100, 96_000])
@pytest.mark.parametrize("window", [10.0, 25.0, 100.0])
@pytest.mark.parametrize("scale", ["linear", "log"])
def test_a_tone_peaks_at_its_frequency(rate, window, scale):
    params = Listening(sound=sound(tone(rate=rate), rate), window=window, scale=scale)
    assert abs(strongest(params) - 440) <= 1000 / window


def test_a_tone_peaks_in_its_mel_band():
    assert abs(strongest(Listening(sound=sound(tone()), scale="mel")) - 440) < 75  # a band is 74 Hz wide there


def test_the_spectrogram_equals_scipys_on_the_padded_sound():
    samples = noise(5000)
    params = Listening(sound=sound(samples), window=20.0, hop=7.0)
    result = analyse(params, cut(params))
    padded = np.pad(samples.astype(np.float32).astype(np.float64), 160)
    frequency, time, power = scipy.signal.spectrogram(padded, 16_000, "hann", 320, 320 - 112, detrend=False)
    np.testing.assert_allclose(result.power, power, rtol=1e-5, atol=1e-5 * power.max())
    np.testing.assert_allclose(result.frequency, frequency, rtol=1e-6)
    np.testing.assert_allclose(result.time, time - 0.01, atol=1e-9)


def test_a_click_is_seen_at_its_time():
    samples = np.zeros(16_000)
    samples[12_000] = 1.0
    params = Listening(sound=sound(samples), window=5.0, hop=2.0)
    result = analyse(params, cut(params))
    assert abs(result.time[result.power.sum(axis=0).argmax()] - 0.75) <= 0.001


def test_moment_picks_the_nearest_window_and_stops_at_the_end():
    frame = LAB.last_frame(Listening(sound=sound(noise()), moment=0.234))
    assert "Strongest at 0.23 s" in frame.metrics
    assert "Strongest at 1.00 s" in LAB.last_frame(Listening(sound=sound(noise()), moment=119.0)).metrics


def test_stereo_is_averaged():
    left, right = tone(440), tone(1000)
    both = Listening(sound=sound(np.stack([left, right])))
    mean = Listening(sound=sound((left.astype(np.float32) + right.astype(np.float32)) / 2))
    np.testing.assert_allclose(analyse(both, cut(both)).power, analyse(mean, cut(mean)).power, rtol=1e-3, atol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 7, 100, 399, 400, 401])
@pytest.mark.parametrize("rate", [1000, 8000, 16_000, 96_000])
@pytest.mark.parametrize("scale", ["linear", "log", "mel"])
def test_short_sounds_are_drawn(n, rate, scale):
    params = Listening(sound=sound(noise(n), rate), scale=scale, window=500.0)
    frame = LAB.last_frame(params)
    assert ("longer than the sound" in frame.note) == (n < rate // 2)
    assert np.isfinite(analyse(params, cut(params)).power).all()
    assert snapshot(frame).figures.keys() == {"Spectrogram", "One window", "Wave"}


def test_a_window_has_samples_enough():
    frame = LAB.last_frame(Listening(sound=sound(noise(2000), 1000), window=1.0, hop=1.0))
    assert frame.metrics["Δf × Δt"] == "125 Hz × 8 ms"
    assert "8 samples, here 8 ms" in frame.note


@pytest.mark.parametrize("scale", ["linear", "log", "mel"])
def test_silence_is_said(scale):
    params = Listening(sound=sound(np.zeros(8000)), scale=scale)
    frame = LAB.last_frame(params)
    assert "none: silence" in frame.metrics.values()
    assert "silent" in LAB.mistakes["fourier-window"](params).wrong
    assert "NaN" not in "".join(snapshot(frame).figures.values())


def test_work_on_a_long_sound_is_bounded():
    params = Listening(sound=sound(np.zeros(60 * 44_100), 44_100), window=200.0, hop=1.0)
    piece = cut(params)
    assert (len(piece.samples) / piece.hop) * piece.window < 1.1 * MOST_WORK
    assert "hop is widened" in LAB.last_frame(params).note
    assert not LAB.last_frame(Listening()).note


def test_gaps_and_empty_bands_are_said():
    assert "in no window" in LAB.last_frame(Listening(window=5.0, hop=20.0)).note
    empty = LAB.last_frame(Listening(window=5.0, hop=5.0, scale="mel", bands=80)).note
    assert "mel bands fall between" in empty


@pytest.mark.parametrize("figure", ["Wave", "Spectrogram"])
@pytest.mark.parametrize(("x", "moment"), [(1.2345, 1.234), (-3.0, 0.0), (1e9, 120.0)])
def test_a_click_sets_the_moment(figure, x, moment):
    changed = LAB.respond(Listening(), Event("click", figure, x=x, y=math.nan))
    assert changed == {"moment": pytest.approx(moment, abs=0.001)}
    assert parse(Listening, dict(changed)).moment == changed["moment"]


@pytest.mark.parametrize("x", [math.nan, math.inf, -math.inf])
def test_a_click_nowhere_changes_nothing(x):
    assert LAB.respond(Listening(), Event("click", "Spectrogram", x=x)) == {}
    assert LAB.respond(Listening(), Event("click", "One window", x=440.0)) == {}


def kept(params: Listening) -> float:
    wrong = LAB.mistakes["fourier-window"](params).wrong
    return float(wrong.split("keeps ")[1].split("%")[0])


def test_the_mistake_is_computed():
    assert kept(Listening(sound=sound(tone()))) > 99
    assert kept(Listening(sound=sound(noise()))) < 15
    assert kept(Listening(sound="vowels")) < 90
    assert "201 frequencies" in LAB.mistakes["fourier-window"](Listening()).right


@pytest.mark.parametrize("name", SOUNDS)
def test_every_sample_gives_the_same_numbers_twice(name):
    first, second = (LAB.last_frame(Listening(sound=name)) for _ in range(2))
    assert snapshot(first).figures == snapshot(second).figures
    assert first.metrics == second.metrics
    assert first.sounds["Sound"].name == name


@pytest.mark.parametrize("changes", LAB.presets.values(), ids=LAB.presets)
def test_presets_draw_without_remarks(changes):
    frame = LAB.last_frame(parse(Listening, changes))
    assert not frame.note
    assert all(len(text) < 125_000 for text in snapshot(frame).figures.values())
