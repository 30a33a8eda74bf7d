"""Masks over a person's own picture: areas and colours on a known one, torchvision's networks, and what is downloaded."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageColor
from sklearn.metrics import jaccard_score
from torch.nn.functional import interpolate

from engine.data.looked import looked_at
from engine.data.media import Picture, fit_within
from engine.data.media import picture as decoded
from engine.data.samples import picture_sample
from engine.figures.looked import PALETTE
from engine.labs.detection.segment_upload import AREAS, INSTANCE, LAB, LONGEST, SCALE, SEMANTIC, Segment
from engine.models import pretrained
from engine.models.detectors import ask_torchvision, opened
from engine.models.segmenters import SMALL, ask_unet, instances
from engine.models.unet import CLASSES, bundled
from tests.data.test_media import ODD_PICTURES
from tests.models.made import FEW, made
from tests.models.made import SMALL as SMALL_SIDES
from tests.models.served import served

LRASPP, MASK = "lraspp_mobilenet_v3_large", "maskrcnn_resnet50_fpn_v2"
NAMES = ("ground", *CLASSES)


@pytest.fixture(scope="module")
def shown():
    return LAB.last_frame(Segment(opacity=1.0))


def truth(seed: int) -> np.ndarray:
    looked = looked_at("scene", "", seed, LONGEST, classes=CLASSES, scale=SCALE)
    return looked.scene.labels(CLASSES)[0].numpy()


def pasted(figure) -> np.ndarray:
    """The overlay (h, w, 4) of a figure, as a browser decodes it."""
    source = figure.data[1].source
    assert source.startswith("data:image/png;base64,")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))))


def unrolled(segmentation: dict) -> np.ndarray:
    """A mask from its run lengths, as COCO's documentation has it: column after column, the first run without."""
    h, w = segmentation["size"]
    values = np.arange(len(segmentation["counts"])) % 2
    return np.repeat(values, segmentation["counts"]).reshape((h, w), order="F").astype(bool)


def test_areas_on_known_pictures_are_right() -> None:
    scores = []
    for seed in range(6):
        frame, true = LAB.last_frame(Segment(seed=seed)), truth(seed)
        table = frame.tables["Areas"]
        told = {
            what: n for what, by, n in zip(table["what"], table["by"], table["pixels"], strict=True) if by == "U-Net"
        }
        assert sum(told.values()) == true.size
        for k, name in enumerate(NAMES):
            assert abs(told.get(name, 0) / true.size - (true == k).mean()) < 0.02, (seed, name)
        found = frame.state.labels.numpy()
        scores.append(jaccard_score(true.ravel(), found.ravel(), labels=np.unique(true), average="macro"))
    assert np.mean(scores) >= 0.85


def test_colours_are_the_palettes_and_cover_what_the_table_says(shown) -> None:
    over, table, areas = pasted(shown.figures[SEMANTIC]), shown.tables["Areas"], shown.figures[AREAS].data[0]
    bars = dict(zip(areas.x, areas.marker.color, strict=True))
    legend = {trace.name.rpartition(" ")[0]: trace.marker.color for trace in shown.figures[SEMANTIC].data[2:]}
    covered = 0
    for name, by, pixels in zip(table["what"], table["by"], table["pixels"], strict=True):
        if by != "U-Net" or name == "ground":
            continue
        assert legend[name] == bars[name] == PALETTE[CLASSES.index(name)]
        mine = (over == (*ImageColor.getrgb(legend[name]), 255)).all(-1)
        assert mine.sum() == pixels
        assert (mine & (truth(0) == NAMES.index(name))).sum() / mine.sum() > 0.9
        covered += pixels
    assert covered == (over[..., 3] > 0).sum() == (truth(0).size - table["pixels"][0])


