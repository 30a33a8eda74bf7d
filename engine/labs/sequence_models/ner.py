"""Named entities: type a sentence and see its names, with and without word vectors learned from sentences without tags."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from engine.data.tagged import KINDS, NAMES, TAGS, Sentence, normal, sentences, split_words
from engine.figures import tagging as figures
from engine.figures.theme import BLUE, GREY
from engine.functional.tagging import Score, named, score, spans
from engine.lab import Frame, Frames, Lab
from engine.models.tagger import Tagger, ids, seeded, word_vectors
from engine.params import Params, choice, integer, number, text, toggle
from engine.results.tagging import marked, raced
from engine.seeding import generator
from engine.training import paced, recorded
from engine.training.tagging import Group, fit_tagger, found_tags, grouped

ARMS = ("with vectors", "without")
HELD_OUT, LOOKS, MOST_WORDS = 150, 12, 30
DEFAULT = "Harry Potter met Hermione Granger at the University of Rome in Paris on Monday."


class Names(Params):
    """What a person can move."""

    sentence: str = text(
        DEFAULT, longest=200, label="Sentence", help="Yours. Words are read in lower case and every digit as 0."
    )
    vectors: bool = toggle(
        True, label="Word vectors", help="Which of the two networks reads your sentence: the one with them or without."
    )
    ways: Literal["both", "one"] = choice(
        "both",
        label="Direction",
        help="Read from the start alone, or also from the end.",
        names={"both": "Both ways", "one": "One way"},
    )
    layers: int = integer(1, low=1, high=3, label="Layers", help="Recurrent layers on top of each other.")
    count: int = integer(
        600, low=20, high=3000, hint=(20, 2000, 20), log=True, label="Tagged sentences", help="To learn from."
    )
    steps: int = integer(250, low=20, high=1500, hint=(50, 600, 10), label="Updates", help="Of 32 sentences each.")
    hidden: int = integer(32, low=4, high=96, hint=(4, 64, 4), label="Units", help="Of a layer, each way.", more=True)
    cell: Literal["lstm", "gru", "rnn"] = choice(
        "lstm",
        label="Cell",
        help="What a layer is made of.",
        names={"lstm": "LSTM", "gru": "GRU", "rnn": "Plain"},
        more=True,
    )
    rate: float = number(0.01, low=1e-4, high=0.3, log=True, label="Learning rate", help="Of Adam.", more=True)
    unknown: float = number(
        0.1,
        low=0.0,
        high=0.5,
        label="Words hidden",
        help="The share of training words read as unknown, so that it learns to use the words around.",
        more=True,
    )


@dataclass(frozen=True)
class Look:
    """Scores after some updates: for each network, on sentences with words that training knows, and with others."""

    step: int
    known: tuple[Score, Score]
    unseen: tuple[Score, Score]
    kinds: tuple[tuple[float, ...], tuple[float, ...]]


def rows_of(params: Names) -> tuple[dict[str, int], dict[str, int]]:
    """Each network's words: with vectors all that these know, without only those of the training sentences."""
    rows, _ = word_vectors()
    met = {word for sentence in train_set(params.count, params.seed) for word in sentence.words}
    return dict(rows), {word: row for word, row in rows.items() if word in met}


@lru_cache(maxsize=4)
def train_set(count: int, seed: int) -> list[Sentence]:
    """The tagged sentences to learn from."""
    return sentences(count, generator(seed, 1), "seen")


def build(params: Names, arm: int) -> Tagger:
    """A network at its start, with the bundled vectors kept as they are, or with its own to learn."""
    rows, vectors = word_vectors()
    given = {"hidden": params.hidden, "layers": params.layers, "both_ways": params.ways == "both", "cell": params.cell}
    network = seeded(params.seed, Tagger, len(rows), len(TAGS), vectors=vectors if arm == 0 else None, **given)
    assert isinstance(network, Tagger)
    return network


def as_tags(pairs: Sequence[tuple[Tensor, Tensor]]) -> list[tuple[list[str], list[str]]]:
    """Found and true numbers of groups as (true tags, found tags) of each sentence."""
    both = [(true, found) for guess, y in pairs for true, found in zip(y.tolist(), guess.tolist(), strict=True)]
    return [([TAGS[i] for i in true], [TAGS[i] for i in found]) for true, found in both]


