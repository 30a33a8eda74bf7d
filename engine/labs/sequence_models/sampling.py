"""A model of characters or words writes text of its own, better and better while it trains, at any temperature."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal

from torch import float16

from engine.data import corpora
from engine.figures import language as figures
from engine.functional.language import at_temperature, join, sample_sequence, tokenize
from engine.lab import Frame, Frames, Lab
from engine.labs.sequence_models._texts import (
    LEVELS,
    Trained,
    Weights,
    about,
    blown,
    costs,
    encoded,
    kept,
    plain,
    prepared,
    rebuilt,
    trained,
)  # fmt: skip
from engine.params import TextSource, choice, integer, number, passage, text
from engine.results.language import Written, next_token
from engine.seeding import generator
from engine.training import paced
from engine.training.characters import Corpus, LanguageModel, Moment, fit_language, read, sample

SAMPLES = 8
KEPT = (0, 1, 2, 4, 9, 19)  # moments whose weights are kept, to watch the text grow
GROWN = 60
DRAWS, MOST = 1000, 10
SECONDS = 0.25  # between frames: eight samples and their stages take longer to read than a curve


@dataclass(frozen=True)
class Stage:
    """The weights that training with some parameters has made after ``step`` updates, which follow from those two."""

    params: Trained
    step: int
    weights: Weights = field(compare=False, repr=False)


class Sampling(Trained):
    """What a person can move."""

    temperature: float = number(
        1.0, low=0.0, high=10.0, hint=(0.0, 3.0, 0.05), label="Temperature",
        help="Divides the logits: below 1 the likely gets likelier, at 0 only the likeliest is drawn. No new training.",
    )  # fmt: skip
    begin: str = text("", longest=100, label="Begin with", help="Text that every sample goes on from. No new training.")
    source: TextSource = passage(
        "dinosaurs", sets=corpora.TEXTS, label="Text", help="What the model learns from: a bundled text, or your own."
    )
    level: Literal["characters", "words"] = choice(
        "characters", label="Tokens", help="What is drawn at a time.", names=LEVELS
    )
    steps: int = integer(250, low=1, high=20_000, hint=(50, 2000, 50), label="Steps", help="How many updates to take.")
    longest: int = integer(
        60, low=1, high=1000, hint=(10, 300, 10), label="Longest sample", help="In tokens; <EOS> ends one before."
    )


def run(params: Sampling) -> Frames:
    """The untrained model at once, then frames as it learns; the samples are drawn by :func:`view`."""
    corpus = prepared(params.source, params.level, params.words)
    for history, stages, model in paced(staged(params, corpus), SECONDS):
        now = history[-1]
        frame = Frame(
            figures={"Cost": figures.cost(costs(history, corpus.vocabulary, params.steps))},
            says=f"After {now.step:,} steps a token costs {now.cost:.3f} nats; it began at {history[0].cost:.3f}.",
            note=about(corpus),
            metrics={
                "Cost": f"{now.cost:.3f} nats" if math.isfinite(now.cost) else "none",
                "Perplexity": f"{math.exp(now.cost):.3g}" if math.isfinite(now.cost) else "none",
            },
            progress=now.step / params.steps,
            state=(stages, now.step, kept(model)),
        )
        yield replace(frame, **blown(now))


def staged(params: Sampling, corpus: Corpus) -> Iterator[tuple[list[Moment], tuple[Stage, ...], LanguageModel]]:
    """The moments so far, the weights of a few of them, and the model as it is now."""
    history, stages = list[Moment](), list[Stage]()
    for model, moment in trained(params, corpus, params.steps):
        if len(history) in KEPT:
            stages.append(Stage(params, moment.step, kept(model, float16)))
        history.append(moment)
        yield history, tuple(stages), model


def drawn(model: LanguageModel, params: Sampling, corpus: Corpus, count: int, longest: int) -> list[str]:
    """So many samples, with what they begin with left out."""
    indices, _ = encoded(params.begin, corpus)
    random = generator(params.seed, 3)
    made, _ = sample(
        model,
        corpus.vocabulary,
        indices,
        count=count,
        longest=longest,
        temperature=params.temperature,
        generator=random,
    )
    return [plain(row, corpus) for row in made.tolist()]


@lru_cache(maxsize=32)
def early(params: Sampling, stage: Stage) -> str:
    """One sample of a stage; the frames that follow show it again."""
    corpus = prepared(params.source, params.level, params.words)
    return drawn(rebuilt(stage.weights, params), params, corpus, 1, min(GROWN, params.longest))[0]


def view(params: Sampling, frame: Frame) -> Frame:
    """Samples of now and of the stages before, and the bars of what comes first, at the temperature."""
    if frame.diverged:
        return frame
    corpus = prepared(params.source, params.level, params.words)
    stages, step, weights = frame.state
    model = rebuilt(weights, params)
    indices, unknown = encoded(params.begin, corpus)
    first = next_token(
        read(model, indices)[0][-1], corpus.vocabulary, params.temperature, DRAWS, MOST, generator(params.seed, 4)
    )
    now = drawn(model, params, corpus, SAMPLES, params.longest)
    grown = {stage.step: early(params, stage) for stage in stages}
    grown[step] = now[0][: 4 * GROWN]
    space = " " if params.level == "words" and params.begin else ""
    begin = params.begin + space
    new = sum((begin + each).lower() not in known(corpus) for each in now)
    return replace(
        frame,
        figures={
            "Samples": figures.written(Written(tuple(str(i + 1) for i in range(len(now))), begin, tuple(now))),
            "As it trained": figures.written(
                Written(tuple(f"step {s:,}" for s in grown), begin, tuple(grown.values()))
            ),
            "First token drawn": figures.next_token(first),
        },
        says=f"{frame.says} At temperature {params.temperature:g} it writes {begin + now[0]!r}.",
        note=" ".join(note for note in (frame.note, unknown) if note),
        metrics={**frame.metrics, "New": f"{new} of {len(now)} samples"},
    )


@lru_cache(maxsize=4)
def known(corpus: Corpus) -> frozenset[str]:
    """The text's own sequences, in lower case and spaced as samples are."""
    return frozenset(join(tokenize(each, corpus.level), corpus.level).lower() for each in corpus.known)


