"""A listener for one word: mel frames through a convolution and a GRU that reads one way only, so that it can run live.

Nothing it says of a frame depends on sound that comes later, but for the few frames that one step gathers.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from engine.data.voices import RATE
from engine.functional.audio import mel_spectrogram
from engine.functional.unrolled import Gru
from engine.models import bundled

NAME = "trigger"
WINDOW, HOP, BANDS, LOWEST = 200, 80, 24, 80.0  # samples (25 and 10 ms), bands, Hz
FRAME_SECONDS = HOP / RATE
STEP = 8  # frames that the GRU takes at a time: it answers for each of them
KERNEL = 20  # frames that the convolution sees
SOFTEST = 1e-7  # energy that counts as silence
LEVEL, SPREAD = -10.0, 3.0  # of its logarithm over made clips, about
UNITS = 48
WIDTHS = (50, 1)  # frames labelled 1 after the word: the bundled networks


def frames(samples: np.ndarray) -> Tensor:
    """Mel levels (..., T, BANDS) of samples (..., n): frame i hears the 25 ms up to sample (i + 1) · HOP, and T = n // HOP.

    On a fixed scale, because how loud the whole recording is isn't known while it goes on.
    """
    sound = pad(torch.from_numpy(np.ascontiguousarray(samples, np.float32)), (WINDOW - HOP, 0))
    mel = mel_spectrogram(sound, RATE, WINDOW, HOP, BANDS, LOWEST)
    return ((torch.log(mel + SOFTEST) - LEVEL) / SPREAD).mT


class Trigger(nn.Module):
    """Mel levels (m, T, BANDS) to logits (m, T) of the word having just ended."""

    def __init__(self, units: int = UNITS) -> None:
        """A network at its random start."""
        super().__init__()
        reach = 1 / math.sqrt(units)
        self.ears = nn.Conv1d(BANDS, units, KERNEL, STEP)
        self.norm = nn.BatchNorm1d(units)
        self.inward = nn.Linear(units, 3 * units)
        self.across = nn.Parameter(torch.empty(1, units, 3 * units).uniform_(-reach, reach))
        self.under = nn.Parameter(torch.zeros(1, 1, units))
        self.read = nn.Linear(units, STEP)

    def forward(self, x: Tensor) -> Tensor:
        """(m, T, BANDS) -> (m, T), T filled up to whole steps with silence on the way."""
        m, T, _ = x.shape
        silence = x.new_full((m, 1, BANDS), (math.log(SOFTEST) - LEVEL) / SPREAD)
        before, after = (silence.expand(-1, frames, -1) for frames in (KERNEL - STEP, -T % STEP))
        heard = torch.relu(self.norm(self.ears(torch.cat([before, x, after], 1).mT)))  # (m, units, T / STEP)
        states = Gru.apply(self.inward(heard.permute(2, 0, 1))[:, None], self.across, self.under)
        logits: Tensor = self.read(states[:, 0])  # (T / STEP, m, STEP)
        return logits.transpose(0, 1).flatten(1)[:, :T]


def initialize(seed: int, units: int = UNITS) -> Trigger:
    """A network at a random start that depends on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Trigger(units)


@torch.inference_mode()
def probability(network: Trigger, x: Tensor) -> Tensor:
    """(m, T, BANDS) -> (m, T)."""
    return torch.sigmoid(network.eval()(x))


@cache
def trained(width: int) -> Trigger:
    """The bundled network that learned from labels of so many frames."""
    held, start = bundled.state(NAME), f"{width}."
    network = Trigger()
    network.load_state_dict({k.removeprefix(start): v.float() for k, v in held.items() if k.startswith(start)})
    return network.eval()
