"""Naming pictures: the networks' own preprocessing, crops, company, where they look, and what is said without a network."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn.functional import softmax
from torchvision import models
from torchvision.transforms import v2

from engine.data.albums import album
from engine.data.samples import picture_sample
from engine.errors import BadInput
from engine.functional.attribution import grad_cam
from engine.labs.cnns import _bringing
from engine.labs.cnns import image_classifier as lab
from engine.labs.cnns.image_classifier import LAB, Classify
from engine.models import answering, pretrained
from engine.models.answering import Answerer, ask, atlas, centre, views

REAL = Path(__file__).resolve().parents[3] / "shared" / "real" / "weights" / "mobilenet_v2_from_int8.pth"
FLOWER = picture_sample("photo-flower").pixels


def stand_in(name: str) -> Answerer:
    """A network of this name with random weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(len(name))
        network = models.get_model(name, weights=None).eval()
    member = pretrained.weights(name)
    prepare, labels = member.transforms(), tuple(member.meta["categories"])
    return Answerer(name, pretrained.TITLES[name], network, prepare, labels, answering._last_maps(name, network), 4)


@pytest.mark.parametrize("name", pretrained.WEIGHTS)
def test_preprocessing_is_the_weights_own(name: str) -> None:
    member = pretrained.weights(name)
    found = Answerer(name, name, torch.nn.Identity(), member.transforms(), (), torch.nn.Identity(), 0)
    expected = models.get_model_weights(name)[pretrained.WEIGHTS[name]].transforms()(Image.fromarray(FLOWER))
    assert torch.equal(views(found, FLOWER, "centre")[0], expected)
    middle = torch.tensor(centre(found, FLOWER)).permute(2, 0, 1).float() / 255
    torch.testing.assert_close(v2.functional.normalize(middle, found.prepare.mean, found.prepare.std), expected)


def test_the_middle_of_many_crops_is_the_middle_crop_and_the_mirrored_ones_are_mirrored() -> None:
    found, square = atlas(), np.ascontiguousarray(FLOWER[:200, :200])
    one, five, ten = (views(found, square, crops) for crops in ("centre", "five", "ten"))
    assert torch.equal(five[4], one[0]) and torch.equal(ten[:5], five)
    assert torch.equal(ten[9], one[0].flip(-1))


def test_answers_over_crops_are_the_mean_of_single_answers() -> None:
    found = stand_in("squeezenet1_1")
    pictures = [FLOWER, picture_sample("brick").pixels]
    expected = [
        torch.stack([softmax(found.network(crop[None]), 1)[0] for crop in views(found, p, "ten")]).mean(0)
        for p in pictures
    ]
    torch.testing.assert_close(ask(found, pictures, "ten"), torch.stack(expected).detach(), rtol=1e-4, atol=1e-7)


def test_grad_cam_of_a_mean_and_a_linear_head_is_cam() -> None:
    # Zhou et al. 2016: where the head is linear on the maps' means, the map is the sum of maps times the head's weights.
    found = atlas()
    x = views(found, FLOWER, "centre")
    classes = torch.tensor([[3, 7]])
    cams, logits = grad_cam(found.network, found.look, x, classes)
    with torch.no_grad():
        maps = found.network.blocks(found.network.stem((x - 0.5) / 0.25))
        expected = torch.einsum("kc,mchw->mkhw", found.network.head.weight[classes[0]], maps).relu()
    torch.testing.assert_close(
        cams, expected / expected.amax((2, 3), keepdim=True).clamp_min(1e-9), rtol=1e-4, atol=1e-5
    )
    torch.testing.assert_close(logits, found.network(x).detach())


def test_a_network_that_cannot_be_had_is_said_and_the_bundled_one_answers() -> None:
    frames = list(LAB.frames(Classify()))
    assert frames[0].metrics["Network"] == "Atlas-20" and frames[0].figures
    last = frames[-1]
    assert last.note.startswith("The weights of MobileNetV2 can't be had here (")
    assert last.note.endswith("The bundled Atlas-20 answers instead.") and "Atlas-20" in last.says
    assert last.metrics["Answer"] in atlas().labels and last.progress == 1


