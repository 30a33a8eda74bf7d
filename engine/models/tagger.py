"""Networks that say something of every word: one recurrent network in layers, and many small ones side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache

import torch
from torch import Tensor, nn

from engine.models import bundled

CELLS: Mapping[str, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


class Tagger(nn.Module):
    """Words (m, T) to logits (m, T, C), through recurrent layers that read one way or both.

    Without ``vectors`` it learns a vector of ``size`` numbers for each word; given (words, size), it takes and keeps them.
    """

    def __init__(
        self,
        words: int,
        classes: int,
        *,
        hidden: int = 32,
        layers: int = 1,
        both_ways: bool = True,
        cell: str = "lstm",
        size: int = 32,
        vectors: Tensor | None = None,
    ) -> None:
        """A network at its random start."""
        super().__init__()
        self.embed = nn.Embedding(words, size if vectors is None else vectors.shape[1], _weight=vectors)
        self.embed.weight.requires_grad_(vectors is None)
        wide = hidden * (2 if both_ways else 1)
        sizes = [self.embed.embedding_dim] + [wide] * (layers - 1)
        self.layers = nn.ModuleList(CELLS[cell](n, hidden, batch_first=True, bidirectional=both_ways) for n in sizes)
        self.read = nn.Linear(wide, classes)

    def forward(self, words: Tensor) -> Tensor:
        """(m, T) -> (m, T, C)."""
        a = self.embed(words)
        for layer in self.layers:
            a, _ = layer(a)
        return self.read(a)


class Taggers(nn.Module):
    """``count`` taggers with plain tanh cells side by side, words (m, T) to logits (count, m, T, C) all at once.

    Every weight has a leading dimension of networks; the two ways of a layer are two more networks, one of which reads the
    sentence from its end, so all of them take a step in one multiplication.
    """

    def __init__(
        self, count: int, words: int, classes: int, *, hidden: int, layers: int = 1, both_ways: bool = False
    ) -> None:
        """Networks at their random starts, words as vectors of ``hidden`` numbers."""
        super().__init__()
        self.ways = 2 if both_ways else 1
        wide, reach = hidden * self.ways, 1 / math.sqrt(hidden)

        def start(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.empty(shape).uniform_(-reach, reach))

        self.embed = nn.Parameter(torch.randn(count, words, hidden))
        self.Wax, self.Waa, self.ba = nn.ParameterList(), nn.ParameterList(), nn.ParameterList()
        for n in [hidden] + [wide] * (layers - 1):
            self.Wax.append(start(self.ways * count, n, hidden))
            self.Waa.append(start(self.ways * count, hidden, hidden))
            self.ba.append(start(self.ways * count, 1, hidden))
        self.Wya, self.by = start(count, wide, classes), start(count, 1, classes)

    def every(self, words: Tensor) -> tuple[list[Tensor], Tensor]:
        """The activations (count, m, T, ways · hidden) of every layer, and the logits (count, m, T, C)."""
        m, T = words.shape
        a = self.embed[:, words]  # (count, m, T, n)
        layers: list[Tensor] = []
        for Wax, Waa, ba in zip(self.Wax, self.Waa, self.ba, strict=True):
            x = torch.cat([a, a.flip(2)]) if self.ways == 2 else a
            z = torch.baddbmm(ba, x.transpose(1, 2).flatten(1, 2), Wax).view(len(x), T, m, -1)
            now = z.new_zeros(len(z), m, z.shape[-1])
            states: list[Tensor] = []
            for at in z.unbind(1):
                now = torch.tanh(torch.baddbmm(at, now, Waa))
                states.append(now)
            a = torch.stack(states, 2)  # (ways · count, m, T, hidden)
            if self.ways == 2:
                forth, back = a.chunk(2)
                a = torch.cat([forth, back.flip(2)], -1)
            layers.append(a)
        logits = torch.baddbmm(self.by, a.flatten(1, 2), self.Wya).view(len(a), m, T, -1)
        return layers, logits

    def forward(self, words: Tensor) -> Tensor:
        """(m, T) -> (count, m, T, C)."""
        return self.every(words)[1]


def seeded(seed: int, make: type[nn.Module], *given: int, **more: object) -> nn.Module:
    """A network of a kind at a random start that depends on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make(*given, **more)


def weights_each(network: Taggers) -> int:
    """How many numbers one of the networks side by side learns."""
    return sum(p.numel() for p in network.parameters()) // len(network.by)


@cache
def word_vectors() -> tuple[Mapping[str, int], Tensor]:
    """The bundled word vectors: each word's row, and the rows (words, size); row 0 stands for an unknown word."""
    rows = bundled.state("word-vectors")["vectors"]
    return {word: row for row, word in enumerate(bundled.card("word-vectors").labels)}, rows


def ids(words: Sequence[str], rows: Mapping[str, int]) -> Tensor:
    """Words as row numbers (1, T), 0 where a word is unknown."""
    return torch.tensor([[rows.get(word, 0) for word in words]])
