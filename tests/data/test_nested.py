"""Brackets and bits, answered by other means."""

from engine.data.nested import DEEPEST, TASKS, sequences
from engine.seeding import generator


def test_the_innermost_bracket_is_what_is_left_when_closed_ones_are_struck_out() -> None:
    task = TASKS["brackets"]
    x, y = sequences("brackets", 200, 12, generator(0))
    for signs, answers in zip(x.tolist(), y.tolist(), strict=True):
        text = ""
        for sign, answer in zip(signs, answers, strict=True):
            text += task.signs[sign]
            if text.endswith("/"):
                text = text[:-2]
            assert task.answers[answer] == (text[-1:] or "-") and len(text) <= DEEPEST


def test_closing_what_is_not_open_changes_nothing() -> None:
    assert TASKS["brackets"].solve("//(/[") == ["-", "-", "(", "-", "["]


def test_bits_are_the_parity_of_the_last_four() -> None:
    x, y = sequences("bits", 100, 12, generator(1))
    padded = x.new_zeros(len(x), 15)
    padded[:, 3:] = x
    assert (padded.unfold(1, 4, 1).sum(2) % 2 == y).all()
    assert 0.45 < y.float().mean() < 0.55
