import json

import numpy as np
import pytest

from engine.figures.audio import MOST_COLUMNS, MOST_ROWS, envelope, one_window, spectrogram, wave
from engine.results.audio import Spectrogram, Waveform


def result(f: int = 201, t: int = 300, seed: int = 0, mel: bool = False) -> Spectrogram:
    power = 10.0 ** np.random.default_rng(seed).uniform(-9, 0, (f, t)).astype(np.float32)
    return Spectrogram(power, np.arange(f) * 40.0 + (40.0 if mel else 0.0), np.arange(t) * 0.01, mel)


def expected(power: np.ndarray, in_decibels: bool) -> np.ndarray:
    """What a level should be, before rounding."""
    share = power.astype(np.float64) / power.max()
    return np.maximum(0, 80 + 10 * np.log10(share)) if in_decibels else 100 * share


@pytest.mark.parametrize("in_decibels", [True, False])
@pytest.mark.parametrize("mel", [True, False])
def test_levels_are_within_half_a_step(in_decibels, mel):
    shown = result(f=128, mel=mel)
    [heatmap] = spectrogram(shown, 0.5, in_decibels).data
    assert heatmap.z.dtype == np.uint8
    assert np.abs(heatmap.z - expected(shown.power, in_decibels)).max() <= 0.5 + 1e-4
    assert (heatmap.zmin, heatmap.zmax) == (0, 80 if in_decibels else 100)


@pytest.mark.parametrize("log_axis", [True, False])
def test_thinning_keeps_the_largest(log_axis):
    """A click of one cell shows at its time and frequency, wherever it is."""
    for f, t in ((1, 0), (7, 401), (333, 1000), (1000, 1999)):
        power = np.full((1001, 2000), 1e-12, np.float32)
        power[f, t] = 1.0
        thinned = Spectrogram(power, np.arange(1001) * 8.0, np.arange(2000) * 0.005)
        [heatmap] = spectrogram(thinned, 0.0, log_axis=log_axis).data
        assert heatmap.z.shape[0] <= MOST_ROWS and heatmap.z.shape[1] <= MOST_COLUMNS
        rows, columns = np.nonzero(heatmap.z == 80)
        assert set(columns) == {t // 5}
        assert abs(heatmap.x0 + columns[0] * heatmap.dx - t * 0.005) <= heatmap.dx / 2
        if log_axis:
            assert np.abs(np.log(heatmap.y[rows] / (f * 8.0))).min() < 0.04
        else:
            assert abs(heatmap.y0 + rows[0] * heatmap.dy - f * 8.0) <= heatmap.dy / 2


def test_an_unthinned_heatmap_stands_on_its_axes():
    [heatmap] = spectrogram(result(), 0.0).data
    assert (heatmap.x0, heatmap.dx, heatmap.y0, heatmap.dy) == (0.0, pytest.approx(0.01), 0.0, 40.0)
    assert heatmap.z.shape == (201, 300)


def test_mel_rows_are_named_by_their_frequency():
    figure = spectrogram(result(f=40, mel=True), 0.0)
    assert figure.layout.yaxis.type == "category"
    assert list(figure.data[0].y) == [40 * (k + 1) for k in range(40)]


@pytest.mark.parametrize("log_axis", [True, False])
def test_the_message_stays_small(log_axis):
    """The largest picture there can be, of noise: whole numbers below 128 keep out of base64's slash, which JSON escapes."""
    figure = spectrogram(result(MOST_ROWS, MOST_COLUMNS), 0.0, log_axis=log_axis)
    assert len(figure.to_json()) < 125_000


@pytest.mark.parametrize(("f", "t"), [(5, 1), (2, 2), (100_000, 3), (5, 50_000)])
@pytest.mark.parametrize("log_axis", [True, False])
def test_any_shape_can_be_drawn(f, t, log_axis):
    for figure in (
        spectrogram(result(f, t), 0.0, log_axis=log_axis),
        one_window(result(f, t), t - 1, log_axis=log_axis),
    ):
        assert len(json.loads(figure.to_json())["data"]) >= 1


def test_silence_is_at_the_floor():
    silent = Spectrogram(np.zeros((5, 4), np.float32), np.arange(5.0), np.arange(4.0))
    for in_decibels in (True, False):
        assert not spectrogram(silent, 0.0, in_decibels).data[0].z.any()
        assert not one_window(silent, 0, in_decibels).data[0].y.any()


@pytest.mark.parametrize("in_decibels", [True, False])
def test_one_window_is_its_column(in_decibels):
    shown = result()
    curve, strongest = one_window(shown, 17, in_decibels).data
    np.testing.assert_allclose(curve.y, expected(shown.power, in_decibels)[:, 17], atol=1e-3)
    np.testing.assert_array_equal(curve.x, shown.frequency)
    assert strongest.x[0] == 40.0 * shown.power[:, 17].argmax()
    assert strongest.y[0] == pytest.approx(curve.y.max(), abs=1e-3)


def test_one_window_keeps_its_peak_when_thinned():
    power = np.full((24_001, 2), 1e-9, np.float32)
    power[12_345, 1] = 1.0
    curve, strongest = one_window(Spectrogram(power, np.arange(24_001) * 2.0, np.arange(2.0)), 1).data
    assert len(curve.y) <= 1000
    assert curve.y.max() == 80 and strongest.x[0] == 24_690
    assert abs(curve.x[curve.y.argmax()] - 24_690) <= 2 * 25


@pytest.mark.parametrize("n", [1, 999, 1000, 1001, 1003, 48_000, 123_457])
def test_the_wave_keeps_its_extremes(n):
    samples = np.random.default_rng(n).uniform(-0.5, 0.5, n).astype(np.float32)
    samples[n // 2], samples[-1] = 1.0, -1.0
    y, step = envelope(samples)
    assert len(y) <= 1000 and y.min() == -1 and (n == 1 or y.max() == 1)
    assert n <= len(y) * step < n + 2 * step
    assert abs(int(y.argmax()) * step - n // 2) <= 2 * step or n == 1
    figure = wave(Waveform(samples, 8000), (0.1, 0.2))
    assert figure.data[0].dx == pytest.approx(step / 8000)
    assert figure.layout.xaxis.range == (0, n / 8000)
    assert (figure.layout.shapes[0].x0, figure.layout.shapes[0].x1) == (0.1, 0.2)
    assert len(figure.to_json()) < 10_000
