"""Sentences are of the grammar, held-out ones are apart, and every small task's answers are the true ones."""

import pytest
import torch

from engine.data.sequences import (
    CUE,
    FORMS,
    INDEX,
    NAMES,
    PLURAL,
    SINGULAR,
    TOLD,
    WORDS,
    agreement,
    draws,
    filler,
    is_held_out,
    read,
    remember,
    twin,
)  # fmt: skip
from engine.data.shapes import END, IGNORED, MAKERS, task
from engine.seeding import generator


@pytest.mark.parametrize("gap", [0, 1, 2, 3, 4, 9, 30])
def test_a_gap_has_so_many_words_and_the_verb_agrees_with_the_subject(gap):
    rows, forms = agreement(200, gap, generator(0))
    assert rows.shape == (200, gap + 2) and forms.shape == (200, 1)
    subjects = [WORDS[i] for i in rows[:, 1]]
    assert [FORMS[i] for i in forms[:, 0]] == ["were" if word in PLURAL else "was" for word in subjects]
    assert all(word in (*SINGULAR, *PLURAL) for word in subjects)
    assert 0.3 < float(forms.float().mean()) < 0.7


def test_nouns_in_between_tell_nothing():
    """The number of the last noun before the verb agrees with the subject's in about half of the sentences."""
    rows, forms = agreement(1000, 12, generator(1))
    last = [
        next(WORDS[i] in PLURAL for i in reversed(row[2:].tolist()) if WORDS[i] in (*SINGULAR, *PLURAL)) for row in rows
    ]
    assert 0.45 < float((torch.tensor(last) == forms[:, 0].bool()).float().mean()) < 0.55


def test_held_out_sentences_are_never_trained_on():
    for gap in (3, 12):
        seen, kept = (agreement(300, gap, generator(2), held_out=out)[0].tolist() for out in (False, True))
        assert not {tuple(row) for row in seen} & {tuple(row) for row in kept}
        assert all(is_held_out([WORDS[i] for i in row]) for row in kept)


def test_typed_sentences_are_read_up_to_the_verb():
    assert read("The CAT, near 3 dogs, was full") == (["the", "cat", "near", "dogs"], [])
    assert read("the cat ate 🐟 <b>fish</b> العربية") == (["the", "cat"], ["ate", "b", "fish", "b", "العربية"])
    assert read("") == ([], [])
    assert twin(["the", "cat", "near", "the", "dogs"]) == ["the", "cats", "near", "the", "dogs"]
    assert twin(["the", "old"]) == ["the", "old"]
    assert all(word in INDEX for word in filler(40, draws(generator(3))))


def test_the_name_to_remember_is_the_first_word():
    rows, told = remember(50, 7, generator(4))
    assert rows.shape == (50, 9) and torch.equal(rows[:, :1], told)
    assert set(rows[:, -1].tolist()) == {TOLD.index(CUE)}
    assert int(rows[:, 1:-1].min()) >= len(NAMES)


@pytest.mark.parametrize("shape", MAKERS)
def test_held_out_examples_are_apart_and_all_can_be_encoded(shape):
    made = task(shape, generator(5))
    assert len(made.test) >= 20 and not {e[0] for e in made.train} & {e[0] for e in made.test}
    x, y = made.encoded(made.train)
    assert int(x.max()) < len(made.inputs) and int(y.max()) < len(made.outputs)
    assert [[made.outputs[i] for i in row if i != IGNORED] for row in y.tolist()] == [list(e[1]) for e in made.train]


def test_the_answers_are_true():
    for ins, outs in task("translation", generator(6)).train:
        assert outs == (*reversed(ins), END)
    for ins, outs in task("tagging", generator(6)).train:
        assert outs == tuple(str(ins[: t + 1].count("(") - ins[: t + 1].count(")")) for t in range(len(ins)))
    for ins, outs in task("many-to-one", generator(6)).train:
        bad = bool({"bad", "awful", "dull", "boring", "hated", "disliked", "regretted"} & set(ins))
        assert outs == ("negative" if bad != bool({"not", "never", "nobody"} & set(ins)) else "positive",)
    around = "CDEFGAB" * 3
    for (note, way, length), outs in task("one-to-many", generator(6)).train:
        assert outs[-1] == END and len(outs) == int(length) + 1
        assert outs[0] == note and "".join(outs[:-1]) in (around if way == "up" else around[::-1])


@pytest.mark.parametrize(
    ("shape", "typed", "answer"),
    [
        ("one-to-many", "G down 6", "GFEDCB■"),
        ("many-to-one", "The plot was not very boring!", ("positive",)),
        ("tagging", "((x))", "1210"),
        ("translation", "Badge", "egdab■"),
    ],
)
def test_typed_inputs_are_read(shape, typed, answer):
    made = task(shape, generator(7))
    assert made.read(typed)[1] == tuple(answer)
    for nothing in ("", "?", "🎵", "ש"):
        assert made.read(nothing) is None
