"""Sound as energy over time and frequency: spectrograms, mel bands, decibels."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.errors import BadInput

PIECE = 2**17  # samples transformed at a time, as many as a processor keeps at hand
MEL_HZ = 200 / 3  # width of a mel below the bend, in Hz
BEND_HZ, BEND_MEL = 1000.0, 15.0  # where the mel scale turns from linear to logarithmic
MEL_STEP = math.log(6.4) / 27  # ln of the ratio of frequencies one mel apart above the bend


def short_time_energy(samples: Tensor, window_length: int, hop: int) -> Tensor:
    """|STFT|²: cut into frames, multiply by a Hann window, transform, square.

    ``samples`` are (..., n), ``window_length`` and ``hop`` in samples. Returns (..., f, t) with f = window_length // 2 + 1
    frequencies k · rate / window_length and t = 1 + (n - window_length) // hop frames, frame i starting at sample i · hop.
    Raises BadInput when a frame doesn't fit.
    """
    spectra = _spectra(samples, window_length, hop)
    return torch.cat([z.real.square() + z.imag.square() for z in spectra], dim=-2).mT


def _spectra(samples: Tensor, window_length: int, hop: int) -> Iterator[Tensor]:
    """The complex spectra (..., t', f) of some frames after the other, so that memory stays near that of the answer."""
    if not 1 <= window_length <= samples.shape[-1] or hop < 1:
        got = f"a window of {window_length} and a hop of {hop}"
        raise BadInput(f"A window must be of 1 to {samples.shape[-1]} samples and its hop at least 1, got {got}.")
    hann = torch.hann_window(window_length, dtype=samples.dtype, device=samples.device)
    frames = samples.unfold(-1, window_length, hop)  # (..., t, window_length), a view
    for piece in torch.split(frames, max(1, PIECE // window_length), dim=-2):
        yield torch.fft.rfft(piece * hann)


def power_spectrogram(samples: Tensor, rate: float, window_length: int, hop: int) -> Tensor:
    """Power spectral density of every frame, one-sided, in squared amplitude per Hz.

    Takes and returns what :func:`short_time_energy` does, divided by rate · sum of the squared window, and doubled at all
    frequencies that have a negative twin: summed over frequencies and times rate / window_length it is the mean square of
    the windowed frame over that of the window. The same as ``scipy.signal.spectrogram(samples, rate, "hann", window_length,
    window_length - hop, detrend=False)``, which scales as "density".
    """
    density = short_time_energy(samples, window_length, hop)
    hann = torch.hann_window(window_length, dtype=samples.dtype, device=samples.device)
    density /= rate * hann.square().sum()
    density[..., 1 : (window_length + 1) // 2, :] *= 2
    return density


def hz_to_mel(frequency: Tensor) -> Tensor:
    """Slaney's mel scale: linear up to 1000 Hz, which is 15 mel, logarithmic above."""
    above = BEND_MEL + torch.log(frequency.clamp_min(BEND_HZ) / BEND_HZ) / MEL_STEP
    return torch.where(frequency < BEND_HZ, frequency / MEL_HZ, above)


def mel_to_hz(mel: Tensor) -> Tensor:
    """The inverse of :func:`hz_to_mel`."""
    return torch.where(mel < BEND_MEL, mel * MEL_HZ, BEND_HZ * torch.exp((mel - BEND_MEL) * MEL_STEP))


def mel_frequencies(count: int, low: float, high: float) -> Tensor:
    """``count`` frequencies in Hz, (count,) float64, evenly spaced on the mel scale from ``low`` to ``high`` Hz."""
    start, end = hz_to_mel(torch.tensor([low, high], dtype=torch.float64))
    return mel_to_hz(torch.linspace(float(start), float(end), count, dtype=torch.float64))


def mel_filterbank(rate: float, fft_size: int, bands: int, low: float = 0.0, high: float | None = None) -> Tensor:
    """Overlapping triangles on the mel scale, each of area 1 in Hz: (bands, fft_size // 2 + 1) float64.

    ``low`` and ``high`` are in Hz; without ``high`` they reach to rate / 2. The same as ``librosa.filters.mel`` with
    ``htk=False, norm="slaney"``; Slaney, Auditory Toolbox, 1998. Raises BadInput on impossible numbers.
    """
    high = rate / 2 if high is None else high
    if bands < 1 or not 0 <= low < high <= rate / 2:
        got = f"{bands} from {low:g} to {high:g} Hz"
        raise BadInput(f"There must be at least 1 mel band, between 0 and {rate / 2:g} Hz, got {got}.")
    edges = mel_frequencies(bands + 2, low, high)[:, None]  # (bands + 2, 1)
    bins = torch.arange(fft_size // 2 + 1, dtype=torch.float64) * rate / fft_size  # (f,)
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    return torch.minimum(rising, falling).clamp_min(0) * 2 / (edges[2:] - edges[:-2])


def mel_spectrogram(
    samples: Tensor,
    rate: float,
    window_length: int,
    hop: int,
    bands: int,
    low: float = 0.0,
    high: float | None = None,
) -> Tensor:
    """The short-time energy gathered into mel bands: (..., n) to (..., bands, t).

    The same as ``librosa.feature.melspectrogram`` with ``center=False``: :func:`mel_filterbank` applied to |STFT|².
    """
    filters = mel_filterbank(rate, window_length, bands, low, high).to(samples).T
    # Every row twice: one product adds up the squares of real and imaginary parts and gathers them.
    twice = filters.repeat_interleave(2, 0)  # (2f, bands)
    spectra = _spectra(samples, window_length, hop)
    return torch.cat([torch.view_as_real(z).flatten(-2).square_() @ twice for z in spectra], dim=-2).mT


def decibels(power: Tensor, floor_db: float = 80.0, loudest: float | None = None) -> Tensor:
    """10 · log10 of the power over ``loudest``, at least -floor_db; silence is all -floor_db.

    Without ``loudest`` it is the largest power: the same as ``librosa.power_to_db(power, ref=np.max, top_db=floor_db)``
    for sounds louder than its ``amin``.
    """
    reference = max(float(power.max()) if loudest is None else loudest, torch.finfo(power.dtype).tiny)
    return 10 * torch.log10((power / reference).clamp_min(10 ** (-floor_db / 10)))


def mfcc(mel: Tensor, count: int) -> Tensor:
    """Mel-frequency cepstral coefficients: the cosine transform of the mel levels in dB, (..., bands, t) to (..., count, t).

    Neighbouring bands say much the same; their transform's first coefficients say it nearly all, each something else. The
    same as ``librosa.feature.mfcc(S=decibels, n_mfcc=count)``: an orthonormal DCT-II. Davis and Mermelstein 1980.
    """
    bands = mel.shape[-2]
    if not 1 <= count <= bands:
        raise BadInput(f"There must be 1 to {bands} coefficients, as many as bands at most, got {count}.")
    angles = torch.arange(count, dtype=torch.float64)[:, None] * (torch.arange(bands) + 0.5) * (math.pi / bands)
    cosines = torch.cos(angles) * math.sqrt(2 / bands)  # (count, bands)
    cosines[0] /= math.sqrt(2)
    return cosines.to(mel) @ decibels(mel)


def mix_at_snr(speech: Tensor, noise: Tensor, snr: Tensor | float) -> Tensor:
    """Speech with noise so strong that their mean squares are ``snr`` dB apart; all spread over (..., n).

    Silence, of either, is added as it is.
    """
    tiny = torch.finfo(speech.dtype).tiny
    powers = [x.square().mean(-1, keepdim=True) for x in (speech, noise)]
    wanted = powers[0] * 10 ** (-torch.as_tensor(snr) / 10)
    scale = torch.where(powers[1] * powers[0] > tiny, (wanted / powers[1].clamp_min(tiny)).sqrt(), 1.0)
    return speech + scale * noise


def strongest_share(power: Tensor, lobe: int = 2) -> float:
    """The share of all energy, 0 to 1, at the strongest frequency of each frame; NaN for silence.

    ``power`` is (f, t). A Hann window smears a pure tone over the main lobe of its transform, so the ``lobe`` bins at
    either side of the strongest count with it.
    """
    padded = F.pad(power, (0, 0, lobe, lobe))  # (f + 2 lobe, t)
    strongest = power.argmax(dim=0, keepdim=True)  # (1, t)
    kept = sum(padded.gather(0, strongest + k).sum(dtype=torch.float64) for k in range(2 * lobe + 1))
    return float(kept / power.sum(dtype=torch.float64))
