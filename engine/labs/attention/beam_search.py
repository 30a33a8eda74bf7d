"""Beam search on a language model trained live, or on a table small enough to read: greedy, beam and exact side by side."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, Literal

import torch

from engine.data import corpora
from engine.figures import decoding as figures
from engine.figures import language
from engine.functional.decoding import Hypothesis, Search, beam_search, greedy, length_normalized
from engine.functional.language import Level, Vocabulary, join, tokenize
from engine.lab import Frame, Frames, Lab, Mistake
from engine.labs.attention._searching import VOCABULARY, Asked, Held, asked, exact
from engine.labs.sequence_models._texts import LEVELS, Trained, about, blown, costs, kept, prepared, rebuilt, trained
from engine.params import TextSource, choice, integer, number, passage, text
from engine.results.decoding import SMALLEST, Competitor, chances_of, spelled, tree, underflow
from engine.training import paced, recorded

PRUNED, FEW = (3, 2), 3  # how many pruned branches a step shows for a beam of at most a FEW, and for a wider one


class Searched(Trained):
    """What a person can move."""

    width: int = integer(
        3, low=1, high=10, label="Beam width B", help="How many beginnings go on at every step. No new training."
    )
    alpha: float = number(
        0.7, low=0.0, high=2.0, hint=(0.0, 1.5, 0.05), label="Length normalisation α",
        help="Sentences are ranked by log P / T^α: 0 prefers the short, 1 takes the mean. No new training.",
    )  # fmt: skip
    begin: str = text(
        "", longest=100, label="Begin with", help="Text that every sentence goes on from. No new training."
    )
    source: TextSource = passage(
        "sentences",
        sets={"jane": "Jane in Africa, a table", **corpora.TEXTS},
        label="Model of",
        help="A network trained on a text, or a small table of probabilities after the course's example.",
    )
    level: Literal["words", "characters"] = choice("words", label="Tokens", help="What a step adds.", names=LEVELS)
    steps: int = integer(250, low=1, high=20_000, hint=(50, 2000, 50), label="Steps", help="How many updates to take.")
    longest: int = integer(
        14, low=1, high=40, hint=(2, 20, 1), label="Longest", help="Tokens after which a sentence is cut.", more=True
    )


def run(params: Searched) -> Frames:
    """The table at once, or frames of a training; the searches are made by :func:`view`."""
    if params.source == "jane":
        yield Frame(figures={}, says="The table's rows are the probabilities of the next word.", state=Held(None))
        return
    corpus = prepared(params.source, params.level, params.words)
    for history in paced(recorded(trained(params, corpus, params.steps))):
        model, now = history[-1]
        curve = costs([moment for _, moment in history], corpus.vocabulary, params.steps)
        frame = Frame(
            figures={"Perplexity": language.perplexity(curve)},
            says=f"After {now.step:,} of {params.steps:,} steps of training.",
            note=about(corpus),
            progress=now.step / params.steps,
            state=Held(kept(model)),
        )
        yield replace(frame, **blown(now))


def begun(params: Searched, vocabulary: Vocabulary, level: Level) -> tuple[tuple[int, ...], str]:
    """The indices of what the person typed, and a sentence on what of it isn't known."""
    tokens = tokenize(params.begin, level)
    unknown = [token for token in dict.fromkeys(tokens) if token not in vocabulary.index]
    note = f"Not in the vocabulary and read as <UNK>: {', '.join(map(repr, unknown[:5]))}." if unknown else ""
    return tuple(vocabulary.encode(tokens)), note


def searched(params: Searched, source: Asked, begin: tuple[int, ...], eos: int) -> tuple[Search, Hypothesis]:
    """What beam search and greedy search find."""
    first, state = source.first, torch.tensor([begin], dtype=torch.long)
    pruned = PRUNED[params.width > FEW]
    beam = beam_search(
        source.step,
        first,
        state,
        width=params.width,
        eos=eos,
        longest=params.longest,
        alpha=params.alpha,
        runners_up=pruned,
    )
    return beam, greedy(source.step, first, state, eos=eos, longest=params.longest, alpha=params.alpha)


