"""Music: a network that learns which note follows, trained as you watch, then played."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from engine.data.media import Sound, to_wav
from engine.data.tunes import HELD_OUT, Note, Tune, copied, name_of, nearest, read, tunes, vocabulary
from engine.figures import music as figures
from engine.functional.music import midi, starts, synthesize
from engine.lab import Frame, Frames, Lab
from engine.models.tagger import Tagger, seeded
from engine.params import Params, choice, integer, number, text
from engine.results.music import Melody, Next
from engine.seeding import generator
from engine.training import paced, recorded
from engine.training.tagging import Group, costs_of, fit_tagger

WINDOW, STRIDE, BATCH = 24, 6, 24  # notes
RATE_HZ, MOST_SECONDS = 22_050, 120
SHOWN, LOOKS, MOST_GIVEN = 8, 12, 16
CALM = 0.05
CHOICES = "What could have come at that note"
ROLL = "Piano roll, numbered in playing order"


class Playing(Params):
    """What a person can move."""

    temperature: float = number(
        0.8,
        low=0.0,
        high=3.0,
        hint=(0.0, 2.0, 0.05),
        label="Temperature",
        help="Below 1 plays safe, above 1 dares.",
    )
    start: str = text(
        "C4 E4 G4", longest=100, label="First notes", help="Such as C4, F#4 or Bb3:0.5, which lasts half a beat."
    )
    length: int = integer(40, low=4, high=96, label="Notes", help="To write after yours.")
    another: int = integer(
        0, low=0, high=99, label="Another melody", help="Each number draws anew from the same network."
    )
    asked: int = integer(
        4, low=1, high=112, label="Ask about note", help="Whose choice is shown; it is framed in the roll."
    )
    learn: Literal["all", "melodies", "rules"] = choice(
        "all",
        label="Learns from",
        help="22 old melodies, of which three are held out, and 48 scales, arpeggios and chord progressions.",
        names={"all": "All tunes", "melodies": "Melodies", "rules": "Scales and chords"},
    )
    steps: int = integer(
        240, low=0, high=1500, hint=(0, 600, 20), label="Updates", help="Of 24 windows each.", more=True
    )
    tempo: int = integer(
        132, low=40, high=240, unit="beats/min", label="Tempo", help="Of the playback and files.", more=True
    )
    hidden: int = integer(64, low=4, high=128, hint=(8, 128, 8), label="Units", help="Of the LSTM.", more=True)
    rate: float = number(0.01, low=1e-4, high=0.3, log=True, label="Learning rate", help="Of Adam.", more=True)


@dataclass(frozen=True)
class Look:
    """Costs a note after some updates."""

    step: int
    train: float
    held: float


class Played(NamedTuple):
    """Notes' numbers in playing order with the logits (V,) behind each; 0 ends a tune."""

    chosen: list[int]
    logits: list[Tensor]


def lesson(learn: str) -> tuple[list[Tune], list[Tune]]:
    """The tunes to train on, and the melodies held out."""
    held = [tune for tune in tunes() if tune.name in HELD_OUT]
    kinds = {"all": ("melodies", "scales", "chords"), "melodies": ("melodies",), "rules": ("scales", "chords")}[learn]
    return [tune for tune in tunes() if tune.kind in kinds and tune.name not in HELD_OUT], held


def windows(given: Sequence[Tune], stride: int) -> Group:
    """All tunes in a row, an end (0) after each, cut into windows: each note's number, and that of the next, (n, WINDOW)."""
    place = {note: i for i, note in enumerate(vocabulary(), 1)}
    row = [0] + [number for tune in given for number in (*(place[note] for note in tune.notes), 0)]
    cut = torch.tensor(row).unfold(0, WINDOW + 1, stride)
    return cut[:, :-1].contiguous(), cut[:, 1:].contiguous()


def build(params: Playing) -> Tagger:
    """The network at its start: it tags every note with the one that follows."""
    choices = len(vocabulary()) + 1
    network = seeded(params.seed, Tagger, choices, choices, hidden=params.hidden, both_ways=False)
    assert isinstance(network, Tagger)
    torch.nn.init.zeros_(network.read.weight)  # so that it begins by thinking all notes alike
    torch.nn.init.zeros_(network.read.bias)
    return network


