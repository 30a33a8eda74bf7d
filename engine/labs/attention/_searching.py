"""What beam search is tried on: a network trained live, or a small table, asked once about every beginning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from engine.functional.decoding import (
    Hypothesis,
    Memory,
    Search,
    Step,
    beam_search,
    length_normalized,
    ranked,
    remembered,
    step_of_table,
)
from engine.functional.language import EOS, Vocabulary, build_vocabulary
from engine.labs.sequence_models._texts import Weights
from engine.results.decoding import best_of_each_length
from engine.training.characters import LanguageModel, read

WIDE = 2000  # the beam that stands for an exact search, where its proof holds
START = "<start>"

# P(next word | last words), the longest ending that is listed; what is left is shared by all other words.
JANE: Mapping[tuple[str, ...], Mapping[str, float]] = {
    (START,): {"jane": 0.55, "in": 0.3, "september": 0.05},
    ("jane",): {"is": 0.55, "visits": 0.42},
    ("is",): {"going": 0.5, "visiting": 0.4},
    ("going",): {"to": 0.9},
    ("to",): {"be": 0.35, "visit": 0.3, "africa": 0.25},
    ("be",): {"visiting": 0.6, "in": 0.3},
    ("visiting",): {"africa": 0.9},
    ("visits",): {"africa": 0.9},
    ("visits", "africa"): {EOS: 0.5, "in": 0.45},
    ("africa",): {"in": 0.6, EOS: 0.35},
    ("in",): {"september": 0.9},
    ("september",): {EOS: 0.98},
    (START, "in", "september"): {"jane": 0.6, EOS: 0.2},
    (START, "september"): {"jane": 0.5},
    ("september", "jane"): {"will": 0.4, "is": 0.25, "visits": 0.25},
    ("will",): {"visit": 0.9},
    ("visit",): {"africa": 0.9},
    ("visit", "africa"): {EOS: 0.9},
}
VOCABULARY = build_vocabulary({word for row in JANE.values() for word in row} - {EOS})
REACH = max(map(len, JANE))


@cache
def row(ending: tuple[str, ...]) -> Tensor:
    """The table's log-probabilities (V,) after the last words."""
    listed = next((JANE[ending[i:]] for i in range(len(ending)) if ending[i:] in JANE), {EOS: 0.5})
    chances = torch.full((len(VOCABULARY),), 1 - sum(listed.values()), dtype=torch.float64)
    chances /= len(VOCABULARY) - 1 - len(listed)
    chances[VOCABULARY.encode(listed)] = torch.tensor(list(listed.values()), dtype=torch.float64)
    chances[VOCABULARY.unk] = 0
    return chances.log()


def jane(prefix: Sequence[int]) -> Tensor:
    """The table's log-probabilities (V,) after a prefix."""
    return row((START, *VOCABULARY.decode(prefix))[-REACH:])


def barred(logits: Tensor, unk: int) -> Tensor:
    """Log-probabilities (m, V) of logits, <UNK> impossible."""
    return torch.log_softmax(logits.index_fill(-1, torch.tensor([unk]), -torch.inf), -1)


def step_of_model(model: LanguageModel, unk: int) -> Step[Any]:
    """A network's step in log-probabilities."""

    @torch.inference_mode()
    def step(tokens: Tensor, state: Any) -> tuple[Tensor, Any]:
        logits, state = model.step(tokens, state)
        return barred(logits, unk), state

    return step


@dataclass(frozen=True)
class Held:
    """What a frame keeps: the weights (none for the table), all that the model has said, and the wide searches made.

    Wide searches go by beginning and longest length: the likeliest hypothesis of every length, and what was pruned.
    """

    weights: Weights | None
    memory: Memory = field(default_factory=dict)
    wide: dict[tuple[tuple[int, ...], int], tuple[list[Hypothesis], Search]] = field(default_factory=dict)


class Asked(NamedTuple):
    """A model to be searched after a beginning: log-probabilities of the first token (1, V), the state, and two steps.

    ``step`` remembers and goes by the tokens so far; ``once`` doesn't and goes by the model's own ``state``.
    """

    first: Tensor
    state: Any
    once: Step[Any]
    step: Step[Tensor]


def asked(held: Held, model: LanguageModel | None, vocabulary: Vocabulary, begin: tuple[int, ...]) -> Asked:
    """A model, or the table for None; the beginning is read once."""
    once = step_of_table(jane) if model is None else step_of_model(model, vocabulary.unk)
    if begin not in held.memory and model is None:
        held.memory[begin] = jane(begin), torch.tensor([begin], dtype=torch.long)
    elif begin not in held.memory and model is not None:
        logits, state = read(model, begin)
        held.memory[begin] = barred(logits[-1:], vocabulary.unk)[0], state
    first, state = held.memory[begin]
    return Asked(first[None], state, once, remembered(once, held.memory))


def exact(
    held: Held, source: Asked, begin: tuple[int, ...], eos: int, longest: int, alpha: float
) -> tuple[Hypothesis, bool]:
    """The best that a very wide beam finds, and whether nothing that it pruned can be better."""
    key = (begin, longest)
    if key not in held.wide:
        search = beam_search(source.once, source.first, source.state, width=WIDE, eos=eos, longest=longest)
        held.wide[key] = best_of_each_length(search.found), replace(search, found=(), rounds=())
    found, search = held.wide[key]
    best, *_ = ranked(replace(h, score=length_normalized(h.log_probability, len(h.tokens), alpha)) for h in found)
    return best, search.proves(best, longest, alpha)
