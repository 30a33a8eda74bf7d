"""Sound uploads: files built here give asserted samples or exactly one sentence."""

import io
import pickle
import struct
from functools import cache

import numpy as np
import pytest
import soundfile

from engine.data.media import Picture, sound, to_wav
from engine.errors import BadInput
from tests.data.files import RATE, Maker, assert_refused, corners, encoded, saved, wave


def riff(data: bytes, rate: int = RATE, channels: int = 1, size: int | None = None) -> bytes:
    """A 16-bit WAV file by hand, whose header may lie."""
    size = len(data) if size is None else size
    form = struct.pack("<IHHIIHH", 16, 1, channels, rate, rate * channels * 2 % 2**32, channels * 2, 16)
    return (
        b"RIFF"
        + struct.pack("<I", min(size + 36, 2**32 - 1))
        + b"WAVEfmt "
        + form
        + b"data"
        + struct.pack("<I", size)
        + data
    )


def flac_of_unknown_length() -> bytes:
    """A FLAC as a stream writes it: 0 for the number of samples, the low 36 bits at byte 18."""
    data = bytearray(encoded(wave(), "FLAC"))
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    return bytes(data)


def with_bad_samples(value: float) -> bytes:
    """A float WAV of 4000 samples, 3 of them this value."""
    samples = wave()
    samples[[0, 10, -1]] = value
    return encoded(samples, "WAV", "FLOAT")


@cache
def wide_bomb() -> bytes:
    """Silence that is short enough, but eight channels wide at 96 kHz: 215 MB in some 50 kB."""
    return encoded(np.zeros((96_000 * 70, 8), np.int16), "FLAC", rate=96_000)


REFUSED_SOUNDS: dict[str, tuple[Maker, str]] = {
    "empty": (lambda: b"", "an empty file"),
    "picture-file": (lambda: saved(corners(), "PNG"), "must be a WAV"),
    "rare-container": (lambda: encoded(wave(), "VOC"), "must be a WAV"),
    "rare-coding": (lambda: encoded(wave(), "WAV", "GSM610"), "got GSM610"),
    "truncated-wav-header": (lambda: encoded(wave(), "WAV")[:30], "must be a WAV"),
    "truncated-flac": (lambda: encoded(wave(3), "FLAC")[:-500], "must be a whole FLAC file"),
    "truncated-ogg": (lambda: encoded(wave(), "OGG")[:2000], "must be a WAV"),
    "truncated-mp3": (lambda: encoded(wave(), "MP3")[:200], "must be a WAV"),
    "nan": (lambda: with_bad_samples(np.nan), "got 3 of 4000 samples NaN or infinite"),
    "infinity": (lambda: with_bad_samples(-np.inf), "got 3 of 4000 samples NaN or infinite"),
    "too-big-for-float32": (lambda: encoded(np.full((5, 1), 1e300), "WAV", "DOUBLE"), "got 5 of 5 samples"),
    "no-samples": (lambda: encoded(np.zeros((0, 1)), "WAV"), "at least one sample"),
    "no-samples-flac": (lambda: encoded(np.zeros((0, 1)), "FLAC"), "must"),
    "121-s": (lambda: encoded(np.zeros(121 * RATE, np.int16), "WAV"), "at most 120 s, got 121 s"),
    "bomb-of-silence": (lambda: encoded(np.zeros(1000 * RATE, np.int16), "FLAC"), "at most 120 s, got 1000 s"),
    "wide-bomb-of-silence": (
        wide_bomb,
        "at most 50 million samples over all channels, got 53.76 million",
    ),
    "unknown-length-flac": (flac_of_unknown_length, "state its length"),
    "over-30-MB": (lambda: riff(bytes(30_000_001)), "at most 30 MB"),
    "rate-0": (lambda: riff(bytes(100), rate=0), "must be a WAV"),
    "rate-1": (lambda: riff(bytes(100), rate=1), "1000 to 384000 samples per second, got 1"),
    "rate-lie": (lambda: riff(bytes(100), rate=2**31 - 1), "1000 to 384000 samples per second"),
    "no-channels": (lambda: riff(bytes(100), channels=0), "must be a WAV"),
    "17-channels": (lambda: riff(bytes(340), channels=17), "1 to 16 channels, got 17"),
}

