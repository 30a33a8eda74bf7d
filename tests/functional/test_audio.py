import librosa
import numpy as np
import pytest
import scipy.signal
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import BadInput
from engine.functional.audio import (
    decibels,
    hz_to_mel,
    mel_filterbank,
    mel_frequencies,
    mel_spectrogram,
    mel_to_hz,
    mfcc,
    mix_at_snr,
    power_spectrogram,
    short_time_energy,
    strongest_share,
)


def noise(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(n)


def scipy_power(samples: np.ndarray, rate: float, window: int, hop: int) -> np.ndarray:
    return scipy.signal.spectrogram(samples, rate, "hann", window, window - hop, detrend=False)[2]


@pytest.mark.parametrize(("window", "hop"), [(400, 160), (512, 512), (255, 17), (64, 1), (31, 31), (2, 1)])
def test_power_spectrogram_equals_scipys(window, hop):
    samples = noise(4000)
    ours = power_spectrogram(torch.from_numpy(samples), 16_000, window, hop).numpy()
    np.testing.assert_allclose(ours, scipy_power(samples, 16_000, window, hop), rtol=1e-5, atol=0)


def test_power_spectrogram_equals_scipys_in_float32():
    samples = noise(16_000).astype(np.float32)
    ours = power_spectrogram(torch.from_numpy(samples), 16_000, 400, 160).numpy()
    theirs = scipy_power(samples.astype(np.float64), 16_000, 400, 160)
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5 * theirs.max())


@settings(deadline=None, max_examples=60)
@given(window=st.integers(2, 300), hop=st.integers(1, 400), extra=st.integers(0, 700), seed=st.integers(0, 9))
def test_any_lengths_equal_scipys_and_keep_the_energy(window, hop, extra, seed):
    samples, rate = noise(window + extra, seed), 8000.0
    ours = power_spectrogram(torch.from_numpy(samples), rate, window, hop).numpy()
    assert ours.shape == (window // 2 + 1, 1 + extra // hop)
    # SciPy wants overlaps of at least 0: a hop past the window is every so-many-th frame of a hop of 1.
    theirs = scipy_power(samples, rate, window, 1)[:, ::hop]
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-12 * theirs.max())
    hann = scipy.signal.get_window("hann", window)
    frames = np.lib.stride_tricks.sliding_window_view(samples, window)[::hop] * hann
    parseval = (frames**2).sum(axis=1) / (hann**2).sum()
    np.testing.assert_allclose(ours.sum(axis=0) * rate / window, parseval, rtol=1e-9)


def test_a_batch_is_its_members():
    batch = torch.from_numpy(np.stack([noise(900, 1), noise(900, 2)]))
    for function in (short_time_energy, lambda x, w, h: mel_spectrogram(x, 8000, w, h, 10)):
        together = function(batch, 128, 50)
        assert torch.allclose(together, torch.stack([function(x, 128, 50) for x in batch]), rtol=1e-12)


def test_pieces_join_without_a_seam():
    samples = torch.from_numpy(noise(40_000).astype(np.float32))
    whole = power_spectrogram(samples, 1.0, 2000, 20)  # 1901 frames of 2000: four pieces
    for frame in (0, 523, 524, 525, 1900):
        alone = power_spectrogram(samples[20 * frame : 20 * frame + 2000], 1.0, 2000, 20)[:, 0]
        torch.testing.assert_close(whole[:, frame], alone, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("n", "window", "hop"), [(10, 11, 1), (10, 0, 1), (10, 4, 0), (0, 1, 1)])
def test_what_has_no_frame_is_refused(n, window, hop):
    with pytest.raises(BadInput, match=f"got a window of {window} and a hop of {hop}"):
        power_spectrogram(torch.zeros(n), 8000, window, hop)


@pytest.mark.parametrize(
    ("rate", "fft_size", "bands", "low", "high"),
    [
        (16_000, 400, 40, 0, None),
        (44_100, 2048, 128, 0, None),
        (8000, 255, 23, 50, 3500),
        (22_050, 512, 20, 1200, 9000),
    ],
)
def test_mel_filterbank_equals_librosas(rate, fft_size, bands, low, high):
    theirs = librosa.filters.mel(
        sr=rate, n_fft=fft_size, n_mels=bands, fmin=low, fmax=high, htk=False, norm="slaney", dtype=np.float64
    )
    np.testing.assert_allclose(mel_filterbank(rate, fft_size, bands, low, high).numpy(), theirs, rtol=1e-6, atol=1e-12)


def test_mel_scale_equals_librosas_and_inverts():
    hz = torch.linspace(0, 20_000, 1001, dtype=torch.float64)
    np.testing.assert_allclose(hz_to_mel(hz), librosa.hz_to_mel(hz.numpy()), rtol=1e-12)
    np.testing.assert_allclose(mel_to_hz(hz_to_mel(hz)), hz, rtol=1e-12)
    np.testing.assert_allclose(mel_frequencies(42, 0, 8000), librosa.mel_frequencies(42, fmin=0, fmax=8000), rtol=1e-12)


