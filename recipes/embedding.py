"""Train the bundled encoding of faces: `python -m recipes.embedding` rewrites assets/weights/embedding.*.

Every batch shows 16 drawn people who never come again, four pictures each. It is tested on pairs of people of a seed that
training never used.
"""

import torch
from torch import Tensor

from engine.data.faces import draw_faces, identities
from engine.functional.faces import best_threshold, equal_error, squared_distance
from engine.models.bundled import Card, write
from engine.models.embedding import SIDE, Embedding, initialize
from engine.seeding import generator
from engine.training.faces import fit_embedding

SEED = 0
STEPS, PEOPLE, EACH = 1600, 16, 4
MARGIN, RATE = 0.4, 4e-3
TEST_SEED, TESTED = 1, 300


def batch(people: int, each: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Faces (people x each, 3, 64, 64) of new people, and whose each is."""
    whose = torch.arange(people).repeat_interleave(each)
    return draw_faces(identities(people, random)[whose], random, SIDE).pictures, whose


def train(steps: int = STEPS) -> Embedding:
    """A network after so many batches, by semi-hard triplets."""
    network, random = initialize(SEED), generator(SEED)
    moments = fit_embedding(
        network, lambda: batch(PEOPLE, EACH, random), random, mining="semi-hard", margin=MARGIN, rate=RATE, steps=steps
    )
    for moment in moments:
        if moment.step % 50 == 0:
            print(f"step {moment.step}: {moment.loss:.4f}, {moment.active:.0%} active, {moment.spread:.2f}", flush=True)
    return network.eval()


@torch.inference_mode()
def pairs(network: Embedding, seed: int = TEST_SEED, people: int = TESTED) -> tuple[Tensor, Tensor]:
    """Squared distances (2n,) of n pairs of one person and n of two, all of whom training never saw; and which are which."""
    random = generator(seed)
    one, two = (draw_faces(who, random, SIDE).pictures for who in [identities(people, random)] * 2)
    a, b = network(one), network(two)
    distances = torch.cat([squared_distance(a, b), squared_distance(a, b.roll(1, 0))])
    return distances, torch.arange(2 * people) < people


def main() -> None:
    """Train, measure, write."""
    network = train()
    chosen, _ = best_threshold(*pairs(network, TEST_SEED + 1))
    distances, same = pairs(network)
    right = float(((distances <= chosen) == same).float().mean())
    error = equal_error(distances, same)
    print(f"threshold {chosen:.3f}, pairs right {right:.4f}, equal error {error.rate:.4f}")
    card = Card(
        name="embedding",
        title="Atlas faces",
        recipe="recipes/embedding.py",
        data=f"{STEPS * PEOPLE * EACH:,} faces of {STEPS * PEOPLE:,} people drawn by engine/data/faces.py, none twice.",
        seed=SEED,
        metric=f"{right:.1%} of {2 * TESTED} pairs of people never seen (seed {TEST_SEED}) judged right at the squared "
        f"distance {chosen:.3f}, chosen on others; equal error rate {error.rate:.1%}.",
        limits="Knows drawn faces only: on photographs of people its encodings mean nothing.",
        licence="CC0-1.0",
        sha256="",
    )
    write(card, network.state_dict())


if __name__ == "__main__":
    main()
