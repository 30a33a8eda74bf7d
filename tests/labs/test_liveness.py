"""Live against replayed faces: measured on people never seen, the traces as they are said to be, unknown replays."""

from __future__ import annotations

import pytest
import torch
from sklearn.metrics import roc_auc_score, roc_curve

from engine.data.replays import ATTACKS, camera, replayed
from engine.lab import Event
from engine.labs.face_recognition.liveness import HELD, LAB, LivenessParams, right
from engine.models import liveness as model
from engine.models.liveness import people
from engine.seeding import generator


@pytest.fixture(scope="module")
def ends():
    first, *_, last = LAB.frames(LivenessParams())
    return first, last


def test_a_trained_network_tells_replays_of_people_it_never_saw(ends) -> None:
    first, last = ends
    assert first.metrics["Equal error rate"] == "50.0%" and last.progress == 1
    live = last.state.live
    assert live.shape == (5, HELD) and last.metrics["Live accepted"] == f"{float((live[0] >= 0.5).float().mean()):.0%}"
    truth = torch.arange(live.numel()) < HELD
    assert roc_auc_score(truth, live.flatten()) > 0.95
    false, true, _ = roc_curve(truth, live.flatten(), drop_intermediate=False)
    equal = abs(false - (1 - true)).argmin()
    rate = float(last.metrics["Equal error rate"].rstrip("%")) / 100
    assert rate == pytest.approx((false[equal] + 1 - true[equal]) / 2, abs=6e-4) and rate < 0.12
    assert right(live) == pytest.approx(float(((live[0] >= 0.5).float().mean() + (live[1:] < 0.5).float().mean()) / 2))


def test_the_threshold_trades_one_error_for_the_other(ends) -> None:
    strict, lenient = (LAB.seen(LivenessParams(threshold=t), ends[1]).metrics for t in (0.99, 0.01))
    for label in ("Live accepted", "Replays accepted"):
        assert int(strict[label][:-1]) < int(lenient[label][:-1])


def test_nobody_of_the_test_is_in_training(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn, draw = [], model.identities
    monkeypatch.setattr(model, "identities", lambda m, random: drawn.append(draw(m, random)) or drawn[-1])
    next(LAB.frames(LivenessParams()))
    (tested,) = drawn
    learned = LAB.last_frame(LivenessParams(steps=4))
    assert learned.progress == 1 and len(drawn) == 6
    assert float(torch.cdist(tested, torch.cat(drawn[2:])).min()) > 0.5


def test_without_traces_a_replay_is_live_seen_twice() -> None:
    faces = people(6, generator(1))
    for attack in ATTACKS:
        copy = replayed(faces, attack, 0.0, generator(2))
        assert float((copy - faces).abs().mean()) < 0.04, attack
        strong = replayed(faces, attack, 1.0, generator(2))
        assert float((strong - faces).abs().mean()) > float((copy - faces).abs().mean()), attack


def test_blur_takes_detail_and_moire_brings_wide_bands() -> None:
    faces = people(16, generator(3))

    def power(x, low, high):
        radius = torch.hypot(torch.fft.fftfreq(64)[:, None], torch.fft.fftfreq(64))
        inside = (radius >= low) & (radius < high)
        return float((torch.fft.fft2(x - x.mean((2, 3), keepdim=True)).abs().square() * inside).mean())

    live, blur = camera(faces, generator(4)), replayed(faces, "blur", 1.0, generator(4))
    assert power(blur, 0.1, 0.3) < 0.3 * power(live, 0.1, 0.3)
    # A grid of 0.85 to 1.15 cycles a pixel comes back as at most 0.15 and what bends, times the bands' amplitude.
    grey = torch.full((8, 3, 64, 64), 0.5)
    bands = replayed(grey, "moire", 1.0, generator(5))
    assert power(bands, 0.3, 0.51) < power(bands, 0.01, 0.3)


def test_a_click_chooses_a_face() -> None:
    assert LAB.respond(LivenessParams(), Event("click", "Held-out faces", 1.5, 1.5)) == {"which": 7}
    assert LAB.respond(LivenessParams(), Event("click", "Face", 0.5, 0.5)) == {}
