"""The bundled texts: as many names as promised, no name twice, sentences as the recipe writes them."""

from __future__ import annotations

import re

import pytest

from engine.data import corpora
from engine.data.passages import passage
from engine.errors import BadInput
from recipes import sentences as recipe


def test_there_are_a_thousand_dinosaurs_each_once() -> None:
    names = corpora.names()
    assert len(names) >= 1000 and len(set(names)) == len(names) and list(names) == sorted(names)
    assert all(re.fullmatch(r"[A-Z][a-z]+", name) for name in names)
    assert {"Tyrannosaurus", "Triceratops", "Yi", "Micropachycephalosaurus", "Archaeopteryx"} <= set(names)


def test_no_pterosaur_and_no_sea_reptile_is_among_them() -> None:
    others = {
        "Pteranodon",
        "Pterodactylus",
        "Quetzalcoatlus",
        "Plesiosaurus",
        "Ichthyosaurus",
        "Mosasaurus",
        "Dimetrodon",
    }
    others |= {"Postosuchus", "Silesaurus", "Marasuchus", "Sarcosuchus", "Tanystropheus", "Kronosaurus", "Elasmosaurus"}
    assert not others & set(corpora.names())


def test_the_sentences_are_the_recipes() -> None:
    assert list(corpora.sentences()) == recipe.sentences()
    assert len(set(corpora.sentences())) == len(corpora.sentences()) >= 1000
    assert all(re.fullmatch(r"[A-Z][\w ,é-]+[.?!]", line) for line in corpora.sentences())


def test_pear_and_pair_are_told_apart() -> None:
    text = "\n".join(corpora.sentences()).lower()
    assert len(re.findall(r"\bpear and \w+ salad|and pear salad", text)) >= 10 and "and pair salad" not in text
    assert len(re.findall(r"\bpair of\b", text)) >= 100 and "pear of" not in text


def test_a_text_by_its_name_or_the_persons_own() -> None:
    assert corpora.read("dinosaurs").splitlines() == list(corpora.names())
    assert corpora.read(passage("🙂 own".encode())) == "🙂 own"
    assert set(corpora.TEXTS) == {"dinosaurs", "sentences"}
    with pytest.raises(BadInput, match=r"dinosaurs, sentences, got '../secret'\."):
        corpora.text("../secret")
