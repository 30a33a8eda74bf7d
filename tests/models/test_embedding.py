"""The encoding of faces: its form, its training by triplets, and the bundled one on people it never saw."""

from __future__ import annotations

import pytest
import torch
from sklearn.metrics import roc_auc_score

from engine.data.faces import draw_faces, identities
from engine.functional.faces import best_threshold, squared_distance
from engine.models.embedding import SIDE, SIZE, initialize, trained
from engine.seeding import generator
from engine.training.faces import fit_embedding


@torch.inference_mode()
def pairs(network, seed: int, people: int):
    """Squared distances of as many pairs of one person as of two, and which are which."""
    random = generator(seed)
    who = identities(people, random)
    a, b = (network(draw_faces(who, random, SIDE).pictures) for _ in range(2))
    distances = torch.cat([squared_distance(a, b), squared_distance(a, b.roll(1, 0))])
    return distances, torch.arange(2 * people) < people


def test_encodings_lie_on_a_sphere() -> None:
    encodings = initialize(0)(torch.rand(5, 3, SIDE, SIDE, generator=generator(0)))
    assert encodings.shape == (5, SIZE)
    torch.testing.assert_close(encodings.norm(dim=1), torch.ones(5))


def test_the_bundled_network_tells_people_apart_whom_it_never_saw() -> None:
    threshold, _ = best_threshold(*pairs(trained(), 71, 100))
    distances, same = pairs(trained(), 72, 100)
    assert float(((distances <= threshold) == same).float().mean()) >= 0.95
    assert roc_auc_score(same, -distances) >= 0.98


@pytest.mark.slow
def test_the_bundled_network_holds_its_bar_on_a_thousand_people() -> None:
    threshold, _ = best_threshold(*pairs(trained(), 73, 500))
    distances, same = pairs(trained(), 74, 500)
    assert float(((distances <= threshold) == same).float().mean()) >= 0.95


def test_a_training_moves_apart_whom_it_confused() -> None:
    random = generator(5)
    network = initialize(5, 8, (3, 8, 16, 16, 16))
    who = identities(6, random)
    whose = torch.arange(6).repeat_interleave(4)
    pictures = draw_faces(who[whose], random, SIDE).pictures
    moments = list(
        fit_embedding(network, lambda: (pictures, whose), random, mining="hard", margin=0.3, rate=0.01, steps=25)
    )
    assert [m.step for m in moments] == list(range(1, 26))
    assert moments[-1].loss < 0.5 * moments[0].loss and moments[-1].active < moments[0].active
    with torch.inference_mode():
        encodings = network.eval()(pictures)
    distances = squared_distance(encodings[:, None], encodings)
    same = whose[:, None] == whose
    assert distances[~same].mean() > 3 * distances[same].mean()
    assert moments[-1].spread == pytest.approx(float(distances.mean()), rel=0.5)


def test_triplets_that_are_satisfied_teach_nothing() -> None:
    network = initialize(6, 8, (3, 8, 8, 8, 8))
    network.head.weight.data.zero_()  # every face is the same point: the loss is the margin
    network.head.bias.data.fill_(1.0)
    draw = torch.rand(4, 3, SIDE, SIDE, generator=generator(1)), torch.tensor([0, 0, 1, 1])
    moment = next(fit_embedding(network, lambda: draw, generator(0), mining="random", margin=0.2, rate=1e-3, steps=1))
    assert moment.loss == pytest.approx(0.2) and moment.active == 1 and moment.spread == pytest.approx(0, abs=1e-6)
