from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from engine.data.media import Sound
from engine.data.utterances import held_out_voices
from engine.data.voices import RATE, TRIGGER
from engine.functional.triggering import firings
from engine.labs.speech.trigger_word import LAB, Waking
from engine.models import bundled
from engine.models.trigger import HOP, STEP, frames, initialize, probability, trained
from engine.results.trigger import THRESHOLDS, bundled_rates, rates
from engine.training.trigger import MOST_PIECES, heard, held_out, held_out_clip

PEOPLE = Path(__file__).resolve().parents[3] / "shared/real/speech/fsdd"


def plain_count(p, clip, threshold):
    """Detections and false alarms of one clip in seconds, straight from the samples of its words."""
    ends = [word.end / RATE for word in clip.words if word.clip.word == TRIGGER]
    found, false, last, low = set(), 0, -10.0, True
    for frame, value in enumerate(p):
        now = (frame + 1) * HOP / RATE
        if value >= threshold and low and now - last > 0.5 + 1e-9:
            last = now
            near = [i for i, end in enumerate(ends) if i not in found and end - 0.3 <= now <= end + 0.8 + 0.01]
            found |= set(near[:1])
            false += not near
        low = value < threshold
    return len(found), false, len(ends)


def counted(width, threshold, pieces):
    total = np.zeros(3)
    for piece in range(pieces):
        for i, p in enumerate(heard(width, piece)):
            total += plain_count(p.tolist(), held_out_clip(12 * piece + i), threshold)
    return total


@pytest.mark.parametrize(("width", "threshold"), [(50, 0.5), (50, 0.9), (1, 0.1)])
def test_the_rates_equal_a_plain_count(width, threshold):
    pieces = 3
    found = bundled_rates(width, 0, 0.5)
    for piece in range(1, pieces):
        found = found.joined(bundled_rates(width, piece, 0.5))
    detected, false, words = counted(width, threshold, pieces)
    k = found.at(threshold)
    assert found.words == words and found.hours == pytest.approx(pieces * 120 / 3600)
    # A word whose firing falls on the very edge of its window may be counted either way.
    assert abs(found.detected[k] * words - detected) <= 1
    assert abs(found.alarms[k] * found.hours - false) <= 1


@pytest.mark.slow
def test_the_bundled_listener_keeps_its_bar_on_an_hour_of_held_out_clips():
    detected, false, words = counted(50, 0.5, MOST_PIECES)
    assert words > 500 and detected / words >= 0.93 and false <= 12
    detected, false, words = counted(1, 0.5, MOST_PIECES)
    assert detected / words < 0.2, "one frame labelled 1 teaches it to stay low"


def test_ten_minutes_of_held_out_clips():
    detected, false, words = counted(50, 0.5, 5)
    assert words > 70 and detected / words >= 0.9 and false / (5 * 120 / 3600) <= 24


def test_held_out_clips_are_of_held_out_voices_and_the_card_tells_what_was_measured():
    for which in range(20):
        assert {word.clip.voice for word in held_out_clip(which).words} <= set(held_out_voices())
    assert "hour" in bundled.card("trigger").metric


def test_it_never_looks_ahead():
    samples = held_out_clip(0).mix
    network = trained(50)
    whole = probability(network, frames(samples)[None])[0]
    cut = 40 * STEP  # frames
    part = probability(network, frames(samples[: cut * HOP])[None])[0]
    torch.testing.assert_close(part, whole[:cut], atol=1e-5, rtol=0)


def test_frames_hear_up_to_their_own_sample():
    samples = np.zeros(8000, np.float32)
    samples[4000] = 0.5
    x = frames(samples)
    assert x.shape == (100, 24)
    changed = (x - x[0]).abs().amax(1) > 1e-3
    assert changed.nonzero().flatten().tolist() == [50, 51]  # none before it, and the window fades


