"""Live training of small recurrent networks on sequences of words: fleets of seeds, one kind of cell each."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, embedding

from engine.functional.unrolled import Gru, Lstm, Rnn
from engine.training.loop import POINTS

Cell = Literal["rnn", "gru", "lstm"]
CELLS: tuple[Cell, ...] = ("rnn", "gru", "lstm")
GATES: Mapping[str, int] = {"rnn": 1, "gru": 3, "lstm": 4}
KEEP = 1.0
LONGEST = 1.0
LOOKS, ROUNDS = 8, 4

# A batch: words (count, m, T), and what to say at the last k steps (count, m, k).
Batch = tuple[Tensor, Tensor]


class Recurrents(nn.Module):
    """``count`` recurrent networks side by side, each from words to a state a step and logits.

    The blocks of the weights lie as in torch.nn: reset, update, new of a GRU; input, forget, cell, output of an LSTM. Both
    biases of torch.nn are one here, but for the GRU's candidate, whose second lies under the reset gate.
    ``peephole`` lets the LSTM's input and forget gates see c<t-1> and its output gate c<t> (Gers and Schmidhuber 2000).
    """

    def __init__(
        self,
        cell: Cell,
        count: int,
        words: int,
        units: int,
        classes: int,
        generator: torch.Generator,
        *,
        peephole: bool = False,
        scale: float = 0.0,
        keep: float = KEEP,
    ) -> None:
        """Draw the weights: uniform to 1/sqrt(units) as torch.nn does, or recurrent ones of deviation scale/sqrt(units).

        ``keep`` is added to the bias of the gate that keeps the memory and taken from that of the LSTM's input gate: a memory
        that starts by keeping learns long gaps much sooner. Tallec and Ollivier 2018.
        """
        super().__init__()
        self.cell, self.units = cell, units
        reach, wide = 1 / math.sqrt(units), GATES[cell] * units

        def drawn(*shape: int) -> nn.Parameter:
            return nn.Parameter(reach * (2 * torch.rand(count, *shape, generator=generator) - 1))

        self.inward, self.across, self.bias = drawn(words, wide), drawn(units, wide), drawn(1, wide)
        self.outward, self.offset = drawn(units, classes), drawn(1, classes)
        if scale:
            self.across.data = scale * reach * torch.randn(count, units, wide, generator=generator)
        if cell == "gru":
            self.under = drawn(1, units)
        if cell != "rnn":
            self.bias.data[..., units : 2 * units] += keep
        if cell == "lstm":
            self.bias.data[..., :units] -= keep
            self.peeps = nn.Parameter(torch.zeros(count, 3, units)) if peephole else None

    def forward(self, words: Tensor) -> Tensor:
        """States (T, count, m, units) of words (m, T), or of words (count, m, T) that each network has of its own."""
        count, vocabulary, wide = self.inward.shape
        first = vocabulary * torch.arange(count)[:, None]
        rows = words.expand(count, *words.shape[-2:]).movedim(-1, 0) + first  # (T, count, m)
        x = embedding(rows, (self.inward + self.bias).view(-1, wide))
        if self.cell == "gru":
            return cast(Tensor, Gru.apply(x, self.across, self.under))
        if self.cell == "lstm":
            return cast(Tensor, Lstm.apply(x, self.across, self.peeps))
        return cast(Tensor, Rnn.apply(x, self.across))

    def logits(self, states: Tensor) -> Tensor:
        """What the networks say of states (..., count, m, units): (..., count, m, classes)."""
        return states @ self.outward + self.offset


@dataclass(frozen=True)
class Round:
    """After ``update`` updates: the cost of each fleet's networks (count,) on their latest batches, by the fleet's name."""

    update: int
    cost: Mapping[str, Tensor]


def errors(network: Recurrents, batch: Batch) -> Tensor:
    """The mean cross-entropy of each network (count,) at the steps that have a target."""
    words, targets = batch
    said = network.logits(network(words)[-targets.shape[-1] :])  # (k, count, m, classes)
    wanted = targets.expand(said.shape[1], *targets.shape[-2:]).movedim(-1, 0)
    return cross_entropy(said.flatten(0, 2), wanted.flatten(), reduction="none").view(wanted.shape).mean((0, 2))


def clip_each(network: Recurrents, limit: float) -> Tensor:
    """Scale every network's own gradients so that their joint norm is at most ``limit``; the norms before (count,)."""
    grads = [p.grad for p in network.parameters() if p.grad is not None]
    norms = torch.stack([g.flatten(1).norm(dim=1) for g in grads]).norm(dim=0)
    factors = (limit / norms.clamp(min=1e-12)).clamp(max=1)
    for g in grads:
        g *= factors[:, None, None]
    return norms


def fit_fleets(
    fleets: Mapping[str, Recurrents], batch: Callable[[], Batch], *, rate: float, updates: int, every: int = 0
) -> Iterator[Round]:
    """Train all fleets in place on the same batches by Adam, each network's gradient held to a norm of 1.

    Yields before the first update, after every ``every`` and after the last; an ``every`` of 0 is a three-hundredth of all.
    """
    every = every or max(1, updates // POINTS)
    with torch.no_grad():
        drawn = batch()
        yield Round(0, {name: errors(network, drawn) for name, network in fleets.items()})
    # Not before the start is out: the first optimizer of a process takes PyTorch a second.
    optimizers = {name: torch.optim.Adam(network.parameters(), lr=rate, fused=True) for name, network in fleets.items()}
    for update in range(1, updates + 1):
        costs = {}
        for name, network in fleets.items():
            cost = errors(network, drawn)
            optimizers[name].zero_grad()
            cost.sum().backward()  # type: ignore[no-untyped-call]
            clip_each(network, LONGEST)
            optimizers[name].step()
            costs[name] = cost.detach()
        if update % every == 0 or update == updates:
            yield Round(update, costs)
        drawn = batch()


@torch.inference_mode()
def share_right(network: Recurrents, batch: Batch) -> Tensor:
    """The share of targets that each network finds, (count,)."""
    words, targets = batch
    said = network.logits(network(words)[-targets.shape[-1] :]).argmax(-1)
    return (said == targets.expand(said.shape[1], *targets.shape[-2:]).movedim(-1, 0)).float().mean((0, 2))


@dataclass(frozen=True)
class Look:
    """How fleets fare after some updates, by name: all costs so far, the share right of each test (seeds,), and weights."""

    history: list[Round]
    right: Mapping[str, list[Tensor]]
    weights: Mapping[str, dict[str, Tensor]]

    @property
    def update(self) -> int:
        """How many updates were made."""
        return self.history[-1].update


def watched(
    fleets: Mapping[str, Recurrents], batch: Callable[[], Batch], tests: Sequence[Batch], *, rate: float, updates: int
) -> Iterator[Look]:
    """Train as :func:`fit_fleets` does, and yield a look at the tests before the first update, after the last and between."""
    every = max(1, updates // (LOOKS * ROUNDS))
    history: list[Round] = []
    for now in fit_fleets(fleets, batch, rate=rate, updates=updates, every=every):
        history.append(now)
        if (now.update // every) % ROUNDS == 0 or now.update == updates:
            right = {name: [share_right(network, test) for test in tests] for name, network in fleets.items()}
            weights = {name: {k: v.clone() for k, v in f.state_dict().items()} for name, f in fleets.items()}
            yield Look(list(history), right, weights)
