"""Noise, rooms and loudness: what they are in numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.data.noise import noise
from engine.data.voices import DIGITS, RATE, TRIGGER, bank, said
from engine.functional.acoustics import LONGEST_ECHO, colours, disturbed, rooms
from engine.seeding import generator


@pytest.mark.parametrize("steepness", [0.0, 1.0, 2.0])
def test_the_power_of_noise_falls_as_its_steepness_says(steepness):
    made = noise((20, 8000), torch.full((20,), steepness), generator(0))
    assert torch.allclose(made.square().mean(1), torch.ones(20), atol=1e-4)
    power = torch.fft.rfft(made).abs().square().mean(0)[10:3000].log().numpy()
    slope = np.polyfit(np.log(np.arange(10, 3000)), power, 1)[0]
    assert slope == pytest.approx(-steepness, abs=0.05)


def test_an_echo_follows_the_direct_sound_and_is_weaker():
    made = rooms(50, generator(0))
    assert made.shape == (50, int(LONGEST_ECHO * RATE)) and bool((made[:, 0] == 1).all())
    assert float(made[:, 1:].square().sum(1).max()) <= 0.36 + 1e-4
    early, late = made[:, 1:800].square().sum(1), made[:, -800:].square().sum(1)
    assert bool((late < early).all())


def test_a_microphones_colour_is_smooth_and_bounded_on_the_whole():
    level = 20 * colours(200, 1000, generator(0), strength=12.0).log10()
    assert float(level.std()) == pytest.approx(6, rel=0.3)
    assert float(level.diff(dim=1).abs().max()) < 0.2  # dB from one frequency to the next


def test_disturbed_speech_is_as_long_loud_at_most_one_and_the_same_again():
    clean = torch.from_numpy(np.stack([clip.samples[:1500] for clip in said("five")]))
    one, two = (disturbed(clean, generator(3)) for _ in range(2))
    assert one.shape == clean.shape and bool((one == two).all()) and bool(one.isfinite().all())
    peaks = one.abs().amax(1)
    assert float(peaks.max()) <= 1 + 1e-6 and float(peaks.min()) < 0.5


def test_the_bank_holds_every_digit_and_the_trigger_in_thirty_voices_with_rising_phonemes():
    assert {len(said(word)) for word in (*DIGITS, TRIGGER)} == {30}
    for clip in bank():
        starts = [start for _, start in clip.phones]
        assert starts[0] == 0 and starts == sorted(starts) and starts[-1] < clip.seconds
        assert 0.12 < clip.seconds < 1.2 and 0.3 < float(np.abs(clip.samples).max()) <= 0.7
