"""The four shapes of recurrent networks, on PyTorch's cells."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

MODULES: dict[str, Callable[..., nn.RNNBase]] = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}


class Shaped(nn.Module):
    """Words in, logits out. ``shape`` tells which steps read and which answer.

    one-to-many reads once, then each answer is its next input; many-to-one answers after the last word; tagging answers at
    every step; translation reads everything, and then a second cell answers from the first one's last state.
    """

    def __init__(self, shape: str, cell: str, words: int, classes: int, units: int) -> None:
        """Layers of ``units``; their weights are drawn by :func:`initialize`."""
        super().__init__()
        self.shape, self.generates = shape, shape in ("one-to-many", "translation")
        self.words = nn.Embedding(words, units)
        self.cell = MODULES[cell](units, units, batch_first=True)
        if self.generates:
            self.said = nn.Embedding(classes + 1, units)  # the last is the start, before anything is said
        if shape == "translation":
            self.decoder = MODULES[cell](units, units, batch_first=True)
        self.out = nn.Linear(units, classes)

    def read(self, x: Tensor) -> tuple[Tensor, Any, nn.Module]:
        """What the first answer starts from: its input (m, 1, units), a state, and the cell that answers."""
        start = torch.full_like(x[:, :1], self.said.num_embeddings - 1)
        if self.shape == "one-to-many":
            return self.words(x).sum(1, keepdim=True), None, self.cell
        lengths = (x > 0).sum(1).cpu()
        packed = nn.utils.rnn.pack_padded_sequence(self.words(x), lengths, batch_first=True, enforce_sorted=False)
        return self.said(start), self.cell(packed)[1], self.decoder

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Logits (m, T_y, classes); where answers are inputs, the true ones y (m, T_y) are fed: teacher forcing."""
        if self.generates:
            first, state, cell = self.read(x)
            fed = torch.cat([first, self.said(y[:, :-1].clamp(min=0))], 1)
            logits: Tensor = self.out(cell(fed, state)[0])
            return logits
        states = self.cell(self.words(x))[0]
        if self.shape == "many-to-one":
            states = states[torch.arange(len(x)), (x > 0).sum(1) - 1].unsqueeze(1)
        answered: Tensor = self.out(states)
        return answered

    @torch.inference_mode()
    def answer(self, x: Tensor, longest: int, end: int = 0) -> Tensor:
        """The likeliest answers (m, T_y), each fed back where the shape does so; after ``end`` only more of it."""
        if not self.generates:
            return self(x, x).argmax(-1)
        fed, state, cell = self.read(x)
        said: list[Tensor] = []
        for _ in range(longest):
            states, state = cell(fed, state)
            best = self.out(states[:, -1]).argmax(-1)
            said.append(torch.where(said[-1] == end, end, best) if said else best)
            fed = self.said(said[-1])[:, None]
        return torch.stack(said, 1)


def initialize(shape: str, cell: str, words: int, classes: int, units: int, generator: torch.Generator) -> Shaped:
    """A fresh network: uniform to 1/sqrt(units) as PyTorch's cells, embeddings normal."""
    with torch.random.fork_rng(devices=[]):  # PyTorch's own start is drawn from the global generator
        network = Shaped(shape, cell, words, classes, units)
    reach = 1 / math.sqrt(units)
    for name, p in network.named_parameters():
        if name in ("words.weight", "said.weight"):
            nn.init.normal_(p, generator=generator)
        else:
            nn.init.uniform_(p, -reach, reach, generator=generator)
    return network
