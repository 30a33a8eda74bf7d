"""One network in both arms: its gradient, its symmetry, its verdict."""

from __future__ import annotations

import copy

import pytest
import torch

from engine.data.media import picture
from engine.labs.face_recognition.siamese import LAB, NOTE, Siamese
from engine.models.embedding import initialize, trained
from engine.models.siamese import compare, cropped
from engine.seeding import generator
from tests.data.test_media import ODD_PICTURES


def faces(seed: int) -> torch.Tensor:
    return torch.rand(3, 3, 64, 64, generator=generator(seed))


def test_the_gradient_of_the_pair_is_the_sum_of_both_arms() -> None:
    network = initialize(0, 8, (3, 8, 8, 8, 8)).eval()
    a, b = faces(1), faces(2)
    compare(network, a, b).distance.sum().backward()
    whole = [p.grad.clone() for p in network.parameters()]
    # Two networks of their own with equal weights: each gets the gradient of its arm alone.
    left, right = copy.deepcopy(network), copy.deepcopy(network)
    left.zero_grad(), right.zero_grad()
    (left(a) - right(b)).square().sum().backward()
    for grad, one, other in zip(whole, left.parameters(), right.parameters(), strict=True):
        torch.testing.assert_close(grad, one.grad + other.grad, rtol=1e-4, atol=1e-6)
        assert one.grad.abs().sum() > 0 and not torch.equal(one.grad, other.grad)


def test_both_arms_are_one_module() -> None:
    network = trained()
    seen = []
    hook = network.register_forward_hook(lambda module, *_: seen.append(id(module)))
    with torch.no_grad():
        found = compare(network, faces(1), faces(2))
        back = compare(network, faces(2), faces(1))
        same = compare(network, faces(1), faces(1))
    hook.remove()
    assert seen == [id(network)] * 6
    assert torch.equal(found.distance, back.distance) and torch.equal(found.one, back.other)
    assert not same.distance.any()


def test_the_verdict_is_the_threshold_on_the_distance_of_the_encodings() -> None:
    for person, threshold in ((1, 0.33), (2, 0.33), (2, 4.0)):
        frame = LAB.last_frame(Siamese(person_b=person, threshold=threshold))
        bars = [t for t in frame.figures["Encodings"].data if t.y is not None and len(t.y) == 32]
        d = float(((torch.tensor(bars[0].y) - torch.tensor(bars[1].y)) ** 2).sum())
        assert frame.metrics["Distance d"] == f"{d:.3f}"
        assert frame.metrics["Verdict"] == ("same person" if d <= threshold else "two people")
        assert frame.metrics["Truth"] == ("same person" if person == 1 else "two people")


def test_the_default_pair_and_a_stranger_are_judged_right() -> None:
    for person in (1, 2, 3, 4, 5):
        frame = LAB.last_frame(Siamese(person_b=person))
        assert frame.metrics["Verdict"] == frame.metrics["Truth"]


def test_the_same_picture_twice_has_no_distance() -> None:
    assert LAB.last_frame(Siamese(look_b=1)).metrics["Distance d"] == "0.000"


@pytest.mark.parametrize("kind", list(ODD_PICTURES)[:6])
def test_own_pictures_are_read_with_a_word_of_caution(kind: str) -> None:
    own = picture(ODD_PICTURES[kind][0](), kind)
    frame = LAB.last_frame(Siamese(source="pictures", picture_a=own))
    assert frame.note == NOTE and 0 <= float(frame.metrics["Distance d"]) <= 4 and "Truth" not in frame.metrics
    assert cropped(own.pixels).shape == (1, 3, 64, 64)
