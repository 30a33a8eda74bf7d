"""The bundled recogniser of spoken digits: sound to log-probabilities of ten digits and the blank, frame by frame."""

from __future__ import annotations

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.data.voices import DIGITS, RATE
from engine.functional.audio import mel_filterbank, short_time_energy
from engine.models import bundled

NAME = "recogniser"
WINDOW, HOP = 256, 80  # samples: 32 and 10 ms
BANDS, LOWEST, HIGHEST = 40, 80.0, 3800.0  # Hz
RANGE = 60.0  # dB below the loudest that count
MARGIN = 1600  # samples of silence put at both ends, 0.2 s
STRIDE = 4  # windows to a frame of the answer
FRAME_SECONDS = STRIDE * HOP / RATE
SYMBOLS = ("", *DIGITS)  # the blank first


@cache
def _filters() -> Tensor:
    return mel_filterbank(RATE, WINDOW, BANDS, LOWEST, HIGHEST).float()


def levels(samples: Tensor) -> Tensor:
    """Mel levels (m, t, BANDS) of recordings (m, n) at 8 kHz, with silence around: 0 to 1 for 60 dB up to the loudest."""
    mel = _filters() @ short_time_energy(F.pad(samples, (MARGIN, MARGIN)), WINDOW, HOP)  # (m, BANDS, t)
    loudest = mel.amax((1, 2), keepdim=True).clamp_min(torch.finfo(mel.dtype).tiny)
    return (1 + 10 * torch.log10((mel / loudest).clamp_min(10 ** (-RANGE / 10))) / RANGE).mT


class Recogniser(nn.Module):
    """Mel levels (m, t, BANDS) to logits (m, ⌈t / 4⌉, 11): two strided convolutions, a bidirectional GRU, a dense layer."""

    def __init__(self, channels: int = 96, hidden: int = 96, dropout: float = 0.3) -> None:
        """A network at its random start."""
        super().__init__()
        self.ears = nn.Sequential(
            nn.Conv1d(BANDS, channels, 5, 2, 2), nn.BatchNorm1d(channels), nn.ReLU(), nn.Dropout(dropout),
            nn.Conv1d(channels, channels, 5, 2, 2), nn.BatchNorm1d(channels), nn.ReLU(), nn.Dropout(dropout),
            nn.Conv1d(channels, channels, 5, 1, 2), nn.BatchNorm1d(channels), nn.ReLU(), nn.Dropout(dropout),
        )  # fmt: skip
        self.memory = nn.GRU(channels, hidden, batch_first=True, bidirectional=True)
        self.read = nn.Sequential(nn.Dropout(dropout), nn.Linear(2 * hidden, len(SYMBOLS)))

    def forward(self, x: Tensor) -> Tensor:
        """(m, t, BANDS) -> (m, ⌈t / 4⌉, 11)."""
        a, _ = self.memory(self.ears(x.mT).mT)
        return self.read(a)


@cache
def recogniser() -> Recogniser:
    """The bundled network."""
    network = Recogniser()
    network.load_state_dict({key: value.float() for key, value in bundled.state(NAME).items()})
    return network.eval()


@torch.inference_mode()
def log_probabilities(samples: Tensor, network: Recogniser | None = None) -> Tensor:
    """log P of the blank and ten digits at every frame: samples (n,) at 8 kHz to (T, 11)."""
    return torch.log_softmax((network or recogniser())(levels(samples[None]))[0], -1)
