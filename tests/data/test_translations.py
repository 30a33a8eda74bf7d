"""French and English by the grammar: agreement, elision, negation and order, checked against rules written out anew."""

from __future__ import annotations

from engine.data.translations import (
    BEFORE,
    COLORS,
    MOODS,
    PEOPLE,
    PLACES,
    THINGS,
    by_length,
    draw_pairs,
    draw_simple,
    spelled,
    vocabularies,
    words_of,
)
from engine.seeding import generator

PAIRS = draw_pairs(2000, generator(3))
NOUNS = {**THINGS, **PEOPLE}


def test_adjectives_and_articles_agree_with_their_noun() -> None:
    forms = {word: row for row in (*BEFORE, *COLORS, *MOODS) for word in row[:4]}
    plurals = {row[1]: noun for noun, row in NOUNS.items()}
    seen = 0
    for pair in PAIRS:
        for i, word in enumerate(pair.source):
            noun, many = plurals.get(word, word), word in plurals
            if noun not in NOUNS:
                continue
            gender = NOUNS[noun][0]
            near = [*pair.source[max(0, i - 1) : i], *pair.source[i + 1 : i + 2]]
            for other in near:
                if other in forms:
                    assert other == forms[other][2 * many + (gender == "f")], pair
                    seen += 1
            article = pair.source[i - 2] if pair.source[i - 1] in forms else pair.source[i - 1]
            if article in ("un", "le", "mon", "une", "la", "ma", "ce", "cette"):
                assert not many and (article in ("une", "la", "ma", "cette")) == (gender == "f"), pair
            elif article in ("les", "ces", "mes", "nos", "deux", "trois", "dix"):
                assert many, pair
    assert seen > 500


def test_colours_change_sides_and_negation_goes_around() -> None:
    black = {"noir", "noire", "noirs", "noires"}
    for pair in PAIRS:
        said, english = " ".join(pair.source), " ".join(pair.target)
        for i, word in enumerate(pair.source):
            if word in black:
                plural = {row[1]: row[3] for row in THINGS.values()} | {noun: row[2] for noun, row in THINGS.items()}
                assert f"black {plural[pair.source[i - 1]]}" in english
            if word in ("ne", "n'"):
                assert pair.source[i + 2] == "pas"
                assert (word == "n'") == (pair.source[i + 1][0] in "aeiou")
        assert pair.source.count("pas") == pair.target.count("not"), said
        assert " a a" not in f" {english}" and " a apple" not in english and " a old" not in english
        assert "que elle" not in said and "que il" not in said and "que anne" not in said


def test_lengths_vocabulary_and_spelling() -> None:
    french, english = vocabularies()
    assert {word for pair in PAIRS for word in pair.source} <= set(french)
    assert {word for pair in PAIRS for word in pair.target} <= set(english)
    assert {pair.length for pair in PAIRS} == set(range(3, 31))
    assert all(words_of(spelled(pair.source)) == pair.source for pair in PAIRS)
    assert spelled(("jane", "visite", "l'", "afrique", "en", "mars", ".")) == "Jane visite l'Afrique en mars."
    assert words_of("Aujourd’hui, Jane visite l'Inde") == ("aujourd'hui", ",", "jane", "visite", "l'", "inde", ".")


def test_the_same_sentence_has_one_translation() -> None:
    meanings: dict[tuple[str, ...], tuple[str, ...]] = {}
    for pair in [*PAIRS, *draw_pairs(2000, generator(4), longest=6)]:
        assert meanings.setdefault(pair.source, pair.target) == pair.target


def test_held_out_is_decided_by_the_sentence() -> None:
    assert not any(pair.held_out for pair in PAIRS)
    assert all(pair.held_out for pair in draw_pairs(50, generator(5), held_out=True))
    [short, long] = by_length(10, ((3, 4), (28, 30)), generator(6))
    assert len({pair.source for pair in short}) == 10 and all(28 <= pair.length <= 30 for pair in long)


def test_simple_sentences() -> None:
    simple = draw_simple(200, generator(0))
    assert max(pair.length for pair in simple) <= 13 and not any(pair.held_out for pair in simple)
    for pair in simple:
        french = " ".join(pair.source)
        assert all((place in french) == (name in pair.target) for place, name in PLACES.items() if " " in place)
