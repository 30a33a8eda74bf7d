"""A verb that must agree with a subject many words back, for three kinds of cell over seeds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

import torch

from engine.data.sequences import FORMS, INDEX, WORDS, agreement, draws, filler, read, twin
from engine.figures import sequences as figures
from engine.functional.unrolled import Gru, Lstm, Rnn
from engine.lab import Frame, Frames, Lab
from engine.params import Params, Span, integer, number, span, text
from engine.results.sequences import Along, bands, cost_bands
from engine.seeding import generator
from engine.training import paced
from engine.training.sequences import CELLS, Batch, Look, Recurrents, fit_fleets, watched

BATCH = 24
GAPS = range(0, 40, 3)
TESTED = 40
KEEP = 2.0


class Agreement(Params):
    """What a person can move."""

    gap: int = integer(12, low=0, high=40, label="Gap of the sentence", help="Words between subject and verb below.")
    sentence: str = text(
        "",
        longest=300,
        label="Your own sentence",
        help="Up to the verb, such as: the cat that chased the birds near the old teachers. Empty is one of that gap.",
    )
    gaps: Span = span(
        (5, 20),
        low=0,
        high=30,
        step=1,
        label="Gaps trained on",
        help="Every update takes sentences of one gap of these.",
    )
    updates: int = integer(
        130,
        low=1,
        high=5000,
        hint=(20, 1000, 20),
        label="Updates",
        help="How often each network learns from 24 sentences.",
    )
    units: int = integer(
        16, low=2, high=64, hint=(2, 48, 1), label="Hidden units", help="How wide each cell's state is."
    )
    seeds: int = integer(3, low=1, high=8, label="Networks of a kind", help="Each starts from other random weights.")
    rate: float = number(
        0.01, low=1e-4, high=0.3, log=True, label="Learning rate", help="Step size of Adam.", more=True
    )


def built(params: Agreement) -> dict[str, Recurrents]:
    """Untrained networks of all kinds."""
    sizes = params.seeds, len(WORDS), params.units, len(FORMS)
    return {
        cell.upper(): Recurrents(cell, *sizes, generator(params.seed, i), keep=KEEP) for i, cell in enumerate(CELLS)
    }


def batches(params: Agreement) -> Callable[[], Batch]:
    """What draws the next batch of training sentences, all of one gap, the same for every network."""
    random = generator(params.seed, 10)
    low, high = (int(end) for end in params.gaps)

    def batch() -> Batch:
        gap = int(torch.randint(low, high + 1, (), generator=random))
        return agreement(BATCH, gap, random)

    return batch


def looks(params: Agreement) -> Iterator[Look]:
    """Looks at the networks while they learn."""
    random = generator(params.seed, 11)
    tests = [agreement(TESTED, gap, random, held_out=True) for gap in GAPS]
    return watched(built(params), batches(params), tests, rate=params.rate, updates=params.updates)


def run(params: Agreement) -> Frames:
    """The untrained networks at once, then a frame a look; the sentence is read by :func:`view`."""
    for look in paced(looks(params)):
        result = bands(list(GAPS), look.right)
        inside = [i for i, gap in enumerate(GAPS) if params.gaps[0] <= gap <= params.gaps[1]] or [0]
        share = {name: float(result.mean[i][inside].mean()) for i, name in enumerate(result.names)}
        told = ", ".join(f"{name} {right:.0%}" for name, right in share.items())
        yield Frame(
            figures={
                "Right by gap": figures.accuracy_by_gap(result, params.gaps),
                "Cost": figures.cost_by_update(cost_bands(look.history), params.updates, math.log(2)),
            },
            says=f"After {look.update} updates the verbs of held-out sentences with a trained gap are right for {told}.",
            metrics={name: f"{right:.0%} right" for name, right in share.items()}
            | {"Update": f"{look.update} of {params.updates}"},
            progress=look.update / params.updates,
            state=look.weights,
        )


def shown_sentence(params: Agreement) -> tuple[list[str], str]:
    """The words up to the verb, typed or made for the gap, and a note on what the grammar lacks."""
    words, unknown = read(params.sentence)
    lacks = (
        f"Not among the {len(WORDS)} words it learns from, so left out: {', '.join(unknown[:8])}. " if unknown else ""
    )
    if words:
        return words, lacks
    made = ["the", "cat", *filler(params.gap, draws(generator(params.seed, 12)))]
    return made, lacks + ("No word of the sentence is known, so another is shown. " if params.sentence.strip() else "")


@torch.inference_mode()
def view(params: Agreement, frame: Frame) -> Frame:
    """What the networks of a frame expect after each word of the sentence and of its twin in the other number."""
    words, note = shown_sentence(params)
    versions = (tuple(words), tuple(twin(words)))
    rows = torch.tensor([[INDEX[word] for word in version] for version in versions])
    chance = {}
    for name, network in built(params).items():
        network.load_state_dict(frame.state[name])
        likely = network.logits(network(rows)).softmax(-1)[..., 1].mean(1)  # (T, 2), over seeds
        chance[name] = likely.T.float().numpy()
    last = ", ".join(f"{name} {float(c[0, -1]):.0%}" for name, c in chance.items())
    return replace(
        frame,
        figures={"Along the sentence": figures.along(Along(versions, chance))},
        says=f"{frame.says} After “{' '.join(words)}” the mean P(were) is {last}.",
        note=f"{note}Solid: “{' '.join(words[:2])} …”; dashed: “{' '.join(versions[1][:2])} …”. Lines are means over seeds.",
    )


LAB = Lab(
    slug="agreement",
    summary="The cat … was, the cats … were: which cells still know the subject's number when the verb comes?",
    params=Agreement,
    run=run,
    trains=True,
    look_for=(
        "Between subject and verb stand nouns of either number, so only the second word counts. LSTM and GRU learn to carry "
        "it, and carry it beyond the gaps they trained on (shaded); the RNN's gradient fades on its way back, and it stays a "
        "guess or finds a rhythm that fits some gaps and fails at their neighbours. Let training include gap 0: why does the "
        "RNN suddenly learn the long gaps, too?"
    ),
    maths=(
        r"$$a^{\langle t \rangle} = \text{cell}(a^{\langle t-1 \rangle}, x^{\langle t \rangle}), \qquad "
        r"P(\text{were}) = \text{softmax}(W_{ya} a^{\langle T \rangle} + b_y)_2, \qquad J = -\log P(\text{right form})$$"
        "\n\n"
        r"Only the verb is marked, so what the subject learns comes through "
        r"$\frac{\partial J}{\partial a^{\langle 2 \rangle}} = \frac{\partial J}{\partial a^{\langle T \rangle}} "
        r"\prod_{t=3}^{T} \frac{\partial a^{\langle t \rangle}}{\partial a^{\langle t-1 \rangle}}$: a product of $T - 2$ "
        r"factors $\text{diag}(1 - a^2)\,W_{aa}$ in an RNN, of about $\Gamma_f$ along the LSTM's memory."
    ),
    code=(agreement, filler, Recurrents, fit_fleets, Rnn, Gru, Lstm),
    presets={
        "Short gaps help": {"gaps": (0, 10), "updates": 240, "seeds": 2},
        "One gap only": {"gaps": (11, 12)},
        "The course's": {"sentence": "the cat that chased the small birds near the old teachers"},
        "Far beyond": {"gap": 36},
        "Four units": {"units": 4},
    },
    rows=(("Along the sentence",), ("Right by gap", "Cost")),
    views=("gap", "sentence"),
    view=view,
)
