import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.overlay import APART, MOST_OTHERS, MOST_TRIGGERS, chimed, labels, overlay, placed
from engine.data.utterances import between, clips, held_out_voices, strung, varied, voices
from engine.data.voices import RATE, TRIGGER, said
from engine.seeding import generator


@given(st.lists(st.integers(1, 400), max_size=12), st.integers(1, 2000), st.integers(0, 50), st.integers(0, 10_000))
@settings(max_examples=200, deadline=None)
def test_no_two_stretches_overlap_and_none_leaves_the_clip(lengths, total, apart, seed):
    starts = placed(lengths, total, apart, generator(seed))
    taken = np.zeros(total, int)
    for start, length in zip(starts, lengths, strict=False):
        assert 0 <= start <= total - length
        taken[start : start + length] += 1
    assert taken.max(initial=0) <= 1
    for (start, length), after in zip(zip(starts, lengths, strict=False), starts[1:], strict=False):
        assert after - (start + length) >= apart
    fitting = sum(lengths) + apart * (len(lengths) - 1) <= total
    assert len(starts) == len(lengths) or not fitting


def test_every_place_is_as_likely():
    starts = [tuple(placed([2, 3], 8, 0, generator(seed))) for seed in range(6000)]
    counts = np.unique(starts, axis=0, return_counts=True)[1]
    # Rooms (a, b) with 0 <= a <= b <= 3, drawn sorted: a tie is half as likely as two that differ.
    assert len(counts) == 10
    assert counts.sum() == 6000 and counts.min() > 6000 / 16 * 0.8


@pytest.mark.parametrize("held_out", [True, False])
def test_words_of_clips_never_overlap_and_the_mix_is_the_sum_of_its_parts(held_out):
    pool = clips(held_out)
    for seed in range(40):
        made = overlay(pool, generator(seed))
        for one, next_ in zip(made.words, made.words[1:], strict=False):
            assert next_.start - one.end >= round(APART * RATE)
        said_ = [word.clip.word for word in made.words]
        assert said_.count(TRIGGER) == len(made.ends()) <= MOST_TRIGGERS
        assert len(said_) - said_.count(TRIGGER) <= MOST_OTHERS
        whole = made.background.astype(np.float64).copy()
        for word in made.words:
            whole[word.start : word.start + len(word.clip.samples)] += word.clip.samples
        np.testing.assert_allclose(made.mix, np.clip(whole, -1, 1), atol=1e-6)


@given(st.lists(st.integers(0, 7999), max_size=4), st.sampled_from([1, 7, 50]), st.integers(1, 200))
@settings(max_examples=100, deadline=None)
def test_labels_are_one_after_the_word_and_nowhere_else(ends, width, hop):
    frames = 8000 // hop
    y = labels(ends, frames, hop, width).tolist()
    for i in range(frames):
        heard = (i + 1) * hop  # the samples that the frame and those before it hear
        after = [(heard - end - 1) // hop if heard > end else -1 for end in ends]
        assert y[i] == float(any(0 <= frames_late < width for frames_late in after))


def test_labels_of_the_course():
    y = labels([4000], 100, 80, 50)
    assert y.nonzero().flatten().tolist() == list(range(50, 100))
    assert labels([4000], 100, 80, 1).sum() == 1


def test_the_voices_held_out_say_every_word_and_share_nothing():
    learned, held = clips(held_out=False), clips(held_out=True)
    assert len(learned) + len(held) == 490 and len(held_out_voices()) == 5 and len(voices()) == 30
    assert {clip.word for clip in held} == {clip.word for clip in learned}
    assert not {clip.voice for clip in held} & {clip.voice for clip in learned}


def test_a_chime_is_heard_from_where_it_is_laid():
    silence = np.zeros(8000, np.float32)
    heard = chimed(silence, [2000])
    assert not heard[:2001].any() and np.abs(heard[2000:4000]).max() > 0.1
    assert chimed(silence, [7990, 9000]).shape == (8000,)
    np.testing.assert_array_equal(chimed(silence, []), silence)


def test_a_faster_clip_is_shorter_higher_and_keeps_its_phonemes():
    [clip] = [clip for clip in said("seven") if clip.voice == voices()[0]]
    fast = varied(clip, 1.25, 0.5)
    assert fast.seconds == pytest.approx(clip.seconds / 1.25, abs=1e-3)
    assert np.abs(fast.samples).max() <= 0.5 * np.abs(clip.samples).max() + 1e-6
    for (a, before), (b, after) in zip(clip.phones, fast.phones, strict=True):
        assert a == b and after == pytest.approx(before / 1.25)


def test_strung_words_are_where_they_are_said_to_be():
    one, two = said("one")[0], said("two")[1]
    made = strung([one, two], [0.1, 0.05, 0.2])
    assert len(made.samples) == round(0.35 * RATE) + len(one.samples) + len(two.samples)
    for clip, (word, start, end) in zip((one, two), made.words, strict=True):
        assert word == clip.word
        np.testing.assert_array_equal(made.samples[start:end], clip.samples)
    assert 0.1 <= between(0.1, 0.2, generator(0)) <= 0.2
