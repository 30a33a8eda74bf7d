"""Train the bundled translators: `python -m recipes.translator` rewrites assets/weights/translator*.

That with attention and that without see the same sentences in the same order, and are tested on sentences that training never
sees, in bins of their lengths; 10 minutes of one core each. A third is small and stops after seconds, so that it errs in all
the ways there are. `python -m recipes.translator plain` trains one of them: plain, attention or young.
"""

import sys
from functools import partial

import torch

from engine.data.translations import Pair, by_length, draw_pairs
from engine.functional.bleu import corpus_bleu
from engine.models.attending import Translator
from engine.models.bundled import Card, write
from engine.models.translator import FRENCH, NAMES, TARGETS, YOUNG, YOUNG_SIZE, initialize
from engine.seeding import generator
from engine.training.attending import fit_attending
from engine.training.translation import batches, translated

SEED, PAIRS = 0, 60_000
STEPS, BATCH, RATE = 2600, 64, 3e-3
# The small one is stopped long before the end of its training.
YOUNG_PAIRS, YOUNG_LONGEST, YOUNG_STEPS, YOUNG_STOP, YOUNG_RATE = 12_000, 10, 800, 150, 5e-3
TEST_SEED, TESTED = 1, 200
BINS = ((3, 6), (7, 10), (11, 14), (15, 18), (19, 22), (23, 26), (27, 30))


def train(attend: bool) -> Translator:
    """A network after ``STEPS`` batches."""
    return trained(initialize(SEED, attend), draw_pairs(PAIRS, generator(SEED)), STEPS, STEPS, RATE)


def trained(network: Translator, pairs: list[Pair], steps: int, stop: int, rate: float) -> Translator:
    """A network after ``stop`` of so many batches of pairs, its weights rounded as the file holds them."""
    draw = batches(pairs, BATCH, generator(SEED, 1))
    for update in fit_attending(network, draw, steps=steps, rate=rate, every=50, warm=0.05):
        print(f"step {update.step}: cost {update.cost:.4f}", flush=True)
        if update.step == stop:
            break
    return network.half().float().eval()


def measure(network: Translator, bins: tuple[tuple[int, int], ...] = BINS) -> list[tuple[float, float]]:
    """Of every bin of lengths the share translated word by word as the reference, and BLEU."""
    found = []
    for pairs in by_length(TESTED, bins, generator(TEST_SEED)):
        said = translated(network, [pair.source for pair in pairs])
        exact = sum(words == pair.target for words, pair in zip(said, pairs, strict=True)) / len(pairs)
        found.append((exact, corpus_bleu(said, [[pair.target] for pair in pairs]).score))
    return found


def written(attend: bool) -> None:
    """Train and measure one of the two, and write it."""
    network = train(attend)
    scores = measure(network)
    print([(f"{exact:.3f}", f"{score:.3f}") for exact, score in scores], flush=True)
    told = ", ".join(f"{low}-{high}: {exact:.1%}" for (low, high), (exact, _) in zip(BINS, scores, strict=True))
    card = Card(
        name=NAMES[attend],
        title=f"Atlas translator {'with' if attend else 'without'} attention",
        recipe="recipes/translator.py",
        data=f"{PAIRS:,} pairs of sentences by the grammar of engine/data/translations.py.",
        seed=SEED,
        metric=f"Translated exactly as the reference, by the number of French words, {TESTED} held-out sentences each "
        f"(seed {TEST_SEED}), greedy: {told}. BLEU {scores[0][1]:.3f} of the shortest, {scores[-1][1]:.3f} of the longest.",
        limits=f"Knows the {len(FRENCH)} French words of a small grammar and {len(TARGETS) - 1} English ones, sentences of "
        "up to 30 words, and only how that grammar joins them.",
        licence="CC0-1.0",
        sha256="",
    )
    write(card, {name: value.half() for name, value in network.state_dict().items()})


def written_young() -> None:
    """Train, measure and write the small one."""
    pairs = draw_pairs(YOUNG_PAIRS, generator(SEED), longest=YOUNG_LONGEST)
    network = trained(initialize(SEED, False, *YOUNG_SIZE), pairs, YOUNG_STEPS, YOUNG_STOP, YOUNG_RATE)
    [(exact, score)] = measure(network, ((3, YOUNG_LONGEST),))
    print(f"exact {exact:.3f}, BLEU {score:.3f}")
    card = Card(
        name=YOUNG,
        title="Atlas translator, young",
        recipe="recipes/translator.py",
        data=f"{YOUNG_PAIRS:,} pairs of up to {YOUNG_LONGEST} French words by the grammar of engine/data/translations.py.",
        seed=SEED,
        metric=f"{exact:.1%} translated exactly as the reference, BLEU {score:.3f}, on {TESTED} held-out sentences of 3 to "
        f"{YOUNG_LONGEST} French words (seed {TEST_SEED}), greedy.",
        limits="Small and hardly trained on purpose: it is there to be wrong.",
        licence="CC0-1.0",
        sha256="",
    )
    write(card, {name: value.half() for name, value in network.state_dict().items()})


def main(which: list[str]) -> None:
    """Train, measure and write those that are named, or all."""
    torch.set_num_threads(1)
    makers = {"young": written_young, "plain": partial(written, False), "attention": partial(written, True)}
    for name in which or makers:
        makers[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
