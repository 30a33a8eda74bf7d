"""Training of encoders and decoders: it learns, it repeats itself, it stops where numbers end."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from engine.models import transforming
from engine.models.attending import initialize
from engine.seeding import generator
from engine.training.attending import ABSENT, Batch, cost_of, exact, fit_attending, written

EOS, V = 4, 5


def batches(seed: int):
    """Words of 2 to 5 letters, to be written backwards."""
    random = generator(seed)

    def draw() -> Batch:
        lengths = torch.randint(2, 6, (32,), generator=random)
        x = torch.randint(4, (32, 5), generator=random)
        y = torch.full((32, 6), ABSENT)
        for row, n in enumerate(lengths.tolist()):
            y[row, :n], y[row, n] = x[row, :n].flip(0), EOS
        return Batch(x, lengths, y)

    return draw


def networks() -> dict[str, nn.Module]:
    return {"recurrent": initialize(0, 4, V, 8, 24), "transformer": transforming.initialize(0, 4, V, 32, 4, 1)}


@pytest.mark.parametrize("kind", ["recurrent", "transformer"])
def test_it_learns_to_write_backwards(kind: str) -> None:
    network = networks()[kind]
    updates = list(fit_attending(network, batches(1), steps=150, rate=0.02, every=50))
    assert [update.step for update in updates] == [0, 50, 100, 150]
    assert updates[-1].cost < 0.2 < 1 < updates[0].cost
    held = batches(2)()
    with torch.inference_mode():
        found = written(network.decoder, *network.encode(held.x, held.lengths), eos=EOS, longest=8)
    assert float(exact(found, held.targets).float().mean()) > 0.8
    assert ((found == EOS).sum(1) <= 1).all()


def test_the_same_seeds_give_the_same_numbers() -> None:
    costs = [
        [update.cost for update in fit_attending(networks()["recurrent"], batches(1), steps=6, rate=0.01, every=2)]
        for _ in range(2)
    ]
    assert costs[0] == costs[1] and len(costs[0]) == 4


def test_the_cost_is_the_mean_over_characters_that_are_there() -> None:
    network, batch = networks()["recurrent"], batches(1)()
    logits, _ = network(*batch)
    there = batch.targets != ABSENT
    expected = cross_entropy(logits[there], batch.targets[there])
    torch.testing.assert_close(cost_of(network, batch), expected)


def test_it_stops_where_the_cost_is_no_number() -> None:
    network = networks()["recurrent"]
    with torch.no_grad():
        network.decoder.read.bias.fill_(torch.nan)
    updates = list(fit_attending(network, batches(1), steps=50, rate=0.01, every=10))
    assert [update.step for update in updates] == [0] and not updates[0].finite


def test_exact_is_equal_all_along() -> None:
    targets = torch.tensor([[1, 2, 4], [1, 4, ABSENT], [1, 4, ABSENT], [1, 2, 4]])
    found = torch.tensor([[1, 2, 4, ABSENT], [1, 4, ABSENT, ABSENT], [1, 4, 2, ABSENT], [1, 2, 3, 4]])
    assert exact(found, targets).tolist() == [True, True, False, False]
    assert exact(found[:, :2], targets).tolist() == [False, True, True, False]


def test_nothing_is_written_after_the_end() -> None:
    network, batch = networks()["recurrent"], batches(3)()
    with torch.inference_mode():
        found = written(network.decoder, *network.encode(batch.x, batch.lengths), eos=EOS, longest=9)
    for row in found.tolist():
        ended = row.index(EOS) + 1 if EOS in row else len(row)
        assert ABSENT not in row[:ended] and set(row[ended:]) <= {ABSENT}
