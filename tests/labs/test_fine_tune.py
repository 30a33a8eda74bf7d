"""Transfer learning: what stays frozen, what is computed once, how the head learns, and that it is saved and loaded."""

from __future__ import annotations

import io
import time
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.linear_model import LogisticRegression

from engine.data.albums import album, gather, joined
from engine.data.collections import SILHOUETTES, labelled
from engine.data.tensors import weights
from engine.errors import BadInput
from engine.lab import Event
from engine.labs.cnns.fine_tune import LAB, FineTune, checked, split
from engine.models.answering import atlas
from engine.models.transfer import Head, cached, cut, features, stages, train_head, width


@pytest.fixture(scope="module")
def last():
    return LAB.last_frame(FineTune())


def png(level: int, side: int = 40) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((side, side, 3), level, np.uint8)).save(file, "PNG")
    return file.getvalue()


def zipped(files: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return file.getvalue()


@pytest.mark.parametrize("unfrozen", [0, 1, 3])
def test_frozen_weights_are_unchanged_to_the_bit(unfrozen: int) -> None:
    network = atlas().network
    before = {name: value.clone() for name, value in network.state_dict().items()}
    pixels, classes, truth = checked("silhouettes")
    parts = cut(network, unfrozen)
    frozen = {name: value.clone() for name, value in parts.frozen.state_dict().items()}
    free = {name: value.clone() for name, value in parts.free.state_dict().items()}
    kept = torch.cat(list(cached(atlas(), parts, pixels[::6])))
    head = Head(width(parts, kept), len(classes))
    train = torch.arange(len(kept)) % 2 == 0
    *_, end = train_head(parts, head, kept, truth[::6], train, rate=0.02, steps=8, l2=0.1)
    assert end.step == 8 and end.cost < np.log(len(classes))
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(torch.equal(value, frozen[name]) for name, value in parts.frozen.state_dict().items())
    moved = [name for name, value in parts.free.state_dict().items() if not torch.equal(value, free[name])]
    assert bool(moved) == bool(unfrozen) and not any("running" in name for name in moved)


def test_cached_features_are_the_networks_own() -> None:
    pixels = checked("silhouettes")[0][:5]
    for unfrozen in (0, 2):
        parts = cut(atlas().network, unfrozen)
        kept = torch.cat(list(cached(atlas(), parts, pixels)))
        from engine.models.answering import views

        x = torch.cat([views(atlas(), each, "centre") for each in pixels])
        with torch.inference_mode():
            expected = atlas().network.features(x)
        torch.testing.assert_close(features(parts, kept).detach(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["resnet18", "squeezenet1_1", "mobilenet_v2", "mobilenet_v3_small", "efficientnet_b0"])
def test_the_stages_of_torchvisions_networks_end_in_their_last_maps(name: str) -> None:
    from torchvision.models import get_model

    network = get_model(name, weights=None).eval()
    x = torch.randn(1, 3, 96, 96)
    with torch.inference_mode():
        maps = torch.nn.Sequential(*stages(network))(x)
        if name == "squeezenet1_1":
            expected = network.classifier(maps).flatten(1)
        else:
            head = network.fc if name == "resnet18" else network.classifier
            expected = head(maps.mean((2, 3)))
        torch.testing.assert_close(expected, network(x), rtol=1e-4, atol=1e-5)


def test_the_head_is_logistic_regression_on_scaled_features() -> None:
    pixels, classes, truth = checked("silhouettes")
    parts = cut(atlas().network, 0)
    kept = torch.cat(list(cached(atlas(), parts, pixels)))
    train = torch.arange(len(kept)) % 2 == 0
    head = Head(width(parts, kept), len(classes))
    *_, end = train_head(parts, head, kept, truth, train, rate=0.02, steps=300, l2=0.1)
    scaled = ((kept - kept[train].mean(0)) / kept[train].std(0, correction=0).clamp_min(1e-3)).numpy()
    other = LogisticRegression(C=1.0, max_iter=2000).fit(scaled[train], truth[train])
    agree = float((end.logits.argmax(1).numpy() == other.predict(scaled)).mean())
    assert agree >= 0.95


def test_silhouettes_are_told_apart_and_the_head_learns_in_under_three_seconds(last) -> None:
    kept = last.state
    found = (kept.probabilities.argmax(1) == kept.truth)[kept.held].float().mean()
    assert float(found) >= 0.85 and last.metrics["Held-out accuracy"] == f"{float(found):.0%}"
    spent = float(last.note.rsplit("learned for ", 1)[1].split(" ")[0])
    # The bar is 3 s for 100 pictures on two idle cores; the benchmark measures it.
    assert spent < 30


def test_the_split_keeps_every_class_on_both_sides() -> None:
    labels = torch.tensor([0] * 2 + [1] * 10 + [2] * 3)
    for share in (0.1, 0.5, 0.8):
        for seed in range(5):
            held = split(labels, share, seed)
            for label in range(3):
                mine = held[labels == label]
                assert 0 < int(mine.sum()) < len(mine)
    assert torch.equal(split(labels, 0.4, 3), split(labels, 0.4, 3))


def test_a_cell_of_the_confusion_opens_its_pictures(last) -> None:
    kept = last.state
    chosen = kept.probabilities.argmax(1)
    for true in range(4):
        inside = int((kept.held & (kept.truth == true) & (chosen == true)).sum())
        seen = LAB.seen(FineTune(true=true + 1, chosen=true + 1), last)
        assert f"{inside} held-out of {SILHOUETTES[true]} taken for {SILHOUETTES[true]}" in seen.says
        pictures = [trace for trace in seen.figures["Pictures of the cell"].data if trace.type == "image"]
        assert len(pictures) == inside
    assert LAB.respond(FineTune(), Event("click", "Confusion", 2.2, 0.9)) == {"true": 2, "chosen": 3}


def test_a_saved_head_is_loaded_and_answers_alike(last) -> None:
    saved = weights(last.files["head.safetensors"], "head.safetensors")
    assert saved.about["backbone"] == "atlas20"
    again = LAB.last_frame(FineTune(head=saved, seed=3))
    torch.testing.assert_close(again.state.probabilities, last.state.probabilities, rtol=1e-4, atol=1e-5)
    assert again.metrics["Step"] == "0 of 0"
    other = gather([(png(10), "a.png"), (png(30), "b.png")], "x", "dark")
    two = joined(other, gather([(png(230), "c.png"), (png(250), "d.png")], "y", "bright"))
    with pytest.raises(BadInput, match="The head must be for atlas20 and"):
        LAB.last_frame(FineTune(head=saved, pictures=two))


def test_own_pictures_come_as_a_zip_of_folders_or_class_by_class() -> None:
    files = {f"{name}/{i}.png": png(level + i) for name, level in (("dark", 10), ("bright", 200)) for i in range(4)}
    one = album(zipped({**files, "__MACOSX/x": b"1", "dark/.DS_Store": b"2"}), "mine.zip")
    assert one.labels == ("bright",) * 4 + ("dark",) * 4 and not one.skipped
    parts = [
        gather([(files[f"{name}/{i}.png"], f"{i}.png") for i in range(4)], "x", name) for name in ("dark", "bright")
    ]
    both = joined(*parts)
    assert sorted(both.labels) == sorted(one.labels)
    frame = LAB.last_frame(FineTune(pictures=both, steps=60))
    assert frame.metrics["Held-out accuracy"] == "100%"
    replaced = joined(both, gather([(png(5), "n.png")], "x", "dark"))
    assert replaced.labels == ("bright",) * 4 + ("dark",)


@pytest.mark.parametrize(
    ("labels", "sentence"),
    [
        (["a"], "There must be 2 to 6 classes of pictures, got 1: a"),
        (list("abcdefg"), "There must be 2 to 6 classes of pictures, got 7"),
        (["a", "a", "b"], "Every class must have two pictures or more, got one of b"),
        (["a", "a", ""], "Every picture must have a class, .* got 1 without one"),
    ],
)
def test_classes_that_cannot_be_learned_get_a_sentence(labels: list[str], sentence: str) -> None:
    parts = [gather([(png(10 * i), f"{i}.png")], "x", label) for i, label in enumerate(labels)]
    own = parts[0]
    merged = type(own)(
        tuple(p for part in parts for p in part.pictures), tuple(x for part in parts for x in part.labels), (), "x", "d"
    )
    with pytest.raises(BadInput, match=sentence):
        next(LAB.frames(FineTune(pictures=merged)))


def test_silhouettes_are_the_same_every_time_and_differ() -> None:
    pictures, labels = labelled("silhouettes")
    assert len(pictures) == 60 and len({p.digest for p in pictures}) == 60
    assert [labels.count(kind) for kind in SILHOUETTES] == [15] * 4


def test_the_first_frame_waits_for_nothing() -> None:
    began = time.monotonic()
    frame = next(LAB.frames(FineTune(backbone="resnet50")))
    assert frame.figures and time.monotonic() - began < 20
