"""BLEU of a sentence of one's own against one's own references, counted n-gram by n-gram."""

from __future__ import annotations

import math
from typing import Literal

from engine.errors import BadInput
from engine.figures import bleu as figures
from engine.functional.bleu import (
    Bleu,
    align,
    bleu,
    brevity_penalty,
    corpus_bleu,
    count_ngrams,
    modified_precision,
    smoothed,
    tokenize,
)
from engine.lab import Frame, Frames, Lab, Mistake
from engine.params import Params, choice, integer, text, toggle

LONGEST = 200
KINDS = {1: "unigram", 2: "bigram", 3: "trigram"}
MAT = ("The cat is on the mat.", "There is a cat on the mat.")


class Judged(Params):
    """What a person can move."""

    n: int = integer(
        2,
        low=1,
        high=6,
        hint=(1, 4, 1),
        label="n-grams shown",
        help="The n of the bars under the words and of the table.",
    )
    candidate: str = text(
        "the cat the cat on the mat", longest=LONGEST, label="Candidate ŷ", help="The translation that is judged."
    )
    first: str = text(MAT[0], longest=LONGEST, label="Reference Y1", help="A translation by a person.")
    second: str = text(MAT[1], longest=LONGEST, label="Reference Y2", help="Another one; empty if there is none.")
    third: str = text("", longest=LONGEST, label="Reference Y3", help="A third one; empty if there is none.")
    smoothing: Literal["none", "exp"] = choice(
        "none",
        label="Smoothing",
        help="A single order without a match makes BLEU zero; halves of a match, ever smaller, keep it above.",
        names={"none": "None", "exp": "Exponential"},
    )
    order: int = integer(
        4,
        low=1,
        high=6,
        label="Highest order",
        help="BLEU-N is the mean over n = 1 to N; N = 4 is the usual one.",
        more=True,
    )
    effective: bool = toggle(
        True, label="Only orders that fit", help="Leaves out the n that are longer than the candidate.", more=True
    )
    unit: Literal["words", "characters"] = choice(
        "words",
        label="Tokens",
        help="Words and marks, or characters for languages without spaces.",
        names={"words": "Words", "characters": "Characters"},
        more=True,
    )
    lower: bool = toggle(True, label="Lower case", help="Makes “The” and “the” one token.", more=True)


def read(params: Judged) -> tuple[list[str], list[list[str]]]:
    """The tokens of the candidate and of every reference that isn't empty."""
    typed = [params.candidate, params.first, params.second, params.third]
    candidate, *references = (tokenize(each, params.unit, lower=params.lower) for each in typed)
    references = [reference for reference in references if reference]
    if not references:
        raise BadInput("References must hold a word in at least one of the three, got none.")
    return candidate, references


def judged(params: Judged) -> Bleu:
    """BLEU as the parameters have it."""
    candidate, references = read(params)
    return bleu(candidate, references, order=params.order, smoothing=params.smoothing, effective=params.effective)


def run(params: Judged) -> Frames:
    """One frame: the n-grams, the precisions and the penalty."""
    candidate, references = read(params)
    result, n = judged(params), params.n
    matches, count = modified_precision(candidate, references, n)
    kind = KINDS.get(n, f"{n}-gram")
    said = f"{matches} of the candidate's {count} {kind}s count after clipping"
    yield Frame(
        figures={
            "Aligned n-grams": figures.aligned(candidate, references, align(candidate, references, n), n),
            "Precision": figures.precisions(result, n),
            "Brevity penalty": figures.brevity(result, [len(reference) for reference in references]),
        },
        says=f"{said if count else f'The candidate is too short for a {kind}'}; BLEU is {result.score:.4f}: a brevity penalty "
        f"of {result.penalty:.3f} times the geometric mean of the precisions of {result.orders} orders.",
        note=remarks(result),
        metrics={
            "BLEU": f"{result.score:.4f}",
            f"p{n}": f"{matches}/{count}" if count else "none",
            "Brevity penalty": f"{result.penalty:.4f}",
            "Lengths c, r": f"{result.length}, {result.reference}",
        },
        tables={f"Counted {kind}s": table(candidate, references, n)},
    )


def table(candidate: list[str], references: list[list[str]], n: int) -> dict[str, list[str | int]]:
    """Every n-gram of the candidate: its count, that in each reference, and the clipped count; their sums below."""
    counted = count_ngrams(candidate, references, n)
    columns: dict[str, list[str | int]] = {
        "n-gram": [*(" ".join(each.ngram) for each in counted), "Sum"],
        "Count": [*(each.count for each in counted), sum(each.count for each in counted)],
    }
    for i in range(len(references)):
        columns[f"In Y{i + 1}"] = [*(str(each.references[i]) for each in counted), ""]
    columns["Count clip"] = [*(each.clipped for each in counted), sum(each.clipped for each in counted)]
    return columns


