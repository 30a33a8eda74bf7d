"""A name told by what follows it: networks that read one way against networks that read both ways."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from engine.data.tagged import SIDES, TWOFOLD, Sentence, normal, split_words, twins
from engine.figures import tagging as figures
from engine.figures.theme import GREEN, GREY
from engine.lab import Event, Frame, Frames, Lab
from engine.models.tagger import Taggers, ids, seeded, weights_each
from engine.params import Params, integer, number, text
from engine.results import Array
from engine.results.tagging import Unrolled, raced
from engine.seeding import generator
from engine.training import paced, recorded
from engine.training.tagging import Group, fit_tagger, found_tags, grouped

MOST_WORDS = 12
ARMS = ("One way", "Both ways")
TEDDY = "He said, Teddy Roosevelt was a great president"


class Reading(Params):
    """What a person can move."""

    sentence: str = text(TEDDY, longest=120, label="Sentence", help="Yours, read in lower case.")
    word: int = integer(
        4,
        low=1,
        high=MOST_WORDS,
        label="Ask about word",
        help="What its answer depends on is drawn blue; a click asks, too.",
    )
    starts: int = integer(5, low=1, high=8, label="Random starts", help="Networks of each kind, trained side by side.")
    steps: int = integer(150, low=10, high=1000, hint=(10, 400, 10), label="Updates", help="Of 32 sentences each.")
    hidden: int = integer(12, low=2, high=32, label="Units", help="Of a layer, each way.")
    rate: float = number(0.01, low=1e-4, high=0.3, log=True, label="Learning rate", help="Of Adam.", more=True)


@dataclass(frozen=True)
class Look:
    """After some updates: the accuracy (starts,) of each kind on the twofold words and on all others, held out."""

    step: int
    twofold: tuple[Array, Array]
    others: tuple[Array, Array]


@lru_cache(maxsize=4)
def material(seed: int) -> tuple[dict[str, int], list[Sentence], list[Sentence]]:
    """The words' rows, the training sentences, and the held-out ones, in which each beginning goes on both ways."""
    train, held = twins(generator(seed, 1))
    words = sorted({word for sentence in (*train, *held) for word in sentence.words})
    return {word: row for row, word in enumerate(words, 1)}, train, held


def build(params: Reading, arm: int) -> Taggers:
    """The networks of one kind at their starts."""
    words = len(material(params.seed)[0]) + 1
    network = seeded(params.seed, Taggers, params.starts, words, len(SIDES), hidden=params.hidden, both_ways=arm == 1)
    assert isinstance(network, Taggers)
    return network


def shares(network: Taggers, held: Sequence[Group], twofold: Tensor) -> tuple[Array, Array]:
    """The share of tags that each network finds, (starts,): of words that can be either, and of all others."""
    pairs = zip(found_tags(network, held), held, strict=True)
    right = [(guess == y, torch.isin(x, twofold)) for (guess, y), (x, _) in pairs]
    either = torch.cat([hit[:, here] for hit, here in right], 1)
    others = torch.cat([hit[:, ~here] for hit, here in right], 1)
    return either.float().mean(1).numpy(), others.float().mean(1).numpy()


