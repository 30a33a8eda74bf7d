"""An encoder and a decoder, with attention between them or without (Bahdanau et al. 2015; Cho et al. 2014).

The decoder works on activations a (m, Tx, n_a) and a mask (m, Tx), True up to each sequence's end, from any encoder. Its
states are tuples of tensors with m rows, so that the searches of :mod:`engine.functional.decoding` run on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from engine.data.dates import EOS, LETTERS
from engine.functional.attention import attention_weights, context, padding_mask
from engine.models import bundled

WIDTH, UNITS = 32, 64  # of the bundled reader of dates

# The memory s and c (m, units) of the LSTM, the activations a, their part Wa a of the energies (m, Tx, units), the mask.
State = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]
# Of an output step t, the weights (Tx,) to take in place of the network's own, NaN where its own stay.
Edits = Mapping[int, Tensor]


class Encoder(nn.Module):
    """Tokens (m, Tx) and lengths (m,) to activations (m, Tx, 2 units), read both ways by LSTMs."""

    def __init__(self, symbols: int, width: int, units: int) -> None:
        """A network at its random start, tokens as vectors of ``width`` numbers."""
        super().__init__()
        self.embed = nn.Embedding(symbols, width)
        self.lstm = nn.LSTM(width, units, batch_first=True, bidirectional=True)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """(m, Tx), (m,) -> (m, Tx, 2 units), zeros beyond each length."""
        x = self.embed(tokens)
        if int(lengths.min()) == tokens.shape[1]:
            whole: Tensor = self.lstm(x)[0]
            return whole
        packed = pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
        a, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True, total_length=tokens.shape[1])
        return a


class Decoder(nn.Module):
    """One token after another, each from the state, the token before and a context.

    With ``attend`` the context is c<t> = Σ α<t,t'> a<t'>, the energies being a network of ``units`` hidden units of s<t-1> and
    a<t'>; without, it is the encoder's last activations at every step. The first step reads the token ``begin``.
    """

    def __init__(self, symbols: int, n_a: int, width: int, units: int, attend: bool = True) -> None:
        """A network at its random start, for activations of ``n_a`` numbers."""
        super().__init__()
        self.begin, self.attend = symbols, attend
        self.embed = nn.Embedding(symbols + 1, width)
        self.ready = nn.Linear(n_a, units)
        self.cell = nn.LSTMCell(width + n_a, units)
        self.read = nn.Linear(units + n_a, symbols)
        if attend:
            self.Wa, self.Ws = nn.Linear(n_a, units), nn.Linear(units, units, bias=False)
            self.v = nn.Linear(units, 1, bias=False)

    def start(self, a: Tensor, mask: Tensor) -> State:
        """The state before the first token, s<0> = tanh(W last + b), from activations (m, Tx, n_a) and a mask (m, Tx)."""
        s = torch.tanh(self.ready(last(a, mask)))
        return s, torch.zeros_like(s), a, self.Wa(a) if self.attend else a[..., :0], mask

    def weights(self, state: State) -> Tensor:
        """α<t,t'> (m, Tx) by additive attention; without attention all 0."""
        s, _, a, keys, mask = state
        if not self.attend:
            return a.new_zeros(a.shape[:2])
        # additive_energies with Wa a computed once, for all steps.
        energies = self.v(torch.tanh(self.Ws(s)[:, None] + keys))[..., 0]
        return attention_weights(energies, mask)

    def advance(self, tokens: Tensor, state: State, alpha: Tensor | None = None) -> tuple[Tensor, State, Tensor]:
        """From the tokens before (m,): the next one's logits (m, V), the new state and the weights (m, Tx), or those given."""
        s, c, a, keys, mask = state
        if alpha is None:
            alpha = self.weights(state)
        seen = context(alpha[:, None], a)[:, 0] if self.attend else last(a, mask)
        s, c = self.cell(torch.cat([self.embed(tokens), seen], 1), (s, c))
        return self.read(torch.cat([s, seen], 1)), (s, c, a, keys, mask), alpha

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Tokens (m,) to log-probabilities (m, V) of the next, and the new state: what a search asks."""
        logits, state, _ = self.advance(tokens, state)
        return logits.log_softmax(-1), state

    def first(self, a: Tensor, mask: Tensor) -> tuple[Tensor, State]:
        """Log-probabilities (m, V) of the first token, and the state behind it."""
        return self.step(torch.full((len(a),), self.begin, device=a.device), self.start(a, mask))

    def forward(self, a: Tensor, mask: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (m, Ty, V) and weights (m, Ty, Tx), every step reading the true token (m, Ty) before its own."""
        state, each, weights = self.start(a, mask), list[Tensor](), list[Tensor]()
        before = torch.cat([torch.full_like(targets[:, :1], self.begin), targets[:, :-1]], 1)
        # Negative targets stand for what isn't there: nothing is learned from what follows them.
        for tokens in before.clamp(min=0).unbind(1):
            logits, state, alpha = self.advance(tokens, state)
            each.append(logits)
            weights.append(alpha)
        return torch.stack(each, 1), torch.stack(weights, 1)


