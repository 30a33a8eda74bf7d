"""Whose fault a translation's errors are: the search's, which missed a better sentence, or the network's."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from typing import Any, Literal

from engine.data.translations import Pair, endless, spelled
from engine.errors import BadInput
from engine.figures import translation as figures
from engine.functional.beams import beam_searches
from engine.functional.decoding import length_normalized
from engine.lab import Event, Frame, Frames, Lab
from engine.models.attending import Translator
from engine.models.translator import bundled_translator, young_translator
from engine.params import Params, Span, choice, integer, number, span, toggle
from engine.results.translation import Judged, Searches, blame, judged, searched, shares, spoken
from engine.seeding import generator
from engine.training import paced

# The narrow beams first, then the widest, so that the curve has its ends early.
WIDTHS = (1, 2, 3, 20, 10, 5, 4, 6, 8, 15, 7, 9, 12, 17, 11, 13, 14, 16, 18, 19)
WIDEST, LISTED, HELD_OUT = 20, 60, 7
TRIES = 20_000  # sentences drawn at most
CALLED = {"beam": "B", "model": "R"}


class Blamed(Params):
    """What a person can move."""

    width: int = integer(
        2, low=1, high=WIDEST, label="Beam width B", help="Beginnings kept at every step; 1 is greedy."
    )
    alpha: float = number(
        0.0, low=0.0, high=2.0, hint=(0.0, 1.5, 0.05), label="Length normalisation α",
        help="The search takes the translation with the best log P / T^α; 0 takes the likeliest.",
    )  # fmt: skip
    normalised: bool = toggle(
        True, label="Compare what the search compares",
        help="Blame by log P / T^α; off, by P alone, which is another question once α isn't 0.",
    )  # fmt: skip
    error: int = integer(1, low=1, high=400, hint=(1, 40, 1), label="Error", help="The one that is looked at closely.")
    network: Literal["young", "plain"] = choice(
        "young", label="Translator", help="A small one, early in its training, or the grown one without attention.",
        names={"young": "Small, hardly trained", "plain": "Without attention"},
    )  # fmt: skip
    lengths: Span = span((3, 10), low=3, high=30, step=1, label="French words", help="Of the sentences.", more=True)
    sentences: int = integer(
        100, low=10, high=400, hint=(20, 200, 10), label="Sentences", help="How many held-out ones are translated.", more=True
    )  # fmt: skip


def drawn(params: Blamed) -> tuple[Pair, ...]:
    """Held-out sentences of the wanted lengths, no two alike."""
    low, high = params.lengths
    return _drawn(params.seed, math.ceil(low), math.floor(high), params.sentences)


@lru_cache(8)
def _drawn(seed: int, low: int, high: int, count: int) -> tuple[Pair, ...]:
    found = dict[Pair, None]()
    for pair in islice(endless(generator(seed, HELD_OUT), high), TRIES):
        if low <= pair.length <= high and pair.held_out:
            found[pair] = None
        if len(found) == count:
            return tuple(found)
    raise BadInput(
        f"French words must span lengths that {count} sentences have, got {low} to {high}, which few have: widen it."
    )


def translator(params: Blamed) -> Translator:
    """The network that the person chose."""
    return young_translator() if params.network == "young" else bundled_translator(False)


def run(params: Blamed) -> Frames:
    """All sentences translated by beams of one width after another; they are compared by :func:`view`."""
    pairs = drawn(params)
    for found in paced(searched(translator(params), pairs, WIDTHS), 0.2):
        done = len(found.found)
        yield Frame(
            figures={},
            says=f"{len(pairs)} held-out sentences are translated by beams of {done} widths.",
            progress=done / len(WIDTHS),
            state=found,
        )


def view(params: Blamed, frame: Frame) -> Frame:
    """Errors counted and blamed for the width and the length normalisation chosen, and one of them word by word."""
    found: Searches = frame.state
    width, compared = found.nearest(params.width), params.alpha if params.normalised else 0.0
    rows = found.judged(width, params.alpha, compared)
    wrong = sorted((row for row in rows if row.blame != "right"), key=lambda row: row.found_score - row.reference_score)
    beam = sum(row.blame == "beam" for row in wrong)
    chosen = min(params.error, len(wrong)) - 1
    widths, *parts = shares(found, params.alpha, compared)
    drawn_figures = {
        "Errors": figures.errors(wrong, max(chosen, 0), compared > 0),
        "Blame": figures.blamed(widths, parts, width, WIDEST),
    }
    if wrong:
        each, network = wrong[chosen], translator(params)
        both = [spoken(network, each.source, words) for words in (each.reference, each.found)]
        drawn_figures["Word by word"] = figures.path(*both)
    counted = f"{len(wrong)} of {len(rows)} are wrong: {beam} by beam search's fault, {len(wrong) - beam} by the RNN's"
    tables = {"Errors, one by one": table(wrong)} if wrong else {}
    return replace(
        frame,
        figures=drawn_figures,
        says=f"With B = {width}, {counted}.",
        note=remark(params, found, width, rows),
        metrics={
            "Wrong": f"{len(wrong)} of {len(rows)}",
            "Beam search at fault": f"{beam} ({beam / max(len(wrong), 1):.0%})",
            "RNN at fault": f"{len(wrong) - beam} ({(len(wrong) - beam) / max(len(wrong), 1):.0%})",
        },
        tables={"The chosen error": closely(wrong[chosen], params.alpha), **tables} if wrong else {},
    )


def remark(params: Blamed, found: Searches, width: int, rows: list[Judged]) -> str:
    """What the comparison must heed: the search's own score, and widths still to come."""
    said = []
    if width != params.width:
        said.append(f"B = {params.width} is still being searched; this is B = {width}.")
    if params.alpha and not params.normalised:
        right = found.judged(width, params.alpha, params.alpha)
        changed = sum(a.blame != b.blame for a, b in zip(rows, right, strict=True))
        said.append(
            f"The search ranks by log P / T^{params.alpha:g}, so P alone doesn't tell whether it missed what it looked for: "
            f"{changed} of the errors are blamed otherwise by its own score."
        )
    return " ".join(said)


