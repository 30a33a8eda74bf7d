from itertools import pairwise

import numpy as np
import pytest
import torch

from engine.data.media import Sound
from engine.data.utterances import clips, held_out_voices
from engine.data.voices import DIGITS, RATE
from engine.functional.attention import padding_mask
from engine.labs.speech.speech_attention import COUNTS, LAB, STRINGS, Spelling
from engine.models import bundled
from engine.models.recogniser import levels
from engine.models.speller import EOS, FRAME_SECONDS, frame_times, initialize, looked_at, rises, spell, trained
from engine.results.listening import fared, heard
from engine.seeding import generator
from engine.training.listening import (
    ABSENT,
    Strings,
    costs,
    digits_of,
    fit_speller,
    held_out_digits,
    said_digits,
    targets,
)


def distance(a, b):
    """Levenshtein's distance, the plain recursion with a table."""
    table = {(i, j): i + j for i in range(len(a) + 1) for j in range(len(b) + 1) if not i * j}
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            table[i, j] = min(table[i - 1, j] + 1, table[i, j - 1] + 1, table[i - 1, j - 1] + (a[i - 1] != b[j - 1]))
    return table[len(a), len(b)]


def counted(strings, lengths):
    """Digits wrong by attention and by CTC over the digits said, and the share of strings whose attention only rises."""
    wrong, said, rose = np.zeros(2), 0, 0
    for count in lengths:
        for which in range(strings):
            utterance = held_out_digits(which, count)
            truth = [DIGITS.index(word) for word, _, _ in utterance.words]
            found = spell(torch.from_numpy(utterance.samples))
            wrong += [distance(truth, list(found.digits)), distance(truth, list(found.read))]
            said += count
            where = [sum(t * float(a) for t, a in enumerate(row)) for row in found.alpha]
            rose += all(later > earlier for earlier, later in pairwise(where))
    return wrong / said, rose / (strings * len(lengths))


def test_attention_only_moves_forward_and_both_write_what_is_said():
    (attention, ctc), rose = counted(12, (1, 2, 3, 4, 5))
    assert rose >= 0.95
    assert attention <= 0.05 and ctc <= 0.05


@pytest.mark.slow
def test_the_bundled_network_keeps_its_bar_on_500_held_out_strings():
    (attention, ctc), rose = counted(100, (1, 2, 3, 4, 5))
    assert rose >= 0.95
    assert attention <= 0.02 and ctc <= 0.02
    card = bundled.card("speech-attention").metric
    assert f"{attention:.2%} of digits wrong by attention, {ctc:.2%} by CTC" in card


@pytest.mark.parametrize("digits", [3, 8])
def test_rates_in_the_figure_equal_a_plain_count(digits):
    (attention, ctc), rose = counted(6, (digits,))
    found = fared(6, digits)
    assert (found.attention, found.ctc, found.rose) == pytest.approx((attention, ctc, rose))


def test_attention_looks_at_the_digit_that_it_writes():
    inside, all_of_them = 0, 0
    for which in range(10):
        said = held_out_digits(which, 4)
        found = spell(torch.from_numpy(said.samples))
        if found.digits != digits_of(said):
            continue
        where = (found.alpha @ frame_times(found.alpha.shape[1])).tolist()
        for moment, (_, start, end) in zip(where, said.words, strict=True):
            inside += start / RATE - 0.15 <= moment <= end / RATE + 0.15
            all_of_them += 1
    assert all_of_them >= 32 and inside / all_of_them >= 0.9


def test_weights_sum_to_one_and_the_average_is_theirs():
    found = spell(torch.from_numpy(held_out_digits(0, 3).samples))
    torch.testing.assert_close(found.alpha.sum(1), torch.ones(3))
    torch.testing.assert_close(found.frames.sum(1), torch.ones(len(found.frames)))
    assert looked_at(torch.eye(4)).tolist() == [0, 1, 2, 3]
    assert rises(torch.eye(4)) and not rises(torch.eye(4).flip(0))
    assert rises(torch.zeros(0, 5)) and FRAME_SECONDS == 0.04


