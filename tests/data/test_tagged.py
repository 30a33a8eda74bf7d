"""The grammar of names: what is held out, how tags go with words, and twins that differ only in what follows."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.data.tagged import (
    KINDS,
    LISTS,
    SPLIT,
    TAGS,
    TWOFOLD,
    held_out,
    normal,
    sentences,
    split_words,
    twins,
    untagged,
    vocabulary,
)
from engine.functional.tagging import spans
from engine.seeding import generator


def test_training_sentences_hold_no_word_that_is_held_out() -> None:
    words = {word for sentence in sentences(3000, generator(5)) for word in sentence.words}
    assert not words & held_out()
    assert 120 <= len(held_out()) <= 200


def test_words_of_names_in_unseen_sentences_are_held_out_but_for_the_calendar_and_fixed_parts() -> None:
    free = {"new", "bank", "of", "university", "airlines", "times", "brothers", "motors"}
    for sentence in sentences(1000, generator(6), "unseen"):
        for kind, start, end in spans(sentence.tags):
            if kind != "DATE":
                assert all(word in held_out() | free for word in sentence.words[start:end]), sentence


def test_about_half_of_every_list_is_held_out() -> None:
    for name in SPLIT:
        share = sum(word in held_out() for word in LISTS[name]) / len(LISTS[name])
        assert 0.35 <= share <= 0.5, name


def test_every_kind_of_name_and_every_tag_occurs() -> None:
    drawn = sentences(2000, generator(0))
    count = Counter(tag for sentence in drawn for tag in sentence.tags)
    assert set(count) == set(TAGS) and min(count.values()) > 100
    assert all(len(s.words) == len(s.tags) for s in drawn)
    assert {span.kind for s in drawn for span in spans(s.tags)} == set(KINDS)


def test_the_same_seed_draws_the_same_and_another_does_not() -> None:
    assert sentences(20, generator(3)) == sentences(20, generator(3)) != sentences(20, generator(4))


def test_the_wider_grammar_holds_held_out_words_and_stays_in_the_vocabulary() -> None:
    words = {word for sentence in untagged(6000, generator(1)) for word in sentence}
    assert held_out() <= words <= set(vocabulary())
    assert len(vocabulary()) == len(set(vocabulary()))


def test_twins_are_alike_up_to_the_word_and_half_of_them_names() -> None:
    train, held = twins(generator(0))
    assert (len(train), len(held)) == (300, 100)
    begun = set()
    for name, plain in zip(held[::2], held[1::2], strict=True):
        at = next(i for i, word in enumerate(name.words) if word in TWOFOLD)
        assert name.words[: at + 1] == plain.words[: at + 1] and name.words[at + 1] != plain.words[at + 1]
        assert (name.tags[at], plain.tags[at]) == ("NAME", "O")
        begun.add(name.words[: at + 1])
    assert not any(sentence.words[:k] in begun for sentence in train for k in (2, 3, 4, 5))
    either = Counter((word, tag) for s in train for word, tag in zip(s.words, s.tags, strict=True) if word in TWOFOLD)
    assert all(either[word, "NAME"] == either[word, "O"] > 0 for word in TWOFOLD)


def test_a_typed_sentence_is_cut_into_words_and_marks() -> None:
    assert split_words("Robert Lin, isn't in New-York.") == ["Robert", "Lin", ",", "isn't", "in", "New-York", "."]
    assert [normal(word) for word in ("Paris", "3", "1999", "B2")] == ["paris", "0", "0000", "b0"]
    assert split_words("\x00\x07 \u200b") == [] and split_words("שלום 🎵") == ["שלום", "🎵"]


@given(st.text(max_size=60))
@settings(max_examples=60, deadline=None)
def test_any_text_is_cut_without_losing_what_can_be_seen(text: str) -> None:
    words = split_words(text)
    assert "".join(words) == "".join(c for c in text if c.isprintable() and not c.isspace())