def training(params: Reading, networks: Sequence[Taggers]) -> Iterator[Look]:
    """Both kinds trained on the same sentences in the same order."""
    rows, train, held = material(params.seed)
    twofold, kept = torch.tensor([rows[word] for word in TWOFOLD]), grouped(held, rows, SIDES)
    runs = [
        fit_tagger(
            network,
            grouped(train, rows, SIDES),
            steps=params.steps,
            rate=params.rate,
            batch=32,
            generator=generator(params.seed, 2),
            unknown=0.05,
            every=-(-params.steps // 20),
        )
        for network in networks
    ]
    for updates in zip(*runs, strict=True):
        one, both = (shares(network, kept, twofold) for network in networks)
        yield Look(updates[0].step, (one[0], both[0]), (one[1], both[1]))


def run(params: Reading) -> Frames:
    """The untrained networks at once, then a frame for every look."""
    networks = [build(params, arm) for arm in (0, 1)]
    one, both = (weights_each(network) for network in networks)
    for history in paced(recorded(training(params, networks))):
        now = history[-1]
        curves = raced(
            ARMS, [look.step for look in history], [np.stack([look.twofold[i] for look in history]) for i in (0, 1)]
        )
        drawn = figures.race(
            curves, params.steps, "accuracy", goals=(0.5,), colors=(GREY, GREEN),
            yaxis={"range": [0, 1.03], "tickformat": ".0%"},
        )  # fmt: skip
        mean = [float(x.mean()) for x in now.twofold]
        yield Frame(
            figures={"Names told by what follows, held out": drawn},
            says=f"After {now.step} updates, of the words that only what follows can tell, networks reading one way get "
            f"{mean[0]:.1%} right and those reading both ways {mean[1]:.1%}, over {params.starts} starts each.",
            metrics={
                "One way": f"{mean[0]:.1%}",
                "Both ways": f"{mean[1]:.1%}",
                "All other words": f"{now.others[0].mean():.1%}, {now.others[1].mean():.1%}",
                "Numbers learned": f"{one:,}, {both:,}",
            },
            progress=now.step / params.steps,
            state=[{name: value.clone() for name, value in network.state_dict().items()} for network in networks],
        )


def view(params: Reading, frame: Frame) -> Frame:
    """The first network of each kind unrolled over the person's sentence."""
    rows, _, _ = material(params.seed)
    words = split_words(params.sentence)
    shown = tuple(words[:MOST_WORDS]) or ("…",)
    asked = min(params.word, len(shown)) - 1
    drawn, sure = {}, []
    for arm, name in enumerate(ARMS):
        network = build(params, arm)
        network.load_state_dict(frame.state[arm])
        with torch.inference_mode():
            logits = network(ids([normal(word) for word in shown], rows))[0, 0]
        probabilities = torch.softmax(logits, -1)[:, SIDES.index("NAME")].numpy()
        drawn[name] = figures.unrolled(Unrolled(shown, probabilities, arm == 1, asked))
        sure.append(f"{probabilities[asked]:.0%} {name.lower()}")
    strange = list(dict.fromkeys(word for word in words[:MOST_WORDS] if normal(word) not in rows))
    notes = [] if words else ["Type a sentence to have it read."]
    notes += [f"Read as unknown (UNK): {', '.join(strange)}."] if strange else []
    notes += [f"Only the first {MOST_WORDS} words are read."] if len(words) > MOST_WORDS else []
    said = f"{frame.says} That “{shown[asked]}” is part of a name: {', '.join(sure)}."
    return replace(frame, figures=drawn, says=said, note=" ".join(notes))


def respond(params: Reading, event: Event) -> Mapping[str, Any]:
    """A click on a word asks about it."""
    if event.figure not in ARMS or not math.isfinite(event.x):
        return {}
    return {"word": min(max(round(event.x) + 1, 1), MOST_WORDS)}


LAB = Lab(
    slug="birnn",
    summary="Ask whether Teddy is a name before the sentence says Roosevelt or bears, and after it has.",
    params=Reading,
    run=run,
    look_for=(
        "Every held-out beginning, such as “He said, Teddy”, goes on in two ways: once it is a name, once not. A network "
        "that reads one way gives both the same answer, so it is right for exactly half of them, however long it trains; "
        "one that also reads from the end learns them all. The blue arrows are all that the asked answer can know. "
        "Does a network that reads one way do any better at Roosevelt than at Teddy?"
    ),
    maths=(
        r"$$\overrightarrow{a}^{\langle t \rangle} = \tanh(\overrightarrow{W}_{aa} \overrightarrow{a}^{\langle t-1 \rangle} + "
        r"\overrightarrow{W}_{ax} x^{\langle t \rangle} + \overrightarrow{b}_a), \qquad "
        r"\overleftarrow{a}^{\langle t \rangle} = \tanh(\overleftarrow{W}_{aa} \overleftarrow{a}^{\langle t+1 \rangle} + "
        r"\overleftarrow{W}_{ax} x^{\langle t \rangle} + \overleftarrow{b}_a)$$"
        "\n\n"
        r"$$\hat y^{\langle t \rangle} = \text{softmax}\big(W_y [\overrightarrow{a}^{\langle t \rangle}, "
        r"\overleftarrow{a}^{\langle t \rangle}] + b_y\big)$$"
        "\n\n"
        "Neither row of activations feeds the other, so the network has no cycle. Its price is that the whole sentence must "
        "be there before the first answer. The band holds all starts; its line is their mean."
    ),
    code=(Taggers, fit_tagger),
    presets={
        "Teddy bears": {"sentence": "He said, Teddy bears are on sale"},
        "Not said yet": {"sentence": "He said, Teddy"},
        "A rose": {"sentence": "Look, Rose bushes are in the garden", "word": 3},
        "Ask about Roosevelt": {"word": 5},
        "Three units": {"hidden": 3},
    },
    trains=True,
    rows=(("One way", "Both ways"), ("Names told by what follows, held out",)),
    listens=("click",),
    respond=respond,
    views=("sentence", "word"),
    view=view,
)
