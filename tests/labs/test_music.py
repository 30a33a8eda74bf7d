"""Music: the sound is valid and follows the notes, the MIDI file too; sampling, temperature, seed notes and copies."""

from __future__ import annotations

import io
import math
from itertools import accumulate

import numpy as np
import pytest
import soundfile
import torch

from engine.data.tunes import HELD_OUT, MELODIES, Note, read, tunes, vocabulary
from engine.lab import Frame
from engine.labs.sequence_models.music import (
    CHOICES,
    LAB,
    ROLL,
    Playing,
    build,
    lesson,
    melody,
    play,
    softened,
    windows,
)
from engine.models.tagger import Tagger
from engine.seeding import generator
from tests.functional.midi_file import parse
from tests.functional.test_music import heard


@pytest.fixture(scope="module")
def trained() -> Frame:
    torch.set_num_threads(1)
    return LAB.last_frame(Playing())


def network(frame: Frame, params: Playing) -> Tagger:
    made = build(params)
    made.load_state_dict(frame.state)
    return made


def drawn(frame: Frame) -> list[Note]:
    """The notes as the roll shows them."""
    bars = frame.figures[ROLL].data[0]
    return [Note(int(p), round(float(x) / 0.94, 4)) for p, x in zip(bars["y"], bars["x"], strict=True)]


@pytest.mark.parametrize(
    "changed", [{}, {"temperature": 1.6, "tempo": 90, "another": 7}, {"start": "A4:2 G#4", "tempo": 200}]
)
def test_the_sound_is_valid_and_follows_the_sampled_notes(trained: Frame, changed: dict) -> None:
    params = Playing(**changed)
    frame = LAB.seen(params, trained)
    notes = drawn(frame)
    samples, rate = soundfile.read(io.BytesIO(frame.files["melody.wav"]), always_2d=True)
    info = soundfile.info(io.BytesIO(frame.files["melody.wav"]))
    assert (info.format, info.subtype, info.channels, rate) == ("WAV", "PCM_16", 1, 22_050)
    begins = [0.0, *accumulate(note.beats * 60 / params.tempo for note in notes)]
    assert len(samples) / rate == pytest.approx(begins[-1], abs=0.01)
    assert np.abs(samples).max() <= 0.81 and np.sqrt((samples**2).mean()) > 0.05
    for note, start, end in zip(notes, begins, begins[1:], strict=False):
        piece = samples[round(start * rate) : round(end * rate), 0]
        assert abs(heard(piece, rate) - note.pitch) < 0.5, (note, start)
    played = frame.sounds["Melody"]
    assert played.rate == rate and np.abs(played.samples[0] - samples[:, 0]).max() < 1e-4


def test_the_midi_file_holds_the_sampled_notes(trained: Frame) -> None:
    frame = LAB.seen(Playing(tempo=100), trained)
    score, notes = parse(frame.files["melody.mid"]), drawn(frame)
    assert [(n.pitch, n.beats) for n in score.notes] == [tuple(n) for n in notes]
    assert [n.at for n in score.notes] == [0, *accumulate(n.beats for n in notes)][:-1]
    assert score.tempo == pytest.approx(100, rel=1e-5)


def test_the_roll_is_numbered_in_playing_order_and_begins_with_the_given_notes(trained: Frame) -> None:
    frame = LAB.seen(Playing(start="C4 E4 G4:2", length=30), trained)
    bars = frame.figures[ROLL].data[0]
    assert [n for n, _ in bars["customdata"]] == list(range(1, 34)) and drawn(frame)[:3] == [
        Note(60, 1),
        Note(64, 1),
        Note(67, 2),
    ]
    assert np.allclose(bars["base"], [0, *accumulate(n.beats for n in drawn(frame))][:-1])
    colors = bars["marker"]["color"]
    assert len(set(colors[:3])) == 1 and colors[3] != colors[0]


def test_an_untrained_network_costs_the_log_of_its_choices() -> None:
    frame = LAB.last_frame(Playing(steps=0))
    assert float(frame.metrics["Cost, trained on"]) == pytest.approx(math.log(len(vocabulary()) + 1), abs=0.006)


def test_training_lowers_the_cost_and_held_out_melodies_stay_hard(trained: Frame) -> None:
    figure = trained.figures["Cost of a note"]
    train, held = (np.array(trace["y"]) for trace in figure.data)
    assert train[-1] < 0.25 * train[0]
    assert held.min() < held[0] - 0.5 and held[-1] > held.min() + 0.3
    names = {tune.name for tune in lesson("all")[0]}
    assert not names & set(HELD_OUT) and len(names) == len(tunes()) - 3


