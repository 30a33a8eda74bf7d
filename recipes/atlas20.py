"""Train the bundled picture classifier: `python -m recipes.atlas20` rewrites assets/weights/atlas20.*; 15 minutes of two cores.

Every batch is drawn anew, so no picture is seen twice; it is tested on pictures of a seed that training never used, with
photographed materials from a part of their photograph that training never saw.
"""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from engine.data.drawn import CLASSES, draw
from engine.models.atlas20 import Atlas20, initialize
from engine.models.bundled import Card, write
from engine.seeding import generator
from recipes.loop import fit

SEED = 0
STEPS, BATCH = 2200, 64
TEST_SEED, TESTED = 1, 4000


def train(steps: int = STEPS) -> Atlas20:
    """A network after so many batches of fresh pictures, by AdamW."""
    network, pictures = initialize(SEED), generator(SEED)

    def cost() -> Tensor:
        y = torch.randint(0, len(CLASSES), (BATCH,), generator=pictures)
        return cross_entropy(network(draw(y, pictures)), y, label_smoothing=0.05)

    fit(torch.optim.AdamW(network.parameters(), weight_decay=0.02), cost, rate=6e-3, steps=steps)
    return network.eval()


@torch.inference_mode()
def accuracy(network: Atlas20, tested: int = TESTED) -> float:
    """The share of held-out pictures whose class it finds."""
    pictures = generator(TEST_SEED)
    right = 0
    for _ in range(tested // 200):
        y = torch.randint(0, len(CLASSES), (200,), generator=pictures)
        right += int((network(draw(y, pictures, held_out=True)).argmax(1) == y).sum())
    return right / (tested // 200 * 200)


def main() -> None:
    """Train, measure, write."""
    network = train()
    share = accuracy(network)
    print(f"accuracy {share:.4f}")
    card = Card(
        name="atlas20",
        title="Atlas-20",
        recipe="recipes/atlas20.py",
        data=f"{STEPS * BATCH:,} pictures of 64 x 64 drawn by engine/data/drawn.py, none twice; grass and gravel are cut "
        "from two photographs that scikit-image ships.",
        seed=SEED,
        metric=f"{share:.1%} of {TESTED} held-out pictures (seed {TEST_SEED}) classified right.",
        limits="Knows ten drawn shapes and ten materials, nothing else: on a photograph it names the shape or material "
        "that the picture resembles most.",
        licence="CC0-1.0",
        sha256="",
        labels=CLASSES,
    )
    write(card, network.state_dict())


if __name__ == "__main__":
    main()
