"""Train the bundled listeners for "activate": `python -m recipes.trigger` rewrites assets/weights/trigger.*.

Two networks on the same clips, which learn from labels of 50 frames and of 1. The words are said by espeak-ng in many accents
and voices, none of them one of the bank's held-out voices, and laid over backgrounds; every other clip goes through a room
and a microphone as well. They are tested on an hour of clips of the voices held out.
"""

from functools import reduce

import numpy as np
import torch
from torch import Tensor

from engine.data.overlay import overlay
from engine.data.utterances import held_out_voices, voices
from engine.data.voices import TRIGGER, Spoken, bank
from engine.functional.acoustics import disturbed
from engine.models.bundled import Card, write
from engine.models.trigger import NAME, WIDTHS, Trigger, frames, initialize
from engine.results.trigger import Rates, bundled_rates
from engine.seeding import generator
from engine.training.trigger import MOST_PIECES, fit_trigger, targets
from recipes.espeak import speak

SEED, CLIPS, SECONDS, CHUNK = 0, 3000, 4.0, 50
UPDATES, RATE, BATCH = 2500, 6e-3, 32
SPEAKERS, EACH, PEAK = 110, 12, 0.5
REFRACTORY = 0.5  # s
ACCENTS = ("en-us", "en-us", "en", "en-gb-scotland", "en-gb-x-rp", "en-gb-x-gbclan", "en-029", "en-us-nyc")
WORDS = [
    "act",
    "active",
    "activity",
    "actor",
    "vacation",
    "captivate",
    "motivate",
    "cultivate",
    "elevate",
    "private",
    "climate",
    "activist",
    "animate",
    "attic",
    "react",
    "hesitate",
    "vibrate",
    "octave",
    "native",
    "late",
    "gate",
    "eight",
    "ate",
    "it",
    "is",
    "a",
    "the",
    "and",
    "of",
    "to",
    "in",
    "you",
    "that",
    "he",
    "was",
    "for",
    "on",
    "are",
    "with",
    "his",
    "they",
    "at",
    "be",
    "this",
    "from",
    "I",
    "have",
    "or",
    "by",
    "one",
    "had",
    "not",
    "but",
    "what",
    "all",
    "were",
    "when",
    "we",
    "there",
    "can",
    "an",
    "your",
    "which",
    "their",
    "said",
    "if",
    "do",
    "will",
    "each",
    "about",
    "how",
    "up",
    "out",
    "them",
    "then",
    "she",
    "many",
    "some",
    "so",
    "these",
    "would",
    "other",
    "into",
    "has",
    "more",
    "her",
    "two",
    "like",
    "him",
    "see",
    "time",
    "could",
    "no",
    "make",
    "than",
    "first",
    "been",
    "its",
    "who",
    "now",
    "people",
    "my",
    "made",
    "over",
    "did",
    "down",
    "only",
    "way",
    "find",
    "use",
    "may",
    "water",
    "long",
    "little",
    "very",
    "after",
    "words",
]


def speakers() -> list[Spoken]:
    """The trigger word and some other words by each of many drawn voices, none of them held out."""
    random = generator(SEED, 5)
    banned = {voice.split("+")[1] for voice in held_out_voices()}
    variants = [voice.split("+")[1] for voice in voices() if voice.split("+")[1] not in banned]
    new, known = WORDS.split(), sorted({clip.word for clip in bank()} - {TRIGGER})

    def one(words: list[str]) -> str:
        return words[int(torch.randint(len(words), (), generator=random))]

    made = []
    for _ in range(SPEAKERS):
        voice = f"{one(list(ACCENTS))}+{one(variants)}"
        others = [one(known) for _ in range(EACH // 2)] + [one(new) for _ in range(EACH // 2)]
        speed, pitch, range_ = (int(x) for x in torch.randint(100, 200, (3,), generator=random))
        for word in [TRIGGER, *others]:
            clip = speak(word, voice, speed=speed, pitch=pitch // 2 - 25, range_=range_ // 2)
            loudest = PEAK / np.abs(clip.samples).max()
            made.append(Spoken(word, voice, clip.samples * np.float32(loudest), clip.phones))
    return made


def training_clips(pool: list[Spoken]) -> tuple[Tensor, list[tuple[int, ...]]]:
    """Mel levels (CLIPS, T, bands), every other chunk disturbed, and the samples at which the trigger words end."""
    random, x, ends = generator(SEED, 1), list[Tensor](), list[tuple[int, ...]]()
    for start in range(0, CLIPS, CHUNK):
        made = [overlay(pool, random, SECONDS) for _ in range(CHUNK)]
        samples = torch.from_numpy(np.stack([clip.mix for clip in made]))
        if start // CHUNK % 2:
            samples = disturbed(samples, random)
        x.append(frames(samples.numpy()))
        ends += [tuple(clip.ends()) for clip in made]
    return torch.cat(x), ends


def train(width: int, x: Tensor, ends: list[tuple[int, ...]]) -> Trigger:
    """A network that learned from labels of so many frames."""
    network = initialize(SEED)
    y = targets(ends, x.shape[1], width)
    updates = fit_trigger(
        network, x, y, updates=UPDATES, rate=RATE, batch=BATCH, every=UPDATES // 10, generator=generator(SEED, 2)
    )
    for now in updates:
        print(f"{width}: update {now.update}, cost {now.cost:.5f}", flush=True)
    return network.eval()


def measured(width: int) -> Rates:
    """An hour of held-out clips, heard by the bundled network."""
    return reduce(Rates.joined, (bundled_rates(width, piece, REFRACTORY) for piece in range(MOST_PIECES)))


def best(found: Rates) -> int:
    """Where the misses and the alarms, one an hour weighing as a hundredth of the words, are fewest."""
    return int((1 - found.detected + found.alarms / 100).argmin())


def main() -> None:
    """Train both, measure, write."""
    x, ends = training_clips(speakers())
    state = {}
    for width in WIDTHS:
        state |= {f"{width}.{name}": value for name, value in train(width, x, ends).state_dict().items()}
    state = {name: value.half() if value.is_floating_point() else value for name, value in state.items()}

    def card(metric: str) -> Card:
        return Card(
            name=NAME,
            title="Atlas listener",
            recipe="recipes/trigger.py",
            data=f"{CLIPS:,} clips of {SECONDS:g} s by overlay, {SPEAKERS} drawn voices of espeak-ng.",
            seed=SEED,
            metric=metric,
            limits="Heard made voices only, at 8 kHz; the words that it must tell apart were in training, in other voices.",
            licence="CC0-1.0",
            sha256="",
        )

    write(card("not measured yet"), state)
    said = []
    for width in WIDTHS:
        found = measured(width)
        k = best(found)
        said.append(
            f"Labels of {width}: {found.detected[k]:.1%} of {found.words} words detected and {found.alarms[k]:.1f} false "
            f"alarms an hour at the threshold {found.threshold[k]:g}"
        )
        print(said[-1], list(zip(found.threshold, found.detected.round(3), found.alarms.round(1), strict=True)))
    write(card("; ".join(said) + "; on an hour of clips of 5 voices held out."), state)


if __name__ == "__main__":
    main()
