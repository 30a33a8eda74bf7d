"""Language models of characters or words, trained live on the lines or sentences of a text."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from engine.functional.language import Level, Vocabulary, build_vocabulary, sample_sequence, split, tokenize

Cell = Literal["rnn", "gru", "lstm"]
State = Tensor | tuple[Tensor, Tensor]

CELLS: dict[str, type[nn.RNN | nn.GRU | nn.LSTM]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}
ONCE: dict[str, Callable[..., State]] = {"rnn": torch.rnn_tanh_cell, "gru": torch.gru_cell, "lstm": torch.lstm_cell}
LONGEST = 50  # steps that a gradient goes back; longer sequences are cut
CLIP = 1.0
RISE = 0.1  # share of the steps
HELD_OUT, MOST_HELD_OUT = 10, 60  # every tenth sequence; of them so many pieces
LOOKS = 30
IGNORED = -100


@dataclass(frozen=True, eq=False)
class Pieces:
    """Sequences cut to at most ``LONGEST`` steps: all inputs and targets in a row, and where each piece lies in it."""

    inputs: Tensor
    targets: Tensor
    starts: Tensor
    lengths: Tensor

    def __len__(self) -> int:
        return len(self.starts)

    def batch(self, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs and targets (m, T) of some pieces, T being the longest of them; padded targets are ``IGNORED``."""
        steps = torch.arange(int(self.lengths[chosen].max()))
        inside = steps < self.lengths[chosen, None]
        at = (self.starts[chosen, None] + steps).clamp(max=len(self.inputs) - 1)
        return self.inputs[at].masked_fill(~inside, 0), self.targets[at].masked_fill(~inside, IGNORED)


@dataclass(frozen=True, eq=False)
class Corpus:
    """A text made ready: its vocabulary, what to train on, and what is held out, if it has sequences enough.

    ``unknown`` is the share of its tokens that became <UNK>, and ``known`` are its sequences.
    """

    level: Level
    vocabulary: Vocabulary
    train: Pieces
    dev: Pieces | None
    unknown: float
    known: frozenset[str]


def corpus_of(text: str, level: Level, most: int) -> Corpus:
    """Lines of characters, or sentences of words, with the ``most`` frequent tokens as the vocabulary."""
    sequences = split(text, level)
    tokens = [tokenize(sequence, level) for sequence in sequences]
    vocabulary = build_vocabulary((token for sequence in tokens for token in sequence), most)
    rows = [vocabulary.encode(sequence) for sequence in tokens]
    unknown = sum(row.count(vocabulary.unk) for row in rows) / sum(map(len, rows))
    held = rows[HELD_OUT - 1 :: HELD_OUT]
    kept = [row for i, row in enumerate(rows) if i % HELD_OUT != HELD_OUT - 1]
    dev = _first(pieces_of(held, vocabulary), MOST_HELD_OUT) if held else None
    return Corpus(level, vocabulary, pieces_of(kept, vocabulary), dev, unknown, frozenset(sequences))


