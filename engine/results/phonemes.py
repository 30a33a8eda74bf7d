"""What becomes of one word in both ways, stage by stage, and how often they are wrong by the clips they learned from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from engine.functional.decoding import ctc_greedy
from engine.functional.lexicon import scaled, states, viterbi
from engine.models.phonemes import Pair, direct_scores, levels, staged_scores, symbols
from engine.results import Array

WAYS = ("staged", "letters", "lexicon")


@dataclass(frozen=True)
class Stages:
    """A word on its way through both systems.

    ``levels`` (bands, t) are what is heard. ``phonemes`` (T, K) and ``letters`` (T, L) are probabilities, ``path`` (T,) the
    phoneme in each frame of the best path, ``read`` the letters of the likeliest. ``staged`` and ``direct`` (W,) share 1 out
    among the words by how well each fits.
    """

    levels: Array
    phonemes: Array
    path: Array
    letters: Array
    read: str
    staged: Array
    direct: Array

    @property
    def best(self) -> tuple[str, str]:
        """The word that fits best by phonemes, and by letters."""
        words = symbols().words
        return words[int(self.staged.argmax())], words[int(self.direct.argmax())]


@torch.inference_mode()
def stages(pair: Pair, samples: Array) -> Stages:
    """Both systems on a sound (n,) at 8 kHz."""
    x = levels(samples)
    said = pair.staged.eval()(x[None])[0].numpy()
    letters = pair.direct.eval()(x[None])[0]
    scores = staged_scores(pair, x)
    word = symbols().lexicon[int(scores.argmax())]
    _, way = viterbi(scaled(said, pair.prior.numpy()), word)
    path = np.array(states(word))[way] if way else np.zeros(len(said), int)
    read = "".join(symbols().letters[i] for i in ctc_greedy(letters))
    shares = (_shares(scores), _shares(direct_scores(letters)))
    return Stages(x.T.numpy(), np.exp(said), path, letters.exp().numpy(), read, *shares)


def _shares(scores: Array) -> Array:
    """Log-probabilities as shares of 1; even ones where nothing fits."""
    possible = np.isfinite(scores)
    if not possible.any():
        return np.full(len(scores), 1 / len(scores))
    shares = np.where(possible, np.exp(scores - scores[possible].max()), 0.0)
    return shares / shares.sum()