def view(params: Searched, frame: Frame) -> Frame:
    """The searches by the weights of a frame; the exact one once the training is over."""
    if frame.diverged:
        return frame
    held: Held = frame.state
    model = None if held.weights is None else rebuilt(held.weights, params)
    level: Level = "words" if model is None else params.level
    vocabulary = VOCABULARY if model is None else prepared(params.source, params.level, params.words).vocabulary
    begin, unknown = begun(params, vocabulary, level)
    source = asked(held, model, vocabulary, begin)
    beam, first = searched(params, source, begin, vocabulary.eos)

    def named(what: Literal["beam", "greedy", "exact"], found: Hypothesis) -> Competitor:
        return Competitor(what, spelled(begin, found, lambda tokens: join(vocabulary.decode(tokens), level)), found)

    rows = {f"Beam, B = {params.width}": named("beam", beam.found[0]), "Greedy": named("greedy", first)}
    if frame.progress == 1:
        best, proved = exact(held, source, begin, vocabulary.eos, params.longest, params.alpha)
        if best.score < beam.found[0].score and beam.found[0].ended:
            best = beam.found[0]
        rows["Exact" if proved else "Best known"] = named("exact", best)
    answer = next(iter(rows.values()))
    others = [named("beam", found) for found in beam.found]
    nodes = tree(beam, vocabulary.eos, params.longest)
    return replace(
        frame,
        figures={
            "Tree": figures.tree(nodes, lambda token: vocabulary.tokens[token], params.begin),
            "Length normalisation": figures.lengths([*others, *list(rows.values())[1:]], answer, params.alpha),
            "Underflow": figures.underflow(underflow(chances_of(nodes))),
        },
        says=f"{frame.says} {'; '.join(told(name, row) for name, row in rows.items())}.",
        note=" ".join(note for note in (frame.note, unknown) if note),
        metrics={
            **{name: signed(row.hypothesis.score) for name, row in rows.items()},
            "Beginnings read": str(1 + sum(not node.ended and node.kind == "kept" for node in nodes)),
        },
        tables={"Greedy, beam and exact": table(rows, params.alpha)},
    )


def signed(value: float) -> str:
    """Three decimals and a true minus."""
    return f"{value:.3f}".replace("-", "−")


def told(name: str, row: Competitor) -> str:
    """One search's find in words."""
    found = row.hypothesis
    return f"{name} finds “{row.text}” (log P {signed(found.log_probability)}, score {signed(found.score)})"


def table(rows: dict[str, Competitor], alpha: float) -> dict[str, list[Any]]:
    """The finds below each other: P, log P, and what ranks them."""
    found = [row.hypothesis for row in rows.values()]
    return {
        "Search": list(rows),
        "Finds": [row.text for row in rows.values()],
        "T": [len(h.tokens) for h in found],
        "P": [f"{math.exp(h.log_probability):.3g}" for h in found],
        "log P": [signed(h.log_probability) for h in found],
        f"log P / T^{alpha:g}": [signed(h.score) for h in found],
    }


def too_small(params: Searched) -> Mistake:
    """What becomes of a product of the probabilities that the search finds in the table."""
    source = asked(Held(None), None, VOCABULARY, ())
    nodes = tree(searched(params, source, (), VOCABULARY.eos)[0], VOCABULARY.eos, params.longest)
    result = underflow(chances_of(nodes))
    return Mistake(
        wrong=f"Multiplying {result.zero} small probabilities overflows.",
        right=f"It underflows: in float32 their product is 0 from word {result.zero} on, for nothing above 0 is smaller than "
        f"{10**SMALLEST:.2g}, and no product of probabilities is above 1. Their logs sum to {signed(result.logs_at_zero)}.",
    )


LAB = Lab(
    slug="beam-search",
    summary="Search for the likeliest sentence with a beam of B beginnings, beside the greedy one and the best there is.",
    params=Searched,
    run=run,
    look_for=(
        "At B = 1 the beam is greedy: it takes the likeliest word and lives with what must follow. A wider beam keeps "
        "beginnings that pay off later, though even ten may lose the best. Sums of logs only ever fall, so α = 0 favours short "
        "sentences and α = 1 long ones. In Jane's table, which B is the first to find the exact answer, and which sentence "
        "wins as α goes from 0 to 1?"
    ),
    maths=(
        r"$$\hat y = \arg\max_y \frac{1}{T_y^\alpha} \sum_{t=1}^{T_y} \log P\big(y^{\langle t \rangle} \mid x, "
        r"y^{\langle 1 \rangle}, \dots, y^{\langle t-1 \rangle}\big)$$"
        "\n\n"
        r"A step grows $B$ beginnings into $B \cdot |V|$ and keeps the $B$ likeliest; one that ends with "
        r"$\langle EOS \rangle$ keeps its place. $B = 1$ is greedy search, and $B = |V|^n$ tries all sentences of $n$ tokens. "
        r"“Exact” is a beam of 2000 with a proof: the likeliest beginning that it pruned, its log divided by the longest "
        r"$T^\alpha$, can't beat what it found. Where that fails it is only the best known. Here $x$ is the beginning that you "
        r"type."
    ),
    code=(beam_search, greedy, length_normalized, asked),
    presets={
        "Jane visits Africa": {"source": "jane"},
        "Jane, greedy": {"source": "jane", "width": 1},
        "Jane, B = 10": {"source": "jane", "width": 10, "alpha": 1.0},
        "Short is likely": {"source": "jane", "alpha": 0.0},
        "It was dark": {"begin": "it was dark, so", "width": 2},
        "Dinosaurs": {"source": "dinosaurs", "level": "characters", "begin": "T", "width": 5, "longest": 20},
    },
    mistakes={"underflow": too_small},
    trains=True,
    rows=(("Tree",), ("Length normalisation", "Underflow"), ("Perplexity",)),
    views=("width", "alpha", "begin", "longest"),
    view=view,
)
