"""Strings of digits written down from sound in two ways, by an attention decoder and by CTC, on one encoder.

Both learn together (Kim, Hori and Watanabe 2017): what CTC asks of the encoder also helps the attention to find its way.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import log_softmax

from engine.data.voices import DIGITS, RATE
from engine.functional.attention import context
from engine.functional.decoding import ctc_greedy
from engine.models import bundled
from engine.models.attending import Decoder
from engine.models.recogniser import BANDS, HOP, MARGIN, STRIDE, WINDOW, levels

NAME = "speech-attention"
EOS = len(DIGITS)
UNITS = 48
LONGEST = 16  # digits that a decoder writes at most
FRAME_SECONDS = STRIDE * HOP / RATE


def frame_times(count: int) -> Tensor:
    """The second of the sound at the middle of each of the encoder's frames, (count,)."""
    return (torch.arange(count) * STRIDE * HOP + WINDOW / 2 - MARGIN) / RATE


class Ears(nn.Module):
    """Mel levels (m, t, BANDS) to activations (m, ⌈t / 4⌉, 2 · units): two convolutions and a GRU that reads both ways."""

    def __init__(self, units: int = UNITS) -> None:
        """A network at its random start."""
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(BANDS, units, 9, STRIDE, 4), nn.BatchNorm1d(units), nn.ReLU(),
            nn.Conv1d(units, units, 5, padding=2), nn.BatchNorm1d(units), nn.ReLU(),
        )  # fmt: skip
        self.memory = nn.GRU(units, units, batch_first=True, bidirectional=True)

    def forward(self, x: Tensor) -> Tensor:
        """(m, t, BANDS) -> (m, ⌈t / 4⌉, 2 · units)."""
        a, _ = self.memory(self.layers(x.mT).mT)
        return a


class Speller(nn.Module):
    """One encoder with an attention decoder and a CTC head; symbol 0 of the latter is the blank, digit d is d + 1."""

    def __init__(self, units: int = UNITS) -> None:
        """A network at its random start."""
        super().__init__()
        self.ears = Ears(units)
        self.decoder = Decoder(len(DIGITS) + 1, 2 * units, 16, units)
        self.frames = nn.Linear(2 * units, len(DIGITS) + 1)

    def forward(self, x: Tensor, targets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits (m, Ty, 11) by teacher forcing, weights (m, Ty, T), and CTC's log-probabilities (m, T, 11)."""
        a = self.ears(x)
        logits, alpha = self.decoder(a, torch.ones(a.shape[:2], dtype=torch.bool, device=a.device), targets)
        return logits, alpha, log_softmax(self.frames(a), -1)


def initialize(seed: int, units: int = UNITS) -> Speller:
    """A network at a random start that depends on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Speller(units)


@cache
def trained() -> Speller:
    """The bundled network."""
    network = Speller()
    held = bundled.state(NAME)
    network.load_state_dict({key: value.float() if value.is_floating_point() else value for key, value in held.items()})
    return network.eval()


class Spelled(NamedTuple):
    """What both ways write from one sound.

    ``digits`` and their ``chances`` (Ty,) by attention, <EOS> left out, ``ended`` if it was written; ``alpha`` (Ty, T) is where
    it looked for each. ``frames`` (T, 11) are CTC's probabilities, ``read`` the digits of their likeliest path.
    """

    digits: tuple[int, ...]
    chances: tuple[float, ...]
    ended: bool
    alpha: Tensor
    frames: Tensor
    read: tuple[int, ...]


@torch.inference_mode()
def spell(samples: Tensor, network: Speller | None = None) -> Spelled:
    """Sound (n,) at 8 kHz to digits, always taking the likeliest."""
    network = (network or trained()).eval()
    a = network.ears(levels(samples[None]))
    state = network.decoder.start(a, torch.ones(a.shape[:2], dtype=torch.bool))
    token, digits, chances, alphas = torch.tensor([network.decoder.begin]), list[int](), list[float](), list[Tensor]()
    while len(digits) < LONGEST:
        logits, state, alpha = network.decoder.advance(token, state)
        token = logits.argmax(-1)
        if int(token) == EOS:
            break
        digits.append(int(token))
        chances.append(float(logits.softmax(-1).max()))
        alphas.append(alpha[0])
    said = log_softmax(network.frames(a)[0], -1)
    alpha = torch.stack(alphas) if alphas else a.new_zeros(0, a.shape[1])
    read = tuple(symbol - 1 for symbol in ctc_greedy(said))
    return Spelled(tuple(digits), tuple(chances), len(digits) < LONGEST, alpha, said.exp(), read)


def looked_at(alpha: Tensor) -> Tensor:
    """The expected frame of each digit's attention, Σ over t of α t: weights (..., Ty, T) to (..., Ty)."""
    return context(alpha, torch.arange(alpha.shape[-1], dtype=alpha.dtype)[:, None])[..., 0]


def rises(alpha: Tensor) -> bool:
    """Whether each digit is looked for later in the sound than the one before."""
    return bool((looked_at(alpha).diff() > 0).all())
