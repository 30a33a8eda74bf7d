"""A language model trained live: how probable a sentence is, what comes next, and how unsure the model is."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

import numpy as np
import torch

from engine.data import corpora
from engine.figures import language as figures
from engine.functional.language import log_probability, perplexity
from engine.lab import Frame, Frames, Lab
from engine.labs.sequence_models._texts import (
    LEVELS,
    Trained,
    about,
    blown,
    costs,
    encoded,
    kept,
    prepared,
    rebuilt,
    trained,
)  # fmt: skip
from engine.params import TextSource, choice, integer, passage, text
from engine.results.language import Scored, next_token
from engine.seeding import generator
from engine.training import paced, recorded
from engine.training.characters import Corpus, LanguageModel, fit_language, read

DRAWS, MOST = 1000, 10


class Language(Trained):
    """What a person can move."""

    first: str = text(
        "The apple and pear salad was fresh.", longest=200, label="First sentence", help="Its probability is computed."
    )
    second: str = text(
        "The apple and pair salad was fresh.", longest=200, label="Second sentence", help="To compare with the first."
    )
    prefix: str = text(
        "a pair of", longest=200, label="What comes after", help="The next-token bars are for this beginning."
    )
    source: TextSource = passage(
        "sentences", sets=corpora.TEXTS, label="Text", help="What the model learns from: a bundled text, or your own."
    )
    steps: int = integer(250, low=1, high=20_000, hint=(50, 2000, 50), label="Steps", help="How many updates to take.")
    level: Literal["words", "characters"] = choice("words", label="Tokens", help="What the model reads.", names=LEVELS)


def run(params: Language) -> Frames:
    """The untrained model at once, then frames as it learns; the sentences are read by :func:`view`."""
    corpus = prepared(params.source, params.level, params.words)
    for history in paced(recorded(trained(params, corpus, params.steps))):
        model, now = history[-1]
        curve = costs([moment for _, moment in history], corpus.vocabulary, params.steps)
        held = now.cost if now.dev is None else now.dev
        frame = Frame(
            figures={"Perplexity": figures.perplexity(curve)},
            says=f"After {now.step:,} steps the model's perplexity is {math.exp(held):.3g} of {len(corpus.vocabulary)}.",
            note=about(corpus),
            metrics={"Perplexity": f"{math.exp(held):.3g}" if math.isfinite(held) else "none"},
            progress=now.step / params.steps,
            state=kept(model),
        )
        yield replace(frame, **blown(now))


@torch.inference_mode()
def score(model: LanguageModel, indices: list[int], corpus: Corpus) -> Scored:
    """The probability of every token of a sentence and of its end, each after those before it."""
    logits, _ = read(model, indices)
    targets = [*indices, corpus.vocabulary.eos]
    chances = log_probability(logits.double(), torch.tensor(targets)).exp()
    return Scored(tuple(corpus.vocabulary.decode(targets)), chances.clamp(min=1e-300).numpy())


def power(log10: float) -> str:
    """A small number by its power of ten, for numbers that a float can't hold."""
    exponent = math.floor(log10)
    return f"{10 ** (log10 - exponent):.2f}e{exponent}"


def odds(log10: float) -> str:
    """How much likelier one is than the other, by the power of ten of their ratio."""
    if abs(log10) > 6:
        return f"10^{log10:.0f} : 1"
    return f"{10**log10:,.0f} : 1" if log10 > 2 else f"{10**log10:.3g} : 1"


def view(params: Language, frame: Frame) -> Frame:
    """Both sentences and the next token, by the weights of a frame."""
    corpus = prepared(params.source, params.level, params.words)
    if frame.diverged:
        return frame
    model = rebuilt(frame.state, params)
    first, second = (encoded(typed, corpus) for typed in (params.first, params.second))
    begin, unknown = encoded(params.prefix, corpus)
    one, other = (score(model, indices, corpus) for indices, _ in (first, second))
    following = next_token(read(model, begin)[0][-1], corpus.vocabulary, 1.0, DRAWS, MOST, generator(params.seed, 3))
    ratio = one.log10 - other.log10
    told = " ".join(dict.fromkeys(note for note in (frame.note, first[1], second[1], unknown) if note))
    each = [float(perplexity(torch.from_numpy(np.log(scored.chances)))) for scored in (one, other)]
    return replace(
        frame,
        figures={
            "Step by step": figures.sentences(one, other),
            "Product so far": figures.products(one, other),
            "Next token": figures.next_token(following, drawn=False),
        },
        says=(
            f"{frame.says} The first sentence has a probability of {power(one.log10)} and the second of {power(other.log10)}; "
            f"by token their perplexities are {each[0]:.3g} and {each[1]:.3g}."
        ),
        note=told,
        metrics={
            "P(first)": power(one.log10),
            "P(second)": power(other.log10),
            "First to second": odds(ratio),
            **frame.metrics,
        },
    )


LAB = Lab(
    slug="language-model",
    summary="Train a language model on a text, and ask it how probable a sentence is and which word comes next.",
    params=Language,
    run=run,
    look_for=(
        "Pear and pair sound alike, but after “the apple and” the model has met fruit, and after “pair” the word “of”: the "
        "products part at the one word and the next. Before training every token has probability 1/V, so the perplexity "
        "begins at V. Type a sentence of your own and shuffle its words: which step makes it improbable?"
    ),
    maths=(
        r"$$P(y^{\langle 1 \rangle}, \dots, y^{\langle T \rangle}) = \prod_{t=1}^{T} P(y^{\langle t \rangle} \mid "
        r"y^{\langle 1 \rangle}, \dots, y^{\langle t-1 \rangle}), \qquad y^{\langle T \rangle} = \langle EOS \rangle$$"
        "\n\n"
        r"$$x^{\langle 1 \rangle} = 0, \quad x^{\langle t \rangle} = y^{\langle t-1 \rangle}, \qquad "
        r"\mathcal L = -\sum_t \log \hat y^{\langle t \rangle}_{y^{\langle t \rangle}}, \qquad "
        r"\text{perplexity} = e^{\mathcal L / T}$$"
    ),
    code=(LanguageModel, log_probability, perplexity, score, fit_language),
    presets={
        "A pair of pears": {"first": "A pair of shoes lay under the bed.", "second": "A pear of shoes lay under the bed."},
        "One cat, two cats": {"first": "The cats were hungry.", "second": "The cats was hungry.", "prefix": "the owl"},
        "Letter by letter": {
            "level": "characters", "batch": 32, "first": "The cat slept.", "second": "The cat slpet.", "prefix": "The app",
        },
        "Dinosaurs": {
            "source": "dinosaurs", "level": "characters", "first": "Tyrannosaurus", "second": "Tyrannosaurux", "prefix": "Tri",
        },
        "Untrained": {"steps": 1},
    },
    trains=True,
    rows=(("Step by step", "Next token"), ("Product so far", "Perplexity")),
    views=("first", "second", "prefix"),
    view=view,
)  # fmt: skip