class Translator(nn.Module):
    """An encoder and a decoder as one network."""

    def __init__(self, encoder: nn.Module, decoder: Decoder) -> None:
        """Of any encoder that turns inputs and lengths (m,) into activations (m, Tx, n_a)."""
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def encode(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Activations (m, Tx, n_a) and their mask (m, Tx); an encoder that shortens its input needs its own."""
        a = self.encoder(x, lengths)
        return a, padding_mask(lengths, a.shape[1])[:, 0]

    def forward(self, x: Tensor, lengths: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (m, Ty, V) and weights (m, Ty, Tx) by teacher forcing."""
        return self.decoder(*self.encode(x, lengths), targets)


def translator(inputs: int, outputs: int, width: int, units: int, attend: bool = True) -> Translator:
    """Tokens of ``inputs`` kinds to tokens of ``outputs`` kinds."""
    return Translator(Encoder(inputs, width, units), Decoder(outputs, 2 * units, width, units, attend))


def initialize(seed: int, inputs: int, outputs: int, width: int, units: int, attend: bool = True) -> Translator:
    """The same at a random start that depends on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return translator(inputs, outputs, width, units, attend)


@cache
def dates() -> Translator:
    """The bundled reader of dates."""
    with torch.inference_mode(False):  # it outlives whoever asks first
        network = initialize(0, len(LETTERS), EOS + 1, WIDTH, UNITS)
        network.load_state_dict(bundled.state("dates"))
    return network.requires_grad_(False)


def last(a: Tensor, mask: Tensor) -> Tensor:
    """What an encoder that reads both ways (m, Tx, n_a) ends with: its first half at the end, its second at the start."""
    ends = (mask.sum(1) - 1).clamp(min=0)
    half = a.shape[-1] // 2
    return torch.cat([a[torch.arange(len(a), device=a.device), ends, :half], a[:, 0, half:]], 1)


class Written(NamedTuple):
    """What a decoder wrote from one input: tokens (T,), the log-probabilities (T, V) that each was chosen from, and the
    weights (T, Tx) used, and what the network itself would have given (T, Tx).
    """

    tokens: Tensor
    log_probabilities: Tensor
    alpha: Tensor
    own: Tensor


def overwritten(alpha: Tensor, edits: Tensor) -> Tensor:
    """Weights (..., Tx) with those of ``edits`` in place where they aren't NaN, the others scaled so that all sum to 1.

    Edits that sum to more than 1, or leave nothing to scale, are scaled themselves.
    """
    fixed = edits.nan_to_num(0.0)
    free = torch.where(edits.isnan(), alpha, 0.0)
    left = (1 - fixed.sum(-1, keepdim=True)).clamp(min=0.0)
    room = free.sum(-1, keepdim=True)
    rows = fixed + torch.where(room > 0, free * left / room.clamp(min=torch.finfo(room.dtype).tiny), 0.0)
    return torch.where(rows.sum(-1, keepdim=True) > 0, rows / rows.sum(-1, keepdim=True), alpha)


@torch.inference_mode()
def write(network: Translator, x: Tensor, *, eos: int, longest: int, edits: Edits | None = None) -> Written:
    """The likeliest token at every step from one input (Tx,) or (Tx, n), some weights overwritten as it goes."""
    state = network.decoder.start(*network.encode(x[None], torch.tensor([len(x)])))
    token, tokens, each, used, own = torch.tensor([network.decoder.begin]), [], [], [], []
    for t in range(longest):
        alpha = network.decoder.weights(state)
        own.append(alpha[0])
        if edits is not None and t in edits:
            alpha = overwritten(alpha, edits[t])
        logits, state, _ = network.decoder.advance(token, state, alpha)
        token = logits.argmax(-1)
        tokens.append(token[0])
        each.append(logits[0].log_softmax(-1))
        used.append(alpha[0])
        if int(token) == eos:
            break
    return Written(torch.stack(tokens), torch.stack(each), torch.stack(used), torch.stack(own))
