"""How fast the detection labs are: windows in one pass, the bundled detector, suppression, scoring, drawn scenes.

``python -m benchmarks.detection [--repeats N] [--quick]``, from the repository's root. It prints one JSON object; what each
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
import torchvision

from benchmarks.cnns import side_by_side
from benchmarks.small_networks import machine
from engine.data.scenes import CLASSES, Scenes, draw_scenes
from engine.functional.boxes import nms
from engine.labs.detection.yolo import trained
from engine.models import windowed
from engine.models.detecting import Raw, believed, detect, scored
from engine.seeding import generator

SIDE = 128
BOXES = (100, 1_000, 10_000)
SCORED, SLOTS = 5_000, 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.detection", description=__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="rounds, in each of which all ways take their turn")
    parser.add_argument("--quick", action="store_true", help="one round")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    rounds = 1 if chosen.quick else chosen.repeats
    report: dict[str, Any] = {"machine": machine()}
    report["windows of a 128 x 128 picture"] = side_by_side({"one pass": one_pass, "cropped": cropped}, rounds)
    report["detector, pictures a second"] = {f"batch {m}": pictures_a_second(m, rounds) for m in (1, 16)}
    report["suppression"] = {
        f"{n:,} boxes": side_by_side(
            {"ours": suppressing(nms, n), "torchvision": suppressing(torchvision.ops.nms, n)}, rounds
        )
        for n in BOXES
    }
    report[f"mAP of {SCORED:,} pictures, seconds"] = scoring()
    torch.set_num_threads(2)
    report["scenes a second, two threads"] = round(statistics.median(scenes_a_second(seed) for seed in range(rounds)))
    print(json.dumps(report, indent=2))
    return 0


def timed(work: Callable[[], object]) -> float:
    """Seconds that something takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def picture() -> torch.Tensor:
    """One scene (3, 128, 128)."""
    return draw_scenes(1, generator(0), SIDE).pictures[0]


@torch.inference_mode()
def one_pass(seed: int) -> float:
    """Every window's answer from the network as convolutions."""
    network, x = windowed.as_convolutions(windowed.initialize(seed)), picture()[None]
    return timed(lambda: network(x))


@torch.inference_mode()
def cropped(seed: int) -> float:
    """The same answers, every window cropped and asked by itself, all in one batch."""
    network, x = windowed.initialize(seed), picture()
    found = network(windowed.crops(x))
    same = windowed.as_convolutions(network)(x[None])[0].flatten(1).T
    torch.testing.assert_close(found, same, rtol=0, atol=1e-5)
    return timed(lambda: network(windowed.crops(x)))


def pictures_a_second(m: int, rounds: int) -> float:
    """Pictures a second through the bundled detector to boxes before any threshold, m at a time."""
    network, x = trained(), draw_scenes(m, generator(1), SIDE).pictures
    detect(network, x)
    return round(m / statistics.median(timed(lambda: detect(network, x)) for _ in range(3 * rounds)), 1)


def suppressing(way: Callable[..., object], n: int) -> Callable[[int], float]:
    """Seconds of non-max suppression at 0.5 over n boxes, as crowded as a detector's."""

    def taken(seed: int) -> float:
        random = generator(seed)
        low = 1000 * torch.rand(n, 2, generator=random)
        boxes = torch.cat([low, low + 20 + 100 * torch.rand(n, 2, generator=random)], 1)
        scores = torch.rand(n, generator=random)
        return timed(lambda: way(boxes, scores, 0.5))

    return taken


def answered() -> tuple[Raw, Scenes]:
    """Made-up boxes, 20 a picture, for 5,000 pictures of known truth."""
    random = generator(2)
    scenes = draw_scenes(SCORED, random, 32)
    of = torch.randint(0, len(scenes.boxes), (SCORED, SLOTS), generator=random)
    boxes = scenes.boxes[of] + 2 * torch.randn(SCORED, SLOTS, 4, generator=random)
    return Raw(boxes, torch.rand(SCORED, SLOTS, generator=random), scenes.classes[of]), scenes


def scoring() -> dict[str, float]:
    """Seconds to suppress 100,000 boxes picture by picture, and to score what is left."""
    raw, scenes = answered()
    began = time.perf_counter()
    found = believed(raw)
    suppressed = time.perf_counter() - began
    scores = timed(lambda: scored(found, scenes, len(CLASSES)))
    return {"suppressed": round(suppressed, 2), "scored": round(scores, 2)}


def scenes_a_second(seed: int) -> float:
    """Scenes of 128 x 128 drawn a second."""
    random = generator(seed)
    draw_scenes(32, random, SIDE)
    return 500 / timed(lambda: draw_scenes(500, random, SIDE))


if __name__ == "__main__":
    raise SystemExit(main())
