import io
import math
import time

import numpy as np
import pytest
import soundfile

from engine.data import media
from engine.data.media import Sound
from engine.data.samples import SOUNDS
from engine.figures.waveform import FLOOR_DB
from engine.functional.waveform import alias
from engine.lab import Event
from engine.labs.speech.waveform import LAB, Numbers, versions
from engine.params import parse
from engine.snapshot import snapshot

RATES = (8000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000)
STEP = 2.0**-15


def tone(frequency: float, rate: int, channels: int = 1, seconds: float = 0.5) -> np.ndarray:
    """A tone whose second channel is half as loud as its first."""
    wave = 0.5 * np.sin(2 * np.pi * frequency * np.arange(round(rate * seconds)) / rate)
    return np.stack([wave / (i + 1) for i in range(channels)])


def uploaded(samples: np.ndarray, rate: int, subtype: str = "PCM_16", kind: str = "WAV") -> Sound:
    """What the app makes of a file that soundfile wrote."""
    file = io.BytesIO()
    soundfile.write(file, samples.T, rate, format=kind, subtype=subtype)
    return media.sound(file.getvalue(), "test")


def sound(samples: np.ndarray, rate: int = 16_000) -> Sound:
    return Sound(np.atleast_2d(samples).astype(np.float32), rate, "test", f"{rate}-{samples.size}")


def written(frame, name: str) -> tuple[np.ndarray, int]:
    """A file that the lab offers, as soundfile reads it: (channels, n) and the rate."""
    samples, rate = soundfile.read(io.BytesIO(frame.files[name]), always_2d=True)
    return samples.T, rate


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("channels", [1, 2])
def test_a_round_trip_through_files_keeps_the_samples(rate, channels):
    """Into the app by soundfile, out of it at its own rate, back by soundfile: within two steps of 16 bits."""
    samples = np.random.default_rng(rate).uniform(-0.99, 0.99, (channels, 1000))
    frame = LAB.last_frame(Numbers(sound=uploaded(samples, rate), rate=rate))
    for name in frame.files:
        found, found_rate = written(frame, name)
        assert found_rate == rate and found.shape == samples.shape
        assert np.abs(found - samples).max() <= 2 * STEP


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("new_rate", [8000, 44_100])
def test_any_rate_becomes_any_other(rate, channels, new_rate):
    frame = LAB.last_frame(Numbers(sound=uploaded(tone(440, rate, channels), rate), rate=new_rate))
    found, found_rate = written(frame, f"filtered-{new_rate}-Hz.wav")
    expected = tone(440, new_rate, channels)
    assert found_rate == new_rate and found.shape == (channels, math.ceil(round(rate / 2) * new_rate / rate))
    n = min(found.shape[1], expected.shape[1])
    np.testing.assert_allclose(
        found[:, n // 10 : -n // 10], expected[:, : found.shape[1]][:, n // 10 : -n // 10], atol=5e-3
    )
    heard = frame.sounds["Resampled with a filter"]
    assert heard.rate == new_rate and heard.samples.shape == found.shape
    assert frame.metrics["Sample rate"] == f"{rate / 1000:g} → {new_rate / 1000:g} kHz"
    assert f"{channels} channel" in frame.says and f"{channels * round(rate / 2):,} numbers" in frame.says


@pytest.mark.parametrize(
    ("kind", "subtype"), [("WAV", "PCM_24"), ("WAV", "FLOAT"), ("FLAC", "PCM_16"), ("AIFF", "PCM_16")]
)
def test_other_files_are_read_the_same(kind, subtype):
    samples = tone(440, 22_050, 2)
    params = Numbers(sound=uploaded(samples, 22_050, subtype, kind), rate=22_050)
    assert np.abs(versions(params)["filtered"].samples - samples).max() <= STEP


def peak(frame, name: str) -> tuple[float, float]:
    """Where the drawn spectrum is highest, in Hz, and how high, in dB."""
    [trace] = [trace for trace in frame.figures["Spectrum"].data if trace.name == name]
    level = np.array(trace.y)
    return float(np.array(trace.x)[level.argmax()]), float(level.max())


@pytest.mark.parametrize("frequency", [2500.0, 3100.0, 5000.0, 6900.0])
def test_without_a_filter_a_high_tone_comes_back_low(frequency):
    frame = LAB.last_frame(Numbers(sound=sound(tone(frequency, 16_000)), rate=4000, moment=0.25))
    folded = alias(frequency, 4000)
    assert peak(frame, "no filter") == (pytest.approx(folded, abs=20), pytest.approx(-6, abs=0.5))
    assert peak(frame, "original") == (pytest.approx(frequency, abs=20), pytest.approx(-6, abs=0.5))
    assert peak(frame, "filtered")[1] < -50
    assert float(frame.says.split("comes back as ")[1].split()[0]) == pytest.approx(folded, abs=2)


def test_the_default_shows_a_tone_that_folds():
    frame = LAB.last_frame(Numbers())
    assert "comes back as" in frame.says
    assert frame.figures["Spectrum"].layout.shapes[0]["x0"] == 2000
    assert peak(frame, "filtered")[1] < peak(frame, "no filter")[1] - 20


def test_a_tone_below_half_the_rate_stays():
    frame = LAB.last_frame(Numbers(sound=sound(tone(440, 16_000)), moment=0.25))
    assert "can hold: it lies under" in frame.says
    assert peak(frame, "filtered") == (pytest.approx(440, abs=20), pytest.approx(-6, abs=0.5))


def test_single_samples_stand_at_their_times():
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, 16_000)
    params = Numbers(sound=sound(samples), rate=4000, moment=0.5, zoom=2.0)
    original, _, plain = LAB.last_frame(params).figures["Single samples"].data
    np.testing.assert_allclose(original.y, samples[7984:8017], atol=1e-6)
    np.testing.assert_allclose(original.x, (np.arange(7984, 8017) / 16 - 500), atol=1e-4)
    np.testing.assert_allclose(plain.y, samples[7984:8017:4], atol=STEP)
    np.testing.assert_allclose(plain.x, (np.arange(7984, 8017, 4) / 16 - 500), atol=1e-4)
    assert "markers" in original.mode
    assert original.mode != LAB.last_frame(Numbers(zoom=200.0)).figures["Single samples"].data[0].mode


