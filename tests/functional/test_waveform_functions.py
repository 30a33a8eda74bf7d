"""Other rates and fewer bits, against tones whose samples are known."""

import math

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.functional.waveform import alias, pick, power_db, quantization_noise_db, quantize, resample, spectrum

RATES = (8000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000)


def tone(frequency: float, rate: int, seconds: float = 0.5, amplitude: float = 0.5) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(round(rate * seconds)) / rate)


def loudest(samples: np.ndarray, rate: int) -> float:
    frequency, amplitude = spectrum(samples, rate)
    return float(frequency[amplitude.argmax()])


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("new_rate", RATES)
def test_a_low_tone_is_the_same_tone_at_any_rate(rate: int, new_rate: int) -> None:
    """Within 0.5 % of full scale, where the filter doesn't feel the ends."""
    ours, true = resample(tone(440, rate), rate, new_rate), tone(440, new_rate)
    assert len(ours) == math.ceil(len(tone(440, rate)) * new_rate / rate)
    inner = slice(len(true) // 10, -len(true) // 10)
    np.testing.assert_allclose(ours[: len(true)][inner], true[: len(ours)][inner], atol=5e-3)


@pytest.mark.parametrize(
    ("rate", "new_rate", "frequency"),
    [
        (16_000, 4000, 5000),
        (44_100, 8000, 10_000),
        (96_000, 16_000, 30_000),
        (48_000, 16_000, 10_000),
        (8000, 3000, 2600),
    ],
)
def test_a_high_tone_is_filtered_out_or_comes_back_folded(rate: int, new_rate: int, frequency: float) -> None:
    high = tone(frequency, rate)
    ends = len(high) * new_rate // rate // 10
    assert power_db(resample(high, rate, new_rate)[ends:-ends]) < power_db(high) - 40
    picked = pick(high, rate, new_rate)
    assert loudest(picked, new_rate) == pytest.approx(alias(frequency, new_rate), abs=2)
    assert power_db(picked) == pytest.approx(power_db(high), abs=0.1)


@settings(max_examples=50, deadline=None)
@given(st.floats(0, 1e5), st.integers(1000, 96_000))
def test_a_frequency_and_its_alias_have_the_same_samples(frequency: float, rate: int) -> None:
    n = np.arange(50)
    folded = alias(frequency, rate)
    assert 0 <= folded <= rate / 2
    ours, theirs = (np.cos(2 * np.pi * f * n / rate) for f in (folded, frequency))
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60), st.integers(1, 9), st.integers(1, 2))
def test_a_whole_ratio_keeps_every_so_manieth(n: int, ratio: int, channels: int) -> None:
    samples = np.random.default_rng(n).standard_normal((channels, n))
    np.testing.assert_array_equal(pick(samples, 1000 * ratio, 1000), samples[:, ::ratio])
    repeated = pick(samples, 1000, 1000 * ratio)
    assert repeated.shape == (channels, n * ratio)
    nearest = np.minimum(np.floor(np.arange(n * ratio) / ratio + 0.5).astype(int), n - 1)
    np.testing.assert_array_equal(repeated, samples[:, nearest])
    assert resample(samples, 1000 * ratio, 1000).shape == pick(samples, 1000 * ratio, 1000).shape


def test_the_same_rate_changes_nothing() -> None:
    samples = np.random.default_rng(0).standard_normal((2, 100)).astype(np.float32)
    np.testing.assert_array_equal(resample(samples, 44_100, 44_100), samples)
    np.testing.assert_array_equal(pick(samples, 44_100, 44_100), samples)


@pytest.mark.parametrize("bits", range(2, 17))
def test_quantized_samples_are_pcm(bits: int) -> None:
    samples = np.random.default_rng(bits).uniform(-1, 1, 20_000)
    found = quantize(samples, bits)
    steps = 2 ** (bits - 1)
    assert len(np.unique(found)) <= 2**bits and found.min() >= -1 and found.max() <= 1 - 1 / steps
    inside = samples < 1 - 1 / steps
    assert np.abs(found - samples)[inside].max() <= 0.5 / steps
    np.testing.assert_array_equal(quantize(found, bits), found)
    assert power_db((found - samples)[inside]) == pytest.approx(quantization_noise_db(bits), abs=0.2)


def test_sixteen_bits_are_those_of_a_file() -> None:
    levels = np.random.default_rng(0).integers(-(2**15), 2**15, 1000)
    np.testing.assert_array_equal(quantize(levels / 2**15, 16) * 2**15, levels)


def test_powers_and_peaks() -> None:
    assert power_db(np.ones(9)) == 0 and power_db(np.zeros(9)) == -math.inf
    assert power_db(tone(100, 8000, 1.0, 1.0)) == pytest.approx(-3.01, abs=0.01)
    _, amplitude = spectrum(tone(1000, 16_000), 16_000)
    assert amplitude.max() == pytest.approx(0.5, rel=1e-3)


def test_the_spectrum_is_scipys() -> None:
    samples = np.random.default_rng(0).standard_normal(400)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(400) + 0.5) / 400)
    frequency, power = scipy.signal.periodogram(samples, 8000, hann, nfft=3200, detrend=False, scaling="spectrum")
    ours, amplitude = spectrum(samples, 8000)
    np.testing.assert_allclose(ours, frequency)
    np.testing.assert_allclose(amplitude[1:-1] ** 2 / 2, power[1:-1], rtol=1e-9)
    assert spectrum(np.array([0.3]), 8000)[1][0] == pytest.approx(0.6)
