"""A small Transformer that reads and writes tokens (Vaswani et al. 2017), its layers normalised at their start.

It is used as :class:`engine.models.attending.Translator` is: ``encode``, and a decoder with ``first`` and ``step``.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor, nn

from engine.data.dates import EOS, LETTERS
from engine.functional.attention import causal_mask
from engine.functional.transformer import HeadWeights, multi_head, positions
from engine.models import bundled

WIDTH, HEADS, LAYERS = 64, 4, 2  # of the bundled reader of dates
LONGEST = 64

# The tokens so far (m, t), the encoder's activations (m, Tx, d) and their mask (m, Tx).
State = tuple[Tensor, Tensor, Tensor]


class Maps(NamedTuple):
    """Every head's weights in every layer: (layers, m, heads, Tx, Tx), (…, Ty, Ty) and (…, Ty, Tx)."""

    encoder: Tensor
    decoder: Tensor
    cross: Tensor


class MultiHead(nn.Module):
    """:func:`multi_head` with weights to learn."""

    def __init__(self, d: int, heads: int) -> None:
        """A layer at its random start."""
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.o = (nn.Linear(d, d) for _ in range(4))

    @property
    def weights(self) -> HeadWeights:
        """The weights by name."""
        layers = (self.q, self.k, self.v, self.o)
        return HeadWeights(*(layer.weight for layer in layers), *(layer.bias for layer in layers))

    def forward(self, x: Tensor, seen: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """(m, Ty, d), (m, Tx, d) -> (m, Ty, d) and weights (m, heads, Ty, Tx)."""
        return multi_head(x, seen, self.weights, self.heads, mask)


class Layer(nn.Module):
    """Self-attention, with ``cross`` attention to what an encoder says, then each position for itself; each adds to x."""

    def __init__(self, d: int, heads: int, cross: bool) -> None:
        """A layer at its random start."""
        super().__init__()
        self.own, self.before_own = MultiHead(d, heads), nn.LayerNorm(d)
        if cross:
            self.cross, self.before_cross = MultiHead(d, heads), nn.LayerNorm(d)
        self.each = nn.Sequential(nn.LayerNorm(d), nn.Linear(d, 2 * d), nn.ReLU(), nn.Linear(2 * d, d))

    def forward(
        self, x: Tensor, mask: Tensor, seen: Tensor | None = None, seen_mask: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """x (m, T, d) to the new x, the weights of self-attention, and those of the attention to ``seen`` (m, Tx, d)."""
        normal = self.before_own(x)
        found, own = self.own(normal, normal, mask)
        x, across = x + found, None
        if seen is not None:
            found, across = self.cross(self.before_cross(x), seen, seen_mask)
            x = x + found
        return x + self.each(x), own, across


class Stack(nn.Module):
    """Tokens as vectors, with their positions or without, and layers on top of each other."""

    def __init__(self, symbols: int, d: int, heads: int, layers: int, cross: bool) -> None:
        """Layers at their random start."""
        super().__init__()
        self.embed, self.positions = nn.Embedding(symbols, d), True
        self.layers = nn.ModuleList(Layer(d, heads, cross) for _ in range(layers))
        self.normal = nn.LayerNorm(d)
        self.register_buffer("waves", positions(LONGEST, d), persistent=False)

    def begun(self, tokens: Tensor) -> Tensor:
        """Tokens (m, T) as vectors (m, T, d)."""
        x = self.embed(tokens)
        waves: Tensor = self.get_buffer("waves")
        return x + waves[: tokens.shape[1]] if self.positions else x


class Decoder(Stack):
    """Tokens so far, and the encoder's activations, to the next token. The first step reads the token ``begin``."""

    def __init__(self, symbols: int, d: int, heads: int, layers: int) -> None:
        """A decoder at its random start."""
        super().__init__(symbols + 1, d, heads, layers, cross=True)
        self.begin, self.causal = symbols, True
        self.read = nn.Linear(d, symbols)

    def every(self, tokens: Tensor, a: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits (m, T, V) after each token (m, T), and the weights of self- and cross-attention of each layer."""
        T = tokens.shape[1]
        before = causal_mask(T) if self.causal else torch.ones(T, T, dtype=torch.bool)
        x, owns, crosses = self.begun(tokens), [], []
        for layer in self.layers:
            x, own, cross = layer(x, before[None].to(a.device), a, mask[:, None])
            owns.append(own)
            crosses.append(cross)
        return self.read(self.normal(x)), torch.stack(owns), torch.stack(crosses)

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Tokens (m,) to log-probabilities (m, V) of the next, and the new state: what a search asks."""
        before, a, mask = state
        so_far = torch.cat([before, tokens[:, None]], 1)
        return self.every(so_far, a, mask)[0][:, -1].log_softmax(-1), (so_far, a, mask)

    def first(self, a: Tensor, mask: Tensor) -> tuple[Tensor, State]:
        """Log-probabilities (m, V) of the first token, and the state behind it."""
        begin = torch.full((len(a),), self.begin, device=a.device)
        return self.step(begin, (begin[:, None][:, :0], a, mask))


class Transformer(nn.Module):
    """An encoder and a decoder."""

    def __init__(self, inputs: int, outputs: int, d: int, heads: int, layers: int) -> None:
        """A network at its random start, vectors of ``d`` numbers, ``heads`` heads in each attention."""
        super().__init__()
        self.encoder, self.decoder = Stack(inputs, d, heads, layers, cross=False), Decoder(outputs, d, heads, layers)

    def encoded(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Activations (m, Tx, d), their mask (m, Tx), and each layer's weights (layers, m, heads, Tx, Tx)."""
        mask = torch.arange(x.shape[1], device=x.device) < lengths[:, None]
        a, each = self.encoder.begun(x), []
        for layer in self.encoder.layers:
            a, own, _ = layer(a, mask[:, None])
            each.append(own)
        return self.encoder.normal(a), mask, torch.stack(each)

    def encode(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Activations (m, Tx, d) and their mask (m, Tx)."""
        return self.encoded(x, lengths)[:2]

    def shifted(self, targets: Tensor) -> Tensor:
        """What the decoder reads (m, Ty): the token ``begin``, then all targets but the last."""
        return torch.cat([torch.full_like(targets[:, :1], self.decoder.begin), targets[:, :-1].clamp(min=0)], 1)

    def forward(self, x: Tensor, lengths: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (m, Ty, V) by teacher forcing, and the last layer's weights (m, heads, Ty, Tx) across."""
        logits, _, across = self.decoder.every(self.shifted(targets), *self.encode(x, lengths))
        return logits, across[-1]

    @torch.inference_mode()
    def maps(self, x: Tensor, lengths: Tensor, written: Tensor) -> Maps:
        """Every head's weights as tokens (m, Ty) are written."""
        a, mask, encoder = self.encoded(x, lengths)
        return Maps(encoder, *self.decoder.every(self.shifted(written), a, mask)[1:])


def initialize(
    seed: int, inputs: int, outputs: int, d: int, heads: int, layers: int, positions: bool = True, causal: bool = True
) -> Transformer:
    """A network at a random start that depends on the seed alone, with or without positions and the causal mask."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Transformer(inputs, outputs, d, heads, layers)
    network.encoder.positions = network.decoder.positions = positions
    network.decoder.causal = causal
    return network


@cache
def dates() -> Transformer:
    """The bundled reader of dates."""
    with torch.inference_mode(False):  # it outlives whoever asks first
        network = initialize(0, len(LETTERS), EOS + 1, WIDTH, HEADS, LAYERS)
        network.load_state_dict(bundled.state("dates-transformer"))
    return network.requires_grad_(False)


def attention_of(network: Transformer, kind: str, layer: int) -> MultiHead:
    """The attention of a layer: of the ``encoder`` or ``decoder`` to itself, or of the decoder ``cross`` to the encoder."""
    stack = network.encoder if kind == "encoder" else network.decoder
    found = stack.layers[layer].cross if kind == "cross" else stack.layers[layer].own
    assert isinstance(found, MultiHead)
    return found


def without(network: Transformer, off: Iterable[tuple[str, int, int]]) -> Transformer:
    """A copy with some heads switched off, each by the kind of its attention, its layer and its number: they add nothing."""
    other = copy.deepcopy(network)
    with torch.no_grad():
        for kind, layer, head in off:
            attention = attention_of(other, kind, layer)
            torch.chunk(attention.o.weight, attention.heads, 1)[head].zero_()
    return other
