"""How fast language models train and write: the lab against char-rnn's recipe, 1,000 characters, batches by length.

``python -m benchmarks.sequences [--steps N] [--repeats N] [--quick]``, from the repository's root. It prints one JSON
object; what each number means is in ``benchmarks/README.md``. It measures and doesn't judge: the exit code is 0.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

from benchmarks.small_networks import machine
from engine.data import corpora
from engine.data.passages import passage
from engine.labs.sequence_models._texts import prepared
from engine.labs.sequence_models.sampling import LAB, Sampling
from engine.seeding import generator
from engine.snapshot import snapshot
from engine.training.characters import IGNORED, LONGEST, Cell, Corpus, LanguageModel, batches, initialize, sample

UNITS, BATCH = 128, 50  # char-rnn's own, with its 50 steps, in one layer
RATE, DECAY, CLIP = 2e-3, 0.95, 5.0
WRITTEN = 1000
NAMES_BATCH = 48


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sequences", description=__doc__)
    parser.add_argument("--steps", type=int, default=300, help="updates of each training")
    parser.add_argument("--repeats", type=int, default=3, help="rounds, in each of which all ways take their turn")
    parser.add_argument("--quick", action="store_true", help="20 steps, one round")
    chosen = parser.parse_args(arguments)
    if chosen.quick:
        chosen.steps, chosen.repeats = 20, 1
    torch.set_num_threads(1)
    report: dict[str, Any] = {"machine": machine(), "units": UNITS, "batch": BATCH, "piece": LONGEST}
    report["characters a second"] = compared(
        {"lab": lambda: lab(chosen.steps), "char-rnn": lambda: char_rnn(chosen.steps)}, chosen.repeats
    )
    report[f"seconds to write {WRITTEN:,} characters"] = {
        f"{cell} {units}": round(min(writing(cell, units) for _ in range(chosen.repeats)), 3)
        for cell, units in (("gru", 64), ("lstm", UNITS))
    }
    orders = {"by length": batches, "shuffled": shuffled}
    report["characters a second, names"] = compared(
        {name: lambda order=order: epochs(order, max(1, chosen.steps // 60)) for name, order in orders.items()},
        chosen.repeats,
    )
    print(json.dumps(report, indent=2))
    return 0


def compared(ways: dict[str, Callable[[], float]], repeats: int) -> dict[str, Any]:
    """Medians of both ways' characters a second, and of the first's to the second's in the same round."""
    rounds = [{name: way() for name, way in ways.items()} for _ in range(repeats)]
    first, second = ways
    ratio = statistics.median(each[first] / each[second] for each in rounds)
    medians = {name: round(statistics.median(each[name] for each in rounds)) for name in ways}
    return {**medians, "ratio": round(ratio, 2)}


def text() -> str:
    """One long line, so that all pieces are full."""
    return " ".join(corpora.sentences())


def lab(steps: int) -> float:
    """Characters a second of the lab's whole run, every frame of it turned into its message."""
    params = Sampling(source=passage(text().encode()), cell="lstm", units=UNITS, batch=BATCH, steps=steps)
    prepared(params.source, "characters", params.words)
    began = time.perf_counter()
    for frame in LAB.frames(params):
        snapshot(frame)
    return steps * BATCH * LONGEST / (time.perf_counter() - began)


def char_rnn(steps: int) -> float:
    """Characters a second of the recipe: one-hot inputs, contiguous streams, RMSprop, gradients clamped, nothing drawn."""
    torch.manual_seed(0)
    tokens = sorted(set(text()))
    ids = torch.tensor([tokens.index(each) for each in text()])
    streams = ids[: len(ids) // BATCH * BATCH].view(BATCH, -1)
    layer, leave = nn.LSTM(len(tokens), UNITS, batch_first=True), nn.Linear(UNITS, len(tokens))
    weights = [*layer.parameters(), *leave.parameters()]
    optimizer = torch.optim.RMSprop(weights, lr=RATE, alpha=DECAY)
    state: tuple[Tensor, Tensor] | None = None
    began, at = time.perf_counter(), 0
    for _ in range(steps):
        if at + LONGEST + 1 > streams.shape[1]:
            at, state = 0, None
        x, y = streams[:, at : at + LONGEST], streams[:, at + 1 : at + LONGEST + 1]
        values, state = layer(one_hot(x, len(tokens)).float(), state)
        state = (state[0].detach(), state[1].detach())
        loss = cross_entropy(leave(values).flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_value_(weights, CLIP)
        optimizer.step()
        loss.item()
        at += LONGEST
    return steps * BATCH * LONGEST / (time.perf_counter() - began)


def writing(cell: Cell, units: int) -> float:
    """Seconds to write, by a model that never ends by itself."""
    corpus = prepared("dinosaurs", "characters", 1000)
    model = initialize(len(corpus.vocabulary), units, cell, generator(0))
    with torch.no_grad():
        model.leave.bias[corpus.vocabulary.eos] = -1e9
    began = time.perf_counter()
    sample(model, corpus.vocabulary, [], count=1, longest=WRITTEN, temperature=1.0, generator=generator(1))
    return time.perf_counter() - began


def shuffled(pieces: Any, size: int, random: torch.Generator) -> Iterator[Tensor]:
    """Batches of whatever comes, padded to their longest."""
    while True:
        yield from torch.split(torch.randperm(len(pieces), generator=random), size)


def epochs(order: Callable[[Any, int, torch.Generator], Iterator[Tensor]], count: int) -> float:
    """Characters a second, padding not counted, of so many epochs on the names."""
    corpus: Corpus = prepared("dinosaurs", "characters", 1000)
    model: LanguageModel = initialize(len(corpus.vocabulary), 64, "gru", generator(0))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, fused=True)
    drawn = order(corpus.train, NAMES_BATCH, generator(1))
    began = time.perf_counter()
    for _ in range(count * -(-len(corpus.train) // NAMES_BATCH)):
        inputs, targets = corpus.train.batch(next(drawn))
        logits, _ = model(inputs)
        loss = cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return count * int(corpus.train.lengths.sum()) / (time.perf_counter() - began)


if __name__ == "__main__":
    raise SystemExit(main())
