"""Train the bundled readers of single words: `python -m recipes.phonemes` rewrites assets/weights/phonemes.*.

Phonemes with a lexicon, and letters by CTC, from 10 to 3,000 clips, several times each on clips drawn anew. Up to 300 they come
from the bank's voices that aren't held out; more are said by espeak-ng in the same voices at other speeds and pitches.
"""

import numpy as np
import torch
from torch import Tensor

from engine.data.utterances import clips, held_out_voices, voices
from engine.data.voices import Spoken
from engine.models.bundled import Card, write
from engine.models.phonemes import NAME, PEAK, SIZES, Pair, symbols
from engine.seeding import generator
from engine.training.phonemes import Words, bank_words, errors, fit_words, prepared, start, subset
from recipes.espeak import speak

SEEDS = (0, 1, 2)
STAGED = 400  # updates
DIRECT = dict(zip(SIZES, (500, 600, 800, 1000, 1400, 1500), strict=True))  # more where there is more to learn
FROM_BANK = 300


def spoken(count: int) -> list[Spoken]:
    """New clips of random words in random voices that aren't held out."""
    random = generator(0, 7)
    free = [voice for voice in voices() if voice not in held_out_voices()]

    def drawn(low: int, high: int) -> int:
        return int(torch.randint(low, high, (), generator=random))

    made = []
    for _ in range(count):
        word, voice = symbols().words[drawn(0, len(symbols().words))], free[drawn(0, len(free))]
        clip = speak(word, voice, speed=drawn(110, 210), pitch=drawn(20, 80))
        made.append(Spoken(word, voice, clip.samples * np.float32(PEAK / np.abs(clip.samples).max()), clip.phones))
    return made


def train(words: Words, size: int, seed: int) -> Pair:
    """Both networks on the same clips."""
    pair = start(seed, words)
    for staged, network in ((True, pair.staged), (False, pair.direct)):
        updates = STAGED if staged else DIRECT[size]
        for _ in fit_words(
            network, words, staged=staged, updates=updates, every=updates, random=generator(seed, int(staged))
        ):
            pass
    return pair


def saved(pair: Pair, size: int) -> dict[str, Tensor]:
    """Both networks under names of their own."""
    kept = {f"prior.{size}": pair.prior}
    for kind, network in (("staged", pair.staged), ("direct", pair.direct)):
        kept |= {f"{kind}.{size}.{name}": value for name, value in network.state_dict().items()}
    return {name: value.half() if value.is_floating_point() else value for name, value in kept.items()}


def main() -> None:
    """Train, measure, write."""
    bank, test = bank_words(held_out=False), bank_words(held_out=True)
    every = prepared([*clips(held_out=False), *spoken(max(SIZES) - len(bank.x))])
    state: dict[str, Tensor] = {}
    found = np.zeros((3, len(SIZES), len(SEEDS)))
    for i, size in reversed(list(enumerate(SIZES))):
        for j, seed in enumerate(SEEDS):
            pair = train(subset(bank if size <= FROM_BANK else every, size, seed), size, seed)
            result = errors(pair, test)
            found[:, i, j] = result.staged, result.letters, result.lexicon
            print(size, seed, result, flush=True)
            if j == 0:
                state |= saved(pair, size)
    for name, values in zip(("staged", "letters", "lexicon"), found, strict=True):
        state[f"error.{name}"] = torch.from_numpy(values).float()
    few, many = (found[:, SIZES.index(size)].mean(-1) for size in (30, 3000))
    card = Card(
        name=NAME,
        title="Atlas words",
        recipe="recipes/phonemes.py",
        data=f"{SIZES[0]} to {SIZES[-1]:,} clips of {len(symbols().words)} words by espeak-ng, 25 voices.",
        seed=SEEDS[0],
        metric=f"Words wrong on {len(test.x)} clips of 5 voices held out, mean of {len(SEEDS)} seeds, by phonemes and lexicon, "
        f"by letters, by letters and lexicon: {few[0]:.1%}, {few[1]:.1%}, {few[2]:.1%} from 30 clips, and "
        f"{many[0]:.1%}, {many[1]:.1%}, {many[2]:.1%} from 3,000.",
        limits="Knows those words only, said alone, and made voices only.",
        licence="CC0-1.0",
        sha256="",
    )
    write(card, state)
    print(card.metric)


if __name__ == "__main__":
    main()
