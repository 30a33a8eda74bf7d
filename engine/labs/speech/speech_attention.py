"""Spoken digits written down by an attention decoder, beside CTC on the same encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import torch

from engine.data.noise import noise
from engine.data.voices import DIGITS, RATE
from engine.figures import listening as figures
from engine.functional.attention import additive_energies, attention_weights
from engine.functional.audio import mel_frequencies, mix_at_snr
from engine.functional.decoding import ctc_greedy
from engine.functional.word_errors import word_errors
from engine.lab import Frame, Frames, Lab
from engine.labs.speech._hearing import at_8_khz, chosen, loudest_stretch, made, remarks
from engine.models.recogniser import BANDS, HIGHEST, HOP, LOWEST, MARGIN, WINDOW, levels
from engine.models.speller import FRAME_SECONDS, Spelled, Speller, frame_times, looked_at, rises, spell
from engine.params import Params, SoundSource, choice, integer, number, sound
from engine.results.listening import Fared, fared
from engine.seeding import generator
from engine.training.listening import costs, digits_of, held_out_digits

LEARNED = 5  # digits in the longest string of the training
STRINGS, COUNTS = 20, (1, 2, 3, 4, 5, 6, 8)
LONGEST, SHORTEST = 12.0, 0.5  # s of a sound that are heard
CLEAN = 40.0  # dB, without noise


class Spelling(Params):
    """What a person can move."""

    digits: int = integer(
        4, low=1, high=12, hint=(1, 10, 1), label="Digits", help="How many are said; training never had more than 5."
    )
    which: int = integer(
        0, low=0, high=999, hint=(0, 99, 1), label="Held-out string", help="Which one, in one of 5 voices held out."
    )
    look: Literal["clip", "recording"] = choice(
        "clip",
        label="Listen to",
        help="A string in a voice that the network didn't learn from, or your own sound.",
        names={"clip": "Held-out string", "recording": "Your sound"},
    )
    sound: SoundSource = sound(
        "spoken-digits", label="Your sound", help="Say a few digits in English; the loudest 12 seconds are heard."
    )
    snr: float = number(
        CLEAN, low=-10.0, high=CLEAN, hint=(-5.0, CLEAN, 1.0), unit="dB", label="Sound over noise",
        help="How far white noise lies below the sound; at 40 dB there is none.",
    )  # fmt: skip


def run(params: Spelling) -> Frames:
    """Error rates of both ways on held-out strings, ever longer ones; the string itself is drawn by :func:`view`."""
    found: list[Fared] = []
    yield Frame({"Digits wrong by length": figures.errors([], LEARNED)}, "", progress=0.0, state=found)
    for count in COUNTS:
        found = [*found, fared(STRINGS, count)]
        curve = figures.errors(found, LEARNED)
        yield Frame({"Digits wrong by length": curve}, "", progress=len(found) / len(COUNTS), state=found)


def listened(params: Spelling) -> tuple[np.ndarray, tuple[int, ...] | None, str]:
    """Samples (n,) at 8 kHz, the digits if they are known, and what is wrong with the sound."""
    if params.look == "clip":
        said = held_out_digits(params.which, params.digits)
        return noisy(said.samples, params), digits_of(said), ""
    own = chosen(params.sound)
    return noisy(loudest_stretch(at_8_khz(own), LONGEST, SHORTEST), params), None, remarks(own)


def noisy(samples: np.ndarray, params: Spelling) -> np.ndarray:
    """Samples (n,) with white noise as far below them as is asked for."""
    if params.snr >= CLEAN:
        return samples
    white = noise((1, len(samples)), torch.zeros(1), generator(params.seed))
    mixed = mix_at_snr(torch.from_numpy(samples)[None], white, params.snr)[0]
    return (mixed / mixed.abs().max().clamp_min(1)).numpy()


def view(params: Spelling, frame: Frame) -> Frame:
    """What both ways write from one sound, and where the attention looks for each digit."""
    samples, truth, note = listened(params)
    heard = torch.from_numpy(np.ascontiguousarray(samples, np.float32))
    found = spell(heard)
    x, alpha, times = levels(heard[None])[0].numpy().T, found.alpha.numpy(), frame_times(found.alpha.shape[1]).numpy()
    frequency = mel_frequencies(BANDS + 2, LOWEST, HIGHEST)[1:-1].numpy()
    names = [DIGITS[digit] for digit in found.digits]
    read = [digit + 1 for digit in dict.fromkeys(found.read)]
    lines = figures.moments(alpha, times, names, len(frequency))
    start = (WINDOW / 2 - MARGIN) / RATE
    numbers = {"By attention": written(found.digits), "By CTC": written(found.read)}
    if truth is not None:
        numbers |= {"Said": written(truth), "Errors": f"{wrong(truth, found.digits)} and {wrong(truth, found.read)}"}
    return replace(
        frame,
        figures={
            "What is heard, and where attention looks": figures.levels(x, start, HOP / RATE, frequency, lines),
            "Attention": figures.looked(alpha, names, times),
            "CTC": figures.likely(found.frames.numpy(), ["blank", *DIGITS], [*read, 0], float(times[0]), FRAME_SECONDS),
        },
        says=" ".join([told(found, truth), *fares(frame.state)]),
        metrics=numbers,
        note=" ".join(sentence for sentence in (note, remarked(found)) if sentence),
        sounds={"What is heard": made(samples, "digits")} if frame.progress == 1 else {},
    )


def written(digits: Sequence[int]) -> str:
    """Digits as they are written; a dash for none."""
    return " ".join(map(str, digits)) or "–"


def wrong(truth: Sequence[int], read: Sequence[int]) -> int:
    """How many digits are wrong, missing or too many."""
    return word_errors([str(digit) for digit in truth], [str(digit) for digit in read]).errors


def told(found: Spelled, truth: Sequence[int] | None) -> str:
    """What was said and what came of it, as a sentence."""
    said = f"{written(truth)} is said: attention" if truth is not None else "Attention"
    return f"{said} writes {written(found.digits)}, CTC {written(found.read)}."


def fares(found: Sequence[Fared]) -> list[str]:
    """How often both are wrong on the lengths that training had, as a sentence; none before it is known."""
    known = [each for each in found if each.digits <= LEARNED]
    if not known:
        return []
    said = sum(each.digits for each in known)
    attention, ctc = (sum(getattr(each, way) * each.digits for each in known) / said for way in ("attention", "ctc"))
    return [
        f"On {len(known) * STRINGS} held-out strings attention gets {attention:.1%} of the digits wrong, CTC {ctc:.1%}."
    ]


def remarked(found: Spelled) -> str:
    """What is unusual about the attention, in words."""
    said = {
        "Attention never came to an end and was stopped.": not found.ended,
        "The attention goes back in time: it has lost its way.": not rises(found.alpha),
        "Neither way hears a digit.": not found.digits and not found.read,
    }
    return " ".join(sentence for sentence, holds in said.items() if holds)


LAB = Lab(
    slug="speech-attention",
    summary="Write down spoken digits with attention: for each digit the network looks for where in the sound it was said.",
    params=Spelling,
    run=run,
    look_for=(
        "Row after row the attention moves through the sound, though nothing tells it to: that it goes forward is learned. CTC "
        "must go forward, frame by frame. Ask for more digits than the 5 that training had at most: CTC hardly notices, "
        "while attention leaves digits out or repeats them. From how many digits on does it lose its way, and what does noise "
        "do to each?"
    ),
    maths=(
        r"$$a = \text{BiGRU}(\text{conv}(\text{mel levels})), \qquad e^{\langle t, t' \rangle} = "
        r"v \cdot \tanh\big(W_s s^{\langle t - 1 \rangle} + W_a a^{\langle t' \rangle}\big), \qquad "
        r"\alpha^{\langle t, t' \rangle} = \frac{\exp e^{\langle t, t' \rangle}}{\sum_{t''} \exp e^{\langle t, t'' \rangle}}$$"
        "\n\n"
        r"$$c^{\langle t \rangle} = \sum_{t'} \alpha^{\langle t, t' \rangle} a^{\langle t' \rangle}, \qquad "
        r"\text{looks at}^{\langle t \rangle} = \sum_{t'} \alpha^{\langle t, t' \rangle}\, t', \qquad "
        r"J = -\sum_t \log \hat y^{\langle t \rangle}_{y^{\langle t \rangle}} - \log P_{CTC}(y \mid a)$$"
        "\n\n"
        "Both costs teach one encoder, whose frames are 40 ms apart. The lines over the sound are where attention looks on "
        "average; each way writes what is likeliest, step by step."
    ),
    code=(Speller, additive_energies, attention_weights, looked_at, ctc_greedy, costs),
    presets={
        "One digit": {"digits": 1},
        "Longer than it learned": {"digits": 9},
        "In noise": {"snr": 5.0},
        "Your sound": {"look": "recording"},
    },
    trains=True,
    rows=(("What is heard, and where attention looks",), ("Attention",), ("CTC",), ("Digits wrong by length",)),
    views=("digits", "which", "look", "sound", "snr"),
    view=view,
)