def test_networks_learn_here():
    frame = LAB.last_frame(Waking(network="live", updates=90, made=100))
    untrained = next(LAB.frames(Waking(network="live")))
    found, before = frame.state.found, untrained.state.found
    assert found.detected[found.at(0.5)] > 0.6
    assert 3 * found.alarms[found.at(0.5)] < before.alarms[before.at(0.5)]
    assert "Training" in frame.figures and frame.progress == 1


def test_a_rate_too_high_is_told():
    frame = LAB.last_frame(Waking(network="live", updates=4, made=8, rate=1.0))
    assert frame.progress == 1 and (not frame.diverged or frame.remedy == {"rate": 0.01})


def sound(samples, rate=RATE):
    return Sound(np.atleast_2d(np.asarray(samples, np.float32)), rate, "test", f"{rate}-{len(samples)}")


def viewed(**changed):
    params = Waking(**changed)
    return LAB.seen(params, next(LAB.run(params)))


RANDOM = np.random.default_rng(0)
TIME = np.arange(120 * RATE) / RATE
SOUNDS = {
    "silence": np.zeros(RATE),
    "one sample": np.zeros(1),
    "clipped": np.sign(np.sin(2 * np.pi * 300 * TIME[:RATE])),
    "two minutes of music": 0.2 * sum(np.sin(2 * np.pi * f * TIME) for f in (262, 330, 392)),
    "noise": 0.3 * RANDOM.standard_normal(3 * RATE).clip(-3, 3),
}


@pytest.mark.parametrize("name", SOUNDS)
def test_any_sound_gets_an_answer(name):
    frame = viewed(look="recording", sound=sound(SOUNDS[name]))
    assert "In your sound it fires" in frame.says
    if name in ("silence", "one sample"):
        assert frame.note == "The recording is silent."
    if name == "clipped":
        assert "clipped" in frame.note
    if name != "noise":
        assert "fires 0 times" in frame.says


def test_a_recording_at_another_rate_fires_alike():
    clip = held_out_clip(0)
    assert len(clip.ends()) > 0
    low = viewed(look="recording", sound=sound(clip.mix))
    high = viewed(look="recording", sound=sound(np.repeat(clip.mix, 6), 48_000))
    assert low.metrics["It fires"] == high.metrics["It fires"]


def test_a_higher_threshold_never_detects_more_and_both_play_a_chime():
    found = bundled_rates(50, 0, 0.5)
    assert (np.diff(found.detected[found.threshold >= 0.5]) <= 1e-9).all()
    frame = LAB.last_frame(Waking(look="recording"))
    assert list(frame.sounds) == ["With a chime where it fires", "The sound"]
    assert list(LAB.last_frame(Waking()).sounds) == ["With a chime where it fires", "Background", "Words", "Mix"]


def test_labels_of_one_frame_are_rare():
    few, many = viewed(width="1"), viewed(width="50")
    assert float(few.metrics["Labels that are 1"].rstrip(" %")) < 0.3
    assert 5 < float(many.metrics["Labels that are 1"].rstrip(" %")) < 15


def test_rates_of_a_perfect_listener():
    piece = held_out(0)
    p = np.zeros((12, piece.x.shape[1]))
    for i, ends in enumerate(piece.ends):
        for end in ends:
            p[i, end : end + 50] = 1
    found = rates(list(p), piece.ends, 0.5)
    assert (found.detected == 1).all() and not found.alarms.any() and len(THRESHOLDS) == len(found.detected)


def test_a_network_of_one_seed_is_always_the_same():
    one, two = (initialize(3).state_dict() for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one)


@pytest.mark.real
@pytest.mark.skipif(not PEOPLE.is_dir(), reason="../shared/real/speech/fsdd isn't there")
def test_it_stays_quiet_while_people_say_digits():
    fired, seconds = 0, 0.0
    for file in sorted(PEOPLE.glob("*.wav"))[::10]:
        samples, rate = soundfile.read(file, dtype="float32")
        seconds += len(samples) / rate
        p = probability(trained(50), frames(np.pad(samples, 3000))[None])[0].numpy()
        fired += len(firings(p, 0.5, 50))
    assert seconds > 60 and fired <= 1