# The file, the samples (n, channels) that it must give, and how far a sample may be off.
ODD_SOUNDS: dict[str, tuple[Maker, np.ndarray, float]] = {
    "16-bit": (lambda: encoded(wave(), "WAV"), wave(), 2**-15),
    "8-bit": (lambda: encoded(wave(), "WAV", "PCM_U8"), wave(), 2**-7),
    "24-bit": (lambda: encoded(wave(), "WAV", "PCM_24"), wave(), 2**-22),
    "32-bit": (lambda: encoded(wave(), "WAV", "PCM_32"), wave(), 2**-23),
    "float-over-range": (lambda: encoded(4 * wave(), "WAV", "FLOAT"), np.clip(4 * wave(), -1, 1), 1e-6),
    "a-law": (lambda: encoded(wave(), "WAV", "ALAW"), wave(), 0.02),
    "flac": (lambda: encoded(wave(), "FLAC"), wave(), 2**-15),
    "ogg": (lambda: encoded(wave(), "OGG", "VORBIS"), wave(), 0.1),
    "mp3": (lambda: encoded(wave(), "MP3"), wave(), 0.1),
    "aiff": (lambda: encoded(wave(), "AIFF"), wave(), 2**-15),
    "6-channels": (lambda: encoded(wave(channels=6), "WAV"), wave(channels=6), 2**-15),
    "silence": (lambda: encoded(np.zeros((50, 1)), "WAV"), np.zeros((50, 1)), 0),
    "one-sample": (lambda: riff(b"\x00\x40"), np.full((1, 1), 0.5), 0),
    "absurd-size": (lambda: riff(b"\x00\x40" * 70, size=2**32 - 1), np.full((70, 1), 0.5), 0),
    "cut-off-wav": (lambda: riff(b"\x00\x40" * 70, size=1000), np.full((70, 1), 0.5), 0),
    "wrong-extension": (lambda: encoded(wave(), "FLAC"), wave(), 2**-15),
    "120-s": (lambda: encoded(np.zeros((120 * RATE, 1), np.int16), "FLAC"), np.zeros((120 * RATE, 1)), 0),
}


@pytest.mark.parametrize("kind", REFUSED_SOUNDS)
def test_refused_sounds(kind: str) -> None:
    make, words = REFUSED_SOUNDS[kind]
    assert_refused(sound, make(), words)


@pytest.mark.parametrize("kind", ["121-s", "bomb-of-silence", "wide-bomb-of-silence", "over-30-MB", "17-channels"])
def test_length_is_refused_before_any_sample_is_decoded(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make, words = REFUSED_SOUNDS[kind]
    data = make()
    monkeypatch.setattr(soundfile.SoundFile, "read", lambda *_, **__: pytest.fail("decoded"))
    assert_refused(sound, data, words)


@pytest.mark.parametrize("kind", ODD_SOUNDS)
def test_odd_sounds(kind: str) -> None:
    make, expected, tolerance = ODD_SOUNDS[kind]
    result = sound(make(), "take.mp3")
    assert result.samples.dtype == np.float32 and result.samples.shape == expected.T.shape and result.rate == RATE
    assert np.abs(result.samples - expected.T).max() <= tolerance
    assert result.seconds == expected.shape[0] / RATE and not result.samples.flags.writeable


def test_a_96_khz_sound_keeps_its_rate_and_mixes_to_mono() -> None:
    samples = wave(0.1, channels=2, rate=96_000)
    result = sound(encoded(samples, "WAV", "FLOAT", rate=96_000))
    assert result.rate == 96_000 and result.seconds == 0.1
    np.testing.assert_allclose(result.mono, samples.mean(axis=1), atol=1e-6)


def test_an_mp3_whose_header_lies_reads_no_more_than_there_is() -> None:
    data = bytearray(encoded(wave(2), "MP3"))
    at = data.index(b"Xing") + 8
    data[at : at + 4] = struct.pack(">I", 2**32 - 1)
    assert_refused(sound, bytes(data), "at most 120 s")
    data[at : at + 4] = struct.pack(">I", 500)
    assert sound(bytes(data)).seconds < 2.2


def test_a_sound_is_frozen_and_known_by_its_bytes() -> None:
    data = encoded(wave(), "WAV")
    one = sound(data, "one")
    again = pickle.loads(pickle.dumps(one))
    assert again == one == sound(data, "other") and one != sound(encoded(wave(0.1), "WAV"))
    assert not again.samples.flags.writeable and again.rate == RATE
    assert Picture(np.zeros((1, 1, 3), np.uint8), "same digest", one.digest) != one


@pytest.mark.parametrize("shape", [(500,), (1, 500), (2, 500)])
def test_to_wav_round_trip(shape: tuple[int, ...]) -> None:
    samples = np.random.default_rng(0).uniform(-1.2, 1.2, shape)
    back, rate = soundfile.read(io.BytesIO(to_wav(samples, 22_050)), always_2d=True)
    assert rate == 22_050
    np.testing.assert_allclose(back.T, np.clip(np.atleast_2d(samples), -1, 1), atol=2**-14)


@pytest.mark.parametrize(
    ("samples", "words"), [(np.zeros((1, 2, 3)), r"got \(1, 2, 3\)"), (np.array([np.nan]), "got NaN")]
)
def test_to_wav_refuses(samples: np.ndarray, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        to_wav(samples, RATE)
