"""Train the bundled readers of dates: `python -m recipes.dates` rewrites assets/weights/dates.* and dates-transformer.*.

`python -m recipes.dates attention` trains the recurrent one alone, `transformer` the other. Both learn from the same written
dates and are tested on 2,000 held-out ones, days that training shows in no form.
"""

import sys
from collections.abc import Callable

import torch
from torch import Tensor, nn

from engine.data.dates import EOS, FORMS, LETTERS, answers, draw_dates, encode
from engine.models import attending, transforming
from engine.models.bundled import Card, write
from engine.seeding import generator
from engine.training.attending import Batch, exact, fit_attending, written

SEED, TEST_SEED = 0, 1
DRAWN, TESTED = 200_000, 2000
LIKE = 8  # batches of dates of like length are drawn so many at a time


def batches(drawn: int, size: int, random: torch.Generator) -> Callable[[], Batch]:
    """Batches of dates to learn from, without end; those in a batch are about as long, so that little is filled up."""
    dates = draw_dates(drawn, random)
    x, lengths = encode([each.text for each in dates])
    y = answers([each.day for each in dates])
    waiting: list[Tensor] = []

    def draw() -> Batch:
        if not waiting:
            some = torch.randint(len(x), (LIKE * size,), generator=random)
            parts = torch.split(some[lengths[some].argsort()], size)
            waiting.extend(parts[i] for i in torch.randperm(LIKE, generator=random).tolist())
        chosen = waiting.pop()
        return Batch(x[chosen, : int(lengths[chosen].max())], lengths[chosen], y[chosen])

    return draw


@torch.inference_mode()
def tested(network: nn.Module, count: int = TESTED, seed: int = TEST_SEED) -> float:
    """The share of held-out dates that greedy search writes exactly."""
    dates = draw_dates(count, generator(seed), held_out=True)
    a, mask = network.encode(*encode([each.text for each in dates]))  # type: ignore[operator]
    found = written(network.decoder, a, mask, eos=EOS, longest=12)  # type: ignore[arg-type]
    return float(exact(found, answers([each.day for each in dates])).float().mean())


def train(network: nn.Module, *, steps: int, batch: int, rate: float) -> float:
    """Train in place, and test."""
    for update in fit_attending(network, batches(DRAWN, batch, generator(SEED)), steps=steps, rate=rate, every=100):
        print(f"step {update.step}: {update.cost:.4f}", flush=True)
    return tested(network.eval())


def card(name: str, title: str, share: float) -> Card:
    """What is known of one of them."""
    return Card(
        name=name,
        title=title,
        recipe="recipes/dates.py",
        data=f"{DRAWN:,} dates of 1600 to 2199 in {len(FORMS)} forms and 12 languages, drawn by engine/data/dates.py.",
        seed=SEED,
        metric=f"{share:.1%} of {TESTED:,} held-out dates (seed {TEST_SEED}), days that training showed in no form, exact.",
        limits="Reads Latin letters without accents, 40 at most; answers any text with a date, also where there is none.",
        licence="CC0-1.0",
        sha256="",
    )


def save(network: nn.Module, card: Card) -> None:
    """Write a network in half precision."""
    write(card, {name: value.half() for name, value in network.state_dict().items()})


def attention() -> None:
    """The recurrent reader with attention."""
    network = attending.initialize(SEED, len(LETTERS), EOS + 1, attending.WIDTH, attending.UNITS)
    share = train(network, steps=2400, batch=128, rate=4e-3)
    print(f"exact {share:.4f}")
    save(network, card("dates", "Atlas dates", share))


def transformer() -> None:
    """The Transformer."""
    network = transforming.initialize(
        SEED, len(LETTERS), EOS + 1, transforming.WIDTH, transforming.HEADS, transforming.LAYERS
    )
    share = train(network, steps=2400, batch=128, rate=2e-3)
    print(f"exact {share:.4f}")
    save(network, card("dates-transformer", "Atlas dates, Transformer", share))


def main() -> None:
    """Train, measure, write."""
    chosen = sys.argv[1:] or ["attention", "transformer"]
    if "attention" in chosen:
        attention()
    if "transformer" in chosen:
        transformer()


if __name__ == "__main__":
    main()
