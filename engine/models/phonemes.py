"""Single words from mel frames, in two ways: phonemes, then a lexicon; or letters at once, by CTC. One network, two targets."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import ctc_loss, log_softmax, pad

from engine.data.utterances import clips
from engine.data.voices import RATE, Spoken
from engine.functional.audio import mel_spectrogram
from engine.functional.lexicon import scaled, word_scores
from engine.models import bundled

NAME = "phonemes"
WINDOW, HOP, BANDS, LOWEST = 256, 160, 20, 80.0  # samples (32 and 20 ms), bands, Hz
STRIDE = 2
FRAME_SECONDS = STRIDE * HOP / RATE  # of what the network says
AROUND = 0.2  # s of silence around a word
SOFTEST, SPREAD = 3e-5, 3.0  # energy that counts as silence, and the scale of its logarithm
PEAK = 0.5  # what every sound is brought to
SIZES = (10, 30, 100, 300, 1000, 3000)  # clips that the bundled networks learned from
UNITS = 48


class Symbols(NamedTuple):
    """The words, what they are made of, and how: phonemes and letters as numbers, 0 being silence or the blank."""

    words: tuple[str, ...]
    phonemes: tuple[str, ...]
    letters: tuple[str, ...]
    lexicon: tuple[tuple[int, ...], ...]
    spelled: tuple[tuple[int, ...], ...]


@cache
def symbols() -> Symbols:
    """Of the words in the bank."""
    said = {clip.word: tuple(phone for phone, _ in clip.phones) for clip in clips(held_out=True)}
    words = tuple(sorted(said))
    phonemes = ("", *sorted({phone for phones in said.values() for phone in phones}))
    letters = ("", *sorted({letter for word in words for letter in word}))
    lexicon = tuple(tuple(phonemes.index(phone) for phone in said[word]) for word in words)
    return Symbols(words, phonemes, letters, lexicon, tuple(tuple(map(letters.index, word)) for word in words))


def levels(samples: np.ndarray) -> Tensor:
    """Mel levels (t, BANDS) of a word (n,) with silence, level 0, around it.

    The loudest sample is brought to half of full scale.
    """
    loudest = float(np.abs(samples).max(initial=0))
    even = torch.from_numpy(samples * np.float32(PEAK / loudest) if loudest else samples)
    around = round(AROUND * RATE)
    mel = mel_spectrogram(pad(even, (around, around)), RATE, WINDOW, HOP, BANDS, LOWEST)
    return (torch.log1p(mel / SOFTEST) / SPREAD).T.contiguous()


def spoken_phonemes(clip: Spoken, frames: int) -> Tensor:
    """The phoneme (frames,) that sounds at the middle of each of the network's frames, from the clip's alignment."""
    time = (np.arange(frames) * STRIDE * HOP + WINDOW / 2) / RATE - AROUND
    found = np.zeros(frames, np.int64)
    for symbol, start in clip.phones:
        found[time >= start] = symbols().phonemes.index(symbol)
    found[(time < 0) | (time >= clip.seconds)] = 0
    return torch.from_numpy(found)


class Labeller(nn.Module):
    """Mel levels (m, t, BANDS) to log-probabilities (m, ⌈t / 2⌉, classes): three convolutions that see half a second."""

    def __init__(self, classes: int, units: int = UNITS) -> None:
        """A network at its random start."""
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv1d(BANDS, units, 5, STRIDE, 2), nn.BatchNorm1d(units), nn.ReLU(),
            nn.Conv1d(units, units, 5, padding=2), nn.BatchNorm1d(units), nn.ReLU(),
            nn.Conv1d(units, units, 5, padding=4, dilation=2), nn.BatchNorm1d(units), nn.ReLU(),
            nn.Conv1d(units, classes, 1),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """(m, t, BANDS) -> (m, ⌈t / 2⌉, classes)."""
        return log_softmax(self.layers(x.mT).mT, -1)


def labeller(staged: bool, seed: int = 0) -> Labeller:
    """A network at a random start that depends on the seed alone, for phonemes or for letters."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Labeller(len(symbols().phonemes if staged else symbols().letters))


class Pair(NamedTuple):
    """A network for phonemes with the log of how often each occurs (K,), and one for letters."""

    staged: Labeller
    prior: Tensor
    direct: Labeller


@torch.inference_mode()
def staged_scores(pair: Pair, x: Tensor) -> np.ndarray:
    """How well each word (W,) fits mel levels (t, BANDS): Viterbi over the phonemes' probabilities."""
    said = pair.staged.eval()(x[None])[0]
    return word_scores(scaled(said.numpy(), pair.prior.numpy()), symbols().lexicon)


@torch.inference_mode()
def direct_scores(said: Tensor) -> np.ndarray:
    """ln P(word) of every word (W,) by CTC, from log-probabilities of letters (T, K)."""
    spelled = symbols().spelled
    sizes = torch.tensor([len(word) for word in spelled])
    every = said[:, None].expand(-1, len(spelled), -1)
    loss = ctc_loss(
        every, torch.tensor(sum(spelled, ())), torch.full((len(spelled),), len(said)), sizes, reduction="none"
    )
    return -loss.numpy()


@cache
def trained(size: int) -> Pair:
    """The bundled networks that learned from so many clips."""
    held = {name: value.float() if value.is_floating_point() else value for name, value in bundled.state(NAME).items()}
    made = []
    for kind in ("staged", "direct"):
        start = f"{kind}.{size}."
        network = labeller(kind == "staged")
        network.load_state_dict({k.removeprefix(start): v for k, v in held.items() if k.startswith(start)})
        made.append(network.eval())
    return Pair(made[0], held[f"prior.{size}"], made[1])


@cache
def measured() -> dict[str, np.ndarray]:
    """Errors (sizes, seeds) on the held-out clips, measured by the recipe: staged, letters read as they are, with lexicon."""
    held = bundled.state(NAME)
    return {name: held[f"error.{name}"].float().numpy() for name in ("staged", "letters", "lexicon")}
