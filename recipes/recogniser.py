"""Train the bundled recogniser of digits: `python -m recipes.recogniser` rewrites assets/weights/recogniser.*.

It hears nobody but the synthesizer (espeak-ng is needed): every batch joins new strings of digits from a bank of clips in many
voices, accents, speeds and pitches, puts them into rooms and noise, shifts their resonances and blots parts out. Other words
then tell which digits it favours where it is unsure, and its biases take that back. It is measured on voices that training
never used. Recordings of people serve as a measure alone: `tests/labs/test_recognise.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.data.utterances import held_out_voices
from engine.data.voices import DIGITS, RATE
from engine.functional.acoustics import disturbed
from engine.functional.decoding import ctc_greedy
from engine.functional.word_errors import WordErrors, word_error_rate, word_errors
from engine.models.bundled import Card, write
from engine.models.recogniser import NAME, SYMBOLS, Recogniser, levels, log_probabilities
from engine.seeding import generator
from recipes.espeak import speak
from recipes.loop import fit
from recipes.trigger import WORDS

SEED, TEST_SEED = 0, 1
CLIPS, TESTED = 24_000, 500
STEPS, BATCH, POOL, RATE_OF_LEARNING = 2000, 32, 256, 2e-3
FAR, FOREIGNERS = 2.5, 0.25  # bands that resonances move, share of foreign accents
ACCENTS = ("en-us", "en", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan", "en-gb-x-gbcwmd", "en-029", "en-us-nyc")
# English digits spelled so that a voice of another language says them nearly right: an accent.
FOREIGN = {
    "de": "siro wann tuh ssri fohr feif six sewwen äit nein",
    "fr": "ziro ouane tou sri fore faïve sixe sévenne éïte naïne",
    "it": "sìro uan tu tri for faiv six seven eit nain",
    "es": "síro uan tu zri for faiv six séven eit nain",
    "nl": "ziero wan toe srie foor faaiv siks sevven eet nain",
    "pl": "ziro łan tu sri for fajf siks sewen ejt najn",
}
# What isn't a digit and doesn't sound like one.
OTHER_WORDS = [word for word in WORDS if word not in (*DIGITS, "ate", "for", "to")]
OTHERS, OTHERS_SEED = 1000, 2
VARIANTS = Path("/usr/lib/x86_64-linux-gnu/espeak-ng-data/voices/!v")
# Robots, monsters and whispers.
STRANGE = (
    "Demonic",
    "announcer",
    "fast",
    "anikaRobot",
    "UniRobot",
    "robosoft",
    "whisper",
    "Storm",
    "AnxiousAndy",
    "croak",
)


def variants() -> list[str]:
    """The kinds of voice to learn from: all but strange ones and those held out."""
    held = {voice.split("+")[1] for voice in held_out_voices()}
    names = sorted(path.name for path in VARIANTS.iterdir())
    return [name for name in names if name not in held and not name.startswith(STRANGE)]


def said(text: str, voice: str, random: np.random.Generator) -> np.ndarray:
    """A text at some speed and pitch, loudest at 1."""
    speed, pitch, range_ = random.integers(90, 260), random.integers(5, 95), random.integers(0, 100)
    spoken = speak(text, voice, speed=int(speed), pitch=int(pitch), range_=int(range_))
    # Read faster or slower, as a tape: other heads and throats.
    at = np.arange(0, len(spoken.samples) - 1, np.exp(random.uniform(-0.2, 0.2)))
    samples = np.interp(at, np.arange(len(spoken.samples)), spoken.samples)
    return samples / np.abs(samples).max()


class Bank:
    """Clips of spoken digits."""

    def __init__(self, count: int, seed: int, kinds: Sequence[str], foreign: float = FOREIGNERS) -> None:
        """Speak so many clips, a share of them with a foreign accent."""
        self.random, self.clips, self.digits = np.random.default_rng(seed), list[np.ndarray](), list[int]()
        for _ in range(count):
            self.add(self.random.choice(kinds), foreign)

    def add(self, kind: str, foreign: float) -> None:
        """One more clip: of a digit in an English or a foreign accent."""
        random = self.random
        digit = int(random.integers(10))
        text, accent = DIGITS[digit], random.choice(ACCENTS)
        if random.random() < foreign:
            accent = random.choice(list(FOREIGN))
            text = FOREIGN[accent].split()[digit]
        self.clips.append(said(text, f"{accent}+{kind}", random).astype(np.float16))
        self.digits.append(digit)

    def utterance(self) -> tuple[np.ndarray, list[int]]:
        """Samples of one word or of up to five with pauses, often with silence around; and the digits among them."""
        random = self.random
        count = 1 if random.random() < 0.5 else int(random.integers(2, 6))
        chosen = random.integers(len(self.clips), size=count)
        parts = [self.silence(0.25, 0.6)]
        for i in chosen:
            clip = self.clips[i].astype(np.float32)
            if random.random() < 0.3:  # cut tightly, as some recordings are
                clip = clip[int(random.uniform(0, 0.03) * RATE) : len(clip) - int(random.uniform(0, 0.05) * RATE)]
            parts += [clip * 10 ** (-random.uniform(0, 6) / 20), self.silence(0.3, 0.8)]
        parts[-1] = self.silence(0.25, 0.6)
        return np.concatenate(parts), [self.digits[i] for i in chosen]

    def silence(self, longest: float, chance: float) -> np.ndarray:
        """Up to so many seconds of nothing, with some chance."""
        seconds = self.random.uniform(0, longest) if self.random.random() < chance else 0
        return np.zeros(int(seconds * RATE), np.float32)

    def batches(self) -> Iterator[tuple[Tensor, list[list[int]]]]:
        """Samples (BATCH, n) of utterances nearly equally long, and their digits; for ever."""
        while True:
            made = sorted((self.utterance() for _ in range(POOL)), key=lambda one: len(one[0]))
            for i in self.random.permutation(POOL // BATCH):
                some = made[i * BATCH : (i + 1) * BATCH]
                samples = torch.zeros(BATCH, len(some[-1][0]))
                for row, (one, _) in zip(samples, some, strict=True):
                    row[: len(one)] = torch.from_numpy(one)
                yield samples, [digits for _, digits in some]


def warped(x: Tensor, random: torch.Generator, far: float = FAR) -> Tensor:
    """Levels (m, t, b) with each recording's bands moved smoothly by up to about ``far``: vocal tracts of other lengths."""
    m, t, b = x.shape
    place = torch.arange(b) / b
    amount = far * (2 * torch.rand(m, 2, 1, generator=random) - 1) * torch.tensor([[1.0], [0.6]])
    moved = amount[:, 0] * torch.sin(torch.pi * place) + amount[:, 1] * torch.sin(2 * torch.pi * place)
    at = (torch.arange(b) + moved).clamp(0, b - 1.001)
    low = at.floor().long()
    share = (at - low)[:, None]
    low = low[:, None].expand(m, t, b)
    return x.gather(2, low) * (1 - share) + x.gather(2, low + 1) * share


