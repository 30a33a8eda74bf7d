"""Detectors behind one form: thresholds as torchvision applies them, places in the picture, time and memory, loading."""

from __future__ import annotations

import copy
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import hub, nn
from torchvision.models import get_model
from torchvision.ops import box_iou

from engine.data.looked import looked_at
from engine.data.samples import picture_sample
from engine.models import detectors, pretrained
from engine.models.detectors import LEAST, NAMES, ask_torchvision, atlas, chosen, kept, opened, squared
from engine.models.measuring import Alive, measured
from tests.models.made import CLASSES, FEW, SMALL, made

PHOTO = np.ascontiguousarray(picture_sample("photo-china").pixels[:300, :400])
SETTINGS = [(LEAST, 0.5), (0.2, 0.3), (0.35, 0.0), (0.35, 0.7), (0.5, 0.95), (0.6, 0.5), (0.9, 0.5)]
KEYS = ("boxes", "scores", "labels")
QUICK = ("ssdlite320_mobilenet_v3_large", "fasterrcnn_mobilenet_v3_large_320_fpn")
HEAVY = [name for name in pretrained.DETECTORS if name not in QUICK]


def prepare(picture: torch.Tensor) -> torch.Tensor:
    return picture / 255


def small(name: str) -> Any:
    few = FEW if name == "fasterrcnn_resnet50_fpn_v2" else {}
    return made(name, num_classes=CLASSES, **({} if name.startswith("ssd") else SMALL), **few)


def set_thresholds(network: Any, score: float, overlap: float) -> None:
    last = getattr(network, "roi_heads", network)
    last.score_thresh, last.nms_thresh = score, overlap