def test_writing_step_by_step_is_what_teacher_forcing_sees():
    said = held_out_digits(1, 4)
    samples = torch.from_numpy(said.samples)
    found, network = spell(samples), trained()
    with torch.inference_mode():
        logits, alpha, frames = network(levels(samples[None]), torch.tensor([[*found.digits, EOS]]))
    assert logits[0].argmax(-1).tolist() == [*found.digits, EOS]
    torch.testing.assert_close(alpha[0, :-1], found.alpha, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(frames[0].exp(), found.frames, atol=1e-5, rtol=1e-4)


def test_costs_are_torchs():
    said = [held_out_digits(which, 2) for which in range(3)]
    longest = max(len(each.samples) for each in said)
    x = levels(torch.stack([torch.from_numpy(np.pad(each.samples, (0, longest - len(each.samples)))) for each in said]))
    batch, network = Strings(x, targets(said)), initialize(0).eval()
    attending, ctc = costs(network, batch)
    a = network.ears(x)
    logits, _ = network.decoder(a, padding_mask(torch.full((3,), a.shape[1]), a.shape[1])[:, 0], batch.targets)
    plain = -sum(
        float(logits[i, t].detach().log_softmax(-1)[symbol])
        for i in range(3)
        for t, symbol in enumerate(batch.targets[i].tolist())
    )
    assert float(attending) == pytest.approx(plain / 9, rel=1e-5)
    frames = network.frames(a).log_softmax(-1)
    each = [
        float(torch.nn.functional.ctc_loss(
            frames[i][:, None], batch.targets[i : i + 1, :2] + 1, torch.tensor([a.shape[1]]), torch.tensor([2]), reduction="sum"
        )) / 2
        for i in range(3)
    ]  # fmt: skip
    assert float(ctc) == pytest.approx(sum(each) / 3, rel=1e-5)
    assert (targets([held_out_digits(0, 1), held_out_digits(0, 2)])[0] == ABSENT).sum() == 1


def test_both_costs_fall():
    pool = [clip for clip in clips(held_out=False) if clip.word in DIGITS[:3]]
    random = generator(0)
    said = [said_digits([pool[int(torch.randint(len(pool), (), generator=random))]], random) for _ in range(12)]
    longest = max(len(each.samples) for each in said)
    x = levels(torch.stack([torch.from_numpy(np.pad(each.samples, (0, longest - len(each.samples)))) for each in said]))
    batch = Strings(x, targets(said))
    first, *_, last = fit_speller(initialize(0, 16), lambda: batch, updates=40, rate=0.01, every=5)
    assert last.attention < 0.7 * first.attention and last.ctc < 0.5 * first.ctc


def test_strings_are_of_one_held_out_voice_and_come_back():
    one, two = held_out_digits(7, 5), held_out_digits(7, 5)
    assert len(one.words) == 5 and one.words == two.words
    np.testing.assert_array_equal(one.samples, two.samples)
    assert heard(7, 5) == heard(7, 5) and len(held_out_voices()) == 5


def sound(samples, rate=RATE):
    return Sound(np.atleast_2d(np.asarray(samples, np.float32)), rate, "test", f"{rate}-{len(samples)}")


def viewed(**changed):
    params = Spelling(**changed)
    return LAB.seen(params, next(LAB.run(params)))


TIME = np.arange(120 * RATE) / RATE
SOUNDS = {
    "silence": np.zeros(RATE),
    "one sample": np.full(1, 0.3),
    "clipped": np.sign(np.sin(2 * np.pi * 300 * TIME[:RATE])),
    "two minutes of music": 0.2 * sum(np.sin(2 * np.pi * f * TIME) for f in (262, 330, 392)),
}


@pytest.mark.parametrize("name", SOUNDS)
def test_any_sound_gets_an_answer(name):
    frame = viewed(look="recording", sound=sound(SOUNDS[name]))
    assert frame.says.startswith("Attention writes")
    if name == "silence":
        assert "The recording is silent." in frame.note
    if name == "clipped":
        assert "clipped" in frame.note


def test_a_string_at_another_rate_is_read_alike():
    said = held_out_digits(2, 4)
    low, high = (
        viewed(look="recording", sound=s) for s in (sound(said.samples), sound(np.repeat(said.samples, 6), 48_000))
    )
    assert low.metrics["By attention"] == high.metrics["By attention"] == " ".join(map(str, digits_of(said)))


def test_the_lab_tells_what_it_measured():
    frame = LAB.last_frame(Spelling())
    assert [each.digits for each in frame.state] == list(COUNTS) and all(
        each.strings == STRINGS for each in frame.state
    )
    known = [each for each in frame.state if each.digits <= 5]
    rate = sum(each.attention * each.digits for each in known) / sum(each.digits for each in known)
    assert f"attention gets {rate:.1%} of the digits wrong" in frame.says
    assert frame.metrics["Errors"] == "0 and 0"


def test_noise_makes_it_worse():
    def errors(snr):
        seen = [viewed(which=which, snr=snr).metrics["Errors"] for which in range(4)]
        return sum(int(number) for text in seen for number in text.split(" and "))

    assert errors(40.0) < errors(-10.0)