def test_what_it_learns_is_the_next_note() -> None:
    x, y = windows(lesson("melodies")[0], 6)
    assert torch.equal(x[:, 1:], y[:, :-1])
    first = [vocabulary()[i - 1] for i in y[0].tolist()]
    assert first == read(MELODIES["Twinkle, twinkle"])[0][: len(first)]


def test_steps_of_playing_equal_the_network_over_the_whole_melody(trained: Frame) -> None:
    params = Playing()
    tagger = network(trained, params)
    played = play(tagger, [3, 9, 12], 20, 0.9, generator(1))
    with torch.inference_mode():
        whole = tagger(torch.tensor([[0, *played.chosen[:-1]]]))[0]
    assert torch.allclose(torch.stack(played.logits), whole, atol=1e-4)


def test_temperature_softens_as_the_formula_says() -> None:
    logits = torch.tensor([2.0, 1.0, -1.0], dtype=torch.float64)
    expected = np.exp(logits.numpy() / 0.7)
    assert np.allclose(softened(logits, 0.7).numpy(), expected / expected.sum(), atol=1e-12)
    assert softened(logits, 0.0).tolist() == [1, 0, 0] and softened(logits, 0.0, may_end=False).tolist() == [0, 1, 0]
    assert softened(logits, 1.0, may_end=False)[0] == 0


def test_draws_follow_the_probabilities(trained: Frame) -> None:
    tagger = network(trained, Playing())
    given, random = [10, 14], generator(4)
    draws = [play(tagger, given, 1, 1.0, random) for _ in range(600)]
    odds = softened(draws[0].logits[2], 1.0)
    firsts = np.bincount([d.chosen[2] for d in draws], minlength=len(odds)) / len(draws)
    assert np.abs(firsts - odds.numpy()).max() < 0.07


def test_cold_is_the_same_each_time_and_hot_is_not(trained: Frame) -> None:
    cold, hot = ([drawn(LAB.seen(Playing(temperature=t, another=n), trained)) for n in (0, 1)] for t in (0.0, 1.5))
    assert cold[0] == cold[1] and hot[0] != hot[1]


def test_a_colder_melody_copies_more_than_a_hot_one(trained: Frame) -> None:
    def copies(temperature: float) -> float:
        frames = [LAB.seen(Playing(temperature=temperature, another=n), trained) for n in range(5)]
        return float(np.mean([int(frame.metrics["Longest copy"].split()[0]) for frame in frames]))

    assert copies(0.3) > copies(2.0) + 2


def test_choices_shown_are_those_behind_the_asked_note(trained: Frame) -> None:
    params = Playing(asked=9)
    _, played, _ = melody(params, network(trained, params))
    shown = LAB.seen(params, trained).figures[CHOICES].data[0]
    at = [i for i, number in enumerate(played.chosen) if number][8]
    odds = torch.softmax(played.logits[at].double() / params.temperature, -1)
    if at and played.chosen[at - 1] == 0:
        odds[0] = 0
        odds /= odds.sum()
    assert np.allclose(shown["x"], odds.topk(8).values.numpy(), atol=1e-9)


@pytest.mark.parametrize("start", ["", "H2 x", "🎵", "C4 " * 33, "C0 B8:99"])
def test_any_first_notes_are_taken(trained: Frame, start: str) -> None:
    frame = LAB.seen(Playing(start=start, length=8), trained)
    assert len(drawn(frame)) == min(16, len(read(start)[0])) + 8
    assert ("Not read" in frame.note) is bool(read(start)[1])


def test_a_long_melody_sounds_for_two_minutes_at_most(trained: Frame) -> None:
    frame = LAB.seen(Playing(start="C4:4 " * 12, length=96, tempo=40), trained)
    samples, rate = soundfile.read(io.BytesIO(frame.files["melody.wav"]))
    assert 100 < len(samples) / rate <= 120 and "MIDI file holds all" in frame.note
    assert len(parse(frame.files["melody.mid"]).notes) == len(drawn(frame))


def test_sound_and_files_come_when_training_has_ended() -> None:
    frames = LAB.frames(Playing())
    first = next(frames)
    frames.close()
    assert not first.files and not first.sounds and "ended" in first.note
