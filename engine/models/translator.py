"""The bundled translators from French to English: two alike, but that one has attention and the other none, and a small one."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor

from engine.data.translations import Words, vocabularies
from engine.models import bundled
from engine.models.attending import Translator, translator

FRENCH, ENGLISH = vocabularies()
TARGETS = ("<EOS>", *ENGLISH)
EOS = 0
WIDTH, UNITS = 32, 96
LONGEST = 45  # words that a translation may take
NAMES = {True: "translator", False: "translator-plain"}
YOUNG, YOUNG_SIZE = "translator-young", (24, 48)  # small, without attention, early in its training
ROWS = {word: row for row, word in enumerate(FRENCH)}
TARGET_ROWS = {word: row for row, word in enumerate(TARGETS)}


def initialize(seed: int, attend: bool, width: int = WIDTH, units: int = UNITS) -> Translator:
    """A network at a random start that depends on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return translator(len(FRENCH), len(TARGETS), width, units, attend)


@cache
def bundled_translator(attend: bool) -> Translator:
    """The bundled translator with attention or without."""
    network = initialize(0, attend)
    network.load_state_dict(bundled.state(NAMES[attend]))
    return network


@cache
def young_translator() -> Translator:
    """The bundled small translator, which makes mistakes of every kind."""
    network = initialize(0, False, *YOUNG_SIZE)
    network.load_state_dict(bundled.state(YOUNG))
    return network


def plain(word: str) -> str:
    """A word without its accents."""
    return "".join(sign for sign in unicodedata.normalize("NFD", word) if not unicodedata.combining(sign))


@cache
def _unaccented() -> dict[str, str]:
    """The French words by what is left of them without accents."""
    return {plain(word): word for word in FRENCH}


def known(words: Words) -> tuple[Words, Words]:
    """Of French words those of the vocabulary, missing accents put back, and those that aren't in it."""
    there = [word if word in ROWS else _unaccented().get(plain(word), word) for word in words]
    return tuple(word for word in there if word in ROWS), tuple(word for word in there if word not in ROWS)


def read(sentences: Sequence[Words]) -> tuple[Tensor, Tensor]:
    """French sentences as rows of tokens (m, Tx) and their lengths (m,)."""
    lengths = torch.tensor([len(words) for words in sentences])
    rows = torch.zeros(len(sentences), int(lengths.max()), dtype=torch.long)
    for row, words in zip(rows, sentences, strict=True):
        row[: len(words)] = torch.tensor([ROWS[word] for word in words])
    return rows, lengths


def english(tokens: Sequence[int]) -> Words:
    """Tokens as English words, up to <EOS>."""
    kept = list(tokens)
    kept = kept[: kept.index(EOS)] if EOS in kept else kept
    return tuple(TARGETS[token] for token in kept if token >= 0)
