"""Captions as target tokens, and back."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.data.captions import Words
from engine.models.captioner import EOS, WORDS
from engine.training.attending import ABSENT

_ROWS = {word: row for row, word in enumerate(WORDS)}


def as_targets(sentences: Sequence[Words]) -> Tensor:
    """Sentences as rows (m, T) of tokens, <EOS> at the end of each and ABSENT after it."""
    rows = torch.full((len(sentences), max(map(len, sentences)) + 1), ABSENT)
    for row, words in zip(rows, sentences, strict=True):
        row[: len(words) + 1] = torch.tensor([*(_ROWS[word] for word in words), EOS])
    return rows


def as_words(tokens: Tensor) -> list[Words]:
    """Rows of tokens (m, T) as words up to <EOS>."""
    return [tuple(WORDS[token] for token in row if token not in (EOS, ABSENT)) for row in tokens.tolist()]
