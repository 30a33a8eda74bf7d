"""Train the bundled captioner: `python -m recipes.captioner` rewrites assets/weights/captioner.*; 10 minutes of one core.

The encoder is the bundled detector, which stays as it is: all scenes are looked at once, and only the rest is trained. Tested
on scenes of a seed that training never used, with photographed grounds from a part of their photograph that it never saw.
"""

import torch

from engine.data.captions import Words, draw_told, told
from engine.functional.bleu import corpus_bleu
from engine.models.attending import Decoder
from engine.models.bundled import Card, write
from engine.models.captioner import EOS, LONGEST, WORDS, Captioner, initialize, look
from engine.seeding import generator
from engine.training.attending import ABSENT, Batch, fit_attending, written
from engine.training.captions import as_targets, as_words

SEED, SCENES = 0, 16_000
STEPS, BATCH, RATE = 2600, 64, 3e-3
TEST_SEED, TESTED = 1, 500
CHUNK = 500


def data(m: int, random: torch.Generator, held_out: bool = False) -> tuple[torch.Tensor, list[list[Words]]]:
    """What is seen in m scenes (m, 64, SEEN) in half precision, and what can be said of each."""
    seen, sentences = [], list[list[Words]]()
    for _ in range(m // CHUNK):
        scenes = draw_told(CHUNK, random, held_out)
        seen.append(look(scenes.pictures).half())
        sentences += told(scenes)
    return torch.cat(seen), sentences


def train(seen: torch.Tensor, targets: torch.Tensor) -> Captioner:
    """A network after ``STEPS`` batches."""
    network, random = initialize(SEED), generator(SEED, 1)
    some = seen[:1000].float().flatten(0, 1)
    network.shift, network.scale = some.mean(0), some.std(0).clamp(min=1e-3)

    # Sentences of about the same length go together, so that little of a batch is empty.
    lengths = (targets != ABSENT).sum(1)
    order = lengths.argsort(stable=True)

    def draw() -> Batch:
        begin = int(torch.randint(len(order) - 8 * BATCH, (), generator=random))
        chosen = order[begin + torch.randperm(8 * BATCH, generator=random)[:BATCH]]
        return Batch(seen[chosen].float(), lengths[chosen], targets[chosen, : int(lengths[chosen].max())])

    for update in fit_attending(network, draw, steps=STEPS, rate=RATE, every=100, warm=0.05):
        print(f"step {update.step}: cost {update.cost:.4f}", flush=True)
    # What is measured is what the file holds.
    return network.half().float()


def measure(network: Captioner, seen: torch.Tensor, sentences: list[list[Words]]) -> tuple[float, float]:
    """The share of scenes told in exactly the sentence that was taught, and BLEU against both sentences."""
    decoder: Decoder = network.decoder
    with torch.inference_mode():
        said = as_words(written(decoder, *network.encode(seen.float()), eos=EOS, longest=LONGEST))
    exact = sum(words == references[0] for words, references in zip(said, sentences, strict=True)) / len(said)
    return exact, corpus_bleu(said, [[each] for each, *_ in sentences]).score


def main() -> None:
    """Train, measure, write."""
    seen, sentences = data(SCENES, generator(SEED))
    print("scenes drawn and looked at", flush=True)
    network = train(seen, as_targets([each[0] for each in sentences]))
    exact, score = measure(network, *data(TESTED, generator(TEST_SEED), held_out=True))
    print(f"exact {exact:.3f}, BLEU {score:.4f}")
    card = Card(
        name="captioner",
        title="Atlas captioner",
        recipe="recipes/captioner.py",
        data=f"{SCENES:,} scenes of 128 x 128 drawn by engine/data/captions.py, seen through Atlas YOLO.",
        seed=SEED,
        metric=f"{exact:.1%} told word by word as the reference, BLEU {score:.3f}, on {TESTED} held-out scenes "
        f"(seed {TEST_SEED}), greedy.",
        limits="Knows one to three of nine drawn objects in eight colours before light and dark grounds, and says nothing "
        "else of any picture.",
        licence="CC0-1.0",
        sha256="",
        labels=WORDS,
    )
    write(card, {name: value.half() for name, value in network.state_dict().items()})


if __name__ == "__main__":
    main()
