"""Sound to phonemes to words by stages, or sound to letters end to end, as there is more to learn from."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np
import torch

from engine.data.utterances import clips
from engine.data.voices import RATE
from engine.figures import listening
from engine.figures import phonemes as figures
from engine.functional.audio import mel_frequencies
from engine.functional.lexicon import scaled, viterbi, word_scores
from engine.lab import Frame, Frames, Lab
from engine.labs.speech._hearing import at_8_khz, chosen, loudest_word, made, remarks
from engine.models.phonemes import (
    AROUND,
    BANDS,
    FRAME_SECONDS,
    HOP,
    LOWEST,
    SIZES,
    WINDOW,
    Labeller,
    Pair,
    labeller,
    measured,
    symbols,
    trained,
)  # fmt: skip
from engine.params import Params, SoundSource, choice, integer, sound
from engine.results.phonemes import stages
from engine.seeding import generator
from engine.training.phonemes import Errors, Update, bank_words, cost_of, errors, fit_words, log_prior, subset

HELD_OUT = 135
LONGEST, SHORTEST = 2.0, 0.2  # s of a sound that are heard
LOOKS = 4
MIDDLE = WINDOW / 2 / RATE - AROUND  # s of the word at the middle of the first frame


class Reading(Params):
    """What a person can move."""

    size: Literal["10", "30", "100", "300", "1000", "3000"] = choice(
        "100", label="Clips to learn from", help="How many spoken words both systems learned from, or learn from here."
    )
    look: Literal["clip", "recording"] = choice(
        "clip",
        label="Listen to",
        help="A word in a voice that no network learned from, or your own sound.",
        names={"clip": "Held-out word", "recording": "Your sound"},
    )
    which: int = integer(
        71, low=0, high=HELD_OUT - 1, label="Held-out word", help="Which of the 135 words in 5 voices held out."
    )
    sound: SoundSource = sound(
        "spoken-digits", label="Your sound", help="Say one of the 27 words: the loudest word of the sound is heard."
    )
    network: Literal["bundled", "live"] = choice(
        "bundled",
        label="Networks",
        help="Trained before, or trained here and now on the bank's 25 voices, 355 clips at most.",
        names={"bundled": "Bundled", "live": "Train here"},
    )
    staged: int = integer(
        100, low=1, high=1000, hint=(20, 500, 10), label="Updates of phonemes", help="Of the training here.", more=True
    )
    direct: int = integer(
        200, low=1, high=2000, hint=(20, 1500, 20), label="Updates of letters", help="Of the training here.", more=True
    )


class Known(NamedTuple):
    """What a view needs: the networks, unless they are bundled ones, and what they were found to get wrong."""

    pair: Pair | None
    wrong: Errors
    size: int


def run(params: Reading) -> Frames:
    """Bundled networks at once, or both trained here one after the other; the word is drawn by :func:`view`."""
    yield from live(params) if params.network == "live" else bundled(params)


def bundled(params: Reading) -> Frames:
    """One frame: the curve that the recipe measured."""
    at = SIZES.index(int(params.size))
    found = measured()
    wrong = Errors(*(float(values[at].mean()) for values in found.values()))
    curve = figures.by_data(SIZES, found, None, SIZES[at])
    yield Frame({"Words wrong": curve}, "", state=Known(None, wrong, SIZES[at]))


def live(params: Reading) -> Frames:
    """Both networks untrained, then trained one after the other on the same clips, and tested at the end."""
    pair = Pair(labeller(True, params.seed), torch.zeros(len(symbols().phonemes)), labeller(False, params.seed))
    last, unknown = max(params.staged, params.direct), Errors(1.0, 1.0, 1.0)
    yield learning(pair, unknown, {True: [], False: []}, last, 0.0)
    words = subset(bank_words(held_out=False), int(params.size), params.seed)
    pair = pair._replace(prior=log_prior(words))
    history: dict[bool, list[Update]] = {True: [], False: []}
    done, total = 0, params.staged + params.direct
    for staged, network, updates in ((True, pair.staged, params.staged), (False, pair.direct, params.direct)):
        random, every = generator(params.seed, 1 + staged), max(1, updates // LOOKS)
        for now in fit_words(network, words, staged=staged, updates=updates, every=every, random=random):
            history[staged].append(now)
            yield learning(pair, unknown, history, last, 0.98 * (done + now.update) / total)
        done += updates
    wrong = errors(pair, bank_words(held_out=True))
    frame, size = learning(pair, wrong, history, last, 1.0), len(words.x)
    curve = figures.by_data(SIZES, measured(), (size, vars(wrong)), size)
    state = frame.state._replace(size=size)
    yield replace(frame, figures={**frame.figures, "Words wrong": curve}, state=state)


def learning(pair: Pair, wrong: Errors, history: dict[bool, list[Update]], last: int, progress: float) -> Frame:
    """The costs so far, with copies of the networks for the view."""
    kept = Pair(copied(pair.staged, True), pair.prior, copied(pair.direct, False))
    curve = figures.costs(history[True], history[False], last)
    return Frame({"Training": curve}, "", progress=progress, state=Known(kept, wrong, 0))


def copied(network: Labeller, staged: bool) -> Labeller:
    """A network that later updates leave alone."""
    other = labeller(staged)
    other.load_state_dict(network.state_dict())
    return other.eval()


def listened(params: Reading) -> tuple[np.ndarray, str, str]:
    """Samples (n,) at 8 kHz, the word if it is known, and what is wrong with the sound."""
    if params.look == "clip":
        clip = clips(held_out=True)[params.which]
        return clip.samples, clip.word, ""
    own = chosen(params.sound)
    return loudest_word(at_8_khz(own), LONGEST, SHORTEST), "", remarks(own)


def view(params: Reading, frame: Frame) -> Frame:
    """One word on its way through both systems."""
    pair, wrong, size = frame.state
    samples, truth, note = listened(params)
    found = stages(pair or trained(int(params.size)), samples)
    by_phonemes, by_letters = found.best
    named = symbols()
    names = ["silence", *named.phonemes[1:]]
    read = [named.letters.index(letter) for letter in dict.fromkeys(found.read)]
    frequency = mel_frequencies(BANDS + 2, LOWEST, RATE / 2)[1:-1].numpy()
    tested = frame.progress == 1
    return replace(
        frame,
        figures={
            "1. Features": listening.levels(found.levels, MIDDLE, HOP / RATE, frequency),
            "2. Phonemes": listening.likely(
                found.phonemes, names, list(dict.fromkeys(found.path.tolist())), MIDDLE, FRAME_SECONDS, found.path
            ),
            "3. Words": figures.words(found, named.words, truth),
            "End to end: letters": listening.likely(
                found.letters, ["blank", *named.letters[1:]], [*read, 0], MIDDLE, FRAME_SECONDS
            ),
        },
        says=(f"“{truth}” is said. " if truth else "")
        + f"By phonemes and lexicon it is “{by_phonemes}”; the letters read “{found.read}”, nearest to “{by_letters}”."
        + (f" {fared(wrong, size)}" if tested else ""),
        metrics={
            "By phonemes": by_phonemes,
            "Letters read": found.read or "none",
            "Wrong: phonemes": f"{wrong.staged:.1%}" if tested else "not tested yet",
            "Wrong: letters": f"{wrong.letters:.1%}" if tested else "not tested yet",
        },
        note=note,
        sounds={"What is heard": made(samples, "word")} if tested else {},
    )


def fared(wrong: Errors, size: int) -> str:
    """How often each way is wrong, as a sentence."""
    return (
        f"Of {HELD_OUT} held-out words {wrong.staged:.1%} are wrong by phonemes and lexicon, {wrong.letters:.1%} by letters, "
        f"and {wrong.lexicon:.1%} by letters and lexicon, learned from {size:,} clips."
    )


LAB = Lab(
    slug="phoneme-pipeline",
    summary="Recognise words through phonemes that people defined, or end to end, and see how much each must hear first.",
    params=Reading,
    run=run,
    look_for=(
        "The staged system is told more: which phoneme sounds in every frame, and which phonemes make each word. So it does "
        "well from a few clips, where the other, which is only told the letters, has seen too little. With thousands of "
        "clips most words are spelled right too, and nobody had to align or define a phoneme; a lexicon alone is worth much, "
        "as letters that it corrects show. How many clips does each way need to get no more than half of the words wrong?"
    ),
    maths=(
        r"$$\text{staged:}\quad \hat w = \arg\max_w \max_{s_1 \ldots s_T} \sum_{t=1}^{T} "
        r"\Big[ \log P(s_t \mid x^{\langle t \rangle}) - \log P(s_t) \Big], \quad s \text{ through the phonemes of } w$$"
        "\n\n"
        r"$$V_t(j) = \log P(s_j \mid x^{\langle t \rangle}) - \log P(s_j) + \max\big(V_{t-1}(j),\, V_{t-1}(j - 1)\big)$$"
        "\n\n"
        r"$$\text{end to end:}\quad J = -\log P(\text{letters} \mid x) = -\log \sum_{\text{paths } \pi \to \text{letters}} "
        r"\prod_t y_{\pi_t}^{\langle t \rangle}$$"
        "\n\n"
        "Both are the same three convolutions over half a second; only what they are told differs. A phoneme's probability is "
        "divided by how often it occurs, as for hidden Markov models."
    ),
    code=(Labeller, cost_of, scaled, viterbi, word_scores),
    presets={
        "10 clips": {"size": "10"},
        "300 clips": {"size": "300"},
        "3,000 clips": {"size": "3000"},
        "Train here": {"network": "live", "size": "100"},
        "Your word": {"look": "recording", "size": "3000"},
    },
    trains=True,
    rows=(("1. Features",), ("2. Phonemes",), ("End to end: letters",), ("3. Words", "Words wrong"), ("Training",)),
    views=("look", "which", "sound"),
    view=view,
)