@pytest.mark.parametrize(("bands", "low", "high"), [(0, 0, None), (10, -1, None), (10, 300, 300), (10, 0, 4001)])
def test_impossible_mel_bands_are_refused(bands, low, high):
    with pytest.raises(BadInput, match=f"got {bands} from"):
        mel_filterbank(8000, 256, bands, low, high)


@pytest.mark.parametrize(("window", "hop", "bands"), [(400, 160, 40), (512, 100, 64)])
def test_mel_spectrogram_equals_librosas(window, hop, bands):
    samples = noise(8000).astype(np.float32)
    theirs = librosa.feature.melspectrogram(
        y=samples, sr=16_000, n_fft=window, hop_length=hop, n_mels=bands, center=False, window="hann"
    )
    ours = mel_spectrogram(torch.from_numpy(samples), 16_000, window, hop, bands)
    np.testing.assert_allclose(ours.numpy(), theirs, rtol=1e-4)


def test_mel_spectrogram_equals_librosas_where_both_pad_with_zeros():
    samples = noise(8000).astype(np.float32)
    theirs = librosa.feature.melspectrogram(
        y=samples, sr=8000, n_fft=256, hop_length=64, n_mels=30, pad_mode="constant"
    )
    padded = torch.nn.functional.pad(torch.from_numpy(samples), (128, 128))
    np.testing.assert_allclose(mel_spectrogram(padded, 8000, 256, 64, 30).numpy(), theirs, rtol=1e-4)


def test_decibels_equal_librosas():
    power = noise(600).reshape(20, 30) ** 2 * 10.0 ** np.arange(-9, 11)[:, None]
    theirs = librosa.power_to_db(power, ref=np.max, amin=1e-30, top_db=80)
    np.testing.assert_allclose(decibels(torch.from_numpy(power)), theirs, rtol=0, atol=1e-9)
    assert float(decibels(torch.tensor([0.5]), loudest=5.0)) == pytest.approx(-10, abs=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_silence_is_finite(dtype):
    silence = torch.zeros(1000, dtype=dtype)
    for power in (power_spectrogram(silence, 8000, 100, 50), mel_spectrogram(silence, 8000, 100, 50, 10)):
        assert not power.any()
        assert (decibels(power) == -80).all()


def test_share_of_the_strongest():
    t = torch.arange(16_000, dtype=torch.float64) / 16_000
    tone = power_spectrogram(torch.sin(2 * torch.pi * 440 * t), 16_000, 400, 160)
    white = power_spectrogram(torch.from_numpy(noise(16_000)), 16_000, 400, 160)
    assert strongest_share(tone) > 0.999
    assert strongest_share(tone, lobe=0) == pytest.approx(2 / 3, abs=1e-3)  # on a bin: 1 of 1/4 + 1 + 1/4
    top = white.argmax(dim=0)
    kept = sum(white[max(0, k - 2) : k + 3, i].sum() for i, k in enumerate(top.tolist()))
    assert strongest_share(white) == pytest.approx(float(kept / white.sum()), rel=1e-12)
    assert strongest_share(white) < 0.15
    assert np.isnan(strongest_share(torch.zeros(5, 3)))


@pytest.mark.parametrize("count", [1, 13, 40])
def test_mfcc_equals_librosas(count):
    mel = torch.from_numpy(np.abs(noise(40 * 90).reshape(40, 90)) + 1e-3)
    theirs = librosa.feature.mfcc(S=decibels(mel).numpy(), n_mfcc=count)
    np.testing.assert_allclose(mfcc(mel, count).numpy(), theirs, rtol=1e-5, atol=1e-4)


def test_mfcc_of_more_coefficients_than_bands_is_refused():
    with pytest.raises(BadInput, match="1 to 40 coefficients, as many as bands at most, got 41"):
        mfcc(torch.ones(40, 3), 41)


@pytest.mark.parametrize("snr", [-10.0, 0.0, 23.0])
def test_noise_is_as_many_decibels_below_the_speech_as_asked(snr):
    speech, hiss = torch.from_numpy(noise(3000).reshape(3, 1000)), 7 * torch.from_numpy(noise(1000, 1))
    added = mix_at_snr(speech, hiss, snr) - speech
    found = 10 * torch.log10(speech.square().mean(-1) / added.square().mean(-1))
    np.testing.assert_allclose(found.numpy(), snr, atol=1e-9)
    assert torch.allclose(mix_at_snr(speech, torch.zeros(1000), snr), speech)
    assert torch.allclose(mix_at_snr(torch.zeros(1000).double(), hiss, snr), hiss)