def training(params: Playing, network: Tagger) -> Iterator[Look]:
    """The network trained on windows of the tunes."""
    train, held = (windows(part, stride) for part, stride in zip(lesson(params.learn), (STRIDE, WINDOW), strict=True))
    updates = fit_tagger(
        network,
        [train],
        steps=max(1, params.steps),
        rate=params.rate,
        batch=BATCH,
        generator=generator(params.seed, 1),
        every=max(1, -(-params.steps // LOOKS)),
    )
    for update in updates:
        with torch.inference_mode():
            cost = float(costs_of(network(held[0]), held[1]))
        yield Look(update.step, float(update.cost), cost)
        if update.step == params.steps:
            return


@torch.inference_mode()
def play(network: Tagger, given: Sequence[int], length: int, temperature: float, random: torch.Generator) -> Played:
    """``length`` notes more than given: each drawn from the softmax of logits / temperature, then read as the next input."""
    chosen, logits = list(given), []
    draws = torch.rand(2 * length + 8, generator=random, dtype=torch.float64)
    lstm, state, x = network.layers[0], None, 0
    notes, i = 0, 0
    while notes < len(given) + length and i < len(given) + len(draws):
        a, state = lstm(network.embed(torch.tensor([[x]])), state)
        logits.append(network.read(a)[0, 0])
        if i >= len(given):
            # Where two tunes meet there must be notes of the next before it may end.
            odds = softened(logits[-1], temperature, may_end=x != 0)
            chosen.append(min(int(torch.searchsorted(odds.cumsum(0), draws[i - len(given)])), len(odds) - 1))
        x = chosen[i]
        notes, i = notes + (x != 0), i + 1
    return Played(chosen[:i], logits)


def softened(logits: Tensor, temperature: float, may_end: bool = True) -> Tensor:
    """Probabilities (V,) of the choices at a temperature; at 0 all of it goes to the likeliest."""
    logits = logits.double() if may_end else logits.double().index_fill(0, torch.tensor([0]), -math.inf)
    if temperature < CALM:
        return torch.nn.functional.one_hot(logits.argmax(), len(logits)).double()
    return torch.softmax(logits / temperature, -1)


def run(params: Playing) -> Frames:
    """The untrained network at once, then a frame for every look."""
    network, guess = build(params), math.log(len(vocabulary()) + 1)
    for history in paced(recorded(training(params, network))):
        now = history[-1]
        train, held = (np.array([getattr(look, part) for look in history], np.float32) for part in ("train", "held"))
        blown = not math.isfinite(now.train)
        yield Frame(
            figures={
                "Cost of a note": figures.costs(
                    [look.step for look in history], train, held, guess, max(1, params.steps)
                )
            },
            says=f"After {now.step} updates the cost of a note is {now.train:.2f} on the tunes trained on and {now.held:.2f} "
            f"on held-out melodies; guessing costs {guess:.2f}.",
            metrics={"Cost, trained on": f"{now.train:.2f}", "Cost, held out": f"{now.held:.2f}"},
            progress=1.0 if blown or not params.steps else now.step / params.steps,
            diverged="The rate is so high that the weights left the numbers a computer holds." if blown else "",
            remedy={"rate": 0.01} if blown else {},
            state={name: value.clone() for name, value in network.state_dict().items()},
        )
        if blown:
            return


def melody(params: Playing, network: Tagger) -> tuple[Melody, Played, list[str]]:
    """What the network makes of the person's first notes, and the pieces of these that aren't notes."""
    typed, strange = read(params.start)
    given = [nearest(note) + 1 for note in typed[:MOST_GIVEN]]
    played = play(network, given, params.length, params.temperature, generator(params.seed, 100 + params.another))
    ends = [i for i, number in enumerate(played.chosen) if number == 0]
    notes = tuple(vocabulary()[number - 1] for number in played.chosen if number)
    return Melody(notes, len(given), tuple(i - k for k, i in enumerate(ends) if i - k < len(notes))), played, strange


def choice_at(params: Playing, result: Melody, played: Played, asked: int) -> Next:
    """What the network thought likely where it wrote the asked note."""
    at = [i for i, number in enumerate(played.chosen) if number][asked]
    odds = softened(played.logits[at], params.temperature, may_end=at == 0 or played.chosen[at - 1] != 0)
    best = odds.topk(SHOWN)
    names = ["the end", *(said(note) for note in vocabulary())]
    return Next(tuple(names[i] for i in best.indices.tolist()), best.values.numpy(), names[played.chosen[at]])


def said(note: Note) -> str:
    """C4, 1 beat."""
    return f"{name_of(note.pitch)}, {note.beats:g} beat{'s' if note.beats != 1 else ''}"


def view(params: Playing, frame: Frame) -> Frame:
    """The melody that the network of a frame writes; once it is trained, as sound and files, too."""
    network = build(params)
    if not frame.diverged:
        network.load_state_dict(frame.state)
    result, played, strange = melody(params, network)
    asked = min(params.asked, len(result.notes)) - 1
    run, tune = copied(result.notes, lesson(params.learn)[0])
    ends = starts(result.notes, params.tempo)
    notes = [f"Not read as notes: {' '.join(strange)[:60]}."] if strange else []
    sounds, files = {}, {}
    if frame.progress == 1:
        heard = [note for note, end in zip(result.notes, ends[1:], strict=True) if end <= MOST_SECONDS]
        samples = synthesize(heard, params.tempo, RATE_HZ).numpy()
        notes += [f"The sound holds the first {len(heard)} notes; the MIDI file holds all."] * (
            len(heard) < len(ends) - 1
        )
        wav, score = to_wav(samples, RATE_HZ), midi(result.notes, params.tempo)
        digest = hashlib.sha256(wav).hexdigest()[:12]
        sounds, files = (
            {"Melody": Sound(samples[None], RATE_HZ, "melody", digest)},
            {"melody.mid": score, "melody.wav": wav},
        )
    else:
        notes.append("You can hear and download it when training has ended.")
    first = ", ".join(name_of(note.pitch) for note in result.notes[result.given : result.given + 6])
    return replace(
        frame,
        figures={
            ROLL: figures.roll(result, asked),
            CHOICES: figures.following(choice_at(params, result, played, asked)),
        },
        says=f"{frame.says} After your notes it plays {first}, and so on; "
        f"the longest stretch that stands in a tune it learned is {run} notes, of {tune or 'none'}.",
        metrics={
            **frame.metrics,
            "Longest copy": f"{run} notes",
            "Lasts": f"{ends[-1]:.1f} s",
        },
        note=" ".join(notes),
        sounds=sounds,
        files=files,
    )


LAB = Lab(
    slug="music",
    summary="Train a network on tunes until it writes its own, see them as a piano roll, hear them, and take them with you.",
    params=Playing,
    run=run,
    look_for=(
        "Green bars are your notes, blue ones the network's. At temperature 0 it soon runs in circles or recites a tune, "
        "which Longest copy gives away; around 0.8 it joins pieces of scales and songs; above 1.5 it loses the key. The "
        "held-out cost turns up again while the other still falls: a network this size learns 67 tunes by heart. "
        "Start with E4 E4 F4 G4: which tune do you expect, and at which note does the network leave it?"
    ),
    maths=(
        r"$$\hat y^{\langle t \rangle} = \text{softmax}(W_y a^{\langle t \rangle} + b_y), \qquad "
        r"x^{\langle t+1 \rangle} = y^{\langle t \rangle} \text{ in training, } "
        r"x^{\langle t+1 \rangle} \sim \text{softmax}(z^{\langle t \rangle} / \tau) \text{ in writing}$$"
        "\n\n"
        r"$$J = -\frac{1}{T} \sum_t \log \hat y^{\langle t \rangle}_{y^{\langle t \rangle}}, \qquad "
        r"f = 440 \cdot 2^{(p - 69) / 12}\ \text{Hz}$$"
        "\n\n"
        "One choice is a note with its length, 76 in all, or the end of a tune; each is a one-hot vector turned into a "
        r"learned one, and the network begins by thinking all alike, at a cost of $\ln 77 = 4.34$. "
        "A dotted line across the roll marks "
        "where it ended one tune and began the next. The person's notes are moved to the nearest that it knows."
    ),
    code=(play, softened, fit_tagger, synthesize, midi),
    presets={
        "By heart": {"start": "E4 E4 F4 G4", "temperature": 0.0, "learn": "melodies"},
        "Untrained": {"steps": 0},
        "Too daring": {"temperature": 2.0},
        "Scales and chords": {"learn": "rules", "start": "C4 D4 E4"},
        "A minor mood": {"start": "A4 C5:2 D5", "learn": "melodies", "another": 3},
    },
    trains=True,
    rows=((ROLL,), (CHOICES, "Cost of a note")),
    views=("temperature", "start", "length", "another", "asked", "tempo"),
    view=view,
)
