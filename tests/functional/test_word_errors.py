"""Word errors against a plain recursive count, and on cases counted by hand."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.functional.word_errors import word_error_rate, word_errors

WORDS = st.lists(st.sampled_from("abc"), max_size=6)


def distance(said: tuple[str, ...], heard: tuple[str, ...]) -> int:
    @cache
    def from_here(i: int, j: int) -> int:
        if i == len(said):
            return len(heard) - j
        if j == len(heard):
            return len(said) - i
        if said[i] == heard[j]:
            return from_here(i + 1, j + 1)
        return 1 + min(from_here(i + 1, j + 1), from_here(i + 1, j), from_here(i, j + 1))

    return from_here(0, 0)


@settings(deadline=None, max_examples=200)
@given(WORDS, WORDS)
def test_the_alignment_has_as_many_errors_as_the_distance_and_loses_no_word(said, heard):
    found = word_errors(said, heard)
    assert found.errors == distance(tuple(said), tuple(heard))
    assert [a for a, _ in found.pairs if a] == said and [b for _, b in found.pairs if b] == heard
    assert found.said == len(said)


@pytest.mark.parametrize(
    ("said", "heard", "pairs"),
    [
        ("one two three", "one too three", [("one", "one"), ("two", "too"), ("three", "three")]),
        ("one two", "two", [("one", ""), ("two", "two")]),
        ("one", "one two", [("one", "one"), ("", "two")]),
        ("", "one", [("", "one")]),
    ],
)
def test_what_was_said_stands_beside_what_was_heard(said, heard, pairs):
    assert list(word_errors(said.split(), heard.split()).pairs) == pairs


def test_the_rate_is_that_of_all_words_together():
    all_errors = [word_errors(["a", "b", "c"], ["a", "b"]), word_errors(["a"], ["b", "c", "d"])]
    assert word_error_rate(all_errors) == pytest.approx(4 / 4)
    assert word_error_rate([]) == 0
