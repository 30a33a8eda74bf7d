"""BLEU by sacrebleu, the examples of the mat, and what the coloured bars promise."""

from __future__ import annotations

import math
import random

import pytest
import sacrebleu
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.tokenizers import tokenizer_13a, tokenizer_char

from engine.functional.bleu import (
    align,
    bleu,
    brevity_penalty,
    closest_length,
    corpus_bleu,
    count_ngrams,
    modified_precision,
    ngrams,
    tokenize,
)

MAT = [tokenize("The cat is on the mat."), tokenize("There is a cat on the mat.")]
WORDS = (
    "the",
    "The",
    "cat",
    "mat",
    "is",
    "on",
    "a",
    "3.5",
    "U.S.",
    "well-known",
    "don't",
    "it's,",
    "&quot;x&quot;",
    "end.",
)


@pytest.mark.parametrize(
    ("said", "n", "expected"), [("the " * 7, 1, (2, 7)), ("the cat the cat on the mat", 2, (4, 6))]
)
def test_the_mat(said: str, n: int, expected: tuple[int, int]) -> None:
    assert modified_precision(tokenize(said), MAT, n) == expected


def test_the_mats_bigrams_one_by_one() -> None:
    counted = {
        " ".join(c.ngram): (c.count, c.clipped) for c in count_ngrams(tokenize("the cat the cat on the mat"), MAT, 2)
    }
    assert counted == {"the cat": (2, 1), "cat the": (1, 0), "cat on": (1, 1), "on the": (1, 1), "the mat": (1, 1)}


def cases(count: int) -> list[tuple[str, list[str]]]:
    """Random sentences, each with one to four references that share most of its words."""
    draw = random.Random(0)
    made = []
    for _ in range(count):
        base = draw.choices(WORDS, k=draw.randint(1, 14))

        def changed(words: list[str] = base) -> str:
            kept = [draw.choice(WORDS) if draw.random() < 0.25 else word for word in words]
            return " ".join(kept[: draw.randint(1, len(kept))] + draw.choices(WORDS, k=draw.randint(0, 3)))

        made.append((changed(), [changed() for _ in range(draw.randint(1, 4))]))
    return made


@pytest.mark.parametrize("smoothing", ["none", "exp"])
@pytest.mark.parametrize("effective", [True, False])
@pytest.mark.parametrize("lower", [True, False])
def test_sentences_are_scored_as_by_sacrebleu(smoothing: str, effective: bool, lower: bool) -> None:
    metric = sacrebleu.BLEU(smooth_method=smoothing, effective_order=effective, lowercase=lower)
    above = 0
    for candidate, references in cases(200):
        expected = metric.sentence_score(candidate, references)
        tokens = [tokenize(reference, lower=lower) for reference in references]
        found = bleu(tokenize(candidate, lower=lower), tokens, smoothing=smoothing, effective=effective)
        assert 100 * found.score == pytest.approx(expected.score, abs=1e-9)
        assert found.length == expected.sys_len and found.reference == expected.ref_len
        assert (list(found.matches), list(found.counts)) == (expected.counts, expected.totals)
        if any(found.matches):
            assert found.penalty == pytest.approx(expected.bp, abs=1e-12)
            assert [100 * p for p in found.precisions] == pytest.approx(expected.precisions, abs=1e-9)
        above += found.score > 0
    assert above > 60


@pytest.mark.parametrize("smoothing", ["none", "exp"])
@pytest.mark.parametrize("order", [1, 2, 4, 6])
def test_corpora_are_scored_as_by_sacrebleu(smoothing: str, order: int) -> None:
    for size in (1, 7, 60):
        pairs = cases(200)[:size]
        most = max(len(references) for _, references in pairs)
        streams = [[refs[k] if k < len(refs) else None for _, refs in pairs] for k in range(most)]
        expected = sacrebleu.BLEU(smooth_method=smoothing, max_ngram_order=order).corpus_score(
            [c for c, _ in pairs], streams
        )
        found = corpus_bleu(
            [tokenize(c, lower=False) for c, _ in pairs],
            [[tokenize(r, lower=False) for r in refs] for _, refs in pairs],
            order=order,
            smoothing=smoothing,
        )
        assert 100 * found.score == pytest.approx(expected.score, abs=1e-9)


@given(st.text(st.characters(codec="utf-8"), max_size=30) | st.text("a1.,-&;<> \n\"'$%(quotampg;)", max_size=30))
@settings(max_examples=200, deadline=None)
def test_words_and_characters_are_cut_as_by_sacrebleu(text: str) -> None:
    line = text.rstrip()
    assert tokenize(text, lower=False) == tokenizer_13a.Tokenizer13a()(line).split()
    assert tokenize(text, "characters", lower=False) == tokenizer_char.TokenizerChar()(line).split()


def test_the_penalty() -> None:
    assert brevity_penalty(7, 7) == brevity_penalty(9, 7) == 1
    assert brevity_penalty(5, 10) == pytest.approx(math.exp(-1)) and brevity_penalty(0, 3) == 0
    assert closest_length(6, [["x"] * 5, ["x"] * 7]) == 5 and closest_length(7, [["x"] * 2, ["x"] * 8]) == 8


def test_a_perfect_candidate_scores_one_and_an_empty_one_zero() -> None:
    assert bleu(MAT[0], MAT).score == pytest.approx(1)
    assert bleu([], MAT).score == 0 and bleu(["mat"], MAT, effective=True).orders == 1
    assert bleu(["dog"], MAT, smoothing="exp").score == 0


@given(st.lists(st.sampled_from("abc"), max_size=9), st.lists(st.lists(st.sampled_from("abc"), max_size=9), max_size=3))
@settings(max_examples=100, deadline=None)
def test_every_ngram_is_covered_clipped_or_in_none(candidate: list[str], references: list[list[str]]) -> None:
    for n in (1, 2, 3):
        covers = align(candidate, references, n)
        matches, count = modified_precision(candidate, references, n)
        assert len(covers) == count and sum(c.reference is not None for c in covers) == matches
        assert len({(c.reference, c.place) for c in covers if c.reference is not None}) == matches
        for cover in covers:
            ngram = tuple(candidate[cover.start : cover.start + n])
            known = any(ngram in ngrams(reference, n) for reference in references)
            if cover.reference is not None:
                assert tuple(references[cover.reference][cover.place : cover.place + n]) == ngram
            else:
                assert cover.place is None and cover.clipped == known