def training(params: Names, networks: Sequence[Tagger]) -> Iterator[Look]:
    """Both networks trained side by side on the same batches, with scores on sentences that training never saw."""
    train, rows = train_set(params.count, params.seed), rows_of(params)
    known = sentences(HELD_OUT, generator(params.seed, 2), "seen")
    unseen = sentences(HELD_OUT, generator(params.seed, 3), "unseen")
    held: list[list[list[Group]]] = [[grouped(part, own, TAGS) for part in (known, unseen)] for own in rows]
    runs = [
        fit_tagger(
            network,
            grouped(train, own, TAGS),
            steps=params.steps,
            rate=params.rate,
            batch=32,
            generator=generator(params.seed, 4),
            unknown=params.unknown,
            every=-(-params.steps // LOOKS),
        )
        for network, own in zip(networks, rows, strict=True)
    ]
    for updates in zip(*runs, strict=True):
        found = [
            [named(as_tags(found_tags(n, part))) for part in parts] for n, parts in zip(networks, held, strict=True)
        ]
        kinds = [tuple(score(unseen, kind).f1 for kind in KINDS) for _, unseen in found]
        scores = [(score(found[0][i]), score(found[1][i])) for i in (0, 1)]
        yield Look(updates[0].step, scores[0], scores[1], (kinds[0], kinds[1]))


def run(params: Names) -> Frames:
    """The untrained networks at once, then a frame for every look."""
    networks = [build(params, arm) for arm in (0, 1)]
    for history in paced(recorded(training(params, networks))):
        now = history[-1]
        steps = [look.step for look in history]
        part = [
            np.array([[getattr(look, which)[arm].f1] for look in history])
            for which in ("unseen", "known")
            for arm in (0, 1)
        ]
        curves = raced([*ARMS, "with, words seen", "without, words seen"], steps, part)
        bars = dict(zip(ARMS, now.kinds, strict=True))
        drawn = figures.race(
            curves,
            params.steps,
            "F1",
            dashed=curves.names[2:],
            colors=(BLUE, GREY, BLUE, GREY),
            yaxis={"range": [0, 1.02]},
        )
        last = now.unseen
        yield Frame(
            figures={
                "Names found, held out (dashed: words seen)": drawn,
                "By kind, words never seen": figures.by_kind([NAMES[k] for k in KINDS], bars, (BLUE, GREY)),
            },
            says=f"After {now.step} updates, F1 on {HELD_OUT} sentences whose names were never seen is {last[0].f1:.1%} with "
            f"word vectors and {last[1].f1:.1%} without; where the words were seen, {now.known[0].f1:.1%} and "
            f"{now.known[1].f1:.1%}.",
            metrics={
                "F1, words never seen": f"{last[0].f1:.1%}",
                "Without vectors": f"{last[1].f1:.1%}",
                "Precision, recall": f"{last[0].precision:.0%}, {last[0].recall:.0%}",
            },
            progress=now.step / params.steps,
            state=[{name: value.clone() for name, value in network.state_dict().items()} for network in networks],
        )


def view(params: Names, frame: Frame) -> Frame:
    """What one of the networks finds in the person's sentence."""
    arm = 0 if params.vectors else 1
    words = split_words(params.sentence)
    shown = words[:MOST_WORDS] or ["…"]
    rows = rows_of(params)[arm]
    network = build(params, arm)
    network.load_state_dict(frame.state[arm])
    with torch.inference_mode():
        result = marked(shown, network(ids([normal(word) for word in shown], rows))[0], TAGS)
    strange = list(dict.fromkeys(word for word in words[:MOST_WORDS] if normal(word) not in rows))
    notes = [] if words else ["Type a sentence to have it read."]
    notes += [f"Read as unknown (UNK): {', '.join(strange)}."] if strange else []
    notes += [f"Only the first {MOST_WORDS} words are read."] if len(words) > MOST_WORDS else []
    names = [f"{' '.join(shown[s.start : s.end])} ({NAMES[s.kind]})" for s in spans(result.tags)]
    return replace(
        frame,
        figures={
            "Your sentence": figures.sentence(result, NAMES),
            "Each word, in percent": figures.probabilities(result, NAMES),
        },
        says=f"{frame.says} In your sentence, {ARMS[arm]}, it finds {', '.join(names) or 'no name'}.",
        metrics={**frame.metrics, "Names in yours": f"{len(names)}"},
        note=" ".join(notes),
    )


LAB = Lab(
    slug="ner",
    summary="Type a sentence and see its people, places, organisations and dates marked by a network trained as you watch.",
    params=Names,
    run=run,
    look_for=(
        "No training sentence holds the words Harry, Potter or Rome. Switch the word vectors off and those become unknown "
        "words: the network must guess from what stands around. With vectors it has never met the words either, but they lie "
        "near words that it has met, since both kept the same company in 40,000 sentences without tags. "
        "Can a network that reads one way know that Boston is part of a firm in “Boston Airlines”, and with how few tagged "
        "sentences do vectors still work?"
    ),
    maths=(
        r"$$\hat y^{\langle t \rangle} = \text{softmax}\big(W_y [\overrightarrow{a}^{\langle t \rangle}, "
        r"\overleftarrow{a}^{\langle t \rangle}] + b_y\big), \qquad x^{\langle t \rangle} = e_{w_t}, \qquad "
        r"J = -\frac{1}{T_x} \sum_t \log \hat y^{\langle t \rangle}_{y^{\langle t \rangle}}$$"
        "\n\n"
        r"$$P = \frac{\text{found}}{\text{claimed}}, \qquad R = \frac{\text{found}}{\text{there}}, \qquad "
        r"F_1 = \frac{2PR}{P + R}$$"
        "\n\n"
        "A name counts as found when its kind and both its ends are right. The tags are B-, I- and O for each kind: begins a "
        "name, goes on with it, outside of any. The vectors $e_w$ come from skip-gram with negative sampling on a wider "
        "grammar of the same world, so they know its 455 words and no others; "
        "any other word is read as unknown."
    ),
    code=(Tagger, fit_tagger, spans, score),
    presets={
        "Nobody told you": {"sentence": "Everyone talks about Simon, Siemens, Stockholm and salt.", "vectors": False},
        "A place or a firm": {"sentence": "Boston Airlines flew from Boston to the Bank of England.", "ways": "one"},
        "An apple farmer": {"sentence": "Robert Lin is an apple farmer, and Apple hired Robert in May 2019."},
        "Sixty tagged sentences": {"count": 60},
        "Three layers": {"layers": 3, "steps": 150},
    },
    trains=True,
    rows=(
        ("Your sentence", "Each word, in percent"),
        ("Names found, held out (dashed: words seen)", "By kind, words never seen"),
    ),
    views=("sentence", "vectors"),
    view=view,
)
