"""How fast small networks train: the plain PyTorch loop, a lab's whole run and a fleet of networks, side by side.

``python -m benchmarks.small_networks [--repeats N] [--quick] [--only NETWORK]``, from the repository's root. It prints one
JSON object; what each number means is in ``benchmarks/README.md``. It measures and doesn't judge: the exit code is 0.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from itertools import pairwise
from typing import Any

import torch
from torch import nn

from engine.examples import Data, load
from engine.functional import mlp
from engine.labs.foundations.deep_network import LAB, DeepNetwork
from engine.seeding import generator
from engine.snapshot import snapshot
from engine.training import Recipe, fit

NETWORKS = {"2-4-2-1": (2, 4, 2, 1), "2-8-8-1": (2, 8, 8, 1), "2-8x6-1": (2, *[8] * 6, 1)}
BATCH, RATE = 10, 0.05
EPOCH = 40  # updates for 400 examples; the lab, of 300 epochs, also takes the cost once an epoch
PLAIN, LAB_RUN, FLEET = 40 * EPOCH, 300 * EPOCH, 20 * EPOCH
MANY = 64

Sizes = Sequence[int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.small_networks", description=__doc__)
    parser.add_argument("--repeats", type=int, default=9, help="rounds, in each of which all ways take their turn")
    parser.add_argument("--quick", action="store_true", help="2 rounds: shows that everything works")
    parser.add_argument("--only", choices=NETWORKS, help="one network")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    began = time.monotonic()
    report: dict[str, Any] = {"machine": machine()}
    for name in [chosen.only] if chosen.only else NETWORKS:
        report[name] = compared(name, 2 if chosen.quick else chosen.repeats)
    report["seconds"] = round(time.monotonic() - began, 1)
    print(json.dumps(report, indent=2))
    return 0


def machine() -> dict[str, Any]:
    """What the numbers depend on, load included: beside other work only the ratios mean something."""
    load = [round(x, 2) for x in os.getloadavg()] if hasattr(os, "getloadavg") else None
    return {
        "python": platform.python_version(),
        "torch": version("torch"),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load_average": load,
    }


def compared(name: str, rounds: int) -> dict[str, Any]:
    """Samples a second of every way to train one network, and how often that of the plain loop in the same round."""
    sizes = NETWORKS[name]
    speeds: dict[str, list[float]] = {way: [] for way in WAYS}
    for i in range(rounds + 1):
        print(f"{name}: round {i} of {rounds} …", file=sys.stderr, flush=True)
        for way, (run, samples) in WAYS.items():
            seconds = timed(run, sizes)
            if i:  # the first round warms up
                speeds[way].append(samples / seconds)
    report: dict[str, Any] = {
        way: {"median": round(statistics.median(found)), "best": round(max(found))} for way, found in speeds.items()
    }
    for way in list(WAYS)[1:]:
        ratios = [a / b for a, b in zip(speeds[way], speeds["plain"], strict=True)]
        low, high = min(ratios), max(ratios)
        report[f"{way}_to_plain"] = {
            "median": round(statistics.median(ratios), 1),
            "range": [round(low, 1), round(high, 1)],
        }
    return report


def timed(run: Callable[[Sizes], None], sizes: Sizes) -> float:
    """The seconds that it takes."""
    start = time.perf_counter()
    run(sizes)
    return time.perf_counter() - start


def settings(sizes: Sizes) -> DeepNetwork:
    """The lab's parameters that all ways share: the flower's 400 points, tanh, plain descent in batches of 10."""
    hidden = ", ".join(str(n) for n in sizes[1:-1])
    return DeepNetwork(
        examples="flower",
        points=400,
        sizes=hidden,
        activation="tanh",
        optimizer="sgd",
        rate=RATE,
        batch=BATCH,
        steps=LAB_RUN,
    )


def examples(sizes: Sizes) -> Data:
    """The examples of every way."""
    return load(settings(sizes), generator(0))


def plain(sizes: Sizes) -> None:
    """PyTorch as everyone writes it, with the cost on both sets once an epoch."""
    data = examples(sizes)
    x, y = data.train
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(sizes):
        layers += [nn.Linear(n_in, n_out), nn.Tanh()]
    model = nn.Sequential(*layers[:-1])
    loss = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    costs = []
    for _ in range(PLAIN // EPOCH):
        with torch.no_grad():
            costs.append([loss(model(a).squeeze(1), b).item() for a, b in (data.train, data.dev)])
        order = torch.randperm(len(y))
        for idx in order.split(BATCH):
            optimizer.zero_grad()
            loss(model(x[idx]).squeeze(1), y[idx]).backward()
            optimizer.step()


def lab(sizes: Sizes) -> None:
    """A whole run of the lab, with every frame that it streams drawn, as a worker does it."""
    for frame in LAB.run(settings(sizes)):
        snapshot(frame)


def fleet(sizes: Sizes, own: bool = False) -> None:
    """Networks trained side by side, on the same batches or each on its ``own``, with their costs once an epoch."""
    data = examples(sizes)
    starts = [mlp.initialize(sizes, generator(seed), "xavier") for seed in range(MANY)]
    start = [torch.stack(layer) for layer in zip(*starts, strict=True)]
    draw = [generator(seed) for seed in range(MANY)] if own else generator(0)
    for _ in fit(start, data.train, data.dev, Recipe("tanh", RATE, batch=BATCH), FLEET, every=EPOCH, generator=draw):
        pass


def fleet_own_batches(sizes: Sizes) -> None:
    """The same with batches of each network's own."""
    fleet(sizes, own=True)


# What trains, and how many samples it sees.
WAYS: dict[str, tuple[Callable[[Sizes], None], int]] = {
    "plain": (plain, PLAIN * BATCH),
    "lab": (lab, LAB_RUN * BATCH),
    "fleet": (fleet, MANY * FLEET * BATCH),
    "fleet_own_batches": (fleet_own_batches, MANY * FLEET * BATCH),
}


if __name__ == "__main__":
    sys.exit(main())