def remarks(result: Bleu) -> str:
    """Why the score is zero, or which orders it leaves out."""
    used = range(1, result.orders + 1)
    empty = [str(k) for k in used if not result.precisions[k - 1]]
    if result.length and empty:
        return f"No n-gram of order {', '.join(empty)} counts: log 0 is −∞, so the geometric mean and BLEU are 0."
    left = len(result.precisions) - result.orders
    return f"The candidate is too short for the highest {left} of the orders, which are left out." if left else ""


def mean_of_precisions(params: Judged) -> Mistake:
    """What the mean of the precisions themselves gives in place of the mean of their logs."""
    result = judged(params)
    used = result.precisions[: result.orders]
    wrong = result.penalty * math.exp(sum(used) / len(used)) if used else result.penalty
    numbers = ", ".join(f"{p:.3f}" for p in used)
    return Mistake(
        wrong=f"BP · exp(mean of pₙ) = {wrong:.3f}" + (", above the highest score there is." if wrong > 1 else "."),
        right=f"BP · exp(mean of log pₙ) = {result.score:.3f}, for precisions {numbers or 'of no order'}.",
    )


def seven_times(params: Judged) -> Mistake:
    """The example of the repeated word with six words, as it is often printed, and with the seven that are meant."""
    references = [tokenize(reference) for reference in MAT]
    said = []
    for times in (6, 7):
        words = ["the"] * times
        clipped, count = modified_precision(words, references, 1)
        plain = sum(any(word in reference for reference in references) for word in words)
        said.append(f"“{' '.join(words)}” has {times} words: precision {plain}/{count}, clipped {clipped}/{count}.")
    return Mistake(*said)


LAB = Lab(
    slug="bleu",
    summary="Judge a translation by the n-grams that it shares with those of people, clipped, and by its length.",
    params=Judged,
    run=run,
    look_for=(
        "The bars under the words are n-grams: in a reference's colour where one covers them, dotted where the references "
        "hold fewer of them or none. Said seven times, “the” has a precision of 7/7 until the clipping makes it 2/7. "
        "Cut words off a good candidate: its precisions stay high, and only the brevity penalty falls. Can you write a "
        "sentence that scores high and means something else?"
    ),
    maths=(
        r"$$p_n = \frac{\sum_{\text{n-gram} \in \hat y} \text{Count}_{clip}(\text{n-gram})}"
        r"{\sum_{\text{n-gram} \in \hat y} \text{Count}(\text{n-gram})}, \qquad "
        r"\text{Count}_{clip} = \min\Big(\text{Count},\ \max_i \text{Count}_{Y_i}\Big)$$"
        "\n\n"
        r"$$\text{BLEU} = \text{BP} \cdot \exp\Big(\frac{1}{N} \sum_{n=1}^{N} \log p_n\Big), \qquad "
        r"\text{BP} = \begin{cases} 1 & c \ge r \\ e^{1 - r/c} & c < r \end{cases}$$"
        "\n\n"
        r"with $c$ the candidate's length and $r$ the reference's that is closest to it. The quotient is $r/c$: with $c/r$, "
        r"as one sees it printed, a short candidate would get more than 1. Exponential smoothing puts $1/2^k$ of a match into "
        r"the $k$-th order that has none. A corpus sums matches, counts and lengths over its sentences first."
    ),
    code=(modified_precision, count_ngrams, brevity_penalty, smoothed, corpus_bleu),
    presets={
        "The, seven times": {"candidate": "the the the the the the the", "n": 1},
        "As a person says it": {"candidate": "There is a cat on the mat."},
        "Too short": {"candidate": "on the mat", "n": 1},
        "Smoothed": {"candidate": "the mat has a cat on it", "smoothing": "exp", "n": 3},
        "Other words": {"candidate": "A kitten sits upon the rug.", "smoothing": "exp", "n": 1},
        "Characters": {
            "candidate": "猫在垫子上",
            "first": "猫坐在垫子上",
            "second": "垫子上有一只猫",
            "unit": "characters",
        },
    },
    mistakes={"bleu-log": mean_of_precisions, "bleu-seven": seven_times},
    rows=(("Aligned n-grams", "Precision"), ("Brevity penalty",)),
)
