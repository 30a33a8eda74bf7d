"""Train the bundled writer of digit strings: `python -m recipes.speller` rewrites assets/weights/speech-attention.*.

Strings of 1 to 5 digits, joined from the bank's voices that aren't held out and from more that espeak-ng says; every other one
goes through a room and a microphone. It is tested on strings in the voices held out, of up to twice as many digits.
"""

import numpy as np
import torch

from engine.data.utterances import Utterance, clips, drawn, held_out_voices, voices
from engine.data.voices import DIGITS, Spoken
from engine.functional.acoustics import disturbed
from engine.models.bundled import Card, write
from engine.models.phonemes import PEAK
from engine.models.recogniser import levels
from engine.models.speller import NAME, Speller, initialize
from engine.results.listening import Fared, fared
from engine.seeding import generator
from engine.training.listening import Strings, fit_speller, said_digits, targets
from recipes.espeak import speak

SEED, EXTRA, CHUNKS, CHUNK, LONGEST = 0, 900, 60, 40, 5
UPDATES, RATE, BATCH = 2600, 4e-3, 16
TESTED = 100
ACCENTS = ("en-us", "en-us", "en-us", "en", "en-gb-scotland", "en-gb-x-rp", "en-us-nyc")


def pool() -> list[Spoken]:
    """Digits to learn from: the bank's and as many more, none in a voice held out."""
    random = generator(SEED, 5)
    free = [voice.split("+")[1] for voice in voices() if voice not in held_out_voices()]

    def drawn_from(low: int, high: int) -> int:
        return int(torch.randint(low, high, (), generator=random))

    made = [clip for clip in clips(held_out=False) if clip.word in DIGITS]
    for i in range(EXTRA):
        voice = f"{ACCENTS[drawn_from(0, len(ACCENTS))]}+{free[drawn_from(0, len(free))]}"
        clip = speak(DIGITS[i % 10], voice, speed=drawn_from(100, 210), pitch=drawn_from(15, 85))
        made.append(Spoken(clip.word, voice, clip.samples * np.float32(PEAK / np.abs(clip.samples).max()), clip.phones))
    return made


def chunk(count: int, said: list[Spoken], disturb: bool, random: torch.Generator) -> Strings:
    """Strings of so many digits as the network hears them."""
    made: list[Utterance] = [said_digits(drawn(said, count, random), random) for _ in range(CHUNK)]
    longest = max(len(utterance.samples) for utterance in made)
    samples = torch.stack([torch.from_numpy(np.pad(u.samples, (0, longest - len(u.samples)))) for u in made])
    return Strings(levels(disturbed(samples, random) if disturb else samples), targets(made))


def train() -> Speller:
    """A network that learned both ways at once."""
    random, said = generator(SEED, 1), pool()
    chunks = [chunk(1 + i % LONGEST, said, i // LONGEST % 2 == 1, random) for i in range(CHUNKS)]
    print("strings are made", flush=True)

    def batch() -> Strings:
        of = chunks[int(torch.randint(len(chunks), (), generator=random))]
        return of.some(torch.randint(CHUNK, (BATCH,), generator=random))

    network = initialize(SEED)
    for now in fit_speller(network, batch, updates=UPDATES, rate=RATE, every=UPDATES // 26):
        print(f"update {now.update}: attention {now.attention:.4f}, ctc {now.ctc:.4f}", flush=True)
    return network.eval()


def together(found: list[Fared]) -> str:
    """Digit error rates and the share that rises, over strings of 1 to LONGEST digits."""
    said = sum(each.digits * each.strings for each in found)
    attention, ctc = (
        sum(getattr(each, way) * each.digits * each.strings for each in found) / said for way in ("attention", "ctc")
    )
    rose = sum(each.rose * each.strings for each in found) / sum(each.strings for each in found)
    return f"{attention:.2%} of digits wrong by attention, {ctc:.2%} by CTC; the attention only moves forward in {rose:.1%}"


def main() -> None:
    """Train, measure, write."""
    state = {name: value.half() if value.is_floating_point() else value for name, value in train().state_dict().items()}

    def card(metric: str) -> Card:
        return Card(
            name=NAME,
            title="Atlas speller",
            recipe="recipes/speller.py",
            data=f"{CHUNKS * CHUNK:,} strings of 1 to {LONGEST} digits by espeak-ng, half of them disturbed.",
            seed=SEED,
            metric=metric,
            limits=f"Knows digits only, in made voices, up to {LONGEST} in a string: in longer ones the attention gets lost.",
            licence="CC0-1.0",
            sha256="",
        )

    write(card("not measured yet"), state)
    found = [fared(TESTED, digits) for digits in range(1, 2 * LONGEST + 1)]
    for each in found:
        print(each)
    known, longer = found[:LONGEST], found[LONGEST:]
    metric = f"Strings of 1 to {LONGEST} digits in 5 voices held out, {TESTED} of each: {together(known)}. "
    metric += f"Of {LONGEST + 1} to {2 * LONGEST} digits: {together(longer)}."
    write(card(metric), state)
    print(metric)


if __name__ == "__main__":
    main()
