"""How fast the convolutional labs are: LeNet to 98 %, cached features and batched crops, each beside the plain way.

``python -m benchmarks.cnns [--repeats N] [--quick]``, from the repository's root. It prints one JSON object; what each
number means is in ``benchmarks/README.md``. It measures and doesn't judge: the exit code is 0.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.small_networks import machine
from engine.data.handwriting import digits
from engine.data.samples import PICTURES, picture_sample
from engine.labs.cnns.fine_tune import FineTune, checked
from engine.labs.cnns.lenet import GOAL, LAB, Digits
from engine.models.answering import ask, atlas, views
from engine.models.lenet import initialize
from engine.models.transfer import Head, cached, cut, train_head, width
from engine.training.pictures import share_found

MOST_EPOCHS = 60
CACHED_PICTURES, CACHED_STEPS = 100, 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cnns", description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="rounds, in each of which all ways take their turn")
    parser.add_argument("--quick", action="store_true", help="one round")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    rounds = 1 if chosen.quick else chosen.repeats
    report: dict[str, Any] = {"machine": machine()}
    report["lenet to 98 %"] = side_by_side({"lab": lab_to_goal, "plain loop": plain_to_goal}, rounds)
    report["head on 100 pictures"] = side_by_side(
        {"cached": features_cached, "every step": features_every_step}, rounds
    )
    report["ten crops of six pictures"] = side_by_side({"batched": batched_crops, "one by one": single_crops}, rounds)
    print(json.dumps(report, indent=2))
    return 0


def side_by_side(ways: dict[str, Callable[[int], float]], rounds: int) -> dict[str, Any]:
    """Median seconds of each way, and how the first compares to the second, in one run."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds):
        for name, way in ways.items():
            taken[name].append(way(number))
    medians = {name: statistics.median(seconds) for name, seconds in taken.items()}
    first, second = medians.values()
    return {"seconds": {n: [round(s, 3) for s in all] for n, all in taken.items()}, "ratio": round(first / second, 3)}


def lab_to_goal(seed: int) -> float:
    """Seconds until a frame of the lab, with all it draws, says 98 % of the held-out digits; infinite if none does."""
    began = time.perf_counter()
    for frame in LAB.frames(Digits(seed=seed)):
        if float(frame.metrics["Held-out accuracy"].rstrip("%")) >= 100 * GOAL:
            return time.perf_counter() - began
    return float("inf")


def plain_to_goal(seed: int) -> float:
    """The same network and digits in the loop that tutorials show: a DataLoader of 32, Adam at 0.001."""
    data = digits()
    network = initialize(seed, "relu", "max")
    optimizer = torch.optim.Adam(network.parameters())
    began = time.perf_counter()
    torch.manual_seed(seed)
    loader = DataLoader(TensorDataset(data.train, data.train_labels), batch_size=32, shuffle=True)
    for _ in range(MOST_EPOCHS):
        network.train()
        for x, y in loader:
            optimizer.zero_grad()
            cross_entropy(network(x), y).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        if share_found(network, data.test, data.test_labels) >= GOAL:
            return time.perf_counter() - began
    return float("inf")


def hundred() -> tuple[list[Any], torch.Tensor]:
    """A hundred pictures in four classes."""
    pixels, _, truth = checked(FineTune().pictures)
    return [*pixels, *pixels][:CACHED_PICTURES], torch.cat([truth, truth])[:CACHED_PICTURES]


def features_cached(seed: int) -> float:
    """Reading a hundred pictures once, then training the head on what is kept."""
    pixels, truth = hundred()
    began = time.perf_counter()
    parts = cut(atlas().network, 0)
    kept = torch.cat(list(cached(atlas(), parts, pixels)))
    head = Head(width(parts, kept), 4)
    for _ in train_head(
        parts, head, kept, truth, torch.ones_like(truth, dtype=torch.bool), rate=0.02, steps=CACHED_STEPS, l2=0.1
    ):
        pass
    return time.perf_counter() - began


def features_every_step(seed: int) -> float:
    """The same head with the network run on all pictures at every step, their preprocessing done once."""
    pixels, truth = hundred()
    began = time.perf_counter()
    network = atlas().network
    x = torch.cat([views(atlas(), each, "centre") for each in pixels])
    head = Head(64, 4)
    optimizer = torch.optim.AdamW(head.linear.parameters(), lr=0.02)
    for _ in range(CACHED_STEPS):
        with torch.no_grad():
            features = network.features(x)
        optimizer.zero_grad()
        cross_entropy(head(features), truth).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return time.perf_counter() - began


def pictures() -> list[Any]:
    """The sample pictures."""
    return [picture_sample(name).pixels for name in PICTURES]


def batched_crops(seed: int) -> float:
    """All crops of all pictures in batches."""
    began = time.perf_counter()
    ask(atlas(), pictures(), "ten")
    return time.perf_counter() - began


def single_crops(seed: int) -> float:
    """Each crop of each picture by itself."""
    began = time.perf_counter()
    with torch.inference_mode():
        for pixels in pictures():
            for crop in views(atlas(), pixels, "ten"):
                torch.softmax(atlas().network(crop[None]), 1)
    return time.perf_counter() - began


if __name__ == "__main__":
    raise SystemExit(main())