def in_order(boxes: torch.Tensor, scores: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    """Rows (n, 6) of score, class and box, the best first; equal scores may come in any order, so boxes decide there."""
    rows = torch.cat([scores[:, None], classes[:, None], boxes], 1)
    return rows[np.lexsort([*rows[:, 2:].round().T.numpy(), -scores.numpy()])]


@torch.inference_mode()
def by_torchvision(network: Any, score: float, overlap: float) -> dict[str, torch.Tensor]:
    set_thresholds(network, score, overlap)
    return network([prepare(torch.from_numpy(PHOTO.copy()).permute(2, 0, 1))])[0]


@pytest.mark.parametrize(
    "name",
    [
        "ssdlite320_mobilenet_v3_large",
        "fasterrcnn_mobilenet_v3_large_320_fpn",
        "retinanet_resnet50_fpn_v2",
        "fcos_resnet50_fpn",
        "fasterrcnn_resnet50_fpn_v2",
    ],
)
def test_thresholds_are_applied_as_torchvision_does(name: str) -> None:
    reference = small(name)
    mine = copy.deepcopy(reference)
    limit = getattr(reference, "roi_heads", reference).detections_per_img
    assert limit == detectors.most(name)
    opened(mine)
    calls: list[int] = []
    mine.register_forward_hook(lambda *_: calls.append(1))
    proposed = ask_torchvision(mine, prepare, limit, PHOTO)
    numbers = []
    for score, overlap in SETTINGS:
        expected, found = by_torchvision(reference, score, overlap), kept(proposed, score, overlap)
        mine_rows, their_rows = (in_order(*rows) for rows in (found, [expected[k] for k in KEYS]))
        assert mine_rows.shape == their_rows.shape and torch.equal(mine_rows[:, :2], their_rows[:, :2])
        torch.testing.assert_close(mine_rows, their_rows, rtol=0, atol=1e-3)
        numbers.append(len(found.boxes))
    assert len(calls) == 1 and max(numbers) > min(numbers)


@pytest.mark.parametrize("name", QUICK)
def test_a_low_limit_counts_as_in_torchvision(name: str) -> None:
    reference = small(name)
    getattr(reference, "roi_heads", reference).detections_per_img = 7
    mine = copy.deepcopy(reference)
    opened(mine)
    found = kept(ask_torchvision(mine, prepare, 7, PHOTO), 0.2, 0.5)
    expected = by_torchvision(reference, 0.2, 0.5)
    assert len(found.boxes) == 7 and torch.equal(found.scores, expected["scores"])


def in_the_cache(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made-up weights where torchvision keeps the official ones, without what frozen normalization doesn't save."""
    more = {"aux_loss": True} if name.startswith("deeplab") else {}
    state = made(name, **more).state_dict()
    monkeypatch.setattr(hub, "get_dir", lambda: str(folder))
    monkeypatch.setattr(pretrained, "_loaded", type(pretrained._loaded)())
    (folder / "checkpoints").mkdir()
    frozen = name in ("fasterrcnn_mobilenet_v3_large_320_fpn", "fcos_resnet50_fpn")
    saved = {key: value for key, value in state.items() if not (frozen and key.endswith("num_batches_tracked"))}
    torch.save(saved, folder / "checkpoints" / pretrained.place(name).name)


@pytest.mark.parametrize(
    "name",
    [
        *QUICK,
        "lraspp_mobilenet_v3_large",
        *(pytest.param(name, marks=pytest.mark.slow) for name in [*HEAVY, *pretrained.SEGMENTERS] if "lraspp" not in name),
    ],
)  # fmt: skip
def test_a_file_gives_the_network_that_torchvision_builds_from_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_the_cache(name, tmp_path, monkeypatch)
    state = torch.get_rng_state()
    found = pretrained.load(name)
    assert torch.equal(torch.get_rng_state(), state)
    member = pretrained.weights(name)
    official = get_model(name, weights=member).eval()
    x = torch.rand(3, 96, 128, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        if name in pretrained.SEGMENTERS:
            assert torch.equal(found.network(x[None])["out"], official(x[None])["out"])
        else:
            # In double precision: torchvision's frozen normalization rounds otherwise than the plain one in its place.
            mine, theirs = found.network.double()([x.double()])[0], official.double()([x.double()])[0]
            assert len(mine["boxes"]) and mine.keys() == theirs.keys()
            for key, value in theirs.items():
                # Torchvision pastes the mask of a box without area as NaN.
                torch.testing.assert_close(mine[key], value, rtol=1e-5, atol=1e-5, equal_nan=key == "masks")
    assert found.labels == tuple(member.meta["categories"]) and found.title == pretrained.TITLES[name]


def test_a_file_of_another_network_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_the_cache("lraspp_mobilenet_v3_large", tmp_path, monkeypatch)
    other = pretrained.place("ssdlite320_mobilenet_v3_large")
    pretrained.place("lraspp_mobilenet_v3_large").rename(other)
    with pytest.raises(pretrained.Unavailable, match="got a damaged one: delete it"):
        detectors.detector("ssdlite320_mobilenet_v3_large")


def test_coco_names_are_the_weights_own() -> None:
    for name in pretrained.DETECTORS:
        labels = pretrained.weights(name).meta["categories"]
        assert len(labels) == 91 and labels[1] == "person" and labels[90] == "toothbrush" and name in NAMES
    for name in pretrained.SEGMENTERS:
        assert pretrained.weights(name).meta["categories"][15] == "person"


@pytest.mark.parametrize("shape", [(256, 256), (256, 300), (290, 256)])
def test_the_bundled_detector_finds_a_scene_wherever_it_lies(shape: tuple[int, int]) -> None:
    hits = truths = 0
    for seed in range(8):
        looked = looked_at("scene", "", seed, 2048)
        canvas = np.full((*shape, 3), 128, np.uint8)
        top, left = (shape[0] - 256) // 2, (shape[1] - 256) // 2
        canvas[top : top + 256, left : left + 256] = looked.pixels
        found = kept(atlas().ask(canvas), 0.3, 0.5)
        boxes = looked.scene.boxes + torch.tensor([left, top, left, top])
        same = found.classes[None] == looked.scene.classes[:, None]
        hits += int(((box_iou(boxes, found.boxes) > 0.5) & same).any(1).sum())
        truths += len(boxes)
    assert hits / truths >= 0.9


def test_boxes_come_back_through_the_square() -> None:
    pixels = np.zeros((300, 120, 3), np.uint8)
    square, factor, corner = squared(pixels, 128)
    assert square.shape == (1, 3, 128, 128) and factor == 128 / 300
    inside = (square[0, 0] == 0).nonzero()
    assert inside.amin(0).tolist() == [0, int(corner[0])] and inside.amax(0)[1] - corner[0] + 1 == round(120 * factor)


def test_a_moved_threshold_never_adds_what_was_not_proposed() -> None:
    proposed = atlas().ask(looked_at("scene", "", 0, 2048).pixels)
    low, high = chosen(proposed, LEAST, 0.5), chosen(proposed, 0.5, 0.5)
    assert set(high.tolist()) < set(low.tolist()) and float(proposed.scores.min()) > LEAST


def test_peak_memory_is_what_is_alive_at_once() -> None:
    alive = Alive()
    x = torch.ones(1000)  # 4000 bytes, before
    with alive:
        y = torch.cat([x, x])  # 8000
        z = y.view(2, 1000)[0] * 2  # a view costs nothing; 4000 more
        del y
        w = z + 1  # 4000
        del z, w
    assert (alive.most, alive.now) == (12_000, 0)


def test_peak_memory_of_a_network_is_its_largest_step() -> None:
    # Two layers: the first holds its input and its output, 4 * (1 + 64) * 32 * 32; the second 4 * (64 + 1) * 32 * 32.
    network = nn.Sequential(nn.Conv2d(1, 64, 1, bias=False), nn.Conv2d(64, 1, 1, bias=False)).eval()

    @torch.inference_mode()
    def ask() -> torch.Tensor:
        return network(torch.zeros(1, 1, 32, 32))

    asked = measured(ask)
    assert 4 * 65 * 32 * 32 <= asked.peak <= 4 * 66 * 32 * 32 and asked.ms > 0


def test_weights_are_saved_bytes() -> None:
    file = io.BytesIO()
    torch.save(made("lraspp_mobilenet_v3_large").state_dict(), file)
    assert abs(detectors.weight_bytes(made("lraspp_mobilenet_v3_large")) / len(file.getvalue()) - 1) < 0.02