def test_two_networks_answer_with_their_mean(monkeypatch: pytest.MonkeyPatch) -> None:
    made = {name: stand_in(name) for name in ("squeezenet1_1", "mobilenet_v3_small")}

    def bring(name: str):
        return made[name], ""
        yield

    monkeypatch.setattr(_bringing, "bring", bring)
    frame = LAB.last_frame(Classify(pictures="photo-flower", model="squeezenet1_1", second="mobilenet_v3_small"))
    expected = sum(ask(each, [FLOWER], "centre") for each in made.values()) / 2
    torch.testing.assert_close(frame.state.probabilities, expected)
    assert frame.metrics["Network"] == "SqueezeNet 1.1 and MobileNetV3 small"
    assert frame.tables["Networks"]["classes"] == [1000, 1000]


def test_networks_of_other_classes_keep_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = LAB.last_frame(Classify(pictures="photo-flower", model="atlas20", second="resnet18"))
    # ResNet-18 can't be had, so the bundled one stands in for it and both know the same classes.
    assert "ResNet-18 can't be had" in frame.note

    def bring(name: str):
        return (stand_in("squeezenet1_1") if name == "resnet18" else atlas()), ""
        yield

    monkeypatch.setattr(_bringing, "bring", bring)
    frame = LAB.last_frame(Classify(pictures="photo-flower", model="atlas20", second="resnet18"))
    assert "knows other classes" in frame.note and frame.metrics["Network"] == "Atlas-20"


def test_the_table_and_the_csv_hold_the_five_best_of_every_picture() -> None:
    frame = LAB.last_frame(Classify(model="atlas20", pictures="all"))
    rows = list(csv.DictReader(io.StringIO(frame.files["answers.csv"].decode())))
    assert len(rows) == len(frame.state.names) == 6
    for row, probabilities in zip(rows, frame.state.probabilities, strict=True):
        best = probabilities.sort(descending=True)
        assert row["answer 1"] == atlas().labels[int(best.indices[0])]
        assert float(row["probability 5"]) == pytest.approx(float(best.values[4]), abs=1e-4)
    assert float(frame.state.probabilities.sum(1).sub(1).abs().max()) < 1e-5


def test_a_picture_is_picked_without_asking_again(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = LAB.last_frame(Classify(model="atlas20", pictures="all"))
    monkeypatch.setattr(lab, "ask", lambda *_: pytest.fail("asked again"))
    seen = LAB.seen(Classify(model="atlas20", pictures="all", which=3, rank=2), frame)
    assert frame.state.names[2] in seen.says and "All pictures" in seen.figures
    assert LAB.seen(Classify(which=300), frame).figures


def test_the_bundled_network_knows_what_it_was_trained_on() -> None:
    from recipes.atlas20 import accuracy

    torch.set_num_threads(1)
    assert accuracy(atlas().network, 1000) >= 0.97


def zipped(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return file.getvalue()


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("form", ["one", "zip"])
def test_the_command_line_takes_a_picture_and_a_zip(tmp_path: Path, form: str) -> None:
    if form == "one":
        (tmp_path / "mine.png").write_bytes(png(FLOWER))
    else:
        files = {"a/flower.png": png(FLOWER), "b/brick.png": png(picture_sample("brick").pixels), "note.txt": b"x"}
        (tmp_path / "mine.zip").write_bytes(zipped(files))
    given = next(tmp_path.iterdir())
    command = [sys.executable, "-m", "engine", "run", "image-classifier", "--set", "model=atlas20", "--json"]
    done = subprocess.run([*command, "--input", f"pictures={given}"], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    table = json.loads(done.stdout)["tables"]["Answers"]
    assert table["picture"] == (["mine.png"] if form == "one" else ["flower.png", "brick.png"])
    assert len(table["answer 5"]) == len(table["picture"])


def test_a_zip_without_a_picture_is_one_sentence() -> None:
    with pytest.raises(BadInput, match=r"The picture 'note\.txt' must be"):
        album(zipped({"note.txt": b"x"}), "mine.zip")


@pytest.mark.real
def test_real_weights_answer_a_photograph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not REAL.exists():
        pytest.skip(f"{REAL} is not there")
    (tmp_path / "checkpoints").mkdir()
    shutil.copyfile(REAL, tmp_path / "checkpoints" / "mobilenet_v2-b0353104.pth")
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    frame = LAB.last_frame(Classify(pictures="photo-china"))
    pretrained._loaded.clear()
    assert frame.note == "" and frame.metrics["Network"] == "MobileNetV2"
    # A Chinese pavilion: ImageNet has no such class, but has palaces and monasteries.
    assert {"palace", "monastery"} & {frame.tables["Answers"][f"answer {rank}"][0] for rank in (1, 2, 3)}