def pieces_of(rows: Sequence[Sequence[int]], vocabulary: Vocabulary) -> Pieces:
    """Sequences of indices as pieces: x<1> is the zero vector, whose index is the vocabulary's size; y<T> is <EOS>."""
    targets = np.fromiter((i for row in rows for i in (*row, vocabulary.eos)), np.int64)
    lengths = np.array([len(row) + 1 for row in rows])
    begins = np.cumsum(lengths) - lengths
    inputs = np.concatenate([[0], targets[:-1]])
    inputs[begins] = len(vocabulary)
    cuts = -(-lengths // LONGEST)  # pieces a sequence
    number = np.arange(cuts.sum()) - np.repeat(np.cumsum(cuts) - cuts, cuts)
    starts = np.repeat(begins, cuts) + number * LONGEST
    ends = np.minimum(starts + LONGEST, np.repeat(begins + lengths, cuts))
    return Pieces(*(torch.from_numpy(part) for part in (inputs, targets, starts, ends - starts)))


def _first(pieces: Pieces, most: int) -> Pieces:
    """Some pieces, evenly taken."""
    chosen = slice(None, None, max(1, -(-len(pieces) // most)))
    return replace(pieces, starts=pieces.starts[chosen], lengths=pieces.lengths[chosen])


class LanguageModel(nn.Module):
    """x<t>, one-hot, times a matrix; a recurrent layer; a softmax over V tokens. The last layer starts at zero.

    So before the first update every token is equally likely, and the cost is log V.
    """

    def __init__(self, size: int, hidden: int, cell: Cell = "gru") -> None:
        """Random weights, drawn from PyTorch's own generator: :func:`initialize` draws them anew."""
        super().__init__()
        self.start = size
        self.enter = nn.Embedding(size + 1, hidden, padding_idx=size)  # the last row is the zero vector, x<1>
        self.layer = CELLS[cell](hidden, hidden, batch_first=True)
        self.once = ONCE[cell]
        self.leave = nn.Linear(hidden, size)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, inputs: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """Logits (m, T, V) of the next token after every step of the inputs (m, T), and the last state."""
        values, state = self.layer(self.enter(inputs), state)
        return self.leave(values), state

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """The logits (m, V) after tokens (m,), and the state (m, n), as one cell: a whole layer's call takes far longer."""
        state = self.once(self.enter(tokens), state, *self.layer.all_weights[0])
        return self.leave(state[0] if isinstance(state, tuple) else state), state


def initialize(size: int, hidden: int, cell: Cell, generator: torch.Generator) -> LanguageModel:
    """An untrained model for V = ``size`` tokens, weights uniform in ±1/√hidden as in PyTorch, the forget gate's bias at 1."""
    model = LanguageModel(size, hidden, cell)
    bound = hidden**-0.5
    with torch.no_grad():
        for weights in model.layer.parameters():
            weights.uniform_(-bound, bound, generator=generator)
        if cell == "lstm":
            model.layer.bias_ih_l0[hidden : 2 * hidden] += 1  # type: ignore[operator, index]
        model.enter.weight[:-1].normal_(generator=generator)
    return model


@dataclass(frozen=True)
class Moment:
    """After ``step`` updates: the mean cost of a token, in nats, in training since the last moment and on what is held out."""

    step: int
    cost: float
    dev: float | None


def fit_language(
    model: LanguageModel, corpus: Corpus, *, rate: float, steps: int, batch: int, generator: torch.Generator
) -> Iterator[Moment]:
    """Train in place by Adam under a one-cycle rate, gradients clipped by norm; yields about ``LOOKS`` times.

    A batch holds pieces of nearly the same length, so that next to nothing is padded. A cost that isn't finite ends it.
    """
    first = corpus.train.batch(torch.arange(min(batch, len(corpus.train))))
    yield Moment(0, cost(model, *first), held_out(model, corpus.dev))
    optimizer = torch.optim.Adam(model.parameters(), lr=rate, fused=True)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda done: one_cycle(done / steps))
    drawn = batches(corpus.train, batch, generator)
    every, costs = max(1, steps // LOOKS), list[Tensor]()
    for number in range(1, steps + 1):
        inputs, targets = corpus.train.batch(next(drawn))
        logits, _ = model(inputs)
        loss = cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
        schedule.step()
        costs.append(loss.detach())
        if number % every == 0 or number == steps:
            now = Moment(number, float(torch.stack(costs).mean()), held_out(model, corpus.dev))
            yield now
            if not math.isfinite(now.cost):
                return
            costs.clear()


def one_cycle(share: float) -> float:
    """The factor on the rate: up in a straight line over the first tenth, then down as a cosine. Smith and Topin 2018."""
    return 0.1 + 9 * share if share < RISE else (1 + math.cos(math.pi * (share - RISE) / (1 - RISE))) / 2


def batches(pieces: Pieces, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Batches without end: every piece once an epoch, in the company of its like in length, in a fresh order."""
    while True:
        order = torch.randperm(len(pieces), generator=generator)
        order = order[pieces.lengths[order].argsort(stable=True)]
        parts = torch.split(order, size)
        for i in torch.randperm(len(parts), generator=generator).tolist():
            yield parts[i]


@torch.inference_mode()
def cost(model: LanguageModel, inputs: Tensor, targets: Tensor) -> float:
    """The mean cost of a token in nats."""
    logits, _ = model(inputs)
    return float(cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED))


def held_out(model: LanguageModel, pieces: Pieces | None) -> float | None:
    """The cost on what is held out, if anything is."""
    return None if pieces is None else cost(model, *pieces.batch(torch.arange(len(pieces))))


@torch.inference_mode()
def read(model: LanguageModel, tokens: Sequence[int], count: int = 1) -> tuple[Tensor, State]:
    """Logits (T + 1, V) of the next token before and after each of T tokens, and the last state (m, n), m = ``count`` times."""
    logits, state = model(torch.tensor([[model.start, *tokens]]))
    if isinstance(state, tuple):
        return logits[0], (state[0][0].repeat(count, 1), state[1][0].repeat(count, 1))
    return logits[0], state[0].repeat(count, 1)


@torch.inference_mode()
def sample(
    model: LanguageModel,
    vocabulary: Vocabulary,
    begin: Sequence[int],
    *,
    count: int,
    longest: int,
    temperature: float,
    generator: torch.Generator,
    reject: bool = True,
) -> tuple[Tensor, Tensor]:
    """``count`` sequences that begin with some tokens, and the probability that each token was drawn with, (count, T)."""
    logits, state = read(model, begin, count)
    return sample_sequence(
        model.step,
        logits[-1:].expand(count, -1),
        state,
        eos=vocabulary.eos,
        longest=longest,
        temperature=temperature,
        never=(vocabulary.unk,) if reject else (),
        generator=generator,
    )
