"""Triplet training before one's eyes: its loss, its map, its collapse, and which triplets teach most."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_curve

from engine.labs.face_recognition.triplet import HELD_EACH, HELD_PEOPLE, LAB, Triplets, batch, held_out, pool, train
from engine.seeding import generator


@pytest.fixture(scope="module")
def looks():
    return list(train(Triplets(steps=60)))


def test_people_never_seen_come_together(looks) -> None:
    first, last = looks[0], looks[-1]
    assert first.moment is None and last.moment.step == 60
    assert last.named > first.named + 0.2 and last.error < first.error
    assert last.moment.loss < looks[1].moment.loss


def test_what_is_measured_on_them_is_scikit_learns(looks) -> None:
    encodings, people = looks[-1].encodings, held_out(0).people
    d = torch.cdist(encodings.double(), encodings.double()).square().numpy()
    upper = np.triu_indices(len(d), 1)
    same = (people[:, None] == people).numpy()
    accept, true, _ = roc_curve(same[upper], -d[upper])
    crossing = np.argmin(np.abs(accept - (1 - true)))
    assert looks[-1].error == pytest.approx((accept[crossing] + 1 - true[crossing]) / 2, abs=0.01)
    nearest = (d + np.diag(np.full(len(d), np.inf))).argmin(1)
    assert looks[-1].named == pytest.approx((people.numpy()[nearest] == people.numpy()).mean())


def test_a_batch_shows_three_pictures_of_each_person() -> None:
    pictures = pool(Triplets(people=8))
    x, whose = batch(pictures, 5, generator(3))
    assert x.shape == (15, 3, 32, 32) and whose.tolist() == [p for p in range(5) for _ in range(3)]
    faces = pictures.flatten(0, 1)
    owners = [int((faces == one).flatten(1).all(1).nonzero()) // 4 for one in x]
    assert all(len(set(owners[3 * p : 3 * p + 3])) == 1 for p in range(5)) and len(set(owners)) == 5
    assert len({int((faces == one).flatten(1).all(1).nonzero()) for one in x}) == 15


def test_the_map_moves_and_keeps_its_turn(looks) -> None:
    places = [each.flat for each in looks]
    moved = [float((b - a).norm() / b.norm()) for a, b in zip(places[-6:], places[-5:], strict=False)]
    assert all(0 < step < 0.8 for step in moved)
    held = held_out(0)
    assert held.pictures.shape == (HELD_PEOPLE * HELD_EACH, 3, 32, 32)


def test_a_collapse_is_told_and_a_way_out_offered() -> None:
    frame = LAB.last_frame(Triplets(mining="hard", rate=0.3, steps=80))
    assert "collapsed" in frame.diverged and frame.remedy == {"mining": "semi-hard", "rate": 0.02}
    assert not LAB.last_frame(Triplets(steps=20)).diverged


@pytest.mark.slow
def test_harder_triplets_name_more_people_than_random_ones_over_seeds() -> None:
    """After equal steps from equal starts on equal people."""
    named = {
        mining: [list(train(Triplets(mining=mining, steps=100, seed=seed)))[-1].named for seed in range(4)]
        for mining in ("random", "semi-hard")
    }
    gains = np.array(named["semi-hard"]) - np.array(named["random"])
    assert gains.mean() > 0.02 and (gains > 0).sum() >= 3
