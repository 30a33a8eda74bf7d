"""French to English by an encoder and a decoder, with attention and without, and how both fare as sentences grow."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import torch

from engine.data.translations import Words, by_length, spelled, words_of
from engine.errors import BadInput
from engine.figures import translation as figures
from engine.figures.translation import WITH, WITHOUT
from engine.functional.bleu import bleu
from engine.functional.decoding import beam_search
from engine.lab import Frame, Frames, Lab
from engine.labs.attention._translating import ATTEND, Held, frame, learning
from engine.models.attending import Decoder, Encoder, Translator
from engine.models.translator import EOS, LONGEST, english, known, read
from engine.params import Params, choice, integer, number, text
from engine.results.translation import BINS, Spoken, spoken
from engine.seeding import generator
from engine.training.attending import fit_attending
from engine.training.translation import translated

ONE, MEASURED = 1000, 8  # streams of random numbers
MOST_WORDS = 40


class Translating(Params):
    """What a person can move."""

    sentence: str = text(
        "Jane visite l'Afrique en septembre.", longest=300, label="French sentence",
        help="Yours, from the words of the grammar; others are named and left out.",
    )  # fmt: skip
    words: int = integer(
        0, low=0, high=30, label="Or a held-out one of … words",
        help="Takes a sentence of so many words that training never saw, at least 3; 0 takes yours.",
    )  # fmt: skip
    width: int = integer(3, low=1, high=20, hint=(1, 10, 1), label="Beam width B", help="Beginnings kept; 1 is greedy.")
    network: Literal["bundled", "live"] = choice(
        "bundled", label="Networks", help="A pair trained before, or a small pair that learns simple sentences now.",
        names={"bundled": "Bundled", "live": "Learning now"},
    )  # fmt: skip
    another: int = integer(
        1, low=1, high=1000, hint=(1, 50, 1), label="Another one", help="Which of that length.", more=True
    )
    each: int = integer(
        40, low=5, high=400, hint=(10, 100, 5), label="Sentences a length", help="Held-out ones compared in each bin.",
        more=True,
    )  # fmt: skip
    steps: int = integer(
        120, low=10, high=2000, hint=(20, 500, 10), label="Updates", help="Of each network that learns now.", more=True
    )
    rate: float = number(
        0.015, low=1e-4, high=0.3, log=True, label="Learning rate", help="Highest step of Adam.", more=True
    )


def run(params: Translating) -> Frames:
    """The bundled pair compared on held-out sentences, bin by bin, or the frames of a training; :func:`view` translates."""
    if params.network == "live":
        yield from learning(params.seed, params.steps, params.rate)
        return
    yield frame({name: [] for name in ATTEND}, [], BINS, Held(), 0.0)
    pairs = by_length(params.each, BINS, generator(params.seed, MEASURED))
    said: dict[str, list[list[Words]]] = {name: [] for name in ATTEND}
    networks = Held().networks()
    for k, each in enumerate(pairs):
        for name, network in networks.items():
            said[name].append(translated(network, [pair.source for pair in each]))
        yield frame(said, pairs, BINS, Held(), (k + 1) / len(BINS))


def wanted(params: Translating) -> tuple[Words, Words | None, str]:
    """The French words to translate, their reference if there is one, and a sentence on what is left out."""
    if params.words:
        n = max(3, params.words)
        [[pair]] = by_length(1, [(n, n)], generator(params.seed, ONE + params.another))
        return pair.source, pair.target, ""
    words, unknown = known(words_of(params.sentence))
    if not set(words) - {".", ","}:
        raise BadInput(
            f"The sentence must hold a French word of the grammar, such as “Jane”, got {params.sentence[:60]!r}."
        )
    note = f"Not in the grammar and left out: {', '.join(dict.fromkeys(unknown))}." if unknown else ""
    if len(words) > MOST_WORDS:
        words, note = (*words[:MOST_WORDS], "."), f"{note} Only the first {MOST_WORDS} words are read.".strip()
    return words, None, note


@torch.inference_mode()
def translate(network: Translator, words: Words, width: int) -> Words:
    """The likeliest translation that a beam finds."""
    first, state = network.decoder.first(*network.encode(*read([words])))
    best, *_ = beam_search(network.decoder.step, first, state, width=width, eos=EOS, longest=LONGEST).found
    return english(best.tokens)


def view(params: Translating, frame: Frame) -> Frame:
    """One sentence translated by both networks, word by word, and where the one with attention looks."""
    words, reference, note = wanted(params)
    networks = frame.state.networks()
    found = {
        name: spoken(network, words, translate(network, words, params.width)) for name, network in networks.items()
    }
    sentences = {name: spelled(each.words[:-1]) for name, each in found.items()}
    return replace(
        frame,
        figures={"Attention": figures.alignment(found[WITH], words), "Word by word": figures.chances(found)},
        says=f"“{spelled(words)}” becomes “{sentences[WITH]}” with attention and “{sentences[WITHOUT]}” without. {frame.says}",
        note=note,
        tables={"Translations": table(networks, found, words, reference)},
    )


def table(
    networks: dict[str, Translator], found: dict[str, Spoken], source: Words, reference: Words | None
) -> dict[str, list[Any]]:
    """The sentence, both translations with their log-probabilities, and the reference with what each network gives it."""
    columns: dict[str, list[Any]] = {
        "By": ["French", *(name.capitalize() for name in found)],
        "Sentence": [spelled(source), *(spelled(each.words[:-1]) for each in found.values())],
        "log P": ["", *(signed(each) for each in found.values())],
    }
    if reference:
        given = [signed(spoken(network, source, reference)) for network in networks.values()]
        columns["By"].append("Reference")
        columns["Sentence"].append(spelled(reference))
        columns["log P"].append(f"{given[0]} with attention, {given[1]} without")
        scores = [bleu(each.words[:-1], [reference]).score for each in found.values()]
        columns["BLEU"] = ["", *(f"{score:.3f}" for score in scores), "1.000"]
    return columns


def signed(each: Spoken) -> str:
    """log P of a whole translation."""
    return f"{float(each.chances.sum()):.2f}".replace("-", "−")


LAB = Lab(
    slug="seq2seq",
    summary="Translate French by an encoder and a decoder, with attention between them and without, from short to long.",
    params=Translating,
    run=run,
    look_for=(
        "Without attention all that the decoder ever learns of the French is one vector, the encoder's last activations: it "
        "serves short sentences and forgets the long ones, often fluently. Attention lets every English word look at the "
        "French again, and the map shows a crossing where an adjective or a date changes places. Move the number of words up: "
        "from which length on does the network without attention start to invent, and what does it get right even then?"
    ),
    maths=(
        r"$$P(y \mid x) = \prod_{t=1}^{T_y} P\big(y^{\langle t \rangle} \mid y^{\langle 1 \rangle}, \dots, "
        r"y^{\langle t-1 \rangle}, c^{\langle t \rangle}\big)$$"
        "\n\n"
        r"$$\text{without attention: } c^{\langle t \rangle} = a^{\langle T_x \rangle}, \qquad \text{with it: } "
        r"c^{\langle t \rangle} = \sum_{t'=1}^{T_x} \alpha^{\langle t, t' \rangle} a^{\langle t' \rangle}, \qquad "
        r"\sum_{t'} \alpha^{\langle t, t' \rangle} = 1$$"
        "\n\n"
        "The encoder is a bidirectional LSTM; without attention the decoder sees the last activations of both directions at "
        "every step. Both networks were trained on the same sentences in the same order, and differ in nothing else."
    ),
    code=(Encoder, Decoder, translate, fit_attending),
    presets={
        "Adjectives change places": {"sentence": "La vieille reine triste porte trois petites robes rouges."},
        "Ten words": {"words": 10},
        "Twenty-five words": {"words": 25},
        "Not, in two words": {"sentence": "Hier, Paul n'a pas trouvé la clé noire parce qu'ils lavent le chien."},
        "Learning now": {"network": "live"},
    },
    trains=True,
    rows=(("Exact by length", "BLEU by length", "Cost"), ("Attention", "Word by word")),
    views=("sentence", "words", "width", "another"),
    view=view,
)
