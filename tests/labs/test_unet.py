"""U-Net: its form, what the bundled networks reach on held-out scenes, and that skips help."""

from __future__ import annotations

import pytest
import torch
from sklearn.metrics import jaccard_score

from engine.functional.segmentation import class_ious, overlaps
from engine.lab import Event
from engine.labs.detection.unet import HELD, LAB, SHOWN, Segmentation
from engine.models.unet import CLASSES, WIDTHS, bundled, initialize, mirrored, scenes, simple_scenes
from engine.seeding import generator

COUNT = len(CLASSES) + 1


@pytest.fixture(scope="module")
def read():
    return LAB.last_frame(Segmentation())


@torch.inference_mode()
def score(skips: bool, count: int, seed: int) -> float:
    """Mean IoU of a bundled network as scikit-learn has it."""
    random, found, truth = generator(seed), [], []
    for _ in range(count // 25):
        x, y = scenes(25, random, held_out=True)
        found.append(bundled(skips)(x).argmax(1).flatten())
        truth.append(y.flatten())
    return float(jaccard_score(torch.cat(truth), torch.cat(found), labels=range(COUNT), average="macro"))


def test_bundled_networks_reach_the_bar_on_some_scenes() -> None:
    with_skips, without = score(True, 50, 77), score(False, 50, 77)
    assert with_skips >= 0.85 and with_skips > without


@pytest.mark.slow
def test_bundled_networks_reach_the_bar_on_500_scenes() -> None:
    with_skips, without = score(True, 500, 12345), score(False, 500, 12345)
    assert with_skips >= 0.85 and with_skips > without


def test_skips_are_the_maps_of_the_way_down() -> None:
    x = torch.rand(2, 3, 32, 32, generator=generator(0))
    for skips in (True, False):
        network = initialize(0, 4, skips).eval()
        assert network(x).shape == (2, 4, 32, 32)
        # The finest map of the way down, silenced on its way across, changes the answer only through a skip.
        whole = network(x)
        finest = network.down[0](network.scaled(x))
        inner = finest
        passed = []
        for pair in network.down[1:]:
            inner = pair(network.pool(inner))
            passed.append(inner)
        up = passed.pop()
        for k, (lift, join) in enumerate(zip(network.up, network.join, strict=True)):
            beside = torch.zeros_like(finest) if k == len(network.up) - 1 else passed.pop()
            up = lift(up)
            up = join(torch.cat([beside, up], 1) if skips else up)
        assert torch.allclose(network.head(up), whole, atol=1e-5) != skips
    sizes = [sum(p.numel() for p in initialize(0, 4, skips).parameters()) for skips in (True, False)]
    assert sizes[0] - sizes[1] == sum(9 * w * w for w in WIDTHS[:-1])


def test_the_lab_counts_as_scikit_learn_does(read) -> None:
    random, found, truth = generator(0, 3), [], []
    for _ in range(HELD // 12):
        x, y = scenes(12, random, held_out=True)
        found.append(bundled(True)(x).argmax(1))
        truth.append(y)
    found, truth = torch.cat(found).flatten(), torch.cat(truth).flatten()
    expected = jaccard_score(truth, found, labels=range(COUNT), average=None)
    bars = read.figures["IoU of each class"].data
    assert [bar["name"] for bar in bars] == ["with skips", "without skips"]
    assert bars[0]["y"].tolist() == pytest.approx(expected.tolist(), abs=1e-4)
    assert read.metrics["Mean IoU with skips"] == f"{expected.mean():.3f}" and read.metrics["Scenes"] == str(HELD)
    assert float(read.metrics["Mean IoU with skips"]) > float(read.metrics["Without"])
    ious = class_ious(*overlaps(found, truth, COUNT))
    assert ious.tolist() == pytest.approx(expected.tolist(), abs=1e-6)


def test_the_scene_is_a_view_and_a_click_chooses_it(read) -> None:
    kept = read.state
    for which in (1, SHOWN):
        off = {n: float((f[which - 1] != kept.y[which - 1]).float().mean()) for n, f in kept.found.items()}
        frame = LAB.seen(Segmentation(which=which), read)
        assert frame.metrics["Wrong pixels"] == f"{off['with skips']:.1%}"
        below = list(frame.figures["Scene"].data[6]["text"])
        assert below == [
            "scene",
            "with skips",
            "without skips",
            "truth",
            *(f"{share:.1%} wrong" for share in off.values()),
        ]
    assert LAB.respond(Segmentation(), Event("click", "Held-out scenes", 1.5, 1.5)) == {"which": 6}
    pictures = [t for t in LAB.seen(Segmentation(), read).figures["Scene"].data if t.type == "image"]
    assert len(pictures) == 6


@pytest.mark.parametrize("skips", [True, False])
def test_live_it_learns_to_tell_objects_from_the_ground(skips: bool) -> None:
    frames = LAB.frames(Segmentation(network="live", skips=skips, steps=80))
    first = next(frames)
    *_, last = frames
    assert float(first.metrics["Mean IoU"]) < 0.6 < 0.7 < float(last.metrics["Mean IoU"])
    _, y = simple_scenes(24, generator(0, 0))
    assert torch.equal(y[:SHOWN], last.state.y)


def test_mirrored_scenes_keep_their_labels() -> None:
    x = torch.arange(3 * 4 * 4).float().view(1, 3, 4, 4).repeat(40, 1, 1, 1)
    y = torch.arange(16).view(1, 4, 4).repeat(40, 1, 1)
    x, y = mirrored(x, y, generator(0))
    assert torch.equal(x % 16, (y[:, None] % 16).expand(-1, 3, -1, -1).float())
    assert len({tuple(row.tolist()) for row in y.flatten(1)}) == 2