LAB = Lab(
    slug="sampling",
    summary="Watch a network learn to write: names nobody gave, or text in the manner of your own, at any temperature.",
    params=Sampling,
    run=run,
    look_for=(
        "First every token is equally likely; then come endings, then whole syllables in their place. The temperature only "
        "changes how the same probabilities are drawn from: near 0 every sample is the same likeliest name, far above 1 they "
        "fall apart again. <UNK> is rejected where it would be drawn. Which temperature gives names that are new and still "
        "sound right? And where is the model surer, early in a name or near its end?"
    ),
    maths=(
        r"$$\hat y^{\langle t \rangle} = \text{softmax}(z^{\langle t \rangle} / \tau), \qquad "
        r"y^{\langle t \rangle} \sim \hat y^{\langle t \rangle}, \qquad x^{\langle t+1 \rangle} = y^{\langle t \rangle}$$"
        "\n\n"
        r"from $a^{\langle 0 \rangle} = 0$ and $x^{\langle 1 \rangle} = 0$, until $\langle EOS \rangle$ or the longest length. "
        r"With $\tau \to 0$ the likeliest token is taken, with $\tau \to \infty$ all are equally likely; $\tau = 1$ is what "
        r"was learned. The output layer starts at zero, so the cost starts at $\log |V|$."
    ),
    code=(sample_sequence, at_temperature, LanguageModel, fit_language, sample),
    presets={
        "Cool": {"temperature": 0.5},
        "Hot": {"temperature": 2.0},
        "Tyr…": {"begin": "Tyr"},
        "Word by word": {"source": "sentences", "level": "words"},
        "Letter by letter": {"source": "sentences", "batch": 24},
        "Plain RNN": {"cell": "rnn"},
    },
    trains=True,
    rows=(("Samples", "As it trained"), ("First token drawn", "Cost")),
    views=("temperature", "begin", "longest"),
    view=view,
)