@pytest.mark.parametrize("bits", [2, 4, 8, 12])
def test_fewer_bits_bring_noise_of_6_db_each(bits):
    loud = np.random.default_rng(0).uniform(-0.9, 0.4, 50_000)  # 2 bits end at 0.5
    frame = LAB.last_frame(Numbers(sound=sound(loud), rate=16_000, bits=bits))
    power = 10 * np.log10(np.mean(loud**2))
    [shown] = [text for label, text in frame.metrics.items() if label.startswith("Sound over noise")]
    assert float(shown.removesuffix(" dB")) == pytest.approx(power + 6.02 * bits + 4.77, abs=1.0)
    heard = frame.sounds["Resampled with a filter"].samples
    assert len(np.unique(heard)) <= 2**bits


def test_mono_is_the_mean_of_the_channels():
    both = uploaded(tone(440, 16_000, 2), 16_000)
    frame = LAB.last_frame(Numbers(sound=both, mono=True))
    np.testing.assert_allclose(frame.sounds["Original"].samples, both.mono[None])
    assert "1 channel," in frame.says and len(frame.figures["Wave"].data) == 1
    assert len(LAB.last_frame(Numbers(sound=both)).figures["Wave"].data) == 2


@pytest.mark.parametrize("n", [1, 2, 3, 50])
@pytest.mark.parametrize("rate", [1000, 8000, 96_000])
def test_short_sounds_are_drawn(n, rate):
    params = Numbers(sound=sound(np.random.default_rng(n).uniform(-0.5, 0.5, n), rate), moment=9.0, zoom=0.1, rate=3000)
    frame = LAB.last_frame(params)
    assert snapshot(frame).figures.keys() == {"Wave", "Single samples", "Spectrum", "Bits"}
    assert all(len(trace.y) for trace in frame.figures["Single samples"].data)


def test_a_moment_beyond_the_end_is_the_middle():
    half_a_tone = np.concatenate([np.zeros(4000), tone(440, 16_000)[0], np.zeros(4000)])
    says = LAB.last_frame(Numbers(sound=sound(half_a_tone), moment=60.0)).says
    assert float(says.split("At 0.50 s its strongest frequency is ")[1].split()[0]) == pytest.approx(440, abs=2)


def test_silence_and_clipping_are_said():
    frame = LAB.last_frame(Numbers(sound=sound(np.zeros((2, 8000)))))
    assert "silent" in frame.says and "no noise" in frame.metrics.values()
    assert "NaN" not in "".join(snapshot(frame).figures[title] for title in ("Wave", "Single samples", "Spectrum"))
    assert (np.array(frame.figures["Spectrum"].data[0].y) == FLOOR_DB).all()
    assert "clipped" in LAB.last_frame(Numbers(sound=sound(np.clip(3 * tone(440, 16_000), -1, 1)))).note


def test_noise_has_no_strongest_frequency():
    assert "no frequency stands out" in LAB.last_frame(Numbers(sound="clicks-and-noise")).says


def test_without_a_filter_a_click_between_two_samples_is_lost():
    frame = LAB.last_frame(parse(Numbers, LAB.presets["A click gets lost"]))
    original, filtered, plain = (np.abs(trace.y).max() for trace in frame.figures["Single samples"].data)
    assert original > 0.5 and plain == 0 and 0 < filtered < original


def test_many_channels_are_kept_and_said():
    frame = LAB.last_frame(Numbers(sound=sound(tone(440, 16_000, 6))))
    assert "first 2 of 6 channels" in frame.note
    assert written(frame, "filtered-4000-Hz.wav")[0].shape[0] == 6


def test_two_minutes_in_stereo_are_answered():
    long = np.tile(tone(440, 48_000, 2, 1.0), 120)
    start = time.perf_counter()
    frame = LAB.last_frame(Numbers(sound=sound(long, 48_000), rate=8000))
    assert time.perf_counter() - start < 10
    assert all(len(text) < 125_000 for text in snapshot(frame).figures.values())


@pytest.mark.parametrize(("x", "moment"), [(1.2345, 1.234), (-3.0, 0.0), (1e9, 120.0)])
def test_a_click_on_the_wave_sets_the_moment(x, moment):
    changed = LAB.respond(Numbers(), Event("click", "Wave", x=x, y=math.nan))
    assert changed == {"moment": pytest.approx(moment, abs=0.001)}
    assert parse(Numbers, dict(changed)).moment == changed["moment"]
    assert (
        LAB.respond(Numbers(), Event("click", "Spectrum", x=1.0))
        == LAB.respond(Numbers(), Event("click", "Wave", x=math.nan))
        == {}
    )


@pytest.mark.parametrize("name", SOUNDS)
def test_every_sample_is_heard_three_ways(name):
    frame = LAB.last_frame(Numbers(sound=name))
    assert list(frame.sounds) == ["Original", "Resampled with a filter", "Resampled without a filter"]
    assert len(set(frame.sounds.values())) == 3
    assert sum(len(text) for text in snapshot(frame).figures.values()) < 125_000