def blotted(x: Tensor, random: torch.Generator) -> Tensor:
    """Levels (m, t, b) with up to 8 bands and up to 6 windows of each silenced. Park et al. 2019, SpecAugment."""
    for dim, widest in ((2, 9), (1, 7)):
        size = x.shape[dim]
        width = (torch.rand(len(x), 1, generator=random) * widest).floor()
        start = torch.rand(len(x), 1, generator=random) * (size - width)
        inside = (torch.arange(size) >= start) & (torch.arange(size) < start + width)  # (m, size)
        x = x.masked_fill(inside[:, None, :] if dim == 2 else inside[:, :, None], 0.0)
    return x


def train(bank: Bank, steps: int = STEPS) -> Recogniser:
    """A network after so many batches, by AdamW."""
    random, batches = generator(SEED), bank.batches()
    torch.manual_seed(SEED)
    network = Recogniser()

    def cost() -> Tensor:
        samples, digits = next(batches)
        x = blotted(warped(levels(disturbed(samples, random)), random), random)
        scores = torch.log_softmax(network(x), -1).transpose(0, 1)
        targets = torch.tensor([digit + 1 for one in digits for digit in one])
        lengths = torch.tensor([len(one) for one in digits])
        return F.ctc_loss(scores, targets, torch.full((BATCH,), len(scores)), lengths, zero_infinity=True)

    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.01)
    fit(optimizer, cost, rate=RATE_OF_LEARNING, steps=steps, rising=0.15, longest=5.0)
    return network.eval()


