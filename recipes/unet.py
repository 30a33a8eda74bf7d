"""Train the bundled U-Nets: `python -m recipes.unet` rewrites assets/weights/unet*.*; 8 minutes of one core.

The same network twice, with and without its skip connections, on the same scenes; every batch is drawn anew, so no scene is
seen twice. Tested on scenes of a seed that training never used.
"""

import torch
from torch import Tensor

from engine.functional.segmentation import overlaps, pixel_loss
from engine.models.bundled import Card, write
from engine.models.unet import CLASSES, UNet, initialize, scenes
from engine.seeding import generator
from recipes.loop import fit

SEED = 0
STEPS, BATCH = 1100, 16
TEST_SEED, TESTED = 1, 500


def train(skips: bool, steps: int = STEPS) -> UNet:
    """A network after so many batches of fresh scenes, by AdamW."""
    network = initialize(SEED, len(CLASSES) + 1, skips).to(memory_format=torch.channels_last)
    drawn = generator(SEED)

    def cost() -> Tensor:
        x, y = scenes(BATCH, drawn)
        return pixel_loss(network(x.contiguous(memory_format=torch.channels_last)), y)

    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.01, fused=True)
    fit(optimizer, cost, rate=8e-3, steps=steps, rising=0.2)
    return network.eval()


@torch.inference_mode()
def score(network: UNet, tested: int = TESTED) -> float:
    """Mean IoU over the classes and the ground, on held-out scenes."""
    drawn, classes = generator(TEST_SEED), len(CLASSES) + 1
    shared = either = torch.zeros(classes)
    for _ in range(tested // 50):
        x, y = scenes(50, drawn, held_out=True)
        more = overlaps(network(x).argmax(1), y, classes)
        shared, either = shared + more[0], either + more[1]
    print("IoU of each class", (shared / either).tolist())
    return float((shared / either).mean())


def main() -> None:
    """Train, measure, write."""
    for skips in (True, False):
        network = train(skips)
        found = score(network)
        print(f"mean IoU {found:.4f}")
        card = Card(
            name="unet" if skips else "unet-no-skips",
            title="U-Net" if skips else "U-Net without skips",
            recipe="recipes/unet.py",
            data=f"{STEPS * BATCH:,} scenes of 64 x 64 drawn by engine/data/scenes.py, none twice; grounds of grass and "
            "gravel are cut from two photographs that scikit-image ships.",
            seed=SEED,
            metric=f"Mean IoU {found:.3f} on {TESTED} held-out scenes (seed {TEST_SEED}).",
            limits="Knows six drawn shapes and silhouettes, nothing else: a photograph is ground to it, or looks like one.",
            licence="CC0-1.0",
            sha256="",
            labels=("ground", *CLASSES),
        )
        write(card, network.state_dict())


if __name__ == "__main__":
    main()
