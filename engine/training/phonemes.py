"""Training of the two ways to read single words: phonemes from aligned frames, and letters by CTC."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import ctc_loss, interpolate, nll_loss
from torch.nn.utils.rnn import pad_sequence

from engine.data.utterances import clips
from engine.data.voices import Spoken
from engine.functional.decoding import ctc_greedy
from engine.models.phonemes import (
    SPREAD,
    STRIDE,
    Labeller,
    Pair,
    direct_scores,
    labeller,
    levels,
    spoken_phonemes,
    staged_scores,
    symbols,
)  # fmt: skip
from engine.seeding import generator

BATCH, RATE, LARGEST = 16, 0.01, 2.0
ABSENT = -1  # stands in the phonemes for frames beyond the end
# By how much training changes levels: a clip's, along its bands, each one's; and the noise that it puts under a clip.
LOUDNESS, COLOUR, GRAIN, KNOTS = 0.4, 0.2, 0.2, 5
FAINTEST, STRONGEST = -0.2, 0.3


@dataclass(frozen=True)
class Words:
    """Clips of single words side by side: mel levels (m, t, bands), the network's frames (m,), phonemes (m, T), words (m,)."""

    x: Tensor
    lengths: Tensor
    phonemes: Tensor
    words: tuple[int, ...]

    def some(self, chosen: Tensor) -> Words:
        """Some of them, no longer than they must be."""
        lengths = self.lengths[chosen]
        T = int(lengths.max())
        words = tuple(self.words[i] for i in chosen.tolist())
        return Words(self.x[chosen, : STRIDE * T], lengths, self.phonemes[chosen, :T], words)


def prepared(said: Sequence[Spoken]) -> Words:
    """Clips as the networks hear them, with what is said in every frame."""
    heard = [levels(clip.samples) for clip in said]
    lengths = [-(-len(x) // STRIDE) for x in heard]
    phonemes = [spoken_phonemes(clip, T) for clip, T in zip(said, lengths, strict=True)]
    words = tuple(symbols().words.index(clip.word) for clip in said)
    x = pad_sequence(heard, batch_first=True)
    return Words(x, torch.tensor(lengths), pad_sequence(phonemes, batch_first=True, padding_value=ABSENT), words)


@cache
def bank_words(held_out: bool) -> Words:
    """The bundled clips, of the voices held out or of the others."""
    return prepared(clips(held_out))


def log_prior(words: Words) -> Tensor:
    """ln of how often each phoneme (K,) is heard in the frames of some clips, each counted once more than it is."""
    said = words.phonemes[words.phonemes != ABSENT]
    counts = torch.bincount(said, minlength=len(symbols().phonemes)) + 1.0
    return (counts / counts.sum()).log()


def cost_of(network: Labeller, staged: bool, batch: Words) -> Tensor:
    """The mean cross-entropy of a frame's phoneme, or the mean CTC loss of a letter."""
    said = network(batch.x)
    if staged:
        return nll_loss(said.flatten(0, 1), batch.phonemes.flatten(), ignore_index=ABSENT)
    spelled = [symbols().spelled[word] for word in batch.words]
    sizes = torch.tensor([len(word) for word in spelled])
    return ctc_loss(said.transpose(0, 1), torch.tensor(sum(spelled, ())), batch.lengths, sizes, zero_infinity=True)


def changed(x: Tensor, random: torch.Generator) -> Tensor:
    """Mel levels (m, t, bands) as other rooms, microphones and voices bring them: coloured, louder or softer, in noise."""
    m, _, bands = x.shape
    colour = interpolate(torch.randn(m, 1, KNOTS, generator=random), bands, mode="linear", align_corners=True)
    grain = torch.randn(x.shape, generator=random)
    x = x + LOUDNESS * torch.randn(m, 1, 1, generator=random) + COLOUR * colour + GRAIN * grain
    noise = FAINTEST + (STRONGEST - FAINTEST) * torch.rand(m, 1, 1, generator=random) + GRAIN * grain
    # Levels are logarithms over SPREAD; energies add.
    return torch.logaddexp(SPREAD * x, SPREAD * noise) / SPREAD


@dataclass(frozen=True)
class Update:
    """After so many updates: the mean cost since the last look."""

    update: int
    cost: float


def fit_words(
    network: Labeller, words: Words, *, staged: bool, updates: int, every: int, random: torch.Generator
) -> Iterator[Update]:
    """Train in place by Adam under a one-cycle rate, each batch with levels a little changed; stops where it overflows.

    Yields after every ``every`` updates and after the last.
    """
    optimizer = torch.optim.Adam(network.parameters(), RATE, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=max(2, updates))
    costs: list[Tensor] = []
    for update in range(1, updates + 1):
        network.train()
        batch = words.some(torch.randint(len(words.x), (BATCH,), generator=random))
        cost = cost_of(network, staged, replace(batch, x=changed(batch.x, random)))
        optimizer.zero_grad()
        cost.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(network.parameters(), LARGEST)
        optimizer.step()
        schedule.step()
        costs.append(cost.detach())
        if update % every == 0 or update == updates:
            yield Update(update, float(torch.stack(costs).mean()))
            costs.clear()


def start(seed: int, words: Words) -> Pair:
    """Both networks at their random start, and the prior of the clips that they are to learn from."""
    return Pair(labeller(True, seed), log_prior(words), labeller(False, seed))


def subset(words: Words, size: int, seed: int) -> Words:
    """So many clips, drawn by the seed; all there are if they are fewer."""
    return words.some(torch.randperm(len(words.x), generator=generator(seed, 3))[:size])


@dataclass(frozen=True)
class Errors:
    """The share of held-out clips whose word is wrong: by phonemes and lexicon, by letters as read, by letters and lexicon."""

    staged: float
    letters: float
    lexicon: float


@torch.inference_mode()
def errors(pair: Pair, words: Words) -> Errors:
    """How both ways fare on some clips."""
    wrong = np.zeros((len(words.x), 3), bool)
    for i, (word, T) in enumerate(zip(words.words, words.lengths.tolist(), strict=True)):
        heard = words.x[i, : STRIDE * T]
        said = pair.direct.eval()(heard[None])[0]
        read = tuple(ctc_greedy(said))
        wrong[i] = (
            staged_scores(pair, heard).argmax() != word,
            read != symbols().spelled[word],
            direct_scores(said).argmax() != word,
        )
    return Errors(*wrong.mean(0).tolist())
