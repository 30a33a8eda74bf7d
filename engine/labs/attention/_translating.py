"""A pair of translators, with attention and without, bundled or learning side by side, compared on held-out sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch

from engine.data.translations import Pair, Words, draw_simple
from engine.figures import translation as figures
from engine.figures.translation import WITH, WITHOUT
from engine.lab import Frame
from engine.models.attending import Translator
from engine.models.translator import bundled_translator, initialize
from engine.results.translation import by_length
from engine.seeding import generator
from engine.training import paced
from engine.training.attending import Update, fit_attending
from engine.training.translation import batches, translated

ATTEND = {WITH: True, WITHOUT: False}
SIMPLE_BINS = ((3, 4), (5, 6), (7, 10), (11, 13))
SMALL, BATCH, TRAINED, TESTED = (24, 48), 32, 3000, 100
LOOKS = 10
LONGEST = 16  # words of a simple sentence's translation
LIVE = 9  # the first of three streams of random numbers


@dataclass(frozen=True)
class Held:
    """The weights of the pair of networks that learn, by name; None for the bundled pair."""

    weights: dict[str, dict[str, torch.Tensor]] | None = None

    def networks(self) -> dict[str, Translator]:
        """Both networks, that with attention first."""
        if self.weights is None:
            return {name: bundled_translator(attend) for name, attend in ATTEND.items()}
        found = {name: initialize(0, attend, *SMALL) for name, attend in ATTEND.items()}
        for name, network in found.items():
            network.load_state_dict(self.weights[name])
        return found


def learning(seed: int, steps: int, rate: float) -> Iterator[Frame]:
    """Both networks learn the same simple sentences in the same order, a few updates each in turn."""
    pairs = draw_simple(TRAINED, generator(seed, LIVE))
    tests = draw_simple(TESTED, generator(seed, LIVE + 1), held_out=True)
    binned = [[pair for pair in tests if low <= pair.length <= high] for low, high in SIMPLE_BINS]
    networks = {name: initialize(seed, attend, *SMALL) for name, attend in ATTEND.items()}
    every = max(1, steps // LOOKS)
    end = steps // every * every
    # The rate falls as if there were twice as many updates: at its end it would be too low to learn from.
    fits = [
        fit_attending(
            network,
            batches(pairs, BATCH, generator(seed, LIVE + 2)),
            steps=2 * steps,
            rate=rate,
            every=every,
            warm=0.05,
        )
        for network in networks.values()
    ]
    history: list[tuple[Update, ...]] = []

    def moments() -> Iterator[tuple[Update, ...]]:
        for now in zip(*fits, strict=False):
            history.append(now)
            yield now
            if now[0].step == end:
                return

    for now in paced(moments(), 0.3):
        said = {name: _binned(network, binned) if now[0].step else [] for name, network in networks.items()}
        held = Held(
            {name: {k: v.clone() for k, v in network.state_dict().items()} for name, network in networks.items()}
        )
        finite = all(update.finite for update in now)
        shown = frame(said, binned, SIMPLE_BINS, held, now[0].step / end if finite else 1.0)
        at = np.array([each[0].step for each in history], np.float32)
        curves = {name: (at, np.array([e[k].cost for e in history], np.float32)) for k, name in enumerate(ATTEND)}
        blown = "" if finite else "The rate is so high that the weights left the numbers a computer holds."
        yield replace(
            shown,
            figures={**shown.figures, "Cost": figures.cost(curves, end)},
            says=f"After {now[0].step} of {end} updates each. {shown.says}",
            diverged=blown,
            remedy={} if finite else {"rate": 0.015},
        )
        if not finite:
            return


def _binned(network: Translator, pairs: list[list[Pair]]) -> list[list[Words]]:
    """What a network says of the sentences of each bin, all of them translated together."""
    said = iter(translated(network, [pair.source for part in pairs for pair in part], LONGEST))
    return [[next(said) for _ in part] for part in pairs]


def frame(
    said: dict[str, list[list[Words]]],
    pairs: list[list[Pair]],
    bins: tuple[tuple[int, int], ...],
    held: Held,
    progress: float,
) -> Frame:
    """What the networks said so far of held-out sentences, compared with the references."""
    found = {name: by_length(bins, pairs, each) for name, each in said.items()}
    told, metrics = list[str](), dict[str, str]()
    for name, result in found.items():
        there = np.flatnonzero(result.counts)
        if len(there):
            first, last = int(there[0]), int(there[-1])
            low, high = result.exact[first], result.exact[last]
            ends = f"{bins[last][0]}–{bins[last][1]}"
            told.append(f"with {name} {low:.0%} of the shortest and {high:.0%} of those of {ends} words")
            metrics[f"{name.capitalize()}, {ends} words"] = f"{high:.0%} exact"
    return Frame(
        figures={
            "Exact by length": figures.by_length(found, "exact"),
            "BLEU by length": figures.by_length(found, "bleu"),
        },
        says=f"Translated exactly: {'; '.join(told)}." if told else "No held-out sentence is translated yet.",
        metrics=metrics,
        progress=progress,
        state=held,
    )
