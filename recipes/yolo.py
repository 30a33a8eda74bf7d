"""Train the bundled detector: `python -m recipes.yolo` rewrites assets/weights/yolo.*; 15 minutes of one core.

Every batch is drawn anew, so no scene is seen twice. It is tested on 500 scenes of a seed that training never used, with
photographed grounds from a part of their photograph that training never saw.
"""

import torch

from engine.data.scenes import CLASSES, draw_scenes
from engine.functional.boxes import kmeans_anchors
from engine.models.bundled import Card, write
from engine.models.detecting import mean_average_precision
from engine.models.yolo import Yolo
from engine.seeding import generator
from engine.training.scenes import fit_detector

SEED = 0
STEPS, BATCH, RATE = 2400, 32, 4e-3
TEST_SEED, TESTED = 1, 500
ANCHORS = 3


def initialize(seed: int, random: torch.Generator) -> Yolo:
    """A network at its start, its anchors fitted to the shapes of 500 scenes."""
    boxes = draw_scenes(500, random).boxes
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Yolo(len(CLASSES), kmeans_anchors(boxes[:, 2:] - boxes[:, :2], ANCHORS, random))


def train(steps: int = STEPS) -> Yolo:
    """A network after so many batches of fresh scenes."""
    random = generator(SEED)
    network = initialize(SEED, random)
    for moment in fit_detector(network, lambda: draw_scenes(BATCH, random), rate=RATE, steps=steps):
        if moment.step % 50 == 0:
            print(f"step {moment.step}: cost {moment.cost:.3f}", flush=True)
    return network.eval()


def main() -> None:
    """Train, measure, write."""
    network = train()
    score = mean_average_precision(network, draw_scenes(TESTED, generator(TEST_SEED), held_out=True), len(CLASSES))
    print(f"mAP@0.5 {score:.4f}")
    card = Card(
        name="yolo",
        title="Atlas YOLO",
        recipe="recipes/yolo.py",
        data=f"{STEPS * BATCH:,} scenes of 128 x 128 drawn by engine/data/scenes.py, none twice.",
        seed=SEED,
        metric=f"mAP@0.5 {score:.3f} on {TESTED} held-out scenes (seed {TEST_SEED}).",
        limits="Knows four drawn shapes and five silhouettes; on a photograph it finds little, and little of it right.",
        licence="CC0-1.0",
        sha256="",
        labels=CLASSES,
    )
    write(card, network.state_dict())


if __name__ == "__main__":
    main()
