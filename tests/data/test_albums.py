"""Zips and several pictures: what is read, what is skipped, and every limit."""

from __future__ import annotations

import io
import struct
import zipfile

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import save

from engine.data import albums, archives
from engine.data.albums import album, gather
from engine.data.tensors import weights
from engine.errors import BadInput


def png(width: int = 30, height: int = 20) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((height, width, 3), 99, np.uint8)).save(file, "PNG")
    return file.getvalue()


def zipped(files: dict[str, bytes], how: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return file.getvalue()


def encrypted() -> bytes:
    data = bytearray(zipped({"a.png": png()}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.index(signature) + offset
        data[at : at + 2] = struct.pack("<H", 1)
    return bytes(data)


def lying() -> bytes:
    """A zip whose directory says that an entry of a megabyte holds ten bytes."""
    data = bytearray(zipped({"a.png": bytes(range(256)) * 4000}, zipfile.ZIP_STORED))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.index(signature) + offset
        data[at : at + 4] = struct.pack("<I", 10)
    return bytes(data)


BAD = {
    "not a zip": (b"PK\x03\x04nothing", "must be a whole zip without a password"),
    "empty": (zipped({}), "must be a PNG"),  # an empty zip begins otherwise, so it is no picture
    "folders alone": (zipped({"a/": b""}), "must hold at least one picture, got none"),
    "with a password": (encrypted(), "must be a whole zip without a password"),
    "cut short": (zipped({"a.png": png()})[:-30], "must be a whole zip without a password"),
    "a bomb": (zipped({"a.png": bytes(20_000_000)}), "must hold files packed at most 100 to 1, got one packed"),
    "a text": (zipped({"a.txt": b"hello"}), "The picture 'a.txt' must be"),
    "a lie": (lying(), "must be a whole zip without a password|state the size|must be a PNG"),
    "too many": (zipped({f"{i}.txt": b"x" for i in range(1001)}), "must hold at most 1000 files, got 1001"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_zip_is_one_sentence(kind: str) -> None:
    data, sentence = BAD[kind]
    with pytest.raises(BadInput, match=sentence) as problem:
        album(data, "mine.zip")
    assert "\n" not in str(problem.value)


def test_a_zip_within_limits_is_read_in_order_and_the_rest_is_named() -> None:
    found = album(zipped({"b/2.png": png(), "a/1.png": png(900, 600), "a/x.txt": b"x", "a/.hidden": b"x"}), "mine.zip")
    assert [p.name for p in found.pictures] == ["1.png", "2.png"] and found.labels == ("a", "b")
    assert found.pictures[0].pixels.shape == (341, 512, 3)
    assert len(found.skipped) == 1 and "'x.txt'" in found.skipped[0]


def test_paths_that_climb_are_only_names() -> None:
    found = album(zipped({"../../etc/1.png": png()}), "mine.zip")
    assert found.pictures[0].name == "1.png" and found.labels == ("etc",)


def test_unpacked_size_and_number_of_pictures_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "MOST_UNPACKED_BYTES", 100)
    with pytest.raises(BadInput, match="must unpack to at most"):
        album(zipped({"a.png": png(200, 200), "b.png": png(201, 200)}), "mine.zip")
    monkeypatch.setattr(albums, "MOST_PICTURES", 2)
    with pytest.raises(BadInput, match="must hold at most 2 pictures"):
        gather([(png(), f"{i}.png") for i in range(3)], "three files")


def test_one_picture_is_an_album_of_one_and_albums_are_told_apart() -> None:
    one, same, other = album(png(), "a.png"), album(png(), "b.png"), album(png(31), "a.png")
    assert one == same != other and hash(one) == hash(same) and one.labels == ("",)


def test_weights_are_safetensors_of_finite_numbers() -> None:
    found = weights(save({"w": np.eye(2, dtype=np.float32)}, {"classes": "a"}), "h.safetensors")
    assert np.array_equal(found.arrays["w"], np.eye(2)) and found.about == {"classes": "a"}
    for bad in (b"", b"PK\x03\x04", b"\x80\x04pickle", save({"w": np.array([np.nan], np.float32)}), b"\xff" * 100):
        with pytest.raises(BadInput):
            weights(bad, "h.safetensors")
