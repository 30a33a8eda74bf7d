"""Language models' arithmetic: one-hot by torch, probabilities by enumeration, samples by their frequencies."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise, product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare
from sklearn.preprocessing import OneHotEncoder
from torch.nn.functional import cross_entropy

from engine.functional.language import (
    EOS,
    UNK,
    at_temperature,
    build_vocabulary,
    join,
    log_probability,
    one_hot,
    perplexity,
    sample_sequence,
    split,
    tokenize,
)
from engine.seeding import generator


@given(st.text(min_size=1))
@settings(max_examples=60, deadline=None)
def test_characters_come_back_from_their_indices(text: str) -> None:
    tokens = tokenize(text, "characters")
    vocabulary = build_vocabulary(tokens)
    assert join(vocabulary.decode(vocabulary.encode(tokens)), "characters") == text


@given(st.lists(st.text("abc", min_size=1, max_size=3), min_size=1), st.integers(1, 6))
@settings(max_examples=60, deadline=None)
def test_tokens_come_back_but_for_those_left_out(tokens: list[str], most: int) -> None:
    vocabulary = build_vocabulary(tokens, most)
    back = vocabulary.decode(vocabulary.encode(tokens))
    kept = set(vocabulary.tokens[:-2])
    assert back == [token if token in kept else UNK for token in tokens]
    assert len(kept) == min(most, len(set(tokens)))
    counts = Counter(tokens)
    assert min(counts[t] for t in kept) >= max((counts[t] for t in set(tokens) - kept), default=0)


def test_the_vocabulary_is_sorted_and_ends_with_eos_and_unk() -> None:
    vocabulary = build_vocabulary(["the", "cat", "saw", "the", "dog", "and", "the", "cow"])
    assert vocabulary.tokens == ("and", "cat", "cow", "dog", "saw", "the", EOS, UNK)
    assert (vocabulary.eos, vocabulary.unk, len(vocabulary)) == (6, 7, 8)
    assert vocabulary.encode(["cow", "unicorn"]) == [2, 7]


def test_one_hot_is_scikit_learns() -> None:
    indices = torch.randint(9, (40,), generator=generator(0))
    theirs = OneHotEncoder(categories=[range(9)], sparse_output=False).fit_transform(indices[:, None].numpy())
    assert (one_hot(indices, 9).numpy() == theirs).all()
    assert torch.equal(one_hot(indices.tolist(), 9).argmax(1), indices)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Don't stop, café!", ["don't", "stop", ",", "café", "!"]),
        ("नमस्ते दुनिया", ["नमस्ते", "दुनिया"]),
        ("مرحبا بالعالم", ["مرحبا", "بالعالم"]),
        ("你好世界", ["你", "好", "世", "界"]),
        ("hi 👩‍👩‍👧👍🏽", ["hi", "👩‍👩‍👧", "👍🏽"]),
    ],
)
def test_words_of_any_script(text: str, words: list[str]) -> None:
    assert tokenize(text, "words") == words


@given(st.text())
@settings(max_examples=100, deadline=None)
def test_no_sign_is_lost_between_words(text: str) -> None:
    assert "".join(tokenize(text, "words")) == "".join(text.lower().split())


def test_a_text_is_split_into_lines_or_sentences() -> None:
    text = "One. Two? Three\n\n  four! five"
    assert split(text, "characters") == ["One. Two? Three", "four! five"]
    assert split(text, "words") == ["One.", "Two?", "Three", "four!", "five"]
    assert join(["one", ",", "two", "."], "words") == "one, two."


def test_the_log_probability_is_cross_entropys() -> None:
    logits = torch.randn(5, 7, dtype=torch.float64, generator=generator(1))
    targets = torch.randint(7, (5,), generator=generator(2))
    ours = log_probability(logits, targets)
    assert float(-ours.mean()) == pytest.approx(float(cross_entropy(logits, targets)), rel=1e-12)
    assert float(perplexity(ours)) == pytest.approx(math.exp(float(cross_entropy(logits, targets))), rel=1e-12)


def test_the_perplexity_of_a_fair_guess_is_the_number_of_choices() -> None:
    assert float(perplexity(log_probability(torch.zeros(12, 30), torch.arange(12)))) == pytest.approx(30, rel=1e-5)


def test_temperature_goes_from_the_likeliest_to_all_alike() -> None:
    logits = torch.tensor([[2.0, 1.0, -3.0]], dtype=torch.float64)
    torch.testing.assert_close(at_temperature(logits, 1.0), torch.softmax(logits, -1))
    torch.testing.assert_close(
        at_temperature(logits, 0.5), torch.softmax(logits, -1) ** 2 / (torch.softmax(logits, -1) ** 2).sum()
    )
    assert at_temperature(logits, 0.0).tolist() == [[1.0, 0.0, 0.0]]
    assert at_temperature(logits, 1e-300).tolist() == [[1.0, 0.0, 0.0]]
    torch.testing.assert_close(at_temperature(logits, 1e9), torch.full((1, 3), 1 / 3, dtype=torch.float64))


EOS_AT = 3
TABLE = torch.randn(5, 4, generator=generator(3))  # row 4: the logits before the first token


def step(tokens: torch.Tensor, state: int) -> tuple[torch.Tensor, int]:
    """A model that knows only the token before."""
    return TABLE[tokens], state + 1


@pytest.mark.parametrize("temperature", [1.0, 0.6, 2.5])
def test_sampled_sequences_come_as_often_as_they_should(temperature: float) -> None:
    draws, longest = 20_000, 3
    tokens, chances = sample_sequence(
        step,
        TABLE[4:].expand(draws, -1),
        0,
        eos=EOS_AT,
        longest=longest,
        temperature=temperature,
        generator=generator(4),
    )
    found = Counter(map(tuple, tokens.tolist()))
    expected = {}
    for sequence in product(range(4), repeat=longest):
        if any(a == EOS_AT and b != EOS_AT for a, b in pairwise(sequence)):
            continue
        chance, before = 1.0, 4
        for token in sequence:
            chance *= float(torch.softmax(TABLE[before] / temperature, -1)[token]) if before != EOS_AT else 1.0
            before = token
        expected[sequence] = chance
    assert sum(expected.values()) == pytest.approx(1, abs=1e-5) and set(found) <= set(expected)
    counts = [found[s] for s in expected]
    likely = [draws * p / sum(expected.values()) for p in expected.values()]
    assert chisquare(counts, likely).pvalue > 1e-3
    one = torch.softmax(TABLE[4] / temperature, -1)[tokens[:, 0]]
    torch.testing.assert_close(chances[:, 0], one)


def test_a_rejected_token_never_comes_and_zero_is_greedy() -> None:
    first = TABLE[4:].expand(500, -1)
    best = int(TABLE[4].argmax())
    tokens, _ = sample_sequence(step, first, 0, eos=EOS_AT, longest=9, never=(best,), generator=generator(5))
    assert not (tokens == best).any()
    greedy, chances = sample_sequence(step, first, 0, eos=EOS_AT, longest=1, temperature=0.0)
    assert (greedy == best).all() and (chances == 1).all()
