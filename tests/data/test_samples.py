"""The bundled samples: present, small, what their names say, and what the recipe makes."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.signal import spectrogram

from engine.data.samples import PICTURES, SOUNDS, STYLES, picture_sample, sound_sample
from engine.errors import BadInput
from recipes import samples as recipe
from recipes import styles


def test_the_names() -> None:
    plain = {"brick", "checkerboard", "half-and-half", "photo-china", "photo-flower", "shapes"}
    assert set(PICTURES) == plain | set(STYLES)
    assert set(SOUNDS) == {"chirp", "chord", "clicks-and-noise", "siren", "spoken-digits", "vowels"}


def test_together_they_are_small() -> None:
    assert sum(path.stat().st_size for path in (*PICTURES.values(), *SOUNDS.values())) < 1_500_000


@pytest.mark.parametrize("name", PICTURES)
def test_every_picture_opens(name: str) -> None:
    sample = picture_sample(name)
    assert max(sample.pixels.shape) <= 320 and np.ptp(sample.pixels) > 100
    assert sample.name == name and picture_sample(name) is sample


@pytest.mark.parametrize("name", SOUNDS)
def test_every_sound_opens(name: str) -> None:
    sample = sound_sample(name)
    assert sample.samples.shape[0] == 1 and sample.rate == 16_000 and sample.seconds <= 4
    assert np.abs(sample.mono).max() == pytest.approx(0.8, abs=1e-3)
    assert sample.name == name and sound_sample(name) is sample


@pytest.mark.parametrize(("open_sample", "names"), [(picture_sample, PICTURES), (sound_sample, SOUNDS)])
def test_an_unknown_name_is_told_the_known_ones(open_sample: Callable[[str], object], names: dict[str, object]) -> None:
    with pytest.raises(BadInput) as caught:
        open_sample("../../etc/passwd")
    assert all(name in str(caught.value) for name in names) and str(caught.value).endswith("got '../../etc/passwd'.")


def test_the_edge_example_is_bright_left_and_dark_right() -> None:
    pixels = picture_sample("half-and-half").pixels
    assert (pixels[:, :30] == 255).all() and (pixels[:, 30:] == 0).all() and pixels.shape == (60, 60, 3)


def test_the_checkerboard_alternates() -> None:
    cells = picture_sample("checkerboard").pixels[10::20, 10::20, 0]
    assert (cells == 255 * (1 - np.indices((8, 8)).sum(axis=0) % 2)).all()


def test_the_edges_of_the_shapes_are_smooth() -> None:
    colours = np.unique(picture_sample("shapes").pixels.reshape(-1, 3), axis=0)
    assert len(colours) > 100


def test_the_recipe_makes_the_bundled_files() -> None:
    random = np.random.default_rng(recipe.SEED)
    assert (np.asarray(recipe.brick(random)) == picture_sample("brick").pixels).all()
    for name, draw in styles.DRAWN.items():
        drawn = np.asarray(draw(np.random.default_rng(recipe.SEED)), float)
        assert np.abs(drawn - picture_sample(name).pixels).mean() < 10, name  # no more than JPEG takes away
    clicks = recipe.clicks_and_noise(random)
    np.testing.assert_allclose(sound_sample("clicks-and-noise").mono, 0.8 * clicks / np.abs(clicks).max(), atol=1e-4)


def test_the_chirp_rises() -> None:
    sample = sound_sample("chirp")
    frequencies, _, power = spectrogram(sample.mono, sample.rate, nperseg=1024)
    loudest = frequencies[power.argmax(axis=0)]
    assert (np.diff(loudest) >= 0).all() and loudest[0] < 130 and loudest[-1] > 5000


@pytest.mark.parametrize(("place", "vowel"), list(enumerate("aeiou")))
def test_each_vowel_has_its_first_resonance(place: int, vowel: str) -> None:
    sample = sound_sample("vowels")
    start = int((0.65 * place + 0.15) * sample.rate)
    voice = sample.mono[start : start + 4096]
    spectrum = np.abs(np.fft.rfft(voice * np.hanning(voice.size))) ** 2
    frequencies = np.fft.rfftfreq(voice.size, 1 / sample.rate)
    first, second = recipe.FORMANTS[vowel][:2]
    low = frequencies < (first + second) / 2
    # A harmonic stands at most half the pitch, some 60 Hz, from the resonance it peaks at.
    assert abs(frequencies[low][spectrum[low].argmax()] - first) < 75
