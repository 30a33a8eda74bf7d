"""Language models apart from the network: tokens and their indices, the probability of a sequence, and sampling."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeVar

import torch
from torch import Tensor

S = TypeVar("S")

EOS, UNK = "<EOS>", "<UNK>"
COLDEST = 1e-6  # below it logits would overflow, and the limit is as good
Level = Literal["characters", "words"]

# Marks that Python's \w leaves out but that belong to the letter before them, in scripts from Latin to Thai.
_MARKS = (
    r"\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed"
    r"\u0900-\u0963\u0970-\u0dff\u0e31-\u0e4e\u200c\u200d"
)
_WIDE = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"  # written without spaces: every sign stands alone
_TINT = "\ufe0f?[\U0001f3fb-\U0001f3ff]?"
_WORDS = re.compile(
    rf"[{_WIDE}]|(?:(?![{_WIDE}])[\w{_MARKS}])+(?:['’-](?:(?![{_WIDE}])[\w{_MARKS}])+)*"
    rf"|[^\w\s]{_TINT}(?:\u200d[^\w\s]{_TINT})*"
)
_ENDS = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])|\n")


@dataclass(frozen=True)
class Vocabulary:
    """The known tokens, each with its index: in alphabetical order, then <EOS>, then <UNK>."""

    tokens: tuple[str, ...]

    @property
    def eos(self) -> int:
        """The index of the end of a sequence."""
        return len(self.tokens) - 2

    @property
    def unk(self) -> int:
        """The index that stands for every token that isn't known."""
        return len(self.tokens) - 1

    @cached_property
    def index(self) -> dict[str, int]:
        """Token to index."""
        return {token: i for i, token in enumerate(self.tokens)}

    def encode(self, tokens: Iterable[str]) -> list[int]:
        """Tokens to indices; <UNK> for those that aren't known."""
        index, unk = self.index, self.unk
        return [index.get(token, unk) for token in tokens]

    def decode(self, indices: Iterable[int]) -> list[str]:
        """Indices to tokens."""
        return [self.tokens[i] for i in indices]

    def __len__(self) -> int:
        return len(self.tokens)


def tokenize(text: str, level: Level) -> list[str]:
    """Characters (code points), or words and punctuation marks in lower case."""
    return list(text) if level == "characters" else _WORDS.findall(text.lower())


def join(tokens: Iterable[str], level: Level) -> str:
    """Tokens as text again; at the level of words, with a space before each word and none before a mark that closes."""
    if level == "characters":
        return "".join(tokens)
    text = " ".join(tokens)
    return re.sub(r" ([.,;:!?…)\]}。！？，、])", r"\1", text)


def split(text: str, level: Level) -> list[str]:
    """The sequences of a text, each of which gets an end: its lines, or its sentences at the level of words."""
    parts = text.split("\n") if level == "characters" else _ENDS.split(text)
    return [part.strip() for part in parts if part.strip()]


def build_vocabulary(tokens: Iterable[str], most: int | None = None) -> Vocabulary:
    """The ``most`` frequent tokens, or all; of equally frequent ones those that come first in the alphabet."""
    counts = Counter(tokens)
    ranked = sorted(counts, key=lambda token: (-counts[token], token))
    return Vocabulary((*sorted(ranked[:most]), EOS, UNK))


def one_hot(indices: Sequence[int] | Tensor, size: int) -> Tensor:
    """Vectors (T, size), one a token, that are 1 at its index and 0 elsewhere."""
    vectors = torch.zeros(len(indices), size)
    vectors[torch.arange(len(indices)), torch.as_tensor(indices, dtype=torch.long)] = 1
    return vectors


def at_temperature(logits: Tensor, temperature: float) -> Tensor:
    """softmax(z / temperature) of logits (..., V); at 0, its limit: all on the largest logit."""
    if temperature < COLDEST:
        return torch.nn.functional.one_hot(logits.argmax(-1), logits.shape[-1]).to(logits.dtype)
    return torch.softmax(logits / temperature, -1)


def log_probability(logits: Tensor, targets: Tensor) -> Tensor:
    """log P(y<t> | y<1> ... y<t-1>) of every step (..., T), from logits (..., T, V) and targets (..., T).

    Its sum over t is the log of the sequence's probability, <EOS> included where the targets end with it.
    """
    return torch.log_softmax(logits, -1).gather(-1, targets.unsqueeze(-1)).squeeze(-1)


def perplexity(log_probabilities: Tensor) -> Tensor:
    """exp(-mean log P) over steps (..., T): among how many equally likely tokens the model was, on average, unsure."""
    return torch.exp(-log_probabilities.mean(-1))


def sample_sequence(
    step: Callable[[Tensor, S], tuple[Tensor, S]],
    first: Tensor,
    state: S,
    *,
    eos: int,
    longest: int,
    temperature: float = 1.0,
    never: Sequence[int] = (),
    generator: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """Draw m sequences token by token, each fed back as the next input.

    ``first`` are the logits (m, V) of the first token to draw and ``state`` the state behind them; ``step`` goes from tokens
    (m,) and state to the next logits and state. Tokens in ``never`` are rejected, as <UNK> often is. Returns tokens and
    the probabilities that they were drawn with, (m, T) with T at most ``longest``; after a sequence's first ``eos`` follow
    only more of them.
    """
    logits, tokens, chances = first, list[Tensor](), list[Tensor]()
    ended = torch.zeros(len(first), dtype=torch.bool)
    barred = torch.zeros(first.shape[-1]).index_fill(0, torch.tensor(never, dtype=torch.long), -torch.inf)
    while len(tokens) < longest and not ended.all():
        if tokens:
            logits, state = step(tokens[-1], state)
        probability = at_temperature(logits + barred, temperature)
        drawn = torch.multinomial(probability, 1, generator=generator).squeeze(-1).masked_fill(ended, eos)
        tokens.append(drawn)
        chances.append(probability.gather(-1, drawn[:, None]).squeeze(-1))
        ended |= drawn == eos
    if not tokens:
        return torch.empty(len(first), 0, dtype=torch.long), torch.empty(len(first), 0)
    return torch.stack(tokens, 1), torch.stack(chances, 1)
