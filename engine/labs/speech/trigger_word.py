"""Listening for one word: clips made by overlay, labels after the word, and a chime where the network fires."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal, NamedTuple

import numpy as np
from torch import Tensor

from engine.data.overlay import Overlay, chimed, labels, overlay, placed
from engine.data.utterances import clips
from engine.data.voices import RATE, TRIGGER
from engine.figures import trigger as figures
from engine.functional.triggering import firings, judged
from engine.lab import Frame, Frames, Lab
from engine.labs.speech._hearing import at_8_khz, chosen, made, remarks
from engine.models.trigger import FRAME_SECONDS, HOP, STEP, Trigger, frames, initialize, probability, trained
from engine.params import Params, SoundSource, choice, integer, number, sound
from engine.results.trigger import AFTER, BEFORE, Rates, bundled_rates, frames_of, tested
from engine.seeding import generator
from engine.training.trigger import (
    MOST_PIECES,
    PIECE,
    Update,
    end_frames,
    examples,
    fit_trigger,
    held_out_clip,
    targets,
)

SECONDS, BATCH, UNITS, LOOKS, RATE_OF_CHOICE = 4.0, 24, 32, 4, 0.01
SHOWN_PIECES, LIVE_PIECES = 10, 3  # of the held-out clips, two minutes each


class Waking(Params):
    """What a person can move."""

    look: Literal["clip", "recording"] = choice(
        "clip",
        label="Listen to",
        help="A clip made by overlay from voices that no network learned from, or your own sound.",
        names={"clip": "Made clip", "recording": "Your sound"},
    )
    which: int = integer(
        0, low=0, high=MOST_PIECES * PIECE - 1, hint=(0, 59, 1), label="Made clip", help="Which of the held-out clips."
    )
    sound: SoundSource = sound(
        "spoken-digits", label="Your sound", help="A sample, an upload, or the microphone: say “activate”."
    )
    threshold: float = number(
        0.5,
        low=0.002,
        high=0.999,
        hint=(0.01, 0.99, 0.01),
        label="Threshold",
        help="It fires where the probability reaches this from below.",
    )
    width: Literal["50", "1"] = choice(
        "50",
        label="Frames labelled 1",
        help="How many frames of 10 ms after the end of the word have the label 1.",
        names={"50": "50", "1": "Only 1"},
    )
    network: Literal["bundled", "live"] = choice(
        "bundled",
        label="Network",
        help="Trained before on 110 voices, or trained here and now on the bank's 25.",
        names={"bundled": "Bundled", "live": "Train here"},
    )
    refractory: float = number(
        0.5,
        low=0.0,
        high=5.0,
        hint=(0.0, 3.0, 0.1),
        unit="s",
        label="Refractory time",
        help="After it fires, for how long it can't again.",
        more=True,
    )
    updates: int = integer(
        100, low=1, high=1000, hint=(20, 400, 10), label="Updates", help="Of the training here.", more=True
    )
    made: int = integer(
        100, low=8, high=600, hint=(20, 300, 10), label="Training clips", help="Made by overlay, 4 s each.", more=True
    )
    rate: float = number(
        RATE_OF_CHOICE, low=1e-4, high=1.0, log=True, label="Learning rate", help="Highest step of Adam.", more=True
    )


class Known(NamedTuple):
    """What a view needs: how the network fares on held-out clips, and its weights unless it is the bundled one."""

    found: Rates
    weights: dict[str, Tensor] | None


def run(params: Waking) -> Frames:
    """The network, bundled or trained here, on held-out clips; the one that is listened to is drawn by :func:`view`."""
    yield from live(params) if params.network == "live" else bundled(params)


def bundled(params: Waking) -> Frames:
    """Two minutes of held-out clips after another."""
    found = None
    for piece in range(SHOWN_PIECES):
        now = bundled_rates(int(params.width), piece, params.refractory)
        found = now if found is None else found.joined(now)
        yield Frame({}, "", progress=(piece + 1) / SHOWN_PIECES, state=Known(found, None))


def live(params: Waking) -> Frames:
    """An untrained network at once, then some looks at it while it learns."""
    network = initialize(params.seed, UNITS)
    yield Frame({"Training": figures.cost([], params.updates)}, "", progress=0, state=known(network, 1, params))
    random = generator(params.seed, 1)
    x, ends = examples(clips(held_out=False), params.made, SECONDS, random)
    y = targets(ends, x.shape[1], int(params.width))
    plan = {"updates": params.updates, "batch": BATCH, "every": max(1, params.updates // LOOKS)}
    history: list[Update] = []
    for now in fit_trigger(network, x, y, rate=params.rate, generator=random, **plan):
        history.append(now)
        blown = not math.isfinite(now.cost)
        yield Frame(
            {"Training": figures.cost(history, params.updates)},
            "",
            progress=1.0 if blown else now.update / params.updates,
            diverged="The rate is so high that the weights left the numbers a computer holds." if blown else "",
            remedy={"rate": RATE_OF_CHOICE} if blown else {},
            state=known(network, LIVE_PIECES, params),
        )


def known(network: Trigger, pieces: int, params: Waking) -> Known:
    """How a network fares by now, and a copy of its weights."""
    weights = {name: value.clone() for name, value in network.state_dict().items()}
    return Known(tested(network, pieces, params.refractory), weights)


def listened(params: Waking) -> tuple[Overlay | None, np.ndarray, str]:
    """What is listened to: its parts if it is made, its samples (n,) at 8 kHz, and what is wrong with it."""
    if params.look == "clip":
        clip = held_out_clip(params.which)
        return clip, clip.mix, ""
    own = chosen(params.sound)
    samples = at_8_khz(own)
    return None, np.pad(samples, (0, max(0, HOP * STEP - len(samples)))), remarks(own)


def view(params: Waking, frame: Frame) -> Frame:
    """What the network makes of a clip or a recording, where it fires, and what that threshold means over many clips."""
    found, weights = frame.state
    network = trained(int(params.width)) if weights is None else initialize(params.seed, UNITS)
    if weights is not None:
        network.load_state_dict(weights)
    clip, samples, wrong = listened(params)
    p = probability(network, frames(samples)[None])[0].numpy()
    fired = firings(p, params.threshold, frames_of(params.refractory))
    moments = [(i + 1) * FRAME_SECONDS for i in fired]
    sounds = (
        {"the sound": samples}
        if clip is None
        else {"background": clip.background, "words": clip.speech, "mix": samples}
    )
    words = (
        []
        if clip is None
        else [(w.clip.word, w.start / RATE, w.end / RATE, w.clip.word == TRIGGER) for w in clip.words]
    )
    y = None if clip is None else labels(clip.ends(), len(p), HOP, int(params.width)).numpy()
    at = found.at(params.threshold)
    played = {f"{name[0].upper()}{name[1:]}": made(each, name) for name, each in sounds.items()}
    chimes = {"With a chime where it fires": made(chimed(samples, [(i + 1) * HOP for i in fired]), "chime")}
    return replace(
        frame,
        figures={
            "Sound": figures.parts(sounds, RATE, words, moments),
            "Probability": figures.probability(p, y, params.threshold, moments),
            "Words detected": figures.detected(found, at),
            "False alarms": figures.alarms(found, at),
        },
        says=f"{heard(clip, fired)} On {60 * found.hours:.0f} minutes of held-out clips the threshold {found.threshold[at]:g} "
        f"detects {found.detected[at]:.1%} of {found.words} words, with {found.alarms[at]:.1f} false alarms an hour.",
        metrics={
            "It fires": f"{len(fired)} time{'s' * (len(fired) != 1)}",
            "Words detected": f"{found.detected[at]:.1%}",
            "False alarms an hour": f"{found.alarms[at]:.1f}",
            "Labels that are 1": f"{found.words * int(params.width) * FRAME_SECONDS / 36 / found.hours:.2g} %",
        },
        note=wrong,
        # Sounds are large: only what stays on the page carries them.
        sounds={**chimes, **played} if frame.progress == 1 else {},
    )


def heard(clip: Overlay | None, fired: list[int]) -> str:
    """What came of one clip, as a sentence."""
    if clip is None:
        return f"In your sound it fires {len(fired)} time{'s' * (len(fired) != 1)}."
    result = judged(fired, end_frames(clip), frames_of(BEFORE), frames_of(AFTER))
    said = f"“{TRIGGER}” is said {len(result.detected)} time{'s' * (len(result.detected) != 1)} among {len(clip.words)} words"
    return f"In the clip {said}: {sum(result.detected)} detected, {sum(result.false)} false alarms."


LAB = Lab(
    slug="trigger-word",
    summary="Wake a device with one word: a small network listens all the time, and fires when it has just been said.",
    params=Waking,
    run=run,
    look_for=(
        "The network hears 10 ms after 10 ms and never looks ahead, so it can run while you speak. With one frame "
        "labelled 1 after each word, some 998 of 1000 labels are 0: always saying 0 is nearly right, and a short "
        "training here learns just that. With 50 the probability rises clearly. A lower threshold misses fewer words "
        "and fires at more that only sound alike, such as activity or captivate. At which threshold would you wake your "
        "own device, and does it hear you?"
    ),
    maths=(
        r"$$x^{\langle t \rangle}: \text{24 mel levels of 10 ms}, \qquad "
        r"\hat y^{\langle t \rangle} = \sigma\big(W_y\, \text{GRU}(\text{ReLU}(W_c * x^{\langle \le t \rangle}))\big)$$"
        "\n\n"
        r"$$y^{\langle t \rangle} = \begin{cases} 1 & \text{end} < t \le \text{end} + k \\ 0 & \text{elsewhere} \end{cases}, "
        r"\quad k \in \{1, 50\}, \qquad J = -\frac{1}{T} \sum_t \Big[ y^{\langle t \rangle} \log \hat y^{\langle t \rangle} "
        r"+ (1 - y^{\langle t \rangle}) \log (1 - \hat y^{\langle t \rangle}) \Big]$$"
        "\n\n"
        "The convolution takes 20 frames, 8 at a time, and the GRU answers for these 8. It fires where the probability reaches "
        "the threshold from below; a firing from 0.3 s before a word's end to 0.8 s after it detects the word, every other is "
        "a false alarm."
    ),
    code=(overlay, placed, labels, Trigger, firings, judged),
    presets={
        "Only 1 frame": {"width": "1", "threshold": 0.1},
        "Train here": {"network": "live"},
        "Train here, only 1": {"network": "live", "width": "1", "threshold": 0.05},
        "Cautious": {"threshold": 0.95},
        "Your sound": {"look": "recording"},
    },
    trains=True,
    rows=(("Sound",), ("Probability",), ("Words detected", "False alarms"), ("Training",)),
    views=("look", "which", "sound", "threshold"),
    view=view,
)