def test_opacity_is_the_overlays_alpha_and_asks_nobody(shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.labs.detection.segment_upload.measured", lambda *_: pytest.fail("asked again"))
    for opacity in (0.0, 0.4):
        over = pasted(LAB.seen(Segment(opacity=opacity), shown).figures[SEMANTIC])
        assert set(np.unique(over[..., 3])) == {0, round(255 * opacity)}
    every = LAB.seen(Segment(score=0.05, mask=0.1), shown)
    assert int(every.metrics["Things"]) >= int(shown.metrics["Things"])
    assert LAB.seen(Segment(score=1.0), shown).metrics["Things"] == "0"


def test_things_are_the_scenes_objects() -> None:
    for seed in range(4):
        frame = LAB.last_frame(Segment(seed=seed))
        looked = looked_at("scene", "", seed, LONGEST, classes=CLASSES, scale=SCALE)
        things, masks = instances(frame.state.proposed, 0.5, 0.5), looked.scene.masks(0)
        for where, kind in zip(masks, looked.scene.classes, strict=True):
            named = [i for i, k in enumerate(things.classes) if NAMES[k] == _scene_class(int(kind))]
            ious = [float((where & things.where[i]).sum() / (where | things.where[i]).sum()) for i in named]
            assert max(ious, default=0) > 0.7, seed


def _scene_class(kind: int) -> str:
    from engine.data.scenes import CLASSES as ALL

    return ALL[kind]


def test_instances_have_colours_of_their_own(shown) -> None:
    over, table = pasted(shown.figures[INSTANCE]), shown.tables["Areas"]
    things = [i for i, by in enumerate(table["by"]) if by == "U-Net in parts"]
    assert len(things) >= 2 and len({trace.marker.color for trace in shown.figures[INSTANCE].data[2:]}) == len(things)
    for trace, row in zip(shown.figures[INSTANCE].data[2:], things, strict=True):
        mine = (over == (*ImageColor.getrgb(trace.marker.color), 255)).all(-1).sum()
        assert trace.name == table["what"][row] and 0.95 * table["pixels"][row] <= mine <= table["pixels"][row]


def test_downloads_are_cocos_with_masks_of_the_areas_told(shown) -> None:
    labels, things = (json.loads(shown.files[name]) for name in ("labels.json", "instances.json"))
    table = shown.tables["Areas"]
    known = dict(zip(table["what"], table["pixels"], strict=True))
    names = {c["id"]: c["name"] for c in labels["categories"]}
    for row in labels["annotations"]:
        mask = unrolled(row["segmentation"])
        assert np.array_equal(mask, shown.state.labels.numpy() == row["category_id"])
        assert row["area"] == mask.sum() == known[names[row["category_id"]]]
        rows, columns = np.nonzero(mask)
        left, top = columns.min(), rows.min()
        assert row["bbox"] == [left, top, columns.max() + 1 - left, rows.max() + 1 - top]
    found = instances(shown.state.proposed, 0.5, 0.5)
    assert len(things["annotations"]) == len(found.scores)
    for row, where, score in zip(things["annotations"], found.where, found.scores, strict=True):
        assert np.array_equal(unrolled(row["segmentation"]), where.numpy())
        assert row["score"] == pytest.approx(float(score), abs=1e-6)


def test_torchvisions_labels_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(LRASPP, tmp_path, monkeypatch):
        frames = list(LAB.frames(Segment(look="picture", semantic=LRASPP)))
    assert frames[0].figures and frames[0].metrics["Labels by"] == "U-Net"
    last = frames[-1]
    assert last.metrics["Labels by"] == "LR-ASPP MobileNetV3" and "U-Net: Knows six" in last.note
    member = pretrained.weights(LRASPP)
    pixels = fit_within(picture_sample("photo-china"), LONGEST).pixels
    with torch.inference_mode():
        logits = made(LRASPP)(member.transforms()(Image.fromarray(pixels))[None])["out"]
        expected = interpolate(logits, size=pixels.shape[:2], mode="bilinear", align_corners=False).argmax(1)
    counts = torch.bincount(expected.flatten(), minlength=21).tolist()
    table = last.tables["Areas"]
    told = {what: n for what, by, n in zip(*(table[k] for k in ("what", "by", "pixels")), strict=True) if "LR" in by}
    assert told == {name: n for name, n in zip(member.meta["categories"], counts, strict=True) if n}
    assert len(told) > 2


def test_masks_are_those_of_torchvision() -> None:
    pixels = np.ascontiguousarray(picture_sample("photo-china").pixels[:200, :260])
    reference, mine = (made(MASK, num_classes=4, **SMALL_SIDES, **FEW) for _ in range(2))
    opened(mine, suppressed=True)
    reference.roi_heads.score_thresh = 0.3
    with torch.inference_mode():
        expected = reference([torch.from_numpy(pixels.copy()).permute(2, 0, 1) / 255])[0]
    proposed = ask_torchvision(mine, lambda x: x / 255, 100, pixels)
    assert proposed.masks.shape[1:] == (1, SMALL, SMALL) and len(expected["scores"])
    for cut in (0.3, 0.5):
        things = instances(proposed, 0.3, cut)
        assert torch.equal(things.scores, expected["scores"]) and torch.equal(things.classes, expected["labels"])
        assert torch.equal(things.where, expected["masks"][:, 0] > cut)
    assert len(proposed.scores) > len(expected["scores"])


def test_out_of_reach_is_said_and_the_bundled_ones_answer() -> None:
    last = LAB.last_frame(Segment(semantic="deeplabv3_resnet50", instance=MASK))
    assert (
        "DeepLabV3 ResNet-50 can't be had here" in last.note and "Mask R-CNN ResNet-50 can't be had here" in last.note
    )
    assert last.metrics["Labels by"] == "U-Net" and last.metrics["Masks by"] == "U-Net in parts" and last.progress == 1


def test_the_bundled_network_sees_a_scene_of_its_own_size_as_it_is() -> None:
    looked = looked_at("scene", "", 1, LONGEST, classes=CLASSES, scale=SCALE)
    pixels = np.asarray(Image.fromarray(looked.pixels).resize((64, 64), Image.Resampling.BOX))
    with torch.inference_mode():
        expected = bundled(True)(torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255)[0].argmax(0)
    assert torch.equal(ask_unet(bundled(True), pixels), expected)


@pytest.mark.parametrize("kind", ODD_PICTURES)
def test_an_odd_picture_gets_an_answer(kind: str) -> None:
    own = decoded(ODD_PICTURES[kind][0](), kind)
    frame = LAB.last_frame(Segment(picture=own, score=0.05))
    h, w = frame.state.labels.shape
    rows = zip(frame.tables["Areas"]["by"], frame.tables["Areas"]["pixels"], strict=True)
    assert sum(n for by, n in rows if by == "U-Net") == h * w and kind in frame.says


@pytest.mark.parametrize("shape", [(1, 1), (1, 2048), (2048, 3), (2048, 1365)])
def test_any_shape_gets_an_answer(shape: tuple[int, int]) -> None:
    own = Picture(np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8), "noise.png", "2" * 12)
    frame = LAB.last_frame(Segment(picture=own, score=0.05, mask=0.0))
    assert max(frame.state.labels.shape) <= LONGEST and frame.figures[SEMANTIC].data
