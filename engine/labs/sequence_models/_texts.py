"""What the labs of language models share: the text, its parameters, and the frame of a training."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from engine.data import corpora
from engine.data.passages import Passage
from engine.functional.language import Level, Vocabulary, join, tokenize
from engine.params import Params, choice, integer, number
from engine.results.language import Costs
from engine.seeding import generator
from engine.training.characters import Cell, Corpus, LanguageModel, Moment, corpus_of, fit_language, initialize

MOST_CHARACTERS = 256
CELLS = {"rnn": "Plain RNN", "gru": "GRU", "lstm": "LSTM"}
LEVELS = {"characters": "Characters", "words": "Words"}

Weights = dict[str, Tensor]


class Trained(Params):
    """Parameters of a language model trained live."""

    cell: Literal["rnn", "gru", "lstm"] = choice(
        "gru", label="Cell", help="What carries the past.", names=CELLS, more=True
    )
    units: int = integer(
        64, low=1, high=512, hint=(4, 256, 4), label="Hidden units", help="The size of the state a.", more=True
    )
    rate: float = number(
        0.02,
        low=1e-5,
        high=1.0,
        log=True,
        label="Learning rate",
        help="Highest step of Adam; it rises, then falls.",
        more=True,
    )
    batch: int = integer(
        48, low=1, high=512, log=True, label="Mini-batch", help="Pieces of at most 50 steps an update.", more=True
    )
    words: int = integer(
        1000,
        low=1,
        high=5000,
        log=True,
        label="Most words",
        help="A vocabulary of words keeps the most frequent.",
        more=True,
    )


@lru_cache(maxsize=4)
def prepared(source: str | Passage, level: Level, words: int) -> Corpus:
    """The text made ready; of characters the most frequent 256 are kept."""
    return corpus_of(corpora.read(source), level, words if level == "words" else MOST_CHARACTERS)


def trained(params: Trained, corpus: Corpus, steps: int) -> Iterator[tuple[LanguageModel, Moment]]:
    """The model as it trains."""
    model = initialize(len(corpus.vocabulary), params.units, params.cell, generator(params.seed, 1))
    random = generator(params.seed, 2)
    fit = partial(fit_language, model, corpus, rate=params.rate, steps=steps, batch=params.batch)
    for moment in fit(generator=random):
        yield model, moment


def rebuilt(weights: Weights, params: Trained) -> LanguageModel:
    """A model from its weights."""
    model = LanguageModel(weights["leave.bias"].numel(), params.units, params.cell)
    model.load_state_dict(weights)
    return model


def kept(model: LanguageModel, dtype: torch.dtype = torch.float32) -> Weights:
    """A copy of a model's weights that later updates leave alone."""
    return {name: value.detach().to(dtype, copy=True) for name, value in model.state_dict().items()}


def costs(history: Sequence[Moment], vocabulary: Vocabulary, last: int) -> Costs:
    """The costs so far."""
    steps, train = (np.array([getattr(m, name) for m in history], np.float32) for name in ("step", "cost"))
    dev = np.array([math.nan if m.dev is None else m.dev for m in history], np.float32)
    return Costs(steps, train, dev, math.log(len(vocabulary)), last)


def blown(now: Moment) -> dict[str, Any]:
    """What a frame says of a training that left the numbers a computer holds."""
    if math.isfinite(now.cost):
        return {}
    why = f"After {now.step} steps the cost is no number any more: the learning rate is too high for these weights."
    return {"diverged": why, "remedy": {"rate": 0.02}, "progress": 1.0}


def about(corpus: Corpus) -> str:
    """One sentence on what was read, and what became <UNK>."""
    size, what = len(corpus.vocabulary), "characters" if corpus.level == "characters" else "words and marks"
    rare = f" The rarest became <UNK>, {corpus.unknown:.1%} of the text." if corpus.unknown else ""
    none = "" if corpus.dev else " There is too little text to hold any out."
    return f"The vocabulary holds {size - 2:,} {what}, <EOS> and <UNK>.{rare}{none}"


def encoded(typed: str, corpus: Corpus) -> tuple[list[int], str]:
    """Typed text as indices, and a sentence on what of it isn't in the vocabulary."""
    tokens = tokenize(typed, corpus.level)
    unknown = [token for token in dict.fromkeys(tokens) if token not in corpus.vocabulary.index]
    named = ", ".join(repr(token) for token in unknown[:5]) + (" and others" if len(unknown) > 5 else "")
    note = f"Not in the vocabulary and read as <UNK>: {named}." if unknown else ""
    return corpus.vocabulary.encode(tokens), note


def plain(indices: Sequence[int], corpus: Corpus) -> str:
    """Drawn indices as text, up to the end."""
    eos = corpus.vocabulary.eos
    row = list(indices)
    return join(corpus.vocabulary.decode(row[: row.index(eos)] if eos in row else row), corpus.level)


__all__ = [
    "CELLS", "LEVELS", "Cell", "Trained", "Weights", "about", "blown", "costs", "encoded", "kept", "plain", "prepared",
    "rebuilt", "trained",
]  # fmt: skip