def signed(value: float) -> str:
    """Two decimals and a true minus."""
    return f"{value:.2f}".replace("-", "−")


def closely(each: Judged, alpha: float) -> dict[str, list[Any]]:
    """One error: the reference and the translation, their lengths, probabilities and scores."""
    lengths, logs = (each.length, each.found_length), (each.reference_log, each.found_log)
    return {
        "": ["x", "y*, by a person", f"ŷ, {figures.CALLED[each.blame]}"],
        "Sentence": [spelled(words) for words in (each.source, each.reference, each.found)],
        "T": ["", *map(str, lengths)],
        "P(y|x)": ["", *(f"{math.exp(log):.2e}" for log in logs)],
        "log P(y|x)": ["", *map(signed, logs)],
        f"log P / T^{alpha:g}": [
            "", *(f"{length_normalized(log, T, alpha):.3f}".replace("-", "−") for log, T in zip(logs, lengths, strict=True))
        ],
    }  # fmt: skip


def table(wrong: list[Judged]) -> dict[str, list[Any]]:
    """The errors below each other, as one would list them on paper."""
    rows = wrong[:LISTED]
    return {
        "Error": list(range(1, len(rows) + 1)),
        "y*": [spelled(row.reference) for row in rows],
        "ŷ": [spelled(row.found) for row in rows],
        "P(y*|x)": [f"{math.exp(row.reference_log):.2e}" for row in rows],
        "P(ŷ|x)": [f"{math.exp(row.found_log):.2e}" for row in rows],
        "At fault": [CALLED[row.blame] for row in rows],
    }


def respond(params: Blamed, event: Event) -> dict[str, Any]:
    """A click on an error chooses it; one on the curve of the blame chooses the width there."""
    if event.kind != "click" or not math.isfinite(event.x):
        return {}
    if event.figure == "Errors":
        return {"error": round(min(max(event.x, 1.0), 400.0))}
    return {"width": round(min(max(event.x, 1.0), float(WIDEST)))} if event.figure == "Blame" else {}


LAB = Lab(
    slug="beam-errors",
    summary="Blame every wrong translation on the beam search that missed a better one, or on the network that preferred it.",
    params=Blamed,
    run=run,
    look_for=(
        "For every error compare what the network gives the right sentence y* with what it gives its own ŷ. A bar upwards: the "
        "network knew better, and the search didn't find it; a wider beam can. A bar downwards: the network likes the wrong "
        "sentence more, and the widest beam only finds that out. At B = 1, and then at 3, 10 and 20, whose share of the errors "
        "is the larger, and from which B on is a wider beam wasted?"
    ),
    maths=(
        r"$$P(y^* \mid x) > P(\hat y \mid x) \;\Rightarrow\; \text{beam search is at fault}, \qquad "
        r"P(y^* \mid x) \le P(\hat y \mid x) \;\Rightarrow\; \text{the RNN is at fault}$$"
        "\n\n"
        r"With length normalisation the search looks for the highest "
        r"$\frac{1}{T_y^\alpha} \sum_t \log P(y^{\langle t \rangle} \mid x, y^{\langle 1 \rangle}, \dots)$, so that is what "
        r"must be compared: by $P$ alone a longer $y^*$ looks worse than it was to the search. Both "
        r"translators are without attention, and each French sentence of their small grammar has a single translation."
    ),
    code=(blame, judged, beam_searches, length_normalized),
    presets={
        "Greedy": {"width": 1},
        "A wide beam": {"width": 20},
        "Normalised": {"alpha": 1.0, "width": 10},
        "Compared the wrong way": {"alpha": 1.0, "width": 10, "normalised": False},
        "A grown network": {"network": "plain", "lengths": (9, 16)},
        "Long sentences": {"network": "plain", "lengths": (20, 30), "width": 10},
    },
    trains=True,
    rows=(("Errors", "Blame"), ("Word by word",)),
    listens=("click",),
    respond=respond,
    views=("width", "alpha", "normalised", "error"),
    view=view,
)