@torch.inference_mode()
def favoured(network: Recogniser) -> Tensor:
    """How much likelier than all ten on average it holds each digit (10,) in other words, where none is right: ln P."""
    random, draw, kinds = generator(OTHERS_SEED), np.random.default_rng(OTHERS_SEED), variants()
    each, sizes = torch.arange(1, 11)[:, None], torch.ones(10, dtype=torch.long)
    total = torch.zeros(10)
    for _ in range(OTHERS):
        word, voice = draw.choice(OTHER_WORDS), f"{draw.choice(ACCENTS)}+{draw.choice(kinds)}"
        samples = disturbed(torch.from_numpy(said(word, voice, draw)).float()[None], random)[0]
        scores = log_probabilities(samples, network)[:, None].expand(-1, 10, -1)
        total -= F.ctc_loss(scores, each, torch.full((10,), len(scores)), sizes, reduction="none")
    return (total - total.mean()) / OTHERS


def balanced(network: Recogniser) -> Recogniser:
    """The network with that taken from its biases, as priors are from a hybrid's. Bourlard and Wellekens 1990.

    A digit shows in one frame, so a bias moves the whole digit's odds by as much.
    """
    last = network.read[-1]
    assert isinstance(last, torch.nn.Linear)
    last.bias.data[1:] -= favoured(network)
    return network


def measured(network: Recogniser, samples: Tensor, digits: list[int]) -> WordErrors:
    """What greedy decoding gets wrong in one recording."""
    heard = ctc_greedy(log_probabilities(samples, network))
    return word_errors([DIGITS[digit] for digit in digits], [SYMBOLS[label] for label in heard])


def error_rate(network: Recogniser) -> float:
    """The word error rate on strings of digits in held-out voices with English accents, in rooms and noise."""
    held = [voice.split("+")[1] for voice in held_out_voices()]
    bank, random = Bank(TESTED, TEST_SEED, held, foreign=0), generator(TEST_SEED)
    errors = []
    for _ in range(TESTED):
        samples, digits = bank.utterance()
        errors.append(measured(network, disturbed(torch.from_numpy(samples)[None], random)[0], digits))
    return word_error_rate(errors)


def main() -> None:
    """Train, measure, write."""
    bank = Bank(CLIPS, SEED, variants())
    print(f"{len(bank.clips)} clips", flush=True)
    network = balanced(train(bank))
    rate = error_rate(network)
    print(f"word error rate {rate:.4f}")
    card = Card(
        name=NAME,
        title="Atlas digits",
        recipe="recipes/recogniser.py",
        data=f"{STEPS * BATCH:,} strings of digits, joined from {CLIPS:,} clips that espeak-ng spoke in {len(variants())} "
        f"voices and {len(ACCENTS) + len(FOREIGN)} accents, in made rooms and noise; biases balanced on "
        f"{OTHERS:,} clips of other words. No recording of a person.",
        seed=SEED,
        metric=f"Word error rate {rate:.1%} on {TESTED} made strings (seed {TEST_SEED}) of voices never used in training, as "
        "varied as those it learned from: 90 to 260 words a minute, cut tightly, in noise from 5 dB on.",
        limits="Knows English digits only, and takes other words and music for some. People are harder for it than machines.",
        licence="CC0-1.0",
        sha256="",
        labels=SYMBOLS,
    )
    write(
        card, {key: value.half() if value.is_floating_point() else value for key, value in network.state_dict().items()}
    )


if __name__ == "__main__":
    main()
